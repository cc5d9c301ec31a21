"""Runs jobs: takes a delivery from the queue, calls its handler with steps, and records how it ended."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, cast

from dbos import DBOS
from dbos._error import DBOSUnexpectedStepError

from app.domain.step import Step
from app.engine.checkpoint import Checkpoints, Sleep
from app.engine.inbox import Inbox
from app.errors import Postponed, QuorumError, Superseded
from app.logs import bound
from app.store import deliveries, reviews
from app.store.database import Database
from app.store.deliveries import DeliveryState
from app.store.tables import DeliveryRow

logger = logging.getLogger(__name__)

MOST_ATTEMPTS = 20  # of one delivery, postponements included

Handler = Callable[[Any, Step], Awaitable[None]]
"""Does a job of one class. It is called again for the same job after a crash: all that has an effect is a step."""


class Worker:
    """The jobs that run in this process."""

    def __init__(
        self,
        database: Database,
        inbox: Inbox,
        *,
        handlers: Mapping[type[Any], Handler],
        clock: Callable[[], datetime],
        sleep: Sleep,
    ) -> None:
        self._database = database
        self._inbox = inbox
        self._handlers = handlers
        self._clock = clock
        self._sleep = sleep
        self._tasks: set[asyncio.Task[Any]] = set()
        self._stopping = False

    async def run(self, guid: str) -> str:
        """The workflow: do the job of this delivery; returns how it ended."""
        task = asyncio.current_task()
        if self._stopping or task is None:
            raise asyncio.CancelledError  # stays in the database as it is, for the next process
        self._tasks.add(task)
        try:
            return await self._run(guid, DBOS.workflow_id or "")
        finally:
            self._tasks.discard(task)

    async def stop(self, *, timeout_s: float) -> None:
        """Wait for the jobs that run; what has not ended by then is left at its last step."""
        self._stopping = True
        tasks = set(self._tasks)
        if tasks:
            _, unfinished = await asyncio.wait(tasks, timeout=timeout_s)
            for task in unfinished:
                task.cancel()
            await asyncio.gather(*unfinished, return_exceptions=True)

    async def _run(self, guid: str, workflow_id: str) -> str:
        row = await asyncio.to_thread(deliveries.load_delivery, self._database, guid)
        if row is None or row.workflow_id != workflow_id or row.state not in deliveries.UNFINISHED:
            return "no longer asked for"
        with bound(delivery=guid, pull_request=f"{row.repository}#{row.pull_request}"):
            await asyncio.to_thread(deliveries.record_running, self._database, guid, at=self._clock())
            try:
                await self._handle(row)
            except Exception as error:  # noqa: BLE001 - the boundary: whatever a handler raises ends this job alone
                return await self._end(row, workflow_id, _decisive(error))
            return await self._finish(row, DeliveryState.DONE)

    async def _handle(self, row: DeliveryRow) -> None:
        job = deliveries.parse_job(row.request)
        await self._handlers[type(job)](
            job, Checkpoints(is_superseded=self._check(row.guid), sleep=self._sleep)
        )

    def _check(self, guid: str) -> Callable[[], Awaitable[bool]]:
        return lambda: asyncio.to_thread(reviews.is_superseded, self._database, delivery=guid)

    async def _end(self, row: DeliveryRow, workflow_id: str, error: BaseException) -> str:
        if isinstance(error, Superseded):
            return await self._finish(row, DeliveryState.SUPERSEDED, reason=str(error))
        if isinstance(error, Postponed | DBOSUnexpectedStepError) and row.attempts < MOST_ATTEMPTS:
            return await self._put_back(row.guid, workflow_id, error)
        logger.error("the job failed", exc_info=error)
        return await self._finish(row, DeliveryState.FAILED, reason=_reason(error))

    async def _put_back(self, guid: str, workflow_id: str, error: Postponed | DBOSUnexpectedStepError) -> str:
        """Again from the beginning: later, or because the steps on record are those of an older program."""
        delay_s = error.delay_s if isinstance(error, Postponed) else 0.0
        logger.info("the job waits %.0f s and begins again: %s", delay_s, error)
        await asyncio.to_thread(self._inbox.put_back, guid, workflow_id=workflow_id, delay_s=delay_s)
        return "put back"

    async def _finish(self, row: DeliveryRow, state: DeliveryState, *, reason: str | None = None) -> str:
        await asyncio.to_thread(self._inbox.finish, row, state, reason=reason)
        return state.value


def _decisive(error: BaseException) -> BaseException:
    """The error that says how the job ended, where a task group wrapped several."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    inner = [_decisive(one) for one in cast(BaseExceptionGroup[BaseException], error).exceptions]
    return next((one for one in inner if isinstance(one, Superseded | Postponed)), inner[0])


def _reason(error: BaseException) -> str:
    """What the row says; the text of a foreign error may hold anything."""
    return str(error) if isinstance(error, QuorumError) else type(error).__name__
