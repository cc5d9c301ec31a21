"""Runs DBOS's queue threads at our pace: a queue is polled when it has a job that may start, and never otherwise.

DBOS itself polls each queue ten times a second for ever, which takes a tenth of a core while nothing happens. Here one
thread waits until the database changes, and then one small query tells which queues have work.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence

from dbos import DBOS
from dbos._queue import queue_worker_thread

from app.errors import StoreUnavailable
from app.store.changes import Changes
from app.store.database import Database
from app.store.unavailable import mapped_errors

logger = logging.getLogger(__name__)

SQLITE_STEP_S = 0.1  # nothing wakes a thread when the file changes
POSTGRES_STEP_S = 1.0  # notifications end the wait
SQLITE_IDLE_S = 5.0  # every change is noticed; this is for jobs that a failed query left behind
POSTGRES_IDLE_S = 1.0  # a connection pool between may swallow notifications
POSTGRES_BUSY_S = 0.2  # no notification says that a job has ended and the next one may start
INTERNAL_IDLE_S = 60.0  # of DBOS's own queue, which is for workflows without a queue; there are none
STOP_S = 10.0

# One row for each queue with jobs that may start, and one for the jobs that wait for a time. Uses two partial indexes.
_WORK = """
    SELECT queue_name, NULL FROM {table} WHERE status = 'ENQUEUED' GROUP BY queue_name
    UNION ALL SELECT NULL, MIN(delay_until_epoch_ms) FROM {table} WHERE status = 'DELAYED'
"""


class QueueTurn(threading.Event):
    """The stop event of a queue thread. Its `wait` returns when the thread is to poll its queue."""

    def __init__(self) -> None:
        super().__init__()
        self._has_work = threading.Event()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until there is work, no matter how long; returns whether to stop."""
        del timeout
        self._has_work.wait()
        self._has_work.clear()
        return self.is_set()

    def set(self) -> None:
        """Stop the thread."""
        super().set()
        self.give()

    def give(self) -> None:
        """Let the thread poll its queue once."""
        self._has_work.set()


class JobWatch:
    """Gives the queue threads their turns. `start_delayed` lets jobs start whose delay has ended."""

    def __init__(
        self, database: Database, turns: dict[str, QueueTurn], *, start_delayed: Callable[[], None]
    ) -> None:
        self._database = database
        self._turns = turns
        self._start_delayed = start_delayed
        self._idle_s = SQLITE_IDLE_S if database.is_sqlite else POSTGRES_IDLE_S
        self._busy_s = SQLITE_IDLE_S if database.is_sqlite else POSTGRES_BUSY_S
        self._step_s = SQLITE_STEP_S if database.is_sqlite else POSTGRES_STEP_S
        self._query = _WORK.format(table="workflow_status" if database.is_sqlite else "dbos.workflow_status")
        self._look_at_s = 0.0

    def run(self, changes: Changes, *, until: threading.Event) -> None:
        """Look for work after each change, when a delay ends, and now and then."""
        while not until.is_set():
            left_s = max(self._look_at_s - time.monotonic(), 0.0)
            if changes.wait(min(self._step_s, left_s)) or time.monotonic() >= self._look_at_s:
                self._look_at_s = time.monotonic() + self.look()

    def look(self) -> float:
        """Give the queues with work their turn; returns after how many seconds to look again if nothing changes."""
        try:
            queues, delay_s = self._find_work()
            if delay_s is not None and delay_s <= 0:
                self._start_delayed()
                queues, delay_s = self._find_work()
        except StoreUnavailable as error:
            logger.warning("cannot look for jobs: %s", error)
            return self._idle_s
        for name in queues & self._turns.keys():
            self._turns[name].give()
        idle_s = self._busy_s if queues else self._idle_s
        return idle_s if delay_s is None else min(max(delay_s, 0.0), idle_s)

    def _find_work(self) -> tuple[set[str], float | None]:
        """Return the queues with jobs that may start, and in how many seconds the first delay ends, if any job has one."""
        with self._database.driver(writes=False) as driver:
            found = driver.rows(self._query, ())
        delays_s = [until_ms / 1_000 - time.time() for _, until_ms in found if until_ms is not None]
        return {name for name, _ in found if name}, delays_s[0] if delays_s else None


class QueueThreads:
    """The threads of this process that take jobs from the queues."""

    def __init__(self, database: Database, dbos: DBOS, queues: Sequence[str]) -> None:
        """Launch DBOS, which then looks for no jobs itself, and start the threads."""
        DBOS.listen_queues([])
        dbos._registry.get_internal_queue()._polling_interval_sec = INTERNAL_IDLE_S  # pyright: ignore[reportPrivateUsage]
        DBOS.launch()
        dbos._background_jobs_stop_event.set()  # pyright: ignore[reportPrivateUsage]  # it looks for delayed jobs every second
        self._changes = database.watch_changes()
        self._stop = threading.Event()
        self._turns = {name: QueueTurn() for name in queues}
        watch = JobWatch(database, self._turns, start_delayed=_starter(dbos))
        self._threads = [
            threading.Thread(target=_take_jobs, args=(turn, dbos, name), name=f"queue-{name}", daemon=True)
            for name, turn in self._turns.items()
        ]
        self._threads.append(
            threading.Thread(
                target=watch.run,
                args=(self._changes,),
                kwargs={"until": self._stop},
                name="queues",
                daemon=True,
            )
        )
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop taking jobs, and wait for the threads."""
        self._stop.set()
        for turn in self._turns.values():
            turn.set()
        for thread in self._threads:
            thread.join(STOP_S)
        self._changes.close()


def _starter(dbos: DBOS) -> Callable[[], None]:
    def start_delayed() -> None:
        with mapped_errors():
            dbos._sys_db.transition_delayed_workflows()  # pyright: ignore[reportPrivateUsage]

    return start_delayed


def _take_jobs(turn: QueueTurn, dbos: DBOS, name: str) -> None:
    queue = DBOS.retrieve_queue(name)
    if queue is None:
        raise LookupError(name)  # `JobQueue` registered it
    queue_worker_thread(turn, dbos, queue)
