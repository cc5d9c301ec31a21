"""Sends a notification to the operator's receiver, signed as Standard Webhooks say. Never retries, never follows a redirect.

The address is the operator's alone: nothing of a pull request or a configuration file can choose it.
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import binascii
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
    """Where notifications go. `transport` stands in for the network in tests.

    Raises:
        ConfigurationError: the address or the secret cannot be used.
    """

    def __init__(
        self, url: str, secret: str | None, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._url = _checked_url(url)
        self._webhook = Webhook(_key(secret))
        self._transport = transport

    async def post(self, message_id: str, body: str, *, at: datetime) -> None:
        """Send once; `message_id` is the same for every attempt, `at` the moment of this one.

        Raises:
            NotificationGone: the receiver wants no more of it (410).
            NotificationFailed: it was not taken with a 2xx.
        """
        headers = {
            "content-type": "application/json",
            "user-agent": "quorum",
            "webhook-id": message_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": self._webhook.sign(message_id, at, body),
        }
        async with httpx.AsyncClient(
            transport=self._transport, timeout=TIMEOUT_S, follow_redirects=False
        ) as client:
            try:  # the answer's body is nobody's concern and may be endless: it is not read
                async with client.stream("POST", self._url, headers=headers, content=body.encode()) as answer:
                    status = answer.status_code
            except httpx.HTTPError as error:
                raise NotificationFailed(
                    f"The receiver of notifications cannot be reached: {type(error).__name__}."
                ) from error
        if status == GONE:
            raise NotificationGone("The receiver of notifications is gone (410).")
        if not httpx.codes.is_success(status):
            raise NotificationFailed(f"The receiver of notifications answered {status}.")


def _checked_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        host = None
        parts = urlsplit("")
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK)
    if not host or not is_safe or parts.username or parts.fragment:
        raise ConfigurationError(
            "QUORUM_NOTIFY_URL must be an https address (http on loopback), without a user and without a fragment."
        )
    return url


def _key(secret: str | None) -> bytes:
    try:
        key = base64.b64decode((secret or "").removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) not in SECRET_BYTES:
        raise ConfigurationError(
            "QUORUM_NOTIFY_SECRET must be 24 to 64 random bytes in base64: `openssl rand -base64 32` makes one."
        )
    return key
