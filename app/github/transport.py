"""How requests travel to GitHub: one connection pool, proxies, timeouts, and a throttle for the secondary limits.

The throttle uses sliding windows: bursts go out immediately. It sleeps for short waits; a long wait becomes a
`GitHubRateLimited`, so that the job returns to its queue instead of blocking a worker. Limits:
https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits"""

import re
import time
from bisect import insort
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import anyio
import httpx
from githubkit.throttling import BaseThrottler

from app.errors import GitHubRateLimited, GitHubRejected
from app.github.failures import Clock

TIMEOUT_S = 30.0
USER_AGENT = "quorum-review"


class KeptOpenTransport(httpx.AsyncBaseTransport):
    """Shares one connection pool between clients that close their transport after each request.

    GitHub redirects requests for a renamed or transferred repository to its id. Each request is repeated as it is, also a
    POST, which httpx would turn into a GET after a 301 or 302, and nothing is sent to another host.
    https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#follow-redirects
    """

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request."""
        response = await self._transport.handle_async_request(request)
        if response.is_redirect and "location" in response.headers:
            target = request.url.join(response.headers["location"])
            if (target.scheme, target.host, target.port) != (
                request.url.scheme,
                request.url.host,
                request.url.port,
            ):
                await response.aclose()
                raise GitHubRejected("GitHub redirects to another host, which Quorum does not follow.")
            if request.method not in ("GET", "HEAD"):
                response.status_code = 307
        return response

    async def aclose(self) -> None:
        """Do nothing; the owner calls `close`."""

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.aclose()


def open_transport(api_url: str) -> httpx.AsyncBaseTransport:
    """Open a connection pool, through the environment's proxy if there is one (HTTPS_PROXY, NO_PROXY)."""
    parts = urlsplit(api_url)
    proxy = None if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme)
    return httpx.AsyncHTTPTransport(proxy=proxy, limits=httpx.Limits(max_connections=64, keepalive_expiry=30))


CONCURRENCY = 8
MAX_SLEEP_S = 5.0
MARGIN_S = 2.0  # GitHub counts arrivals, and a later request can arrive earlier
READ_POINTS, WRITE_POINTS = 1, 5

Sleep = Callable[[float], Awaitable[None]]
Processes = Callable[[], int]

_CREATES_CONTENT = re.compile(r"/(comments|reviews|replies)$")


class Window:
    """A sliding window: at most `size` in any `period_s`. A burst goes out immediately, then nothing until the period ends.

    A token bucket would allow twice as much in its first period.
    """

    def __init__(self, *, size: float, period_s: float) -> None:
        self._size = size
        self._period_s = period_s + MARGIN_S
        # (time, cost), oldest first; includes waiting requests
        self._taken: list[tuple[float, float]] = []

    def wait_s(self, cost: float, *, now: float) -> float:
        """Return the seconds until `cost` fits; 0 if it fits now."""
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
        """Count `cost` at the time the request goes out."""
        insort(self._taken, (at, cost))


class InstallationThrottle(BaseThrottler):
    """Limits concurrency, points per minute, and created content per minute and hour.

    After GitHub reports a limit, `hold(seconds)` makes all requests fail immediately. `processes` returns how many
    processes share the limits: each uses its share, because it does not see the others' requests.
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
        """Block all requests for this long."""
        self._closed_until = max(self._closed_until, self._clock() + seconds)

    @contextmanager
    def acquire(self, request: httpx.Request) -> Generator[None, Any, Any]:
        """Not supported: Quorum uses async requests only."""
        raise NotImplementedError("Quorum uses async requests only.")
        yield

    @asynccontextmanager
    async def async_acquire(self, request: httpx.Request) -> AsyncGenerator[None, Any]:
        """Wait for the request's turn; raises `GitHubRateLimited` if the wait is long."""
        await self._pace(request)
        async with self._slots:
            yield

    async def _pace(self, request: httpx.Request) -> None:
        costs = self._costs(request)
        now = self._clock()
        wait_s = max(self._closed_until - now, *(window.wait_s(cost, now=now) for window, cost in costs))
        if wait_s > MAX_SLEEP_S:
            raise GitHubRateLimited(
                "Quorum holds back this installation's requests to stay within GitHub's limits.",
                retry_after_s=wait_s,
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
        processes = self._processes()
        return [(window, cost * processes) for window, cost in costs]
