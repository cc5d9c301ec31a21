"""Lets deliveries go first: GitHub waits ten seconds for an answer, and a review may wait much longer.

Jobs share a processor and a loop with the receiver. While many deliveries come in close together, a job stands still
before each of its steps, for a bounded time, so that every job comes to its end under any load. Knows no job and no delivery.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable

MANY = 10
WITHIN_S = 0.5  # as many deliveries in this time have the right of way
LONGEST_S = 5.0  # that one step waits for them


class RightOfWay:
    """One process's; `clock` in seconds."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._came: deque[float] = deque(maxlen=MANY)

    def take(self) -> None:
        """A delivery has come."""
        self._came.append(self._clock())

    async def give(self) -> None:
        """Return once few deliveries come in, or after `LONGEST_S`."""
        until = self._clock() + LONGEST_S
        while (busy_s := self._busy_s()) > 0 and self._clock() < until:
            await self._sleep(busy_s)

    def _busy_s(self) -> float:
        """How long it will be busy if nothing more comes."""
        if len(self._came) < MANY:
            return 0.0
        return self._came[0] + WITHIN_S - self._clock()
