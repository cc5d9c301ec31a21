"""Now: what a parameter `clock` is where nobody gives another. The one function that reads the time of day; it never waits."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """The moment, UTC."""
    return datetime.now(UTC)
