"""Lets deliveries go first: GitHub waits ten seconds for an answer, and a review may wait much longer.

Jobs share a processor and a loop with the receiver. While many deliveries come in close together, a job stands still
before each of its steps, for a bounded time, so that every job comes to its end under any load. Those whose time is over go one
after the other: thirty that begin a step together would keep the receiver from its answers. Knows no job and no delivery.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable

MANY = 10
WITHIN_S = 0.5  # as many deliveries in this time have the right of way
LONGEST_S = 5.0  # that one step waits for them
APART_S = 0.1  # the steps that waited as long


class RightOfWay:
    """One process's; `clock` in seconds."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        longest_s: float = LONGEST_S,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._longest_s = longest_s
        self._next_s = clock()  # not before then goes the next one whose time is over
        self._came: deque[float] = deque(maxlen=MANY)

    def take(self) -> None:
        """A delivery has come."""
        self._came.append(self._clock())

    async def give(self) -> None:
        """Return once few deliveries come in, or it has waited for `LONGEST_S` and it is its turn."""
        until_s = self._clock() + self._longest_s
        while (busy_s := self._busy_s()) > 0 and self._clock() < until_s:
            await self._sleep(busy_s)
        if busy_s > 0:
            await self._sleep(self._turn_s())

    def _turn_s(self) -> float:
        """In how many seconds it is the turn of one whose time is over."""
        turn_s = max(self._clock(), self._next_s)
        self._next_s = turn_s + APART_S
        return turn_s - self._clock()

    def _busy_s(self) -> float:
        """How long it will be busy if nothing more comes."""
        if len(self._came) < MANY:
            return 0.0
        return self._came[0] + WITHIN_S - self._clock()
