"""Takes deliveries that did not come in time and were read from the App's log instead: same decision, same commit.

GitHub's API vouches for them, so there is no signature to check. Reads nothing itself.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from pydantic import ValidationError

from app.domain.job import Delivery, Duplicate
from webhooks.receiver import Enqueue
from webhooks.rules import Ignored, Rules
from webhooks.triggers import decide

logger = logging.getLogger(__name__)

TakeLate = Callable[[Delivery, Mapping[str, Any]], Awaitable[bool]]


def late_deliveries(*, enqueue: Enqueue, rules: Rules) -> TakeLate:
    """A function that takes a delivery with its payload and tells whether a job has come of it.

    It raises `StoreUnavailable` where the job could not be stored.
    """

    async def take(delivery: Delivery, payload: Mapping[str, Any]) -> bool:
        try:
            decision = decide(delivery, payload, rules)
        except ValidationError as error:
            logger.warning(
                "late delivery %s is no %s: %s", delivery.guid, delivery.event, error.error_count()
            )
            return False
        if isinstance(decision, Ignored):
            logger.info("late delivery %s is ignored: %s", delivery.guid, decision.reason)
            return False
        outcome = await enqueue(delivery, decision)
        logger.info("late delivery %s is taken: %s of %s", delivery.guid, decision.kind, decision.partition)
        return not isinstance(outcome, Duplicate)

    return take
