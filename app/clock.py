"""The current time, clocks as parameters (so that tests of deadlines and backoff do not wait), and spans such as `7d`."""

import asyncio
import re
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

from app.errors import InputError

_SPAN = re.compile(r"(\d{1,4})([hdw])", re.ASCII)
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def utc_now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)


def parse_since(text: str) -> timedelta:
    """Parse a time span such as `7d`; raise `InputError` unless it is in hours, days or weeks."""
    match = _SPAN.fullmatch(text.strip().lower())
    if not match:
        raise InputError(
            f"{text[:20]!r} is not a time span: use hours, days or weeks, such as 12h, 7d or 4w."
        )
    return int(match[1]) * _UNITS[match[2]]


class Clock(Protocol):
    """A source of time, for everything that waits or depends on the time."""

    def monotonic_s(self) -> float:
        """Seconds that never go back."""
        ...

    def now(self) -> datetime:
        """The current time in UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class SystemClock:
    """The machine's time."""

    def monotonic_s(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()

    def now(self) -> datetime:
        """The current time in UTC."""
        return utc_now()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)
