"""What to do after each kind of error: retry, fallback and circuit breaker, and the errors that no response explains.

A vendor's message can quote the key or the code under review, so all messages are written here and in
`app.llm.vendor_errors`. Only the vendor's error code is kept, and only if it looks like one.
"""

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from app.domain.model_call import Provider
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
    ModelReadPart,
    ModelRefused,
    ModelRequestRejected,
    ModelSchemaRefused,
    ModelStreamRefused,
    ModelTimeout,
    ModelTruncated,
    ModelUnavailable,
)

_VENDOR = {
    Provider.CLAUDE: "Anthropic",
    Provider.GPT: "OpenAI",
    Provider.GEMINI: "Google",
    Provider.LOCAL: "The local server",
}

UNPAID_TIER = "The key is on the unpaid tier, so its requests may be used for training."
CHECK_TIMEOUT_S = 15.0  # of a free request

_CODE = re.compile(r"(?=.{1,60}\Z)[A-Za-z]+(?:_[A-Za-z]+)*")  # no digits, no hyphens: never matches a key


def name_of(provider: Provider) -> str:
    """Return who failed, at the start of a sentence: the vendor, or the server by its name."""
    return _VENDOR.get(provider) or f"The server {provider.server}"


def within_sentence(provider: Provider) -> str:
    """Return who failed, within a sentence."""
    return name_of(provider).replace("The ", "the ", 1)


def timed_out(provider: Provider) -> ModelTimeout:
    """Build the error for no answer within the timeout."""
    return ModelTimeout(f"{name_of(provider)} did not answer in time.", provider=provider)


def not_set_up(provider: Provider) -> ModelAuthFailed:
    """Build the error for a client that cannot be created: credentials, an address or a proxy are missing or wrong."""
    return ModelAuthFailed(
        f"The client of {within_sentence(provider)} cannot be created: credentials or address are missing or wrong.",
        provider=provider,
    )


@asynccontextmanager
async def within(provider: Provider, timeout_s: float) -> AsyncGenerator[None]:
    """Limit the whole attempt: an SDK's own timeout restarts with every byte received.

    Raises:
        ModelTimeout: the time is up.
    """
    try:
        async with asyncio.timeout(timeout_s):
            yield
    except TimeoutError as error:
        raise timed_out(provider) from error


def disconnected(provider: Provider) -> ModelUnavailable:
    """Build the error for a connection that could not be opened, or broke."""
    return ModelUnavailable(f"The connection to {within_sentence(provider)} failed.", provider=provider)


def not_an_answer(provider: Provider) -> ModelUnavailable:
    """Build the error for a 200 whose body is not an answer, such as a proxy's page or truncated JSON."""
    return ModelUnavailable(f"{name_of(provider)} sent an invalid response.", provider=provider)


def code_of(code: str | None) -> str:
    """Return a vendor's error code for a sentence if it looks like a code; otherwise empty."""
    return f" {code}" if code and _CODE.fullmatch(code) else ""


def shown(reason: object) -> str:
    """Return a vendor's reason in parentheses if it looks like a code; otherwise empty."""
    text = str(reason)
    return f" ({text})" if reason is not None and _CODE.fullmatch(text) else ""


MAX_ATTEMPTS = 3  # of one candidate, for transient errors
MAX_REASKS = 1  # after an answer that does not fit the schema
FIRST_WAIT_S = 0.5
MAX_WAIT_S = 30.0


class RetryDecision(StrEnum):
    """What to do with the candidate whose attempt failed."""

    RETRY_NOW = "retry now"
    RETRY_LATER = "retry later"  # after a wait, during which others are asked
    DROP = "drop"  # continue with the next candidate
    GIVE_UP = "give up"  # ask no other candidate either


class CircuitEffect(StrEnum):
    """The effect on later requests to the same provider."""

    LEAVE = "leave"  # the error says nothing about the provider
    CLOSE = "close"  # the provider answered
    COUNT = "count"  # opens after several in a window
    OPEN = "open"  # opens immediately
    OPEN_MODEL = "open model"  # opens immediately, for this model only


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorPolicy:
    """What to do after a kind of error: a row of `POLICY`."""

    decision: RetryDecision
    circuit: CircuitEffect = CircuitEffect.CLOSE


POLICY: dict[type[ModelError], ErrorPolicy] = {
    ModelFormatUnsupported: ErrorPolicy(decision=RetryDecision.DROP),
    ModelSchemaRefused: ErrorPolicy(decision=RetryDecision.DROP),
    ModelInvalidOutput: ErrorPolicy(decision=RetryDecision.RETRY_NOW),
    ModelStreamRefused: ErrorPolicy(decision=RetryDecision.RETRY_NOW),
    ModelRateLimited: ErrorPolicy(decision=RetryDecision.RETRY_LATER, circuit=CircuitEffect.COUNT),
    ModelTimeout: ErrorPolicy(decision=RetryDecision.RETRY_LATER, circuit=CircuitEffect.COUNT),
    ModelUnavailable: ErrorPolicy(decision=RetryDecision.RETRY_LATER, circuit=CircuitEffect.COUNT),
    ModelQuotaExhausted: ErrorPolicy(decision=RetryDecision.DROP, circuit=CircuitEffect.OPEN),
    ModelAuthFailed: ErrorPolicy(decision=RetryDecision.DROP, circuit=CircuitEffect.OPEN),
    ModelNotFound: ErrorPolicy(decision=RetryDecision.DROP, circuit=CircuitEffect.OPEN_MODEL),
    ModelRequestRejected: ErrorPolicy(decision=RetryDecision.DROP),
    ModelContextTooLong: ErrorPolicy(decision=RetryDecision.DROP),
    ModelReadPart: ErrorPolicy(decision=RetryDecision.DROP),
    ModelRefused: ErrorPolicy(decision=RetryDecision.DROP),
    ModelTruncated: ErrorPolicy(decision=RetryDecision.DROP),
    ModelOverBudget: ErrorPolicy(decision=RetryDecision.GIVE_UP, circuit=CircuitEffect.LEAVE),
}


def policy_for(error: ModelError) -> ErrorPolicy:
    """Return the policy for an error."""
    return POLICY[type(error)]


def wait_s(error: ModelError, failures: int, rng: Random) -> float:
    """Return how long a candidate waits after this number of transient failures.

    That is as long as the vendor asked, or else an exponential backoff with jitter.
    """
    if error.retry_after_s is not None:
        return error.retry_after_s
    return min(FIRST_WAIT_S * 2 ** (failures - 1), MAX_WAIT_S) * rng.uniform(0.75, 1.25)
