"""The engine: stores deliveries durably and runs their jobs, one at a time for a pull request, over any number of processes.

Jobs end as `done`, `failed`, or `superseded`. If a process dies, its jobs go to its successor of the same name or, after
the lease expires, to the other processes. Nothing here knows what a job does.

DBOS Transact: https://docs.dbos.dev/python/reference/dbos-class
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from dbos import DBOS

from app.clock import Clock, SystemClock
from app.domain.job import Accepted, Delivery, Duplicate, Job
from app.engine.delays import correct_delays
from app.engine.handlers import JobHandlers
from app.engine.inbox import BurstGate, Inbox
from app.engine.polling import QueueThreads
from app.engine.problems import LOOK_S, ProblemLog
from app.engine.process import Lease, Role
from app.engine.queue import (
    ACKNOWLEDGEMENT_QUEUE,
    ACKNOWLEDGEMENT_WORKFLOW,
    MAX_THREADS,
    PER_INSTALLATION,
    QUEUE,
    WORKERS,
    WORKFLOW,
    JobQueue,
    engine_config,
    guid_of,
    quiet_logger,
)
from app.engine.worker import MAX_RESTARTS, Worker, close_failed, joined
from app.errors import TRANSIENT, QuorumError, StoreUnavailable
from app.store import deliveries
from app.store.database import Database
from app.store.deliveries import DeliveryState
from app.store.installations import purge
from app.store.job_tables import DeliveryRow

logger = logging.getLogger(__name__)

SWEEP_S = 600.0
FIRST_SWEEP_S = 30.0  # soon after a start, because jobs that were given up in the meantime block others
MAX_SWEPT = 1_000  # workflows of one sweep
MAX_ACKNOWLEDGEMENT_ATTEMPTS = 5

DEAD = ["MAX_RECOVERY_ATTEMPTS_EXCEEDED", "ERROR", "CANCELLED"]
GIVEN_UP = "Quorum gave up after many attempts."
NOT_RUNNING = "The engine is not running."


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """The settings of one process. With the role `web` or while `paused`, it stores deliveries and runs no jobs."""

    role: Role = "all"
    paused: bool = False
    workers: int = WORKERS
    per_installation: int = PER_INSTALLATION
    max_restarts: int = MAX_RESTARTS
    debounce_s: float = 5.0
    lease_ttl_s: float = 15.0
    lease_renewal_s: float = 5.0
    retention_days: int = 30
    delay_s_per_s: float = 1.0  # scales the delays of queued jobs; tests make them short

    @property
    def runs_jobs(self) -> bool:
        """Whether this process runs jobs."""
        return self.role != "web" and not self.paused


DEFAULTS = EngineSettings()


class Engine:
    """The engine of this process; a process can have only one."""

    def __init__(
        self,
        database: Database,
        handlers: JobHandlers,
        *,
        executor_id: str,
        settings: EngineSettings = DEFAULTS,
        clock: Clock | None = None,
    ) -> None:
        self._database = database
        self._handlers = handlers
        self._executor_id = executor_id
        self._settings = settings
        self._clock = clock or SystemClock()
        self._gate = BurstGate()
        self._is_accepting = False
        self._queue: JobQueue | None = None
        self._inbox: Inbox | None = None
        self._worker: Worker | None = None
        self._threads: QueueThreads | None = None
        self._lease: Lease | None = None
        self._background: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Create DBOS's tables if necessary, and start to accept deliveries and run jobs.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        quiet_logger()
        queue = self._queue = await asyncio.to_thread(self._open_queue)
        self._inbox = Inbox(self._database, queue, clock=self._clock)
        self._is_accepting = True
        problems = _repeat(ProblemLog(self._database).look, first_s=LOOK_S, every_s=LOOK_S)
        self._background = [asyncio.create_task(problems)]
        if self._settings.runs_jobs:
            worker = self._worker = self._launch(queue)
            lease = self._lease = Lease(
                self._database,
                worker,
                executor_id=self._executor_id,
                role=self._settings.role,
                ttl_s=self._settings.lease_ttl_s,
                clock=self._clock,
            )
            await lease.renew()
            renewal_s = self._settings.lease_renewal_s
            self._background += [
                asyncio.create_task(_repeat(lease.renew, first_s=renewal_s, every_s=renewal_s)),
                asyncio.create_task(_repeat(self._correct_delays, first_s=0.0, every_s=renewal_s)),
                asyncio.create_task(_repeat(self.sweep, first_s=FIRST_SWEEP_S, every_s=SWEEP_S)),
            ]

    def _open_queue(self) -> JobQueue:
        return JobQueue(
            self._database,
            executor_id=self._executor_id,
            clock=self._clock,
            workers=self._settings.workers,
            per_installation=self._settings.per_installation,
            acknowledged=self._handlers.acknowledged,
            debounce_s=self._settings.debounce_s,
            delay_s_per_s=self._settings.delay_s_per_s,
        )

    def _launch(self, queue: JobQueue) -> Worker:
        """Launch DBOS. Deliberately not a coroutine: jobs run on the event loop of the thread that launches DBOS."""
        worker = Worker(
            self._database,
            queue,
            self._gate,
            handlers=self._handlers,
            clock=self._clock,
            max_restarts=self._settings.max_restarts,
        )

        async def job(guid: str) -> str:
            return await worker.run(guid)

        async def acknowledgement(guid: str) -> None:
            await worker.acknowledge(guid)

        dbos = DBOS(config=engine_config(database_url=self._database.url, executor_id=self._executor_id))
        DBOS.workflow(name=WORKFLOW, max_recovery_attempts=None)(job)  # the worker counts its restarts
        DBOS.workflow(name=ACKNOWLEDGEMENT_WORKFLOW, max_recovery_attempts=MAX_ACKNOWLEDGEMENT_ATTEMPTS)(
            acknowledgement
        )
        self._threads = QueueThreads(self._database, dbos, (QUEUE, ACKNOWLEDGEMENT_QUEUE))
        return worker

    async def stop(self, *, timeout_s: float = 12.0) -> None:
        """Wait for the running jobs; those that do not end in time continue in another process after their last step."""
        self._is_accepting = False
        if self._inbox:
            await self._inbox.close()
        if self._worker:
            # The lease is still renewed, so no other process takes over the jobs.
            await self._worker.stop(timeout_s=timeout_s)
        for task in self._background:
            task.cancel()
        if self._queue:
            await self._close(self._queue)
        self._inbox = self._queue = self._worker = self._threads = self._lease = None

    async def _close(self, queue: JobQueue) -> None:
        """Close DBOS and the queue. DBOS shuts down the loop's own thread pool, which others need."""
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(MAX_THREADS))
        if self._threads:
            await asyncio.to_thread(self._threads.stop)
        if self._lease:
            await asyncio.to_thread(DBOS.destroy, destroy_registry=True)
            await self._lease.end()
        await asyncio.to_thread(queue.close)

    async def enqueue(self, delivery: Delivery, job: Job) -> Accepted | Duplicate:
        """Store a delivery with its job. Once this returns, the job will run, even if this process dies.

        Raises:
            StoreUnavailable: it could not be stored.
        """
        if self._inbox is None or not self._is_accepting:
            raise StoreUnavailable(NOT_RUNNING)
        self._gate.delivery_arrived()
        return await self._inbox.accept(delivery, job)

    async def follow_up(self, delivery: Delivery, job: Job) -> Accepted | Duplicate:
        """Store a job that a running job asks for, even while the engine is stopping.

        Raises:
            StoreUnavailable: it could not be stored.
        """
        if self._inbox is None:
            raise StoreUnavailable(NOT_RUNNING)
        (answer,) = await asyncio.to_thread(self._inbox.store, [(delivery, job)])
        return answer

    async def replay(self, guid: str) -> bool:
        """Run a stored delivery again; False if there is no such delivery.

        Raises:
            StoreUnavailable: it could not be stored.
        """
        if self._queue is None:
            raise StoreUnavailable(NOT_RUNNING)
        return await asyncio.to_thread(self._queue.replay, guid)

    async def check(self) -> None:
        """Raise `StoreUnavailable` unless deliveries can be stored."""
        if not self._is_accepting:
            raise StoreUnavailable(NOT_RUNNING)
        await asyncio.to_thread(self._database.check)

    async def depth(self) -> dict[str, int]:
        """Count the unfinished deliveries of all processes by state."""
        return await asyncio.to_thread(deliveries.load_queue_depth, self._database)

    @property
    def live_processes(self) -> int:
        """The number of processes that run jobs; they share the limits that apply to all of them together."""
        return self._lease.live_processes if self._lease else 1

    async def sweep(self) -> None:
        """Close jobs that were given up, start waiting jobs, and delete old data. Runs every `SWEEP_S` seconds.

        Several processes can sweep at the same time.

        Raises:
            StoreUnavailable: the next sweep tries again.
        """
        if self._queue is None:
            return
        await self._close_given_up(self._queue)
        await asyncio.to_thread(self._queue.start_waiting)  # only now: jobs that were given up held places
        now, keep = self._clock.now(), timedelta(days=self._settings.retention_days)
        await asyncio.to_thread(purge, self._database, now=now, keep=keep)
        await _delete_workflows(completed_before=now - keep)

    async def _correct_delays(self) -> None:
        corrected = await asyncio.to_thread(correct_delays, self._database, now=self._clock.now())
        if corrected:
            logger.warning("the system clock went back: corrected the delay of %d jobs", corrected)

    async def _close_given_up(self, queue: JobQueue) -> None:
        """Close jobs that DBOS gave up, and failed jobs whose check runs on GitHub could not be closed before."""
        dead = await DBOS.list_workflows_async(
            status=DEAD, load_input=False, load_output=False, sort_desc=True, limit=MAX_SWEPT
        )
        for workflow in dead:
            guid = guid_of(workflow.workflow_id)
            row = await asyncio.to_thread(deliveries.load_delivery, self._database, guid)
            if row and row.workflow_id == workflow.workflow_id and row.state in deliveries.UNFINISHED:
                await self._close_job(queue, row)

    async def _close_job(self, queue: JobQueue, row: DeliveryRow) -> None:
        try:
            unclosed = await close_failed(self._handlers, row, reason=GIVEN_UP)
            reason = joined(GIVEN_UP, unclosed)
            await asyncio.to_thread(queue.finish, row, DeliveryState.FAILED, reason=reason)
        except TRANSIENT as error:
            logger.warning("delivery %s cannot be closed yet: %s", row.guid, error)


async def _delete_workflows(*, completed_before: datetime) -> None:
    old = await DBOS.list_workflows_async(
        completed_before=completed_before.isoformat(), load_input=False, load_output=False, limit=MAX_SWEPT
    )
    if old:
        await DBOS.delete_workflows_async([workflow.workflow_id for workflow in old])


async def _repeat(do: Callable[[], Awaitable[None]], *, first_s: float, every_s: float) -> None:
    await asyncio.sleep(first_s)
    while True:
        try:
            await do()
        except Exception as error:  # noqa: BLE001 - the next attempt may succeed
            reason = error if isinstance(error, QuorumError) else type(error).__name__
            logger.warning("a background task of the engine failed and will be retried: %s", reason)
        await asyncio.sleep(every_s)
