"""What is done before a job is recorded as failed: its door is told, so that nothing of it stays in progress on GitHub."""

import logging
from collections.abc import Awaitable, Callable

from app.domain.job import Job
from app.errors import TRANSIENT, Postponed, QuorumError
from app.store.deliveries import parse_job
from app.store.tables import DeliveryRow

logger = logging.getLogger(__name__)

OnFailure = Callable[[str, Job, str], Awaitable[None]]
"""(guid of the delivery, job, reason in a sentence): ends what the job has begun. It may raise what is `TRANSIENT`."""


async def nothing_to_end(guid: str, job: Job, reason: str) -> None:
    """Of jobs that begin nothing."""


async def tell_failure(on_failure: OnFailure, row: DeliveryRow, *, said: str) -> None:
    """Tell the door of a delivery's job what is `said` to people.

    Raises:
        what is `TRANSIENT`: the job has not ended, and its door is to be told again.
    """
    try:
        await on_failure(row.guid, parse_job(row.request), said)
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
