"""Webhooks: which events are sent, how they are signed, and that nothing is retried automatically.

https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
https://docs.github.com/en/webhooks/using-webhooks/handling-failed-webhook-deliveries
"""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

import pytest

from github_sandbox import Anchor
from tests.github_sandbox.conftest import SandboxHarness
from tests.github_sandbox.test_auth import app_jwt


class Receiver:
    """Keeps the deliveries it receives and responds as configured."""

    def __init__(self, status: int = 202) -> None:
        self.status = status
        self.got: list[tuple[Mapping[str, str], bytes]] = []

    async def __call__(self, headers: Mapping[str, str], body: bytes) -> int:
        self.got.append((headers, body))
        return self.status

    def events(self) -> list[str]:
        return [f"{h['x-github-event']}.{json.loads(b).get('action', '')}" for h, b in self.got]

    def payload(self, event: str) -> Any:
        return next(json.loads(b) for h, b in reversed(self.got) if h["x-github-event"] == event)


@pytest.fixture
async def receiver(world: SandboxHarness) -> Receiver:
    """A receiver that has already received the events of opening the pull request."""
    await world.sandbox.deliver_all(Receiver())
    return Receiver()


async def test_opening_a_pull_request_sends_a_signed_event(world: SandboxHarness) -> None:
    got = Receiver()
    await world.sandbox.deliver_all(got)
    assert got.events() == ["check_suite.requested", "pull_request.opened"]
    headers, body = got.got[1]
    secret = world.sandbox.app.webhook_secret.encode()
    assert headers["x-hub-signature-256"] == "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()
    payload = json.loads(body)
    assert payload["pull_request"]["head"]["sha"] == world.pull.head_sha
    assert payload["installation"]["id"] == world.installation_id
    assert payload["repository"]["full_name"] == "acme/payments"


async def test_deliveries_have_no_signature_without_a_secret(world: SandboxHarness) -> None:
    world.sandbox.app.webhook_secret = ""
    delivery = world.sandbox.ping()
    assert delivery is not None
    assert "x-hub-signature-256" not in delivery.headers


async def test_the_event_of_a_push_has_before_and_after(world: SandboxHarness, receiver: Receiver) -> None:
    before = world.pull.head_sha
    after = world.pull.push({"new.py": "one\n"})
    await world.sandbox.deliver_all(receiver)
    payload = receiver.payload("pull_request")
    assert (payload["action"], payload["before"], payload["after"]) == ("synchronize", before, after)


async def test_a_failed_delivery_is_not_retried(world: SandboxHarness, receiver: Receiver) -> None:
    receiver.status = 503
    world.pull.close()
    await world.sandbox.deliver_all(receiver)
    await world.sandbox.deliver_all(receiver)
    assert receiver.events() == ["pull_request.closed"]
    deliveries = (await world.request("GET", "app/hook/deliveries", token=app_jwt(world))).json()
    (failed,) = (each for each in deliveries if each["status"] != "OK")
    assert (failed["status_code"], failed["status"], failed["event"]) == (
        503,
        "Invalid HTTP Response",
        "pull_request",
    )


async def test_a_redelivery_has_the_same_guid_and_bytes(world: SandboxHarness, receiver: Receiver) -> None:
    """https://github.com/github/docs/issues/32822"""
    world.pull.close()
    (first,) = await world.sandbox.deliver_all(receiver)
    await world.request("POST", f"app/hook/deliveries/{first.id}/attempts", token=app_jwt(world))
    (second,) = await world.sandbox.deliver_all(receiver)
    assert (second.guid, second.body, second.redelivery) == (first.guid, first.body, True)
    assert second.id != first.id
    assert receiver.got[0] == receiver.got[1]


async def test_a_response_after_ten_seconds_is_a_failure(world: SandboxHarness) -> None:
    async def never(_headers: Mapping[str, str], _body: bytes) -> int:
        await asyncio.Event().wait()
        return 202

    assert world.sandbox.hook.deadline_s == 10.0
    world.sandbox.hook.deadline_s = 0.0
    (delivery, *_) = await world.sandbox.deliver_all(never)
    assert (delivery.status, delivery.status_code) == ("timed out", 504)


async def test_an_unreachable_receiver_is_a_failure(world: SandboxHarness) -> None:
    async def refuse(_headers: Mapping[str, str], _body: bytes) -> int:
        raise ConnectionRefusedError

    (delivery, *_) = await world.sandbox.deliver_all(refuse)
    assert delivery.status == "failed to connect"


async def test_deliveries_are_kept_for_three_days_and_paged_by_cursor(
    world: SandboxHarness, receiver: Receiver
) -> None:
    for _ in range(3):
        world.sandbox.ping()
    await world.sandbox.deliver_all(receiver)
    token = app_jwt(world)
    first = await world.request("GET", "app/hook/deliveries", token=token, params={"per_page": 2})
    assert len(first.json()) == 2
    rest = await world.http.get(first.links["next"]["url"], headers={"authorization": f"Bearer {token}"})
    assert first.json()[-1]["id"] > rest.json()[0]["id"]
    world.clock.now += 3 * 86_400
    assert (await world.request("GET", "app/hook/deliveries", token=app_jwt(world))).json() == []


async def test_a_test_can_repeat_and_reorder_deliveries(world: SandboxHarness) -> None:
    queue = world.sandbox.hook.queue
    queue.reverse()
    queue.append(queue[0])
    got = Receiver()
    await world.sandbox.deliver_all(got)
    assert got.events() == ["pull_request.opened", "check_suite.requested", "pull_request.opened"]


async def test_events_of_comments_mark_the_issue_as_a_pull_request(
    world: SandboxHarness, receiver: Receiver
) -> None:
    said = world.pull.comment("bob", "/rereview")
    world.pull.edit_comment("bob", said, "/rereview full")
    await world.sandbox.deliver_all(receiver)
    assert receiver.events() == ["issue_comment.created", "issue_comment.edited"]
    payload = receiver.payload("issue_comment")
    assert payload["issue"]["pull_request"]["url"] == world.pull.url
    assert (payload["comment"]["body"], payload["changes"]["body"]["from"]) == ("/rereview full", "/rereview")
    assert payload["sender"]["login"] == "bob"


async def test_a_review_sends_one_event_and_one_for_each_comment(
    world: SandboxHarness, receiver: Receiver
) -> None:
    comments = [(Anchor(path="pay.py", line=5), "a"), (Anchor(path="new.py", line=1), "b")]
    world.pull.review("bob", "two things", comments)
    await world.sandbox.deliver_all(receiver)
    told = ["pull_request_review.submitted", *["pull_request_review_comment.created"] * 2]
    assert receiver.events() == told
    assert receiver.payload("pull_request_review")["review"]["state"] == "commented"


async def test_each_change_of_a_pull_request_sends_an_event(
    world: SandboxHarness, receiver: Receiver
) -> None:
    pull = world.pull
    pull.convert_to_draft()
    pull.mark_ready()
    pull.edit(title="Another")
    pull.add_label("skip-review")
    pull.close()
    pull.reopen()
    pull.merge()
    await world.sandbox.deliver_all(receiver)
    actions = ["converted_to_draft", "ready_for_review", "edited", "labeled", "closed", "reopened", "closed"]
    assert receiver.events() == [f"pull_request.{action}" for action in actions]
    assert receiver.payload("pull_request")["pull_request"]["merged"] is True


async def test_checks_are_rerequested_by_run_suite_and_button(
    world: SandboxHarness, receiver: Receiver
) -> None:
    """https://docs.github.com/en/webhooks/webhook-events-and-payloads#check_run"""
    action = {"label": "Again", "description": "Review again", "identifier": "rereview"}
    run = world.repository.create_check_run(
        {"name": "n", "head_sha": world.pull.head_sha, "actions": [action]}
    )
    with pytest.raises(KeyError):
        world.repository.request_action(run, "rereview")
    world.repository.update_check_run(run, {"conclusion": "neutral"})
    world.repository.request_action(run, "rereview")
    world.repository.rerequest(run)
    world.repository.rerequest_suite(world.pull.head_sha)
    await world.sandbox.deliver_all(receiver)
    actions = ["created", "completed", "requested_action", "rerequested"]
    assert receiver.events() == [*(f"check_run.{a}" for a in actions), "check_suite.rerequested"]
    told = receiver.payload("check_run")["check_run"]
    assert [row["number"] for row in told["pull_requests"]] == [1]


async def test_check_events_of_a_fork_have_no_pull_request(world: SandboxHarness, receiver: Receiver) -> None:
    pull = world.repository.open_pull({"x.py": "x\n"}, fork="mallory", author="mallory")
    run = world.repository.create_check_run({"name": "n", "head_sha": pull.head_sha})
    world.repository.rerequest(run)
    await world.sandbox.deliver_all(receiver)
    told = receiver.payload("check_run")["check_run"]
    assert (told["pull_requests"], told["check_suite"]["pull_requests"]) == ([], [])
    assert told["check_suite"]["head_branch"] is None


async def test_resolving_a_thread_sends_an_event(world: SandboxHarness, receiver: Receiver) -> None:
    world.pull.review_comment("bob", Anchor(path="pay.py", line=5), "why?")
    world.pull.resolve("alice", world.pull.threads[0])
    world.pull.resolve("alice", world.pull.threads[0], resolved=False)
    await world.sandbox.deliver_all(receiver)
    assert receiver.events()[-2:] == [
        "pull_request_review_thread.resolved",
        "pull_request_review_thread.unresolved",
    ]


async def test_a_merge_queue_requests_checks_of_its_own_commit(
    world: SandboxHarness, receiver: Receiver
) -> None:
    world.sandbox.installations[world.installation_id].events += ("merge_group",)
    head = world.repository.queue_merge([world.pull])
    await world.sandbox.deliver_all(receiver)
    payload = receiver.payload("merge_group")
    assert (payload["action"], payload["merge_group"]["head_sha"]) == ("checks_requested", head)
    assert (await world.request("POST", "/check-runs", {"name": "n", "head_sha": head})).status_code == 201


async def test_changes_of_an_installation_send_events(world: SandboxHarness, receiver: Receiver) -> None:
    installation = world.sandbox.install("globex", announce=True)
    world.sandbox.create_repository("globex/api", {"a": "b"})
    world.sandbox.select_repositories(installation, ["globex/api"])
    world.sandbox.select_repositories(installation, [])
    world.sandbox.accept_permissions(installation, {"contents": "write"})
    world.sandbox.suspend(installation)
    world.sandbox.unsuspend(installation)
    world.sandbox.uninstall(installation)
    await world.sandbox.deliver_all(receiver)
    assert receiver.events() == [
        "installation.created",
        "installation_repositories.removed",
        "installation.new_permissions_accepted",
        "installation.suspend",
        "installation.unsuspend",
        "installation.deleted",
    ]


async def test_events_without_a_subscription_are_not_sent(world: SandboxHarness, receiver: Receiver) -> None:
    world.repository.push({"x.py": "x\n"})
    await world.sandbox.deliver_all(receiver)
    assert receiver.events() == [
        "check_suite.requested"
    ]  # `check_suite` goes to every App with checks:write, `push` only to subscribers


async def test_a_suspended_installation_receives_nothing(world: SandboxHarness, receiver: Receiver) -> None:
    world.sandbox.suspend(world.sandbox.installations[world.installation_id])
    world.pull.comment("bob", "hello?")
    await world.sandbox.deliver_all(receiver)
    assert receiver.events() == ["installation.suspend"]


async def test_a_payload_over_25_megabytes_is_not_sent(world: SandboxHarness, receiver: Receiver) -> None:
    """https://docs.github.com/en/webhooks/webhook-events-and-payloads#payload-cap"""
    assert world.sandbox.hook.emit("ping", {"zen": "z" * (25 * 1024 * 1024)}, None) is None
    assert world.sandbox.hook.queue == []
