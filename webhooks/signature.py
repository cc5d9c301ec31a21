"""Tells GitHub's deliveries from forged ones. Never reads the body's content.

https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
"""

import hashlib
import hmac
import re
from collections.abc import Sequence

from app.errors import ConfigurationError

SHORTEST_SECRET = 8  # characters
_HEADER = re.compile(r"sha256=([0-9a-f]{64})", re.ASCII)


def check_secrets(secrets: Sequence[str]) -> tuple[bytes, ...]:
    """The secrets as keys.

    Raises:
        ConfigurationError: there is none, or one is so short that it can be guessed.
    """
    if not secrets or any(len(secret) < SHORTEST_SECRET for secret in secrets):
        raise ConfigurationError(f"GITHUB_WEBHOOK_SECRET must have at least {SHORTEST_SECRET} characters.")
    return tuple(secret.encode() for secret in secrets)


def is_signed(body: bytes, header: str | None, secrets: Sequence[bytes]) -> bool:
    """Whether `header` (`X-Hub-Signature-256`) is the body's HMAC under one of the secrets; in constant time."""
    match = _HEADER.fullmatch(header or "")
    if not match:
        return False
    digests = [hmac.new(secret, body, hashlib.sha256).hexdigest() for secret in secrets]
    return any([hmac.compare_digest(digest, match[1]) for digest in digests])  # noqa: C419 - no early end
