"""What is done every few minutes: old data goes, and jobs that the engine gave up are said to have failed. Runs no job."""

import asyncio
from datetime import datetime, timedelta

from dbos import DBOS

from app.engine.inbox import guid_of
from app.store import deliveries, retention
from app.store.database import Database
from app.store.deliveries import DeliveryState

GIVEN_UP = ["MAX_RECOVERY_ATTEMPTS_EXCEEDED", "ERROR", "CANCELLED"]
MOST_AT_ONCE = 1_000


async def sweep(database: Database, *, now: datetime, keep: timedelta) -> None:
    """Once through everything; harmless when several processes do it.

    Raises:
        StoreUnavailable: the next time will do.
    """
    await _close_given_up(database, now=now)
    await asyncio.to_thread(retention.purge, database, now=now, keep=keep)
    old = await DBOS.list_workflows_async(
        completed_before=(now - keep).isoformat(), load_input=False, load_output=False, limit=MOST_AT_ONCE
    )
    if old:
        await DBOS.delete_workflows_async([workflow.workflow_id for workflow in old])


async def _close_given_up(database: Database, *, now: datetime) -> None:
    """A job that takes its process down each time is not begun for ever."""
    dead = await DBOS.list_workflows_async(
        status=GIVEN_UP, load_input=False, load_output=False, sort_desc=True, limit=MOST_AT_ONCE
    )
    for workflow in dead:
        guid = guid_of(workflow.workflow_id)
        row = await asyncio.to_thread(deliveries.load_delivery, database, guid)
        if row and row.workflow_id == workflow.workflow_id and row.state in deliveries.UNFINISHED:
            await asyncio.to_thread(
                deliveries.record_finished,
                database,
                guid,
                DeliveryState.FAILED,
                at=now,
                reason="given up: the process did not survive it",
            )
