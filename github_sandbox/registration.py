"""The registered GitHub App and its webhook: signs deliveries, sends each once, logs them, and redelivers only on request.

https://docs.github.com/en/webhooks/using-webhooks/best-practices-for-using-webhooks
"""

import asyncio
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from github_sandbox.state import Account, Delivery, Installation, Json, node_id, timestamp

Send = Callable[[Mapping[str, str], bytes], Awaitable[int]]
"""Posts headers and a body to the receiver and returns its status code."""

PERMISSIONS = {
    "metadata": "read",
    "contents": "read",
    "pull_requests": "write",
    "issues": "write",
    "checks": "write",
}
EVENTS = (
    "pull_request",
    "issue_comment",
    "pull_request_review_comment",
    "pull_request_review",
    "pull_request_review_thread",
    "check_run",
    "check_suite",
    "merge_group",
    "repository",
)
PAYLOAD_CAP_BYTES = 25 * 1024 * 1024
_AUTOMATIC = (
    "installation",
    "installation_repositories",
    "installation_target",
    "github_app_authorization",
    "ping",
)
# Apps with checks:write get these without subscribing: https://docs.github.com/en/webhooks/webhook-events-and-payloads#check_run
_CHECK_EVENTS = ("check_run", "check_suite")


@dataclass(slots=True, kw_only=True)
class AppRegistration:
    """The registered App. `permissions` and `events` are what it requests; an installation keeps what was granted."""

    id: int
    slug: str
    name: str
    owner: Account
    client_id: str
    client_secret: str
    webhook_secret: str
    webhook_url: str
    external_url: str
    created_at: float
    hook_id: int
    permissions: dict[str, str]
    events: tuple[str, ...]
    private_key: str = field(repr=False)

    @property
    def bot_login(self) -> str:
        """The login under which the App writes."""
        return f"{self.slug}[bot]"


@cache
def rsa_private_key() -> str:
    """Generate one RSA key per process, because it takes 100 ms. https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app"""
    return (
        rsa.generate_private_key(public_exponent=65537, key_size=2048)
        .private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
        .decode()
    )


def sign(secret: str, body: bytes) -> str:
    """Compute the value of `X-Hub-Signature-256`."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def _signatures(secret: str, body: bytes) -> dict[str, str]:
    if not secret:
        return {}
    sha1 = hmac.new(secret.encode(), body, hashlib.sha1).hexdigest()
    return {"x-hub-signature-256": sign(secret, body), "x-hub-signature": f"sha1={sha1}"}


def _id_of(payload: Json, key: str) -> int | None:
    part: Json | None = payload.get(key)
    return part["id"] if part else None


class Hook:
    """The webhook of one App. `queue` holds deliveries that are not sent yet; tests may reorder, repeat or drop them."""

    def __init__(
        self, app: AppRegistration, *, next_id: Callable[[], int], clock: Callable[[], float]
    ) -> None:
        self._app = app
        self._next_id = next_id
        self._clock = clock
        self.queue: list[Delivery] = []
        self.log: dict[int, Delivery] = {}
        self.deadline_s = 10.0

    def emit(self, event: str, payload: Json, installation: Installation | None) -> Delivery | None:
        """Queue an event if the App receives it: it is subscribed, installed, not suspended, and the payload is within 25 MB."""
        if not _receives(event, installation):
            return None
        if installation is not None and "installation" not in payload:
            payload = {
                **payload,
                "installation": {"id": installation.id, "node_id": node_id("I", installation.id)},
            }
        body = json.dumps(payload, separators=(",", ":")).encode()
        if len(body) > PAYLOAD_CAP_BYTES:
            return None
        delivery = self._delivery(event, payload, body)
        self.queue.append(delivery)
        return delivery

    def _delivery(self, event: str, payload: Json, body: bytes) -> Delivery:
        guid = str(uuid.uuid4())
        headers = {
            "accept": "*/*",
            "content-type": "application/json",
            "user-agent": "GitHub-Hookshot/sandbox",
            "x-github-delivery": guid,
            "x-github-event": event,
            "x-github-hook-id": str(self._app.hook_id),
            "x-github-hook-installation-target-id": str(self._app.id),
            "x-github-hook-installation-target-type": "integration",
            **_signatures(self._app.webhook_secret, body),
        }
        return Delivery(
            id=self._next_id(),
            guid=guid,
            event=event,
            action=payload.get("action"),
            installation_id=_id_of(payload, "installation"),
            repository_id=_id_of(payload, "repository"),
            headers=headers,
            body=body,
            delivered_at=self._clock(),
        )

    async def deliver_all(self, send: Send) -> list[Delivery]:
        """Send each queued delivery once, in order, including those queued meanwhile; return what was sent."""
        sent: list[Delivery] = []
        while self.queue:
            sent.append(await self.deliver(self.queue.pop(0), send))
        return sent

    async def deliver(self, delivery: Delivery, send: Send) -> Delivery:
        """Send one delivery. Anything but a 2xx within 10 seconds is a failure, and nothing is retried automatically."""
        started = time.monotonic()
        try:
            async with asyncio.timeout(self.deadline_s):
                delivery.status_code = await send(delivery.headers, delivery.body)
            delivery.status = "OK" if 200 <= delivery.status_code < 300 else "Invalid HTTP Response"
        except TimeoutError:
            delivery.status, delivery.status_code = "timed out", 504
        except OSError:
            delivery.status, delivery.status_code = "failed to connect", 502
        delivery.duration_s = time.monotonic() - started
        delivery.delivered_at = self._clock()
        self.log[delivery.id] = delivery
        return delivery

    def redeliver(self, delivery_id: int) -> Delivery:
        """Queue a delivery again with a new id, the same GUID and the same bytes; KeyError if it was never sent."""
        first = self.log[delivery_id]
        again = replace(
            first,
            id=self._next_id(),
            redelivery=True,
            status="pending",
            status_code=0,
            headers={**first.headers, **_signatures(self._app.webhook_secret, first.body)},
        )
        self.queue.append(again)
        return again


def _receives(event: str, installation: Installation | None) -> bool:
    if event in _AUTOMATIC:
        return True
    if installation is None or installation.suspended_at is not None or installation.deleted:
        return False
    if event in _CHECK_EVENTS and installation.permissions.get("checks") == "write":
        return True
    return event in installation.events


def render_delivery_item(delivery: Delivery) -> Json:
    """Render `hook-delivery-item`: a row of the list."""
    return {
        "id": delivery.id,
        "guid": delivery.guid,
        "delivered_at": timestamp(delivery.delivered_at),
        "redelivery": delivery.redelivery,
        "duration": round(delivery.duration_s, 3),
        "status": delivery.status,
        "status_code": delivery.status_code,
        "event": delivery.event,
        "action": delivery.action,
        "installation_id": delivery.installation_id,
        "repository_id": delivery.repository_id,
        "throttled_at": None,
    }


def render_delivery(delivery: Delivery, url: str) -> Json:
    """Render `hook-delivery`: one delivery with its request and response."""
    return {
        **render_delivery_item(delivery),
        "url": url,
        "request": {"headers": dict(delivery.headers), "payload": json.loads(delivery.body)},
        "response": {"headers": {}, "payload": None},
    }


def render_hook_config(url: str, secret: str) -> Json:
    """Render `webhook-config`; the secret is never shown."""
    return {
        "url": url,
        "content_type": "json",
        "insecure_ssl": "0",
        **({"secret": "********"} if secret else {}),
    }
