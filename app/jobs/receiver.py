"""Sends a signed notification to the operator's receiver, as specified by Standard Webhooks. Never retries or follows a redirect.

Only the operator sets the address: no pull request and no configuration file can change it. A separate module, because
importing the HTTP client is slow and most commands do not need it.
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlsplit

import httpx
from standardwebhooks import Webhook

from app.errors import ConfigurationError, NotificationFailed, NotificationGone

TIMEOUT_S = 20.0  # the specification recommends 15 to 30
GONE = 410
SECRET_BYTES = range(24, 65)
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_PREFIX = "whsec_"


class Receiver:
    """The operator's receiver. `transport` replaces the network in tests.

    Raises:
        ConfigurationError: the address or the secret is invalid.
    """

    def __init__(
        self, url: str, secret: str | None, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._url = checked_url(url)
        self._webhook = Webhook(_key(secret))
        self._transport = transport

    async def post(self, message_id: str, body: str, *, at: datetime) -> None:
        """Send once; `message_id` is the same for every attempt, and `at` is the time of this one.

        Raises:
            NotificationGone: the receiver does not want this notification (410).
            NotificationFailed: the response was not 2xx.
        """
        headers = {
            "content-type": "application/json",
            "user-agent": "quorum",
            "webhook-id": message_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": self._webhook.sign(message_id, at, body),
        }
        await post(self._url, headers, body, transport=self._transport)


async def post(
    url: str, headers: Mapping[str, str], body: str, *, transport: httpx.AsyncBaseTransport | None
) -> None:
    """Send a request once.

    Raises:
        NotificationGone: the receiver does not want this notification (410).
        NotificationFailed: the response was not 2xx.
    """
    async with httpx.AsyncClient(transport=transport, timeout=TIMEOUT_S, follow_redirects=False) as client:
        try:  # does not read the body, which may be endless
            async with client.stream("POST", url, headers=headers, content=body.encode()) as response:
                status = response.status_code
        except httpx.HTTPError as error:
            raise NotificationFailed(
                f"Cannot reach the notification receiver: {type(error).__name__}."
            ) from error
    if status == GONE:
        raise NotificationGone("The notification receiver no longer exists (410).")
    if not httpx.codes.is_success(status):
        raise NotificationFailed(f"The notification receiver responded with status {status}.")


def checked_url(url: str, *, setting: str = "QUORUM_NOTIFY_URL") -> str:
    """Return the address; raises `ConfigurationError` unless it is https."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        host = None
        parts = urlsplit("")
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK)
    if not host or not is_safe or parts.username or parts.fragment:
        raise ConfigurationError(
            f"{setting} must be an https URL (http on loopback) without user and fragment."
        )
    return url


def _key(secret: str | None) -> bytes:
    try:
        key = base64.b64decode((secret or "").removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) not in SECRET_BYTES:
        raise ConfigurationError(
            "QUORUM_NOTIFY_SECRET must be 24 to 64 random bytes in base64. Create one with `openssl rand -base64 32`."
        )
    return key
