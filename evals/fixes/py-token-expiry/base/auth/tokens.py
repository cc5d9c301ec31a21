from dataclasses import dataclass


@dataclass(frozen=True)
class Token:
    user_id: int
    expires_at: str  # UTC, such as 2026-03-01T12:00:00
