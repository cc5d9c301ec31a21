"""The signature of a delivery: its key, its header, and the check of a body while it arrives.

https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
"""

import hashlib
import hmac
import re
from collections.abc import Sequence

from app.errors import ConfigurationError

MIN_SECRET_CHARACTERS = 8
_SIGNATURE = re.compile(r"sha256=([0-9a-f]{64})", re.ASCII)


def check_secrets(secrets: Sequence[str]) -> tuple[bytes, ...]:
    """Encode the secrets as keys.

    Raises:
        ConfigurationError: there is none, or one is too short.
    """
    if not secrets or any(len(secret) < MIN_SECRET_CHARACTERS for secret in secrets):
        raise ConfigurationError(
            f"GITHUB_WEBHOOK_SECRET must have at least {MIN_SECRET_CHARACTERS} characters."
        )
    return tuple(secret.encode() for secret in secrets)


class SignatureCheck:
    """Whether a header (`X-Hub-Signature-256`) is the body's HMAC with one of the keys."""

    def __init__(self, header: str | None, keys: Sequence[bytes]) -> None:
        match = _SIGNATURE.fullmatch(header or "")
        self._signature = match[1] if match else None
        self._digests = [hmac.new(key, digestmod=hashlib.sha256) for key in keys]

    @property
    def is_possible(self) -> bool:
        """Whether the header has the form of a signature. If not, no body can match."""
        return self._signature is not None

    def update(self, part: bytes) -> None:
        """Add the next part of the body."""
        for digest in self._digests:
            digest.update(part)

    def is_valid(self) -> bool:
        """Whether the signature is valid for the parts so far; compares in constant time."""
        signature = self._signature
        if signature is None:
            return False
        return any([hmac.compare_digest(each.hexdigest(), signature) for each in self._digests])  # noqa: C419 - no early exit
