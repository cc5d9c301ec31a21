"""Time, as a parameter: deadlines, back-off and circuits are tested without waiting."""

import asyncio
import time
from datetime import datetime
from typing import Protocol

from app.clock import utc_now


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
