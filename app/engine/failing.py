"""What is done before a job is recorded as failed: its door is told, so that nothing of it stays in progress on GitHub."""

import logging

from app.engine.handlers import FailedJobCloser
from app.errors import TRANSIENT, Postponed, QuorumError
from app.store.deliveries import parse_job
from app.store.job_tables import DeliveryRow

logger = logging.getLogger(__name__)


async def tell_failure(failed_jobs: FailedJobCloser, row: DeliveryRow, *, said: str) -> None:
    """Tell the door of a delivery's job what is `said` to people.

    Raises:
        what is `TRANSIENT`: the job has not ended, and its door is to be told again.
    """
    try:
        await failed_jobs.close_failed(parse_job(row.request), guid=row.guid, reason=said)
    except TRANSIENT:
        raise
    except Exception:
        logger.exception("what a failed job had begun could not be ended")


def record_of(error: BaseException) -> str:
    """What the row says; the text of a foreign error may hold anything."""
    return str(error) if isinstance(error, QuorumError | Postponed) else type(error).__name__


def sentence_of(error: BaseException) -> str:
    """What people read."""
    return str(error) if isinstance(error, QuorumError | Postponed) else "Quorum made an error."
