"""Passes on what the reviews of this process are doing to the pages that watch them. In memory, bounded; stores nothing.

Reviews that other processes run are not seen here: their pages look at the database from time to time.
"""

import asyncio
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

from app.clock import utc_now
from app.domain.review import StationEvent

KEPT_REVIEWS = 200
KEPT_EVENTS = 100  # of one review


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """An event and when it was told."""

    event: StationEvent
    at: datetime


class Bell:
    """Rings for one watcher; several rings before it looks are one."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Wake the watcher; from any thread."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._rung.set)

    async def wait(self, timeout_s: float) -> None:
        """Until it rings, or the time is over."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._rung.wait()
        except TimeoutError:
            return
        self._rung.clear()


class Broadcast:
    """`publish` is the `Watch` of the reviews; pages `subscribe` to one of them."""

    def __init__(self, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._clock = clock
        self._lock = Lock()
        self._seen: OrderedDict[str, list[Seen]] = OrderedDict()
        self._bells: defaultdict[str, set[Bell]] = defaultdict(set)

    def publish(self, event: StationEvent) -> None:
        """Keep an event and wake whoever watches its review; never waits."""
        with self._lock:
            seen = self._seen.setdefault(event.review_id, [])
            self._seen.move_to_end(event.review_id)
            if len(seen) < KEPT_EVENTS:
                seen.append(Seen(event=event, at=self._clock()))
            while len(self._seen) > KEPT_REVIEWS:
                self._seen.popitem(last=False)
            bells = tuple(self._bells.get(event.review_id, ()))
        for bell in bells:
            bell.ring()

    def progress(self, review_id: str) -> tuple[Seen, ...]:
        """What has been told of a review, oldest first."""
        with self._lock:
            return tuple(self._seen.get(review_id, ()))

    @contextmanager
    def subscribe(self, review_id: str) -> Generator[Bell]:
        """A bell that rings at each event of a review."""
        bell = Bell()
        with self._lock:
            self._bells[review_id].add(bell)
        try:
            yield bell
        finally:
            with self._lock:
                self._bells[review_id].discard(bell)
                if not self._bells[review_id]:
                    del self._bells[review_id]
