"""Corrects delays that began while the system clock was ahead. Without it, such a job would wait as long as the clock was wrong.

DBOS stores until when a job waits. A job's workflow ID begins with the time at which it was queued, by the same clock, so
both tell how long the job was to wait.
"""

from datetime import datetime, timedelta

from app.store.database import Database

MAX_AHEAD_S = 60.0  # clocks of several hosts may differ by less
_ID_TIME_DIGITS = 17

_AHEAD = """
    SELECT workflow_uuid, delay_until_epoch_ms FROM {table}
    WHERE status = 'DELAYED' AND workflow_uuid > {placeholder} ORDER BY workflow_uuid
"""
_CORRECT = "UPDATE {table} SET delay_until_epoch_ms = {placeholder} WHERE workflow_uuid = {placeholder} AND status = 'DELAYED'"


def id_time(at: datetime) -> str:
    """Return the beginning of the IDs of workflows that are queued at this time; later times sort later."""
    return f"{int(at.timestamp() * 1_000_000):0{_ID_TIME_DIGITS}d}"


def correct_delays(database: Database, *, now: datetime) -> int:
    """Let jobs that were queued in the future wait from now on, as long as they were to wait; returns how many there are.

    Raises:
        StoreUnavailable: the database does not answer.
    """
    table = "workflow_status" if database.is_sqlite else "dbos.workflow_status"
    now_ms = now.timestamp() * 1_000
    latest = id_time(now + timedelta(seconds=MAX_AHEAD_S))
    with database.driver(writes=False) as driver:
        ahead = driver.rows(_AHEAD.format(table=table, placeholder=driver.placeholder), (latest,))
    if not ahead:
        return 0
    with database.driver(writes=True) as driver:
        for workflow_id, until_ms in ahead:
            queued_ms = int(workflow_id[:_ID_TIME_DIGITS]) / 1_000
            values = (round(now_ms + until_ms - queued_ms), workflow_id)
            driver.execute(_CORRECT.format(table=table, placeholder=driver.placeholder), values)
    return len(ahead)
