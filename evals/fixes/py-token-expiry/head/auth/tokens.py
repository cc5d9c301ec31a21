from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Token:
    user_id: int
    expires_at: str  # UTC, such as 2026-03-01T12:00:00


def is_valid(token: Token) -> bool:
    """Whether the token has not expired yet."""
    return datetime.fromisoformat(token.expires_at) > datetime.now()
