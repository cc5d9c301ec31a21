"""The engine: takes deliveries durably and runs their jobs, one at a time for a pull request, over any number of processes.

Jobs end `done`, `failed` or `superseded`. A process that dies leaves its jobs to its successor of the same name or,
after `LEASE_TTL_S`, to the others. Nothing here knows what a job does.

DBOS Transact: https://docs.dbos.dev/python/reference/dbos-class
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Literal

from dbos import DBOS

from app.clock import utc_now
from app.domain.job import Accepted, Delivery, Duplicate, Job
from app.engine import upkeep
from app.engine.checkpoint import Sleep
from app.engine.handlers import FailedJobCloser, HeadChecker, JobHandlers
from app.engine.inbox import Inbox
from app.engine.intake import Intake
from app.engine.right_of_way import RightOfWay
from app.engine.settings import (
    MAX_THREADS,
    MOST_LIVES,
    MOST_SIGN_LIVES,
    SHARE,
    SIGN,
    WORKERS,
    WORKFLOW,
    engine_config,
    quiet_logger,
)
from app.engine.worker import Worker
from app.errors import StoreUnavailable
from app.store import deliveries
from app.store.database import Database
from app.store.processes import Leases, end_lease, renew_lease

logger = logging.getLogger(__name__)

LEASE_TTL_S = 15.0
SWEEP_S = 600.0
FIRST_SWEEP_S = 30.0  # after a start: what was given up meanwhile holds places that others wait for

Role = Literal["web", "worker", "all"]


class Engine:
    """One process's part in the work; there can be one in a process. `role` web only takes deliveries, as `paused` does."""

    def __init__(
        self,
        database: Database,
        *,
        executor_id: str,
        handlers: JobHandlers,
        failed_jobs: FailedJobCloser,
        heads: HeadChecker,
        role: Role = "all",
        paused: bool = False,
        workers: int = WORKERS,
        share: int = SHARE,
        most_lives: int = MOST_LIVES,
        debounce_s: float = 5.0,
        lease_ttl_s: float = LEASE_TTL_S,
        retention_days: int = 30,
        clock: Callable[[], datetime] = utc_now,
        sleep: Sleep = asyncio.sleep,
        second_s: float = 1.0,
    ) -> None:
        self._database = database
        self._executor_id = executor_id
        self._handlers = handlers
        self._failed_jobs = failed_jobs
        self._heads = heads
        self._role = role
        self._runs = role != "web" and not paused
        self._workers = workers
        self._share = share
        self._living = 1
        self._most_lives = most_lives
        self._debounce_s = debounce_s
        self._lease_ttl = timedelta(seconds=lease_ttl_s)
        self._keep = timedelta(days=retention_days)
        self._clock = clock
        self._sleep = sleep
        self._second_s = second_s
        self._right_of_way = RightOfWay()
        self._inbox: Inbox | None = None
        self._intake: Intake | None = None
        self._worker: Worker | None = None
        self._holds_lease = False
        self._background: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Prepare the engine's own tables and begin to work.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        quiet_logger()
        self._inbox = await asyncio.to_thread(
            Inbox,
            self._database,
            executor_id=self._executor_id,
            workers=self._workers,
            share=self._share,
            debounce_s=self._debounce_s,
            clock=self._clock,
            acknowledged=self._handlers.acknowledged,
            second_s=self._second_s,
        )
        self._intake = Intake(self._inbox.accept)
        if self._runs:
            self._worker = self._launch(self._inbox)
            await self._beat()
            beat_s = self._lease_ttl.total_seconds() / 3
            self._background = [
                asyncio.create_task(_repeat(self._beat, every_s=beat_s)),
                asyncio.create_task(_repeat(self.sweep, every_s=SWEEP_S, first_s=FIRST_SWEEP_S)),
            ]

    def _launch(self, inbox: Inbox) -> Worker:
        """Synchronous on purpose: the loop of the thread that launches DBOS becomes the loop of the jobs."""
        worker = Worker(
            self._database,
            inbox,
            handlers=self._handlers,
            failed_jobs=self._failed_jobs,
            heads=self._heads,
            most_lives=self._most_lives,
            clock=self._clock,
            give_way=self._right_of_way.give,
            sleep=self._sleep,
        )

        async def job(guid: str) -> str:
            return await worker.run(guid)

        async def sign(guid: str) -> None:
            await worker.show_sign(guid)

        DBOS(config=engine_config(database_url=self._database.url, executor_id=self._executor_id))
        DBOS.workflow(name=WORKFLOW, max_recovery_attempts=None)(job)  # the worker counts its lives
        DBOS.workflow(name=SIGN, max_recovery_attempts=MOST_SIGN_LIVES)(sign)
        DBOS.launch()
        return worker

    async def stop(self, *, timeout_s: float = 12.0) -> None:
        """Let the jobs that run end; what has not ended by then goes on in the next process, from its last step."""
        intake, self._intake = self._intake, None  # from here on nothing is taken
        if intake:
            await intake.close()
        if self._worker:
            # With a living lease: nobody takes its jobs meanwhile.
            await self._worker.stop(timeout_s=timeout_s)
        for task in self._background:
            task.cancel()
        if self._inbox:
            await self._close(self._inbox)
        self._inbox = self._worker = None

    async def _close(self, inbox: Inbox) -> None:
        """In a pool of its own: closing DBOS ends the one that the loop's threads come from."""
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(MAX_THREADS))  # first: others need threads meanwhile
        if self._worker:
            await asyncio.to_thread(DBOS.destroy, destroy_registry=True)
            await asyncio.to_thread(end_lease, self._database, self._executor_id)
        await asyncio.to_thread(inbox.close)

    async def enqueue(self, delivery: Delivery, job: Job) -> Accepted | Duplicate:
        """Store a delivery with its job; once this returns it will be done, whatever happens to this process.

        Raises:
            StoreUnavailable: it could not be stored.
        """
        if self._intake is None:
            raise StoreUnavailable("the engine does not run")
        self._right_of_way.take()
        return await self._intake.put(delivery, job)

    async def follow_up(self, delivery: Delivery, job: Job) -> Accepted | Duplicate:
        """Store a job that a running one asks for; it is taken as long as jobs run, also while the engine stops.

        Raises:
            StoreUnavailable: it could not be stored.
        """
        if self._inbox is None:
            raise StoreUnavailable("the engine does not run")
        (answer,) = await asyncio.to_thread(self._inbox.accept, [(delivery, job)])
        return answer

    async def replay(self, guid: str) -> bool:
        """Run a stored delivery again; False where there is no such delivery.

        Raises:
            StoreUnavailable: it could not be stored.
        """
        if self._inbox is None:
            raise StoreUnavailable("the engine does not run")
        return await asyncio.to_thread(self._inbox.replay, guid)

    async def check(self) -> None:
        """Raise `StoreUnavailable` unless deliveries can be stored."""
        if self._intake is None:
            raise StoreUnavailable("the engine does not run")
        await asyncio.to_thread(self._database.check)

    async def depth(self) -> dict[str, int]:
        """State → number of deliveries that are not finished, of all processes."""
        return await asyncio.to_thread(deliveries.load_queue_depth, self._database)

    @property
    def living(self) -> int:
        """How many processes run jobs; what is allowed once for all of them is divided by it."""
        return self._living

    async def sweep(self) -> None:
        """Upkeep: close what was given up, admit what waits, delete what is old. It comes by itself every `SWEEP_S`."""
        if self._inbox:
            await upkeep.sweep(
                self._database, self._inbox, self._failed_jobs, now=self._clock(), keep=self._keep
            )

    async def _beat(self) -> None:
        """Renew the lease, and take over the work of those who did not."""
        held = await self._renew_lease(held=self._holds_lease)
        if held.lost:
            held = await self._begin_anew()
        self._holds_lease = True
        self._living = len(held.living)
        pending = await DBOS.list_workflows_async(status="PENDING", load_input=False, load_output=False)
        orphaned = held.dead | {row.executor_id for row in pending if row.executor_id} - held.living
        if orphaned:
            logger.warning("taking over the work of %s", ", ".join(sorted(orphaned)))
            await asyncio.to_thread(DBOS._recover_pending_workflows, sorted(orphaned))  # pyright: ignore[reportPrivateUsage]

    async def _renew_lease(self, *, held: bool) -> Leases:
        return await asyncio.to_thread(
            renew_lease,
            self._database,
            self._executor_id,
            role=self._role,
            now=self._clock(),
            ttl=self._lease_ttl,
            held=held,
        )

    async def _begin_anew(self) -> Leases:
        """This process stood still and was taken for dead: it drops its jobs, and takes up those that nobody took."""
        logger.warning("this process stood still for too long, and others have taken over its work")
        abandoned = await self._worker.abandon() if self._worker else set[str]()
        held = await self._renew_lease(held=False)
        own = await DBOS.list_workflows_async(
            status="PENDING", executor_id=self._executor_id, load_input=False, load_output=False
        )
        for row in own:
            if row.workflow_id in abandoned:
                await DBOS.resume_workflow_async(row.workflow_id, queue_name=row.queue_name)
        return held


async def _repeat(do: Callable[[], Awaitable[None]], *, every_s: float, first_s: float | None = None) -> None:
    await asyncio.sleep(every_s if first_s is None else first_s)
    while True:
        try:
            await do()
        except Exception as error:  # noqa: BLE001 - whatever the database says, the next time may do
            logger.warning("the engine's upkeep failed and is tried again: %s", type(error).__name__)
        await asyncio.sleep(every_s)
