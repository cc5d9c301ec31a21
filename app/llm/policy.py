"""What follows from each error: the one table of retry, fallback and circuit. Values only; never waits.

With another candidate left, a transient error means the next vendor at once: waiting is for when there is nobody else to ask.
"""

from dataclasses import dataclass
from enum import StrEnum
from random import Random

from app.errors import (
    ModelAuthFailed,
    ModelContextTooLong,
    ModelError,
    ModelFormatUnsupported,
    ModelInvalidOutput,
    ModelNotFound,
    ModelOverBudget,
    ModelQuotaExhausted,
    ModelRateLimited,
    ModelRefused,
    ModelRequestRejected,
    ModelTimeout,
    ModelTruncated,
    ModelUnavailable,
)

MAX_ATTEMPTS = 3  # of one candidate, for transient errors
MAX_REASKS = 1  # after an answer that is off the schema
FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 30.0


class Then(StrEnum):
    """What follows for the candidate whose attempt failed."""

    ASK_AGAIN = "ask again"  # here and now
    COME_BACK = "come back"  # the others first, then this one after a wait
    DROP = "drop"  # the next candidate; this one is not asked again
    GIVE_UP = "give up"  # nobody else is asked either


class Circuit(StrEnum):
    """What follows for later requests to the same provider."""

    LEAVE = "leave"  # nothing was learned about it
    CLOSE = "close"  # it answered, if not as wished
    COUNT = "count"  # opens after a few in a window
    OPEN = "open"  # opens at once
    OPEN_MODEL = "open model"  # opens at once, for this model alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One line of the table."""

    then: Then
    circuit: Circuit = Circuit.CLOSE


POLICY: dict[type[ModelError], Rule] = {
    ModelFormatUnsupported: Rule(then=Then.ASK_AGAIN),
    ModelInvalidOutput: Rule(then=Then.ASK_AGAIN),
    ModelRateLimited: Rule(then=Then.COME_BACK, circuit=Circuit.COUNT),
    ModelTimeout: Rule(then=Then.COME_BACK, circuit=Circuit.COUNT),
    ModelUnavailable: Rule(then=Then.COME_BACK, circuit=Circuit.COUNT),
    ModelQuotaExhausted: Rule(then=Then.DROP, circuit=Circuit.OPEN),
    ModelAuthFailed: Rule(then=Then.DROP, circuit=Circuit.OPEN),
    ModelNotFound: Rule(then=Then.DROP, circuit=Circuit.OPEN_MODEL),
    ModelRequestRejected: Rule(then=Then.DROP),
    ModelContextTooLong: Rule(then=Then.DROP),
    ModelRefused: Rule(then=Then.DROP),
    ModelTruncated: Rule(then=Then.DROP),
    ModelOverBudget: Rule(then=Then.GIVE_UP, circuit=Circuit.LEAVE),
}


def rule_for(error: ModelError) -> Rule:
    """The table's line for an error."""
    return POLICY[type(error)]


def wait_s(error: ModelError, failures: int, rng: Random) -> float:
    """How long a candidate rests after its `failures`-th transient failure: what it asked for, else doubling with jitter."""
    if error.retry_after_s is not None:
        return error.retry_after_s
    return min(FIRST_WAIT_S * 2 ** (failures - 1), LONGEST_WAIT_S) * rng.uniform(0.75, 1.25)
