"""What the receiver responds in the running App: nothing unsigned is accepted, nothing accepted is lost."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from app.store.job_tables import DeliveryRow, InstallationRow
from github_sandbox import GitHubSandbox, Pull
from github_sandbox.registration import sign
from tests.scenarios.conftest import Open
from tests.scenarios.reading import conclusions, take_checks, take_review, take_summary
from tests.scenarios.world import World

LARGEST_BYTES = 25 * 1024 * 1024
PAY = {"pay.py": "def pay(amount):\n    return amount\n"}


def take_clean_review(pull: Pull) -> None:
    assert "no problems" in take_review(pull).body.lower()


def states(world: World) -> list[tuple[str, str]]:
    rows: list[InstallationRow] = world.rows(InstallationRow)
    return [(row.account, row.state) for row in rows]


@pytest.mark.parametrize(
    "signature",
    [
        pytest.param({}, id="no signature"),
        pytest.param({"x-hub-signature-256": "sha256=" + "0" * 64}, id="a wrong one"),
        pytest.param({"x-hub-signature-256": "sha1=" + "0" * 40}, id="sha1"),
        pytest.param({"x-hub-signature-256": "sha256=é"}, id="not ASCII"),
    ],
)
async def test_an_unsigned_delivery_is_not_parsed(world: World, signature: dict[str, str]) -> None:
    names = {"x-github-event": "ping", "x-github-delivery": "1"}
    headers = httpx.Headers(
        [(name.encode(), value.encode()) for name, value in {**names, **signature}.items()]
    )
    answer = await world.client.post("/webhooks/github", headers=headers, content=b"{not JSON")
    assert answer.status_code == 401
    assert not world.rows(DeliveryRow)


async def test_the_body_is_verified_byte_for_byte(world: World) -> None:
    world.open_pull(PAY)
    delivery = world.github.hook.queue.pop()
    world.github.hook.queue.clear()
    answer = await world.post(delivery.headers, delivery.body + b" ")
    assert answer.status_code == 401


async def test_the_previous_secret_works_during_rotation(opened: Open) -> None:
    async with opened(github_webhook_secret_previous="the-secret-before-this-one") as world:
        signature = sign("the-secret-before-this-one", b'{"zen": "Keep it simple."}')
        answer = await world.send("ping", b'{"zen": "Keep it simple."}', x_hub_signature_256=signature)
        assert (answer.status_code, answer.json()) == (200, {"ignored": "ping"})


async def test_more_than_25_mb_are_rejected_announced_or_in_chunks(world: World) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(26):
            yield b"x" * 1024 * 1024

    announced = await world.send("push", b"x" * (LARGEST_BYTES + 1))
    headers = {
        "x-hub-signature-256": "sha256=" + "0" * 64,
        "x-github-event": "push",
        "x-github-delivery": "chunks",
    }
    chunked = await world.client.post("/webhooks/github", content=chunks(), headers=headers)
    assert (announced.status_code, chunked.status_code) == (413, 413)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"{", id="cut"),
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(b"[]", id="no object"),
        pytest.param(b'{"action": "opened"}', id="without what the event has"),
        pytest.param(b'{"action": 1, "pull_request": [], "repository": "x"}', id="of wrong shapes"),
        pytest.param(b"\xff\xfe", id="no UTF-8"),
    ],
)
async def test_a_signed_body_that_makes_no_sense_is_malformed(world: World, body: bytes) -> None:
    assert (await world.send("pull_request", body)).status_code == 400


async def test_unneeded_events_are_ignored_with_the_reason(world: World) -> None:
    unknown = await world.send("sponsorship", b"{}")
    assert (unknown.status_code, unknown.json()) == (
        200,
        {"ignored": "Quorum does not use the event sponsorship"},
    )
    world.github.ping()
    pull = world.open_pull(PAY, draft=False)
    world.github.hook.queue[:] = world.github.hook.queue[:1]  # only the ping
    pull.comment("alice", "Looks good!")
    sent = await world.deliver()
    assert [delivery.status_code for delivery in sent] == [200] * len(sent)
    await world.settle()
    assert not world.rows(DeliveryRow)


async def test_an_opened_pull_request_is_stored_before_the_response(opened: Open) -> None:
    async with opened(quorum_paused=True) as world:
        world.open_pull(PAY)
        delivery = next(each for each in world.github.hook.queue if each.event == "pull_request")
        answer = await world.post(delivery.headers, delivery.body)
        assert (answer.status_code, answer.json()) == (202, {"delivery": delivery.guid})
        [row] = world.rows(DeliveryRow)
        assert (row.guid, row.state) == (delivery.guid, "queued")


async def test_installation_events_update_the_database(world: World) -> None:
    world.github.create_repository("other/one", {"a.py": "a = 1\n"}, install=False)
    installation = world.github.install("other", announce=True)
    await world.settle()
    assert states(world) == [("other", "active")]
    world.github.suspend(installation)
    await world.settle()
    assert states(world) == [("other", "suspended")]
    world.github.unsuspend(installation)
    await world.settle()
    assert states(world) == [("other", "active")]
    world.github.uninstall(installation)
    await world.settle()
    assert states(world) == [("other", "deleted")]


async def test_accounts_that_are_not_allowed_are_ignored(opened: Open) -> None:
    async with opened(quorum_allowed_owners=("acme",)) as world:
        world.open_pull(PAY)
        sent = await world.deliver()
        assert {delivery.status_code for delivery in sent} == {200}
        assert not world.rows(DeliveryRow)


async def test_redelivered_and_repeated_deliveries_are_one_review(world: World) -> None:
    pull = world.open_pull(PAY)
    delivery = next(each for each in world.github.hook.queue if each.event == "pull_request")
    answers = await asyncio.gather(*(world.post(delivery.headers, delivery.body) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {202}
    await world.settle()
    sent = next(each for each in world.github.hook.log.values() if each.event == "pull_request")
    world.github.hook.redeliver(sent.id)
    await world.settle()
    take_clean_review(pull)
    take_summary(pull)
    assert conclusions(take_checks(pull)) == {"review": "success", "security": "success", "docs": "success"}
    assert len(world.reviews()) == 1


async def test_a_delivery_that_cannot_be_stored_is_rejected_and_accepted_when_it_is_sent_again(
    world: World,
) -> None:
    pull = world.open_pull(PAY)
    with world.database.write() as session:
        session.connection().execute(text("ALTER TABLE deliveries RENAME TO elsewhere"))
    sent = [each for each in await world.deliver() if each.event == "pull_request"]
    assert [delivery.status_code for delivery in sent] == [503]
    world.log.take("cannot store a delivery")
    with world.database.write() as session:
        session.connection().execute(text("ALTER TABLE elsewhere RENAME TO deliveries"))
    world.github.hook.redeliver(sent[0].id)
    await world.settle()
    take_clean_review(pull)
    take_summary(pull)
    take_checks(pull)


async def test_an_accepted_delivery_survives_the_end_of_the_process(tmp_path: Path, opened: Open) -> None:
    github = GitHubSandbox(tmp_path / "github")
    async with opened(github=github, quorum_paused=True) as world:
        pull = world.open_pull(PAY)
        sent = [each.status_code for each in await world.deliver() if each.event == "pull_request"]
        assert sent == [202]
    async with opened(github=github) as world:
        await world.settle()
        take_clean_review(pull)
        take_summary(pull)
        take_checks(pull)


async def test_health_and_readiness_are_public_and_figures_require_the_token(world: World) -> None:
    for path, status in (("/healthz", 200), ("/readyz", 200), ("/api/stats", 401), ("/metrics", 401)):
        assert (await world.client.get(path)).status_code == status
    authorised = {"authorization": "Bearer a-token-of-the-dashboard"}
    answer = await world.client.get("/api/stats", headers=authorised)
    assert json.loads(answer.content)["since"] == "7d"
