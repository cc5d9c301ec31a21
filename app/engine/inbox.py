"""Accepts deliveries: deduplicates them and commits each with its job. Decides nothing about a job, and runs none.

GitHub waits ten seconds for an answer; a review can wait much longer. So deliveries that arrive together share one
transaction, in a separate thread, and jobs wait while many deliveries arrive.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from app.clock import Clock, SystemClock
from app.domain.job import Accepted, Delivery, Duplicate, Job, ReviewJob
from app.engine.queue import PUSH, JobQueue, installation_lock, is_push
from app.store.database import Database, Session, serialize
from app.store.deliveries import DeliveryState, find_earlier, insert_delivery, new_delivery
from app.store.job_tables import DeliveryRow
from app.store.pushes import supersede_waiting

Arrival = tuple[Delivery, Job]
Answer = Accepted | Duplicate

MAX_BATCH = 64
PUSHED_AGAIN = "a newer push is waiting"

BURST = 10  # this many deliveries within `BURST_S` make jobs wait
BURST_S = 0.5
MAX_WAIT_S = 5.0  # of one step
SPACING_S = 0.1  # between steps that have waited for `MAX_WAIT_S`


class BurstGate:
    """Makes the steps of jobs wait while many deliveries arrive, because both share a processor and an event loop.

    A step waits for a limited time, so every job finishes under any load. Steps whose time is up continue one after
    the other, because thirty steps that start together would delay the answers to GitHub.
    """

    def __init__(self, clock: Clock | None = None, *, max_wait_s: float = MAX_WAIT_S) -> None:
        self._clock = clock or SystemClock()
        self._max_wait_s = max_wait_s
        self._next_s = self._clock.monotonic_s()  # the earliest turn of the next step whose time is up
        self._arrivals: deque[float] = deque(maxlen=BURST)

    def delivery_arrived(self) -> None:
        """Count a delivery."""
        self._arrivals.append(self._clock.monotonic_s())

    async def wait_for_turn(self) -> None:
        """Return once the burst of deliveries ends, or after `max_wait_s`, when it is this step's turn."""
        until_s = self._clock.monotonic_s() + self._max_wait_s
        while (busy_s := self._busy_s()) > 0 and self._clock.monotonic_s() < until_s:
            await self._clock.sleep(busy_s)
        if busy_s > 0:
            await self._clock.sleep(self._take_turn_s())

    def _take_turn_s(self) -> float:
        """Reserve the next turn for a step whose time is up; returns the seconds until then."""
        now_s = self._clock.monotonic_s()
        turn_s = max(now_s, self._next_s)
        self._next_s = turn_s + SPACING_S
        return turn_s - now_s

    def _busy_s(self) -> float:
        """Return how long the burst lasts if no more deliveries arrive."""
        if len(self._arrivals) < BURST:
            return 0.0
        return self._arrivals[0] + BURST_S - self._clock.monotonic_s()


class Inbox:
    """Collects deliveries for the next transaction."""

    def __init__(self, database: Database, queue: JobQueue, *, clock: Clock) -> None:
        self._database = database
        self._queue = queue
        self._clock = clock
        self._waiting: list[tuple[Arrival, asyncio.Future[Answer]]] = []
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="inbox")
        self._draining: asyncio.Task[None] | None = None

    async def accept(self, delivery: Delivery, job: Job) -> Answer:
        """Return once the delivery is on disk.

        Raises:
            StoreUnavailable: it could not be stored.
        """
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append(((delivery, job), answer))
        if self._draining is None or self._draining.done():
            self._draining = asyncio.create_task(self._drain())
        return await answer

    async def close(self) -> None:
        """Store the deliveries that still wait."""
        if self._draining:
            await self._draining
        self._thread.shutdown()

    async def _drain(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:MAX_BATCH], self._waiting[MAX_BATCH:]
            await self._store_batch(batch)

    async def _store_batch(self, batch: Sequence[tuple[Arrival, asyncio.Future[Answer]]]) -> None:
        arrivals = [arrival for arrival, _ in batch]
        try:
            answers = await asyncio.get_running_loop().run_in_executor(self._thread, self.store, arrivals)
        except Exception as error:  # noqa: BLE001 - the callers of `accept` raise it
            await self._fail(batch, error)
        else:
            for (_, waiting), answer in zip(batch, answers, strict=True):
                if not waiting.done():
                    waiting.set_result(answer)

    async def _fail(self, batch: Sequence[tuple[Arrival, asyncio.Future[Answer]]], error: Exception) -> None:
        """Store each delivery separately, so that a delivery that cannot be stored does not affect the others."""
        if len(batch) > 1:
            for entry in batch:
                await self._store_batch([entry])
        elif not batch[0][1].done():
            batch[0][1].set_exception(error)

    def store(self, arrivals: Sequence[Arrival]) -> list[Answer]:
        """Store deliveries with their jobs in one transaction; a delivery that failed before is accepted again.

        Waits for the database, so call it in a thread.

        Raises:
            StoreUnavailable: none of them is stored.
        """
        locks = [f"delivery:{delivery.guid}" for delivery, _ in arrivals]
        locks += [f"job:{job.key}" for _, job in arrivals]
        locks += [installation_lock(job.installation_id) for _, job in arrivals]
        with self._database.write() as session:
            serialize(session, *locks)
            return [self._store(session, delivery, job) for delivery, job in arrivals]

    def _store(self, session: Session, delivery: Delivery, job: Job) -> Answer:
        state, same = find_earlier(session, delivery.guid, job)
        if state not in (None, DeliveryState.FAILED):
            return Duplicate(guid=delivery.guid, of=delivery.guid)
        row = session.get_one(DeliveryRow, delivery.guid) if state else new_delivery(delivery, job)
        if same:
            row.state, row.reason = DeliveryState.DUPLICATE, f"same job as {same}"
        else:
            follows = False
            if is_push(job):
                row.waits_since, follows = self._supersede_waiting(session, job)
            self._queue.enqueue(session, row, job, follows=follows)
            self._queue.enqueue_acknowledgement(session, row, job)
        if state:
            session.flush()  # the next delivery of the transaction must see it
        else:
            insert_delivery(session, row)  # last, so that it is written once
        return Duplicate(guid=delivery.guid, of=same) if same else Accepted(guid=delivery.guid)

    def _supersede_waiting(self, session: Session, push: ReviewJob) -> tuple[datetime | None, bool]:
        """Supersede the earlier pushes that wait; returns since when, and whether a workflow of theirs still waits.

        A push that was put back is not superseded here: it may have started check runs, and completes them itself.
        """
        return supersede_waiting(
            session, push.request.ref, trigger=PUSH, at=self._clock.now(), reason=PUSHED_AGAIN
        )
