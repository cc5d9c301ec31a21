import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import Response

from app.errors import DeliveryRejected
from tests.unit.webhooks.deliveries import SECRET, sign
from webhooks.bodies import Bodies, RequestLimits
from webhooks.signature import check_secrets

LIMITS = RequestLimits(max_body_bytes=1_000, max_bodies_bytes=1_200)
FORGED = "sha256=" + "0" * 64


class Sender:
    """Sends a body part by part, as a test says."""

    def __init__(self, app: FastAPI, signature: str) -> None:
        self.asked = 0
        self._parts: asyncio.Queue[bytes] = asyncio.Queue()
        self._app = app
        self._signature = signature
        self.answer = asyncio.create_task(self._post())

    async def send(self, part: bytes) -> None:
        """Send a part, and wait until it was read; an empty part is the end."""
        self._parts.put_nowait(part)
        for _ in range(20):
            await asyncio.sleep(0)

    async def _post(self) -> httpx.Response:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(self._app), base_url="http://quorum"
        ) as client:
            return await client.post(
                "/", content=self._content(), headers={"x-hub-signature-256": self._signature}
            )

    async def _content(self) -> AsyncIterator[bytes]:
        while True:
            self.asked += 1
            if not (part := await self._parts.get()):
                return
            yield part


@pytest.fixture
def app() -> FastAPI:
    """Answers with the body, or with the status of the rejection."""
    bodies, app = Bodies(LIMITS), FastAPI()

    @app.post("/")
    async def read(request: Request) -> Response:  # pyright: ignore[reportUnusedFunction]
        try:
            return Response(await bodies.read_signed(request, check_secrets([SECRET])))
        except DeliveryRejected as error:
            return Response(str(error), error.status)

    return app


@pytest.mark.parametrize("signature", ["", "sha1=abc", "sha256=abc", FORGED.upper(), FORGED + "0"])
async def test_a_body_with_a_malformed_signature_is_not_read(app: FastAPI, signature: str) -> None:
    sender = Sender(app, signature)
    assert (await sender.answer).status_code == 401
    assert sender.asked == 0


async def test_a_body_in_parts_is_accepted(app: FastAPI) -> None:
    sender = Sender(app, sign(b"one two"))
    for part in (b"one", b" two", b""):
        await sender.send(part)
    assert (await sender.answer).content == b"one two"


async def test_the_body_that_occupied_most_memory_for_longest_gives_way(app: FastAPI) -> None:
    large, small = Sender(app, FORGED), Sender(app, sign(b"s" * 400))
    await large.send(b"x" * 900)
    await asyncio.sleep(0.01)
    await small.send(b"s" * 200)
    await small.send(b"s" * 200)
    await small.send(b"")
    await large.send(b"x")
    assert (await small.answer).status_code == 200
    assert (await large.answer).status_code == 503


async def test_bodies_that_ended_leave_room_for_others(app: FastAPI) -> None:
    for _ in range(5):
        sender = Sender(app, FORGED)
        await sender.send(b"x" * 900)
        await sender.send(b"")
        assert (await sender.answer).status_code == 401
