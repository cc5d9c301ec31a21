"""Runs DBOS's queue threads at our pace: they look for jobs when the database has changed, and rarely otherwise.

DBOS itself queries each queue ten times a second for ever, which takes a tenth of a core while nothing happens.
"""

import threading
import time
from collections.abc import Sequence
from heapq import heappop, heappush

from dbos import DBOS
from dbos._queue import queue_worker_thread

from app.store.changes import Changes
from app.store.database import Database

SQLITE_IDLE_S = 5.0  # every change is noticed; this is for jobs that a failed query left behind
POSTGRES_IDLE_S = 1.0  # a connection pool between may swallow notifications
POSTGRES_BUSY_S = 3.0  # DBOS starts a delayed job within a second, without a notification
INTERNAL_IDLE_S = 60.0  # of DBOS's own queue, which is for workflows without a queue; there are none
STOP_S = 10.0


class Pace(threading.Event):
    """The stop event of a queue thread. Its `wait` returns when it is time to look for jobs."""

    def __init__(self, changes: Changes, *, idle_s: float, busy_s: float) -> None:
        super().__init__()
        self._changes = changes
        self._idle_s = idle_s
        self._busy_s = busy_s
        self._busy_until_s = 0.0
        self._due_s: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for `timeout` while there is work, and longer if there is none; returns whether to stop."""
        idle_until_s = time.monotonic() + self._idle_s
        while not self.is_set():
            delays_s = self._changes.wait(timeout or self._idle_s)
            if self._is_due(delays_s) or time.monotonic() >= idle_until_s:
                break
        return self.is_set()

    def close(self) -> None:
        """Close the connection."""
        self._changes.close()

    def _is_due(self, delays_s: Sequence[float]) -> bool:
        now_s = time.monotonic()
        for delay_s in delays_s:
            heappush(self._due_s, now_s + delay_s)
        is_due = now_s < self._busy_until_s
        while self._due_s and self._due_s[0] <= now_s:
            heappop(self._due_s)
            self._busy_until_s = now_s + self._busy_s
            is_due = True
        return is_due


class QueueThreads:
    """The threads of this process that take jobs from the queues."""

    def __init__(self, database: Database, dbos: DBOS, queues: Sequence[str]) -> None:
        """Launch DBOS, which then looks for no jobs itself, and start the threads."""
        DBOS.listen_queues([])
        dbos._registry.get_internal_queue()._polling_interval_sec = INTERNAL_IDLE_S  # pyright: ignore[reportPrivateUsage]
        DBOS.launch()
        self._paces = [_pace(database) for _ in queues]
        self._threads = [
            threading.Thread(target=_take_jobs, args=(pace, dbos, name), name=f"queue-{name}", daemon=True)
            for pace, name in zip(self._paces, queues, strict=True)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop taking jobs, and wait for the threads."""
        for pace in self._paces:
            pace.set()
        for thread in self._threads:
            thread.join(STOP_S)
        for pace in self._paces:
            pace.close()


def _pace(database: Database) -> Pace:
    changes = database.watch_changes()
    if database.is_sqlite:
        return Pace(changes, idle_s=SQLITE_IDLE_S, busy_s=0.0)
    return Pace(changes, idle_s=POSTGRES_IDLE_S, busy_s=POSTGRES_BUSY_S)


def _take_jobs(pace: Pace, dbos: DBOS, name: str) -> None:
    queue = DBOS.retrieve_queue(name)
    if queue is None:
        raise LookupError(name)  # `JobQueue` registered it
    queue_worker_thread(pace, dbos, queue)
