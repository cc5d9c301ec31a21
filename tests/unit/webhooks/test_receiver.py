import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.domain.job import Accepted, Delivery, Duplicate, Job
from app.errors import StoreUnavailable
from tests.unit.webhooks.deliveries import NOW, SECRET, Json, encoded, issue_comment, pull_request, sign
from webhooks.bodies import RequestLimits
from webhooks.receiver import webhook_router
from webhooks.triggers import Rules

EXAMPLES = Path(__file__).parents[2] / "data" / "github" / "webhooks-examples.json"


class Inbox:
    """Stores each delivery once, like the engine."""

    def __init__(self) -> None:
        self.jobs: dict[str, Job] = {}
        self.error: Exception | None = None
        self.hangs = False

    async def enqueue(self, delivery: Delivery, job: Job) -> Accepted | Duplicate:
        if self.error:
            raise self.error
        if self.hangs:
            await asyncio.Event().wait()
        if delivery.guid in self.jobs:
            return Duplicate(guid=delivery.guid, of=delivery.guid)
        self.jobs[delivery.guid] = job
        return Accepted(guid=delivery.guid)


class Receiver:
    """The receiver behind an in-process transport."""

    def __init__(self, limits: RequestLimits | None = None) -> None:
        self.inbox = Inbox()
        app = FastAPI()
        router = webhook_router(
            secrets=[SECRET],
            queue=self.inbox,
            rules=Rules(redact=str),
            clock=lambda: NOW,
            limits=limits or RequestLimits(max_body_bytes=200_000),
        )
        app.include_router(router)
        self._transport = httpx.ASGITransport(app)

    async def post(
        self, content: bytes | AsyncIterator[bytes], *, signed: bytes | None = None, **headers: str | None
    ) -> httpx.Response:
        body = signed if signed is not None else content
        sent: dict[str, str | None] = {
            "x-github-delivery": "guid-1",
            "x-github-event": "pull_request",
            "x-hub-signature-256": sign(body) if isinstance(body, bytes) else None,
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        async with httpx.AsyncClient(transport=self._transport, base_url="http://quorum") as client:
            present = {
                name.encode(): value.encode("latin-1") for name, value in sent.items() if value is not None
            }
            return await client.post("/webhooks/github", content=content, headers=present)


async def test_a_signed_delivery_is_stored_before_it_is_acknowledged() -> None:
    receiver = Receiver()
    answer = await receiver.post(encoded(pull_request("opened")))
    assert (answer.status_code, answer.json()) == (202, {"delivery": "guid-1"})
    assert list(receiver.inbox.jobs) == ["guid-1"]


async def test_a_redelivery_is_acknowledged_again() -> None:
    receiver = Receiver()
    body = encoded(pull_request("opened"))
    await receiver.post(body)
    answer = await receiver.post(body)
    assert (answer.status_code, answer.json()) == (202, {"delivery": "guid-1", "same_as": "guid-1"})


async def test_an_event_that_asks_for_nothing_is_ignored_with_the_reason() -> None:
    answer = await Receiver().post(encoded({"zen": "x"}), x_github_event="ping")
    assert (answer.status_code, answer.json()) == (200, {"ignored": "ping"})


@pytest.mark.parametrize("signature", [None, "", "sha1=abc", "sha256=" + "0" * 64, "sha256=\xe9\xe9"])
async def test_a_delivery_without_a_valid_signature_is_not_parsed(signature: str | None) -> None:
    receiver = Receiver()
    answer = await receiver.post(b"{not json", x_hub_signature_256=signature)
    assert answer.status_code == 401
    assert not receiver.inbox.jobs


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{not json",
        b"[]",
        b'"text"',
        b"null",
        b"{}",
        b"\xff\xfe",
        b'{"action": "opened"}',
        b'{"a": NaN}',
        b'{"a": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
        b'{"a": ' + b'{"a": ' * 15_000 + b"1" + b"}" * 15_001,
        b'{"installation": {"id": ' + b"9" * 90_000 + b"}}",
        b'{"action": "\\ud800"}',
        encoded(issue_comment("/rereview")),
        b"payload=%7B%7D",
    ],
)
async def test_a_malformed_body_is_answered_400(body: bytes) -> None:
    receiver = Receiver()
    answer = await receiver.post(body)
    assert answer.status_code == 400, answer.text
    assert not receiver.inbox.jobs


@pytest.mark.parametrize(
    "headers",
    [
        {"x_github_delivery": None},
        {"x_github_delivery": ""},
        {"x_github_delivery": "a b"},
        {"x_github_delivery": "x" * 65},
        {"x_github_event": None},
        {"x_github_event": "Pull-Request"},
        {"x_github_event": "\xe9"},
    ],
)
async def test_malformed_headers_are_answered_400(headers: dict[str, str | None]) -> None:
    answer = await Receiver().post(encoded(pull_request("opened")), **cast("dict[str, Any]", headers))
    assert answer.status_code == 400


async def test_a_declared_length_over_the_limit_is_answered_413() -> None:
    assert (await Receiver().post(b"x" * 200_001)).status_code == 413


async def test_a_chunked_body_over_the_limit_is_answered_413_before_its_end() -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1
            yield b"x" * 10_000

    assert (await Receiver().post(endless(), signed=b"")).status_code == 413
    assert sent < 40


async def test_a_compressed_body_is_rejected() -> None:
    answer = await Receiver().post(encoded(pull_request("opened")), content_encoding="gzip")
    assert answer.status_code == 415
    assert (
        await Receiver().post(encoded(pull_request("opened")), content_encoding="identity")
    ).status_code == 202


async def test_a_slow_sender_is_cut_off() -> None:
    async def dripping() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    assert (
        await Receiver(RequestLimits(body_timeout_s=0.05)).post(dripping(), signed=b"{")
    ).status_code == 408


async def test_a_delivery_that_cannot_be_stored_is_answered_503_so_github_may_resend_it() -> None:
    receiver = Receiver()
    receiver.inbox.error = StoreUnavailable("disk full")
    answer = await receiver.post(encoded(pull_request("opened")))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
    assert "disk" not in answer.text
    receiver.inbox.error = None
    assert (await receiver.post(encoded(pull_request("opened")))).status_code == 202


async def test_a_database_that_does_not_answer_is_answered_503_before_github_times_out() -> None:
    receiver = Receiver(RequestLimits(store_timeout_s=0.05))
    receiver.inbox.hangs = True
    assert (await receiver.post(encoded(pull_request("opened")))).status_code == 503


def _examples() -> list[tuple[str, Json]]:
    found: dict[str, list[Json]] = json.loads(EXAMPLES.read_text())
    return [(event, body) for event, bodies in found.items() for body in bodies]


async def test_every_example_from_github_is_answered_without_a_server_error() -> None:
    """https://github.com/octokit/webhooks: hundreds of real payloads, over all events."""
    receiver = Receiver(RequestLimits())
    answers: dict[int, int] = {}
    for number, (event, body) in enumerate(_examples()):
        answer = await receiver.post(encoded(body), x_github_event=event, x_github_delivery=f"guid-{number}")
        answers[answer.status_code] = answers.get(answer.status_code, 0) + 1
        assert answer.status_code in (200, 202), (event, answer.text)
    assert answers[202] >= 10
    assert sum(answers.values()) >= 200


async def test_githubs_examples_with_an_installation_become_jobs() -> None:
    receiver = Receiver(RequestLimits())
    for number, (event, body) in enumerate(_examples()):
        body["installation"] = body.get("installation") or {"id": 77}
        await receiver.post(encoded(body), x_github_event=event, x_github_delivery=f"guid-{number}")
    kinds = {job.kind for job in receiver.inbox.jobs.values()}
    assert kinds >= {"review", "closed", "check_suite", "merge_group", "installation"}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(data=st.data())
def test_signed_nonsense_never_causes_a_server_error(data: st.DataObject) -> None:
    """A valid payload with any value replaced by any other, for any event."""
    body = data.draw(st.sampled_from([pull_request("opened"), issue_comment("/rereview")]))
    place = body
    while True:
        key = data.draw(st.sampled_from(sorted(place)))
        if not isinstance(place[key], dict) or not place[key] or data.draw(st.booleans()):
            break
        place = place[key]
    place[key] = data.draw(json_values)
    event = data.draw(
        st.sampled_from(["pull_request", "issue_comment", "check_run", "installation", "merge_group"])
    )
    answer = asyncio.run(Receiver(RequestLimits()).post(encoded(body), x_github_event=event))
    assert answer.status_code in (200, 202, 400)


@settings(max_examples=100, deadline=None)
@given(body=st.binary(max_size=200))
def test_signed_bytes_of_any_kind_never_cause_a_server_error(body: bytes) -> None:
    assert asyncio.run(Receiver(RequestLimits()).post(body)).status_code == 400
