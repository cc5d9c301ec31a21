"""Keeps one installation's requests within GitHub's secondary limits, before GitHub has to say so.

Sliding windows: bursts go out at once, with no fixed gap. Short waits are slept here; a long one becomes a `GitHubRateLimited`, so
that the job goes back to its queue instead of holding a worker. Figures:
https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits
"""

import re
import time
from bisect import insort
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import anyio
import httpx
from githubkit.throttling import BaseThrottler

from app.errors import GitHubRateLimited
from app.github.failures import Clock

CONCURRENCY = 8
MAX_SLEEP_S = 5.0
MARGIN_S = 2.0  # GitHub counts when a request arrives, and one that left later may have been faster
READ_POINTS, WRITE_POINTS = 1, 5

Sleep = Callable[[float], Awaitable[None]]
Processes = Callable[[], int]

_CREATES_CONTENT = re.compile(r"/(comments|reviews|replies)$")


class Window:
    """At most `size` in any `period_s`, however they are spread: a burst goes out at once, and then nothing until it is past.

    A bucket that refills evenly would let twice as much through in its first period.
    """

    def __init__(self, *, size: float, period_s: float) -> None:
        self._size = size
        self._period_s = period_s + MARGIN_S
        # (moment, cost), oldest first; also of those that still wait.
        self._taken: list[tuple[float, float]] = []

    def wait_s(self, cost: float, *, now: float) -> float:
        """Seconds until `cost` fits; 0 when it does."""
        self._taken = [(at, taken) for at, taken in self._taken if at > now - self._period_s]
        excess = min(cost, self._size) + sum(taken for _, taken in self._taken) - self._size
        free_at = now
        for at, taken in self._taken:
            if excess <= 0:
                break
            excess -= taken
            free_at = at + self._period_s
        return free_at - now

    def take(self, cost: float, *, at: float) -> None:
        """Count `cost`, at the moment when it goes out."""
        insort(self._taken, (at, cost))


class InstallationThrottle(BaseThrottler):
    """At most `CONCURRENCY` requests at once, points and created content by the minute and the hour.

    `hold(seconds)` closes it after GitHub has reported a limit: until then every request fails at once. `processes` tells
    how many share the limits: each keeps to its part, since none sees what the others ask.
    """

    def __init__(
        self, *, clock: Clock = time.time, sleep: Sleep = anyio.sleep, processes: Processes = lambda: 1
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._processes = processes
        self._slots = anyio.Semaphore(CONCURRENCY)
        self._closed_until = 0.0
        self._points = Window(size=900, period_s=60)
        self._content = (Window(size=80, period_s=60), Window(size=500, period_s=3_600))

    def hold(self, seconds: float) -> None:
        """Lets nothing through for so long."""
        self._closed_until = max(self._closed_until, self._clock() + seconds)

    @contextmanager
    def acquire(self, request: httpx.Request) -> Generator[None, Any, Any]:
        """Never: nothing here blocks a thread."""
        raise NotImplementedError("Quorum asks GitHub asynchronously only.")
        yield

    @asynccontextmanager
    async def async_acquire(self, request: httpx.Request) -> AsyncGenerator[None, Any]:
        """Waits for the request's turn; raises `GitHubRateLimited` where that is far off."""
        await self._pace(request)
        async with self._slots:
            yield

    async def _pace(self, request: httpx.Request) -> None:
        costs = self._costs(request)
        now = self._clock()
        wait_s = max(self._closed_until - now, *(window.wait_s(cost, now=now) for window, cost in costs))
        if wait_s > MAX_SLEEP_S:
            raise GitHubRateLimited(
                "This installation's requests are held back to keep GitHub's limits.", retry_after_s=wait_s
            )
        for window, cost in costs:
            window.take(cost, at=now + wait_s)
        if wait_s:
            await self._sleep(wait_s)

    def _costs(self, request: httpx.Request) -> list[tuple[Window, float]]:
        is_read = request.method == "GET" or request.url.path.endswith("/graphql")
        costs = [(self._points, float(READ_POINTS if is_read else WRITE_POINTS))]
        if request.method == "POST" and _CREATES_CONTENT.search(request.url.path):
            costs += [(window, 1.0) for window in self._content]
        sharing = self._processes()
        return [(window, cost * sharing) for window, cost in costs]
