"""What is done every few minutes: old data goes, and jobs that the engine gave up are said to have failed. Runs no job."""

import asyncio
import logging
from datetime import datetime, timedelta

from dbos import DBOS

from app.engine.failing import tell_failure
from app.engine.handlers import FailedJobCloser
from app.engine.inbox import Inbox, guid_of
from app.errors import TRANSIENT
from app.store import deliveries
from app.store.database import Database
from app.store.deliveries import DeliveryState
from app.store.installations import purge
from app.store.job_tables import DeliveryRow

logger = logging.getLogger(__name__)

DEAD = ["MAX_RECOVERY_ATTEMPTS_EXCEEDED", "ERROR", "CANCELLED"]
GIVEN_UP = "It was given up after many attempts."
MOST_AT_ONCE = 1_000


async def sweep(
    database: Database, inbox: Inbox, failed_jobs: FailedJobCloser, *, now: datetime, keep: timedelta
) -> None:
    """Once through everything; harmless when several processes do it.

    Raises:
        StoreUnavailable: the next time will do.
    """
    await _close_given_up(database, inbox, failed_jobs)
    await asyncio.to_thread(inbox.admit_waiting)  # after that: what was given up has held places
    await asyncio.to_thread(purge, database, now=now, keep=keep)
    old = await DBOS.list_workflows_async(
        completed_before=(now - keep).isoformat(), load_input=False, load_output=False, limit=MOST_AT_ONCE
    )
    if old:
        await DBOS.delete_workflows_async([workflow.workflow_id for workflow in old])


async def _close_given_up(database: Database, inbox: Inbox, failed_jobs: FailedJobCloser) -> None:
    """A job that takes its process down each time is not begun for ever, and one that could not end its traces does now."""
    dead = await DBOS.list_workflows_async(
        status=DEAD, load_input=False, load_output=False, sort_desc=True, limit=MOST_AT_ONCE
    )
    for workflow in dead:
        row = await asyncio.to_thread(deliveries.load_delivery, database, guid_of(workflow.workflow_id))
        if row and row.workflow_id == workflow.workflow_id and row.state in deliveries.UNFINISHED:
            await _close(row, inbox, failed_jobs)


async def _close(row: DeliveryRow, inbox: Inbox, failed_jobs: FailedJobCloser) -> None:
    try:
        await tell_failure(failed_jobs, row, said=GIVEN_UP)
        await asyncio.to_thread(inbox.finish, row, DeliveryState.FAILED, reason=GIVEN_UP)
    except TRANSIENT as error:
        logger.warning("delivery %s cannot be closed yet: %s", row.guid, error)
