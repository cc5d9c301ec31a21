"""Generates forged and malformed requests to the receiver from a seed; not a test."""

import hashlib
import hmac
import random
from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx
from fastapi import FastAPI

from app.domain.job import Accepted, Delivery, Duplicate, Job
from webhooks.bodies import RequestLimits
from webhooks.receiver import webhook_router
from webhooks.triggers import Rules

SECRET = "the-secret-of-the-receiver"
BODY = (
    b'{"action":"opened","installation":{"id":1},"repository":{"id":1,"full_name":"octo/shop","name":"shop",'
    b'"owner":{"login":"octo","id":1}},"pull_request":{"number":1,"head":{"sha":"' + b"a" * 40 + b'"}}}'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forged:
    """One request as it goes over the wire."""

    headers: list[tuple[bytes, bytes]]
    body: bytes


class ReceiverProbe:
    """A receiver, and the ids of the deliveries that it accepted."""

    def __init__(self) -> None:
        self.accepted: list[str] = []
        app = FastAPI()
        app.include_router(
            webhook_router(
                secrets=[SECRET],
                queue=self,
                rules=Rules(redact=str, app_slug="quorum", allowed_owners=frozenset()),
                clock=lambda: datetime.now(UTC),
                limits=RequestLimits(max_body_bytes=50_000),
            )
        )
        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app), base_url="http://quorum.test"
        )

    async def enqueue(self, delivery: Delivery, job: Job) -> Accepted | Duplicate:
        del job
        self.accepted.append(delivery.guid)
        return Accepted(guid=delivery.guid)

    async def post(self, forged: Forged) -> int:
        """Post a request and return the status of the response."""
        response = await self._client.post("/webhooks/github", content=forged.body, headers=forged.headers)
        return response.status_code


@dataclass(slots=True)
class _Forger:
    rng: random.Random
    kinds: list[str] = field(
        default_factory=lambda: [
            "none", "zeros", "other secret", "sha1", "upper", "cut", "bytes", "changed body", "signed nonsense", "large",
            "compressed", "two",
        ]
    )  # fmt: skip

    def one(self) -> Forged:
        kind = self.rng.choice(self.kinds)
        body = self._body(kind)
        headers = [
            (b"x-github-event", self.rng.choice([b"pull_request", b"push", b"\xff", b"", b"issue_comment"])),
            (b"x-github-delivery", self.rng.randbytes(6).hex().encode()),
        ]
        headers += [(b"x-hub-signature-256", value) for value in self._signatures(kind, body)]
        if kind == "compressed":
            headers.append((b"content-encoding", b"gzip"))
        if kind == "changed body":
            body += b" "
        return Forged(headers=headers, body=body)

    def _body(self, kind: str) -> bytes:
        if kind == "large":
            return b"x" * 50_001
        if kind == "signed nonsense":
            return self.rng.choice(
                [b"[" * 9_000, b"{", b"null", self.rng.randbytes(200), b'{"a":' + b"9" * 5_000]
            )
        return BODY[: self.rng.randint(0, len(BODY))] if self.rng.random() < 0.3 else BODY

    def _signatures(self, kind: str, body: bytes) -> list[bytes]:
        right = _sign(SECRET, body)
        match kind:
            case "none":
                return []
            case "zeros":
                return [b"sha256=" + b"0" * 64]
            case "other secret":
                return [_sign("another-secret-altogether", body)]
            case "sha1":
                return [b"sha1=" + hmac.new(SECRET.encode(), body, hashlib.sha1).hexdigest().encode()]
            case "upper":
                return [right.upper()]
            case "cut":
                return [right[: self.rng.randint(0, len(right) - 1)]]
            case "bytes":
                return [b"sha256=" + bytes(self.rng.randint(0x80, 0xFF) for _ in range(64))]
            case "two":
                return [b"sha256=" + b"0" * 64, right]
            case _:
                return [right]


def _sign(secret: str, body: bytes) -> bytes:
    return b"sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest().encode()


def forged_requests(seed: int, *, count: int) -> Generator[Forged]:
    """Generate `count` requests, none of which GitHub would send."""
    forger = _Forger(random.Random(seed))
    for _ in range(count):
        yield forger.one()
