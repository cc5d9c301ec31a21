"""Reads the bodies of deliveries, within limits of size, time, and memory. Whoever has no secret must not fill the memory."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from fastapi import Request
from starlette.requests import ClientDisconnect

from app.errors import DeliveryRejected
from webhooks.signature import SignatureCheck


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestLimits:
    """GitHub sends at most 25 MB and waits 10 s. Slow senders are cut off.

    `max_bodies_bytes` is the memory of all bodies that are arriving at the same time.
    """

    max_body_bytes: int = 25 * 1024 * 1024
    max_bodies_bytes: int = 32 * 1024 * 1024
    body_timeout_s: float = 10.0
    store_timeout_s: float = 8.0


GITHUB_LIMITS = RequestLimits()


@dataclass(slots=True, eq=False)
class _Arriving:
    """A body of which a part has arrived."""

    started_s: float
    parts: list[bytes] = field(default_factory=list[bytes])
    size_bytes: int = 0
    is_dropped: bool = False

    def occupied(self, now_s: float) -> tuple[float, int]:
        """How much memory the body has occupied for how long, and how much it occupies now."""
        return self.size_bytes * (now_s - self.started_s), self.size_bytes


class Bodies:
    """The bodies that are arriving. When they need too much memory, the body that occupied most for longest is dropped."""

    def __init__(self, limits: RequestLimits) -> None:
        self._limits = limits
        self._arriving: set[_Arriving] = set()
        self._size_bytes = 0

    async def read_signed(self, request: Request, keys: Sequence[bytes]) -> bytes:
        """Read the body of a signed request. A request without a signature is rejected before its body is read.

        Raises:
            DeliveryRejected: it is not signed, too large, too slow, compressed, or incomplete, or it was dropped.
        """
        check = SignatureCheck(request.headers.get("x-hub-signature-256"), keys)
        if not check.is_possible:
            raise DeliveryRejected(401, "the signature is missing or malformed")
        _check_headers(request, self._limits)
        parts = await self._read(request, check)
        if not check.is_valid():
            raise DeliveryRejected(401, "the signature is wrong")
        return b"".join(parts)

    async def _read(self, request: Request, check: SignatureCheck) -> list[bytes]:
        body = _Arriving(_now_s())
        self._arriving.add(body)
        try:
            async with asyncio.timeout(self._limits.body_timeout_s):
                async for part in request.stream():
                    self._add(body, part)
                    check.update(part)
        except TimeoutError as error:
            raise DeliveryRejected(408, "the body did not arrive in time") from error
        except ClientDisconnect as error:
            raise DeliveryRejected(400, "the body is incomplete") from error
        finally:
            self._arriving.remove(body)
            self._size_bytes -= body.size_bytes
        return body.parts

    def _add(self, body: _Arriving, part: bytes) -> None:
        if body.size_bytes + len(part) > self._limits.max_body_bytes:
            raise DeliveryRejected(413, "the body is too large")
        while self._size_bytes and self._size_bytes + len(part) > self._limits.max_bodies_bytes:
            self._drop_one()
        if body.is_dropped:
            raise DeliveryRejected(503, "too many large bodies are arriving; send it again later")
        body.parts.append(part)
        body.size_bytes += len(part)
        self._size_bytes += len(part)

    def _drop_one(self) -> None:
        """Free the memory of one body now; its reader rejects it when its next part arrives."""
        now_s = _now_s()
        largest = max(self._arriving, key=lambda each: each.occupied(now_s))
        self._size_bytes -= largest.size_bytes
        largest.parts.clear()
        largest.size_bytes = 0
        largest.is_dropped = True


def _check_headers(request: Request, limits: RequestLimits) -> None:
    """Check what is known before the body. Compressed bodies are rejected, because 50 kB can expand to 50 MB."""
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise DeliveryRejected(415, "compressed bodies are not accepted")
    if _declared_length(request) > limits.max_body_bytes:
        raise DeliveryRejected(413, "the body is too large")


def _declared_length(request: Request) -> int:
    declared = request.headers.get("content-length", "")
    return int(declared) if declared.isascii() and declared.isdigit() and len(declared) < 20 else 0


def _now_s() -> float:
    return asyncio.get_running_loop().time()
