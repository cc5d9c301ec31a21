"""Runs jobs: takes a delivery from the queue, calls its handler with steps, and records how it ended."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext
from datetime import datetime
from typing import Any, ParamSpec, TypeVar, cast

from dbos import DBOS
from dbos._error import DBOSUnexpectedStepError
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError

from app.engine.checkpoint import OUTAGE_WAIT_S, Checkpoints, Sleep, retry_delay_s
from app.engine.failing import record_of, sentence_of, tell_failure
from app.engine.handlers import FailedJobCloser, HeadChecker, JobHandlers
from app.engine.inbox import Inbox
from app.engine.settings import SUSPECT_LIVES
from app.errors import TRANSIENT, GivenUp, Postponed, StoreUnavailable, Superseded
from app.logs import bound
from app.store import deliveries, reviews
from app.store.database import Database
from app.store.deliveries import DeliveryState
from app.store.job_tables import DeliveryRow

logger = logging.getLogger(__name__)

MOST_ATTEMPTS = 20  # of one delivery, postponements included
GROWTH = 1.25
LONGEST_OUTAGE_WAIT_S = 1_800.0
STORE_WAIT_S = 2.0  # while the database does not take what must be recorded

NOT_ASKED_FOR = "no longer asked for"

P = ParamSpec("P")
T = TypeVar("T")

ENGINES_OWN = (OperationalError, InterfaceError, InternalError)  # what DBOS says of a database that is away
PASSING = (Postponed, DBOSUnexpectedStepError, *ENGINES_OWN, *TRANSIENT)


class Worker:
    """The jobs that run in this process."""

    def __init__(
        self,
        database: Database,
        inbox: Inbox,
        *,
        handlers: JobHandlers,
        failed_jobs: FailedJobCloser,
        heads: HeadChecker,
        most_lives: int,
        clock: Callable[[], datetime],
        give_way: Callable[[], Awaitable[None]],
        sleep: Sleep,
    ) -> None:
        self._database = database
        self._inbox = inbox
        self._handlers = handlers
        self._failed_jobs = failed_jobs
        self._heads = heads
        self._most_lives = most_lives
        self._alone = asyncio.Lock()
        self._clock = clock
        self._give_way = give_way
        self._sleep = sleep
        self._tasks: dict[asyncio.Task[Any], str] = {}
        self._stopping = False

    async def run(self, guid: str) -> str:
        """The workflow: do the job of this delivery; returns how it ended."""
        async with self._running() as workflow_id:
            await self._give_way()
            return await self._run(guid, workflow_id)

    async def show_sign(self, guid: str) -> None:
        """The workflow beside it: show that the job was taken."""
        async with self._running():
            try:
                row = await asyncio.to_thread(deliveries.load_delivery, self._database, guid)
                if row is not None:
                    job = deliveries.parse_job(row.request)
                    await self._handlers.acknowledger_of(job).acknowledge(job)
            except Exception as error:  # noqa: BLE001 - the boundary: the job itself comes, whatever this raises
                logger.warning("no sign was shown of delivery %s: %s", guid, type(error).__name__)

    @asynccontextmanager
    async def _running(self) -> AsyncGenerator[str]:
        """The id of the current workflow, which `stop` and `abandon` know while the block runs."""
        task = asyncio.current_task()
        if self._stopping or task is None:
            raise asyncio.CancelledError  # stays in the database as it is, for the next process
        self._tasks[task] = DBOS.workflow_id or ""
        try:
            yield self._tasks[task]
        finally:
            del self._tasks[task]

    async def stop(self, *, timeout_s: float) -> None:
        """Wait for the jobs that run; what has not ended by then is left at its last step."""
        self._stopping = True
        if self._tasks:
            await asyncio.wait(list(self._tasks), timeout=timeout_s)
        await self.abandon()

    async def abandon(self) -> set[str]:
        """Leave the jobs that run at their last step; the ids of their workflows."""
        tasks = dict(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return set(tasks.values())

    async def _run(self, guid: str, workflow_id: str) -> str:
        row = await self._patiently(deliveries.load_delivery, self._database, guid)
        if row is None or row.workflow_id != workflow_id or row.state not in deliveries.UNFINISHED:
            return NOT_ASKED_FOR
        lived = row.state == DeliveryState.RUNNING
        steps = await self._patiently(self._inbox.count_steps, workflow_id) if lived else 0
        lives = row.lives if steps == row.steps else 0
        with bound(delivery=guid, pull_request=f"{row.repository}#{row.pull_request}"):
            async with self._alone if lives >= SUSPECT_LIVES else nullcontext():
                return await self._live(row, workflow_id, lives=lives, steps=steps)

    async def _live(self, row: DeliveryRow, workflow_id: str, *, lives: int, steps: int) -> str:
        """One more life of a job; `lives` before it have brought it nowhere."""
        now = self._clock()
        if not await self._patiently(
            deliveries.record_running, self._database, row.guid, lives=lives + 1, steps=steps, at=now
        ):
            return NOT_ASKED_FOR
        try:
            self._require_life(lives)
            await self._handle(row)
        except Exception as error:  # noqa: BLE001 - the boundary: whatever a handler raises ends this job alone
            return await self._end(row, workflow_id, _decisive(error))
        return await self._finish(row, DeliveryState.DONE)

    def _require_life(self, lives: int) -> None:
        if lives >= self._most_lives:
            raise GivenUp(f"Quorum died {lives} times while it did this, and got nowhere.")

    async def _patiently(self, do: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Without the database there is nothing to do but to wait for it: what was done must not be lost."""
        while True:
            try:
                return await asyncio.to_thread(do, *args, **kwargs)
            except StoreUnavailable as error:
                logger.warning("a job waits for the database: %s", error)
                await self._sleep(STORE_WAIT_S)

    async def _handle(self, row: DeliveryRow) -> None:
        job = deliveries.parse_job(row.request)
        step = Checkpoints(is_superseded=self._check(row.guid), give_way=self._give_way, sleep=self._sleep)
        await self._handlers.handler_of(job).handle(job, step)

    def _check(self, guid: str) -> Callable[[], Awaitable[bool]]:
        async def check() -> bool:
            is_later = await asyncio.to_thread(reviews.is_superseded, self._database, delivery=guid)
            return is_later and not await self._heads.is_newest_head(guid)

        return check

    async def _end(self, row: DeliveryRow, workflow_id: str, error: BaseException) -> str:
        if isinstance(error, Superseded):
            return await self._finish(row, DeliveryState.SUPERSEDED, reason=str(error))
        if isinstance(error, PASSING) and row.attempts < MOST_ATTEMPTS:
            return await self._put_back(row, workflow_id, error)
        logger.error("the job failed", exc_info=error)
        try:
            await tell_failure(self._failed_jobs, row, said=sentence_of(error))
        except TRANSIENT as outage:
            if row.attempts < MOST_ATTEMPTS:
                return await self._put_back(row, workflow_id, outage)
            raise  # the engine's upkeep comes back to it
        return await self._finish(row, DeliveryState.FAILED, reason=record_of(error))

    async def _put_back(self, row: DeliveryRow, workflow_id: str, error: BaseException) -> str:
        """Again from the beginning: later, or because the steps on record are those of an older program."""
        delay_s = _delay_s(error, attempt=row.attempts)
        logger.info("the job waits %.0f s and begins again: %s", delay_s, error)
        await self._patiently(self._inbox.put_back, row.guid, workflow_id=workflow_id, delay_s=delay_s)
        return "put back"

    async def _finish(self, row: DeliveryRow, state: DeliveryState, *, reason: str | None = None) -> str:
        await self._patiently(self._inbox.finish, row, state, reason=reason)
        return state.value


def _delay_s(error: BaseException, *, attempt: int) -> float:
    """How long a job waits before it begins again: the longer an outage lasts, the longer."""
    if isinstance(error, Postponed):
        delay_s = error.delay_s
    elif isinstance(error, TRANSIENT):
        delay_s = retry_delay_s(error, attempt=attempt)
    else:
        delay_s = OUTAGE_WAIT_S if isinstance(error, ENGINES_OWN) else 0.0
    return delay_s if delay_s < OUTAGE_WAIT_S else max(delay_s, grown_wait_s(attempt))


def grown_wait_s(attempt: int) -> float:
    """Twenty attempts last for five hours."""
    return min(OUTAGE_WAIT_S * GROWTH**attempt, LONGEST_OUTAGE_WAIT_S)


def _decisive(error: BaseException) -> BaseException:
    """The error that says how the job ended, where a task group wrapped several."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    inner = [_decisive(one) for one in cast(BaseExceptionGroup[BaseException], error).exceptions]
    return next((one for one in inner if isinstance(one, (Superseded, *PASSING))), inner[0])
