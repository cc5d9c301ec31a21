"""Keeps one installation's requests within GitHub's secondary limits, before GitHub has to say so.

Token buckets with burst and no fixed gap. Short waits are slept here; a long one becomes a `GitHubRateLimited`, so
that the job goes back to its queue instead of holding a worker. Figures:
https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits
"""

import re
import time
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
READ_POINTS, WRITE_POINTS = 1, 5

Sleep = Callable[[float], Awaitable[None]]
Processes = Callable[[], int]

_CREATES_CONTENT = re.compile(r"/(comments|reviews|replies)$")


class Bucket:
    """A token bucket: `size` at once, refilled evenly over `period_s`."""

    def __init__(self, *, size: float, period_s: float, now: float) -> None:
        self._size = size
        self._per_s = size / period_s
        self._level = size
        self._at = now

    def wait_s(self, cost: float, *, now: float) -> float:
        """Seconds until `cost` is there; 0 when it is."""
        self._level = min(self._size, self._level + (now - self._at) * self._per_s)
        self._at = now
        return max(0.0, (cost - self._level) / self._per_s)

    def take(self, cost: float) -> None:
        """Takes `cost`; below zero it is borrowed from the seconds that the caller sleeps."""
        self._level -= cost


class InstallationThrottle(BaseThrottler):
    """At most `CONCURRENCY` requests at once, points and created content by the minute and the hour.

    `hold(seconds)` closes it after GitHub has reported a limit: until then every request fails at once. `processes` tells
    how many share the limits: each keeps to its part, since none sees what the others ask.
    """

    def __init__(
        self, *, clock: Clock = time.time, sleep: Sleep = anyio.sleep, processes: Processes = lambda: 1
    ) -> None:
        now = clock()
        self._clock = clock
        self._sleep = sleep
        self._processes = processes
        self._slots = anyio.Semaphore(CONCURRENCY)
        self._closed_until = 0.0
        self._points = Bucket(size=900, period_s=60, now=now)
        self._content = (Bucket(size=80, period_s=60, now=now), Bucket(size=500, period_s=3_600, now=now))

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
        wait_s = max(self._closed_until - now, *(bucket.wait_s(cost, now=now) for bucket, cost in costs), 0.0)
        if wait_s > MAX_SLEEP_S:
            raise GitHubRateLimited(
                "This installation's requests are held back to keep GitHub's limits.", retry_after_s=wait_s
            )
        for bucket, cost in costs:
            bucket.take(cost)
        if wait_s:
            await self._sleep(wait_s)

    def _costs(self, request: httpx.Request) -> list[tuple[Bucket, float]]:
        is_read = request.method == "GET" or request.url.path.endswith("/graphql")
        costs = [(self._points, float(READ_POINTS if is_read else WRITE_POINTS))]
        if request.method == "POST" and _CREATES_CONTENT.search(request.url.path):
            costs += [(bucket, 1.0) for bucket in self._content]
        sharing = self._processes()
        return [(bucket, cost * sharing) for bucket, cost in costs]
