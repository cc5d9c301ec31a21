"""The current time, and time as a parameter, so that tests of deadlines and backoff do not wait."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


def utc_now() -> datetime:
    """The moment, UTC."""
    return datetime.now(UTC)


class Clock(Protocol):
    """What the model layer asks of time."""

    def monotonic_s(self) -> float:
        """Seconds that never go back."""
        ...

    def now(self) -> datetime:
        """The moment, UTC."""
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
        """The moment, UTC."""
        return utc_now()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)
