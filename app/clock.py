"""Now: what a parameter `clock` is where nobody gives another. Never waits: who waits has `app/llm/clock.py`."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """The moment, UTC."""
    return datetime.now(UTC)
