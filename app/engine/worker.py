"""Runs jobs: takes a delivery from the queue, calls the handler of its job, and records how the job ended."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from typing import ParamSpec, TypeVar, cast

from dbos import DBOS
from dbos._error import DBOSUnexpectedStepError
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError

from app.clock import Clock
from app.engine.checkpoint import OUTAGE_WAIT_S, CheckpointedStep, retry_delay_s
from app.engine.handlers import JobHandlers
from app.engine.inbox import BurstGate
from app.engine.queue import JobQueue
from app.errors import TRANSIENT, GivenUp, Postponed, QuorumError, StoreUnavailable, Superseded
from app.logs import bound
from app.store import deliveries, reviews
from app.store.database import Database
from app.store.deliveries import DeliveryState
from app.store.job_tables import DeliveryRow

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 20  # of one delivery, each from the job's beginning
GROWTH = 1.25
MAX_OUTAGE_WAIT_S = 1_800.0
STORE_WAIT_S = 2.0  # between two attempts to reach the database

# A job that crashes its process before one of its steps finishes is given up after this many restarts in a row.
MAX_RESTARTS = 50
SUSPECT_RESTARTS = 2  # from here on a job runs alone, so that it crashes no other suspect with it

NOT_NEEDED = "not needed"
PUT_BACK = "put back"

P = ParamSpec("P")
T = TypeVar("T")

DATABASE_ERRORS = (OperationalError, InterfaceError, InternalError)  # DBOS raises these during an outage
PASSING = (Postponed, DBOSUnexpectedStepError, *DATABASE_ERRORS, *TRANSIENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Attempt:
    """One attempt at a job. `steps` have finished; since the last of them, the process has restarted `restarts` times."""

    row: DeliveryRow
    workflow_id: str
    restarts: int
    steps: int


class Worker:
    """The jobs that run in this process."""

    def __init__(
        self,
        database: Database,
        queue: JobQueue,
        gate: BurstGate,
        *,
        handlers: JobHandlers,
        clock: Clock,
        max_restarts: int = MAX_RESTARTS,
    ) -> None:
        self._database = database
        self._queue = queue
        self._gate = gate
        self._handlers = handlers
        self._clock = clock
        self._max_restarts = max_restarts
        self._alone = asyncio.Lock()
        self._tasks: dict[asyncio.Task[object], str] = {}
        self._stopping = False

    async def run(self, guid: str) -> str:
        """Run a job, as its workflow; returns how it ended."""
        async with self._running() as workflow_id:
            await self._gate.wait_for_turn()
            attempt = await self._load_attempt(guid, workflow_id)
            if attempt is None:
                return NOT_NEEDED
            async with self._turn_of(attempt):
                if not await self._record_running(attempt):
                    await self._until_stored(self._queue.start_followers, attempt.row)
                    return NOT_NEEDED
                try:
                    self._check_restarts(attempt)
                    job = deliveries.parse_job(attempt.row.request)
                    await self._handlers.handler_of(job).handle(job, self._step_of(guid))
                except Exception as error:  # noqa: BLE001 - the boundary: an error of a handler ends only its job
                    return await self._end(attempt, _decisive(error))
                return await self._finish(attempt.row, DeliveryState.DONE)

    async def acknowledge(self, guid: str) -> None:
        """Tell the author of a job that it was accepted, as the workflow of an acknowledgement."""
        async with self._running():
            try:
                row = await asyncio.to_thread(deliveries.load_delivery, self._database, guid)
                if row is not None:
                    job = deliveries.parse_job(row.request)
                    await self._handlers.acknowledger_of(job).acknowledge(job)
            except Exception as error:  # noqa: BLE001 - the boundary: the job runs whether this fails or not
                logger.warning("cannot acknowledge delivery %s: %s", guid, type(error).__name__)

    @asynccontextmanager
    async def _running(self) -> AsyncGenerator[str]:
        """Yield the id of the current workflow; `stop` and `abandon` know about it while the block runs."""
        task = asyncio.current_task()
        if self._stopping or task is None:
            raise asyncio.CancelledError  # the workflow stays in the database as it is, for the next process
        self._tasks[task] = DBOS.workflow_id or ""
        try:
            yield self._tasks[task]
        finally:
            del self._tasks[task]

    @property
    def running(self) -> Collection[str]:
        """The ids of the workflows that run in this process."""
        return self._tasks.values()

    async def stop(self, *, timeout_s: float) -> None:
        """Wait for the running jobs, at most `timeout_s`; then leave the others at their last step."""
        self._stopping = True
        if self._tasks:
            await asyncio.wait(list(self._tasks), timeout=timeout_s)
        await self.abandon()

    async def abandon(self) -> set[str]:
        """Leave the running jobs at their last step; returns the ids of their workflows."""
        tasks = dict(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return set(tasks.values())

    async def _load_attempt(self, guid: str, workflow_id: str) -> _Attempt | None:
        row = await self._until_stored(deliveries.load_delivery, self._database, guid)
        if row is None or row.workflow_id != workflow_id:
            return None
        if row.state not in deliveries.UNFINISHED:
            await self._until_stored(self._queue.start_followers, row)
            return None
        is_restart = row.state == DeliveryState.RUNNING
        steps = await self._until_stored(self._queue.count_steps, workflow_id) if is_restart else 0
        restarts = row.lives if steps == row.steps else 0
        return _Attempt(row=row, workflow_id=workflow_id, restarts=restarts, steps=steps)

    @asynccontextmanager
    async def _turn_of(self, attempt: _Attempt) -> AsyncGenerator[None]:
        row = attempt.row
        alone: AbstractAsyncContextManager[None] = (
            self._alone if attempt.restarts >= SUSPECT_RESTARTS else nullcontext()
        )
        with bound(delivery=row.guid, pull_request=f"{row.repository}#{row.pull_request}"):
            async with alone:
                yield

    async def _record_running(self, attempt: _Attempt) -> bool:
        """Record that the job runs; False if it was closed in the meantime."""
        return await self._until_stored(
            deliveries.record_running,
            self._database,
            attempt.row.guid,
            lives=attempt.restarts + 1,
            steps=attempt.steps,
            at=self._clock.now(),
        )

    def _check_restarts(self, attempt: _Attempt) -> None:
        if attempt.restarts >= self._max_restarts:
            raise GivenUp(f"Quorum crashed {attempt.restarts} times in a row while it ran this job.")

    async def _until_stored(self, do: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Retry as long as the database is unavailable: the result of a job must not be lost."""
        while True:
            try:
                return await asyncio.to_thread(do, *args, **kwargs)
            except StoreUnavailable as error:
                logger.warning("a job waits for the database: %s", error)
                await self._clock.sleep(STORE_WAIT_S)

    def _step_of(self, guid: str) -> CheckpointedStep:
        return CheckpointedStep(
            is_superseded=self._superseded_check(guid), gate=self._gate, clock=self._clock
        )

    def _superseded_check(self, guid: str) -> Callable[[], Awaitable[bool]]:
        async def is_superseded() -> bool:
            is_later = await asyncio.to_thread(reviews.is_superseded, self._database, delivery=guid)
            return is_later and not await self._handlers.heads.is_newest_head(guid)

        return is_superseded

    async def _end(self, attempt: _Attempt, error: BaseException) -> str:
        row = attempt.row
        if isinstance(error, Superseded):
            return await self._finish(row, DeliveryState.SUPERSEDED, reason=str(error))
        if isinstance(error, PASSING) and row.attempts < MAX_ATTEMPTS:
            return await self._put_back(attempt, error)
        logger.error("the job failed", exc_info=error)
        try:
            unclosed = await close_failed(self._handlers, row, reason=_sentence_of(error))
        except TRANSIENT as outage:
            if row.attempts < MAX_ATTEMPTS:
                return await self._put_back(attempt, outage)
            raise  # `Engine.sweep` closes it later
        return await self._finish(row, DeliveryState.FAILED, reason=joined(_record_of(error), unclosed))

    async def _put_back(self, attempt: _Attempt, error: BaseException) -> str:
        """Queue the job again from its beginning, after a delay or because an older version recorded other steps."""
        delay_s = _delay_s(error, attempt=attempt.row.attempts)
        logger.info("the job starts over in %.0f s: %s", delay_s, error)
        await self._until_stored(
            self._queue.put_back,
            attempt.row.guid,
            workflow_id=attempt.workflow_id,
            delay_s=delay_s,
            reason=_record_of(error),
        )
        return PUT_BACK

    async def _finish(self, row: DeliveryRow, state: DeliveryState, *, reason: str | None = None) -> str:
        await self._until_stored(self._queue.finish, row, state, reason=reason)
        return state.value


async def close_failed(handlers: JobHandlers, row: DeliveryRow, *, reason: str) -> str:
    """Close what a failed job left open on GitHub, so that nothing there stays in progress; returns what remains open.

    Raises:
        any of `TRANSIENT`: the job has not ended; call this again later.
    """
    try:
        return await handlers.failed_jobs.close_failed(
            deliveries.parse_job(row.request), guid=row.guid, reason=reason
        )
    except TRANSIENT:
        raise
    except Exception:
        logger.exception("cannot close what a failed job left open on GitHub")
        return "What it left open on GitHub could not be closed; the log says why."


def joined(reason: str, unclosed: str) -> str:
    """Add what could not be closed to the reason why a job failed."""
    return f"{reason.rstrip('.')}. {unclosed}" if unclosed else reason


def _record_of(error: BaseException) -> str:
    """Return the reason to store. The message of any other error may contain anything, so only its class is kept."""
    return str(error) if isinstance(error, QuorumError | Postponed) else type(error).__name__


def _sentence_of(error: BaseException) -> str:
    """Return the reason to show to people."""
    return (
        str(error) if isinstance(error, QuorumError | Postponed) else "An internal error occurred in Quorum."
    )


def _delay_s(error: BaseException, *, attempt: int) -> float:
    """Return how long a job waits before it starts over: the longer an outage lasts, the longer the wait."""
    if isinstance(error, Postponed):
        delay_s = error.delay_s
    elif isinstance(error, TRANSIENT):
        delay_s = retry_delay_s(error, attempt=attempt)
    else:
        delay_s = OUTAGE_WAIT_S if isinstance(error, DATABASE_ERRORS) else 0.0
    return delay_s if delay_s < OUTAGE_WAIT_S else max(delay_s, outage_delay_s(attempt))


def outage_delay_s(attempt: int) -> float:
    """Return the delay after an attempt; the delays of twenty attempts add up to five hours."""
    return min(OUTAGE_WAIT_S * GROWTH**attempt, MAX_OUTAGE_WAIT_S)


def _decisive(error: BaseException) -> BaseException:
    """Return the error that decides how the job ends, if a task group raised several."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    inner = [_decisive(each) for each in cast(BaseExceptionGroup[BaseException], error).exceptions]
    return next((each for each in inner if isinstance(each, (Superseded, *PASSING))), inner[0])
