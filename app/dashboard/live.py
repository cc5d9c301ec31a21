"""Passes events of this process's reviews to the pages that show them. In memory and bounded; stores nothing.

Events of reviews in other processes do not arrive here; their pages poll the database.
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

MAX_REVIEWS = 200
MAX_EVENTS = 100  # per review


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedEvent:
    """An event and the time of its arrival."""

    event: StationEvent
    at: datetime


class ReviewSubscription:
    """Wakes one page when its review has new events; several events before it looks count as one."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._has_news = asyncio.Event()

    def notify(self) -> None:
        """Wake the page; callable from any thread."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._has_news.set)

    async def wait(self, timeout_s: float) -> None:
        """Wait until there are new events, or until the timeout."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._has_news.wait()
        except TimeoutError:
            return
        self._has_news.clear()


class ReviewBroadcast:
    """Receives the events of reviews (`publish` is a `Watch`), to which pages `subscribe`."""

    def __init__(self, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._clock = clock
        self._lock = Lock()
        self._events: OrderedDict[str, list[TimedEvent]] = OrderedDict()
        self._subscriptions: defaultdict[str, set[ReviewSubscription]] = defaultdict(set)

    def publish(self, event: StationEvent) -> None:
        """Store an event and wake the pages of its review; never blocks."""
        with self._lock:
            events = self._events.setdefault(event.review_id, [])
            self._events.move_to_end(event.review_id)
            if len(events) < MAX_EVENTS:
                events.append(TimedEvent(event=event, at=self._clock()))
            while len(self._events) > MAX_REVIEWS:
                self._events.popitem(last=False)
            subscriptions = tuple(self._subscriptions.get(event.review_id, ()))
        for subscription in subscriptions:
            subscription.notify()

    def progress(self, review_id: str) -> tuple[TimedEvent, ...]:
        """Return the events of a review, oldest first."""
        with self._lock:
            return tuple(self._events.get(review_id, ()))

    @contextmanager
    def subscribe(self, review_id: str) -> Generator[ReviewSubscription]:
        """Subscribe to the events of a review."""
        subscription = ReviewSubscription()
        with self._lock:
            self._subscriptions[review_id].add(subscription)
        try:
            yield subscription
        finally:
            with self._lock:
                self._subscriptions[review_id].discard(subscription)
                if not self._subscriptions[review_id]:
                    del self._subscriptions[review_id]
