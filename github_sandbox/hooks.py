"""The App's webhook: signs deliveries, sends them once, keeps their log, and sends again only when asked.

https://docs.github.com/en/webhooks/using-webhooks/best-practices-for-using-webhooks
"""

import asyncio
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from github_sandbox.rendering import node_id, timestamp
from github_sandbox.state import Delivery, Installation, Json

if TYPE_CHECKING:
    from github_sandbox.hub import GitHubSandbox

Send = Callable[[Mapping[str, str], bytes], Awaitable[int]]
"""Carries headers and body to the receiver and returns its status."""

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


def sign(secret: str, body: bytes) -> str:
    """The value of `X-Hub-Signature-256`."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def _id_of(payload: Json, key: str) -> int | None:
    part: Json | None = payload.get(key)
    return part["id"] if part else None


class Hook:
    """The deliveries to one App. `queue` holds what was not sent yet; tests may reorder, repeat or drop there."""

    def __init__(self, hub: "GitHubSandbox") -> None:
        self._hub = hub
        self.queue: list[Delivery] = []
        self.log: dict[int, Delivery] = {}
        self.deadline_s = 10.0

    def emit(self, event: str, payload: Json, installation: Installation | None) -> Delivery | None:
        """Queue an event if the App hears of it: subscribed, installed and not suspended, and within 25 MB."""
        if not self._hears(event, installation):
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

    def _hears(self, event: str, installation: Installation | None) -> bool:
        if event in _AUTOMATIC:
            return True
        if installation is None or installation.suspended_at is not None or installation.deleted:
            return False
        if event in _CHECK_EVENTS and installation.permissions.get("checks") == "write":
            return True
        return event in installation.events

    def _delivery(self, event: str, payload: Json, body: bytes) -> Delivery:
        app = self._hub.app
        guid = str(uuid.uuid4())
        headers = {
            "accept": "*/*",
            "content-type": "application/json",
            "user-agent": "GitHub-Hookshot/sandbox",
            "x-github-delivery": guid,
            "x-github-event": event,
            "x-github-hook-id": str(app.hook_id),
            "x-github-hook-installation-target-id": str(app.id),
            "x-github-hook-installation-target-type": "integration",
        }
        if app.webhook_secret:
            headers["x-hub-signature-256"] = sign(app.webhook_secret, body)
            headers["x-hub-signature"] = (
                "sha1=" + hmac.new(app.webhook_secret.encode(), body, hashlib.sha1).hexdigest()
            )
        return Delivery(
            id=self._hub.next_id(),
            guid=guid,
            event=event,
            action=payload.get("action"),
            installation_id=_id_of(payload, "installation"),
            repository_id=_id_of(payload, "repository"),
            headers=headers,
            body=body,
            delivered_at=self._hub.clock(),
        )

    async def deliver_all(self, send: Send) -> list[Delivery]:
        """Send what is queued, in order, each once; also what is queued meanwhile. Returns what was sent."""
        sent: list[Delivery] = []
        while self.queue:
            sent.append(await self.deliver(self.queue.pop(0), send))
        return sent

    async def deliver(self, delivery: Delivery, send: Send) -> Delivery:
        """Send one delivery: anything but 2xx within 10 s is a failure, and nothing is ever sent again by itself."""
        begun = time.monotonic()
        try:
            async with asyncio.timeout(self.deadline_s):
                delivery.status_code = await send(delivery.headers, delivery.body)
            delivery.status = "OK" if 200 <= delivery.status_code < 300 else "Invalid HTTP Response"
        except TimeoutError:
            delivery.status, delivery.status_code = "timed out", 504
        except OSError:
            delivery.status, delivery.status_code = "failed to connect", 502
        delivery.duration_s = time.monotonic() - begun
        delivery.delivered_at = self._hub.clock()
        self.log[delivery.id] = delivery
        return delivery

    def redeliver(self, delivery_id: int) -> Delivery:
        """Queue a delivery again: another id, the same guid, the same bytes. KeyError for one never sent."""
        again = replace(
            self.log[delivery_id],
            id=self._hub.next_id(),
            redelivery=True,
            status="pending",
            status_code=0,
            headers={
                **self.log[delivery_id].headers,
                **(
                    {"x-hub-signature-256": sign(self._hub.app.webhook_secret, self.log[delivery_id].body)}
                    if self._hub.app.webhook_secret
                    else {}
                ),
            },
        )
        self.queue.append(again)
        return again


def render_delivery_item(delivery: Delivery) -> Json:
    """`hook-delivery-item`: a row of the list."""
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
    """`hook-delivery`: one with its request and the answer."""
    return {
        **render_delivery_item(delivery),
        "url": url,
        "request": {"headers": dict(delivery.headers), "payload": json.loads(delivery.body)},
        "response": {"headers": {}, "payload": None},
    }
