"""Maps a vendor's failure to an error, and each error to retry, fallback and circuit breaker. Never repeats a vendor's text.

A vendor's message can quote the key or the code under review, so all messages are written here. Only the vendor's error
code is kept, and only if it looks like one.

https://platform.claude.com/docs/en/api/errors
https://platform.openai.com/docs/guides/error-codes
https://ai.google.dev/gemini-api/docs/troubleshooting
"""

import asyncio
import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from random import Random

from app.clock import utc_now
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
    ModelTimeout,
    ModelTruncated,
    ModelUnavailable,
)

VENDOR = {
    Provider.CLAUDE: "Anthropic",
    Provider.GPT: "OpenAI",
    Provider.GEMINI: "Google",
    Provider.LOCAL: "The local server",
}

UNPAID_TIER = "The key is on the unpaid tier, so its requests may be used for training."
CHECK_TIMEOUT_S = 15.0  # of a free request

_CODE = re.compile(r"(?=.{1,60}\Z)[A-Za-z]+(?:_[A-Za-z]+)*")  # no digits, no hyphens: never matches a key
_SPENT = re.compile(
    r"insufficient_quota|billing|spend.?limit|credit.?balance|out of credits|per.?day|PerDay", re.IGNORECASE
)
# Google's quota names: https://ai.google.dev/gemini-api/docs/rate-limits
_FREE_TIER = re.compile(r"FreeTier|free_tier")
_PER_MINUTE = re.compile(r"PerMinute")
_PER_DAY = re.compile(r"PerDay")
_TOO_LONG = re.compile(
    r"context_length_exceeded|prompt is too long|context (length|window)|input token count|too many tokens"
    r"|exceeds? the (maximum|available context)",
    re.IGNORECASE,
)
_BAD_KEY = re.compile(
    r"API_KEY_INVALID|API key (not valid|expired)|invalid_api_key|PERMISSION_DENIED", re.IGNORECASE
)
_FILTERED = re.compile(r"content_filter|content_policy|content policy|invalid_prompt|safety", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorFailure:
    """A vendor's error response; `text` is searched for known codes and never shown."""

    provider: Provider
    status: int
    code: str | None = None
    text: str = ""
    retry_after_s: float | None = None
    request_id: str | None = None


def error_from(failure: VendorFailure) -> ModelError:
    """Map a vendor's HTTP status to an error."""
    kind, sentence = _kind(failure)
    name = VENDOR[failure.provider]
    return kind(
        sentence.format(vendor=name, status=failure.status, code=_code(failure.code)),
        provider=failure.provider,
        retry_after_s=failure.retry_after_s,
        request_id=failure.request_id,
    )


_BY_STATUS: dict[int, tuple[type[ModelError], str]] = {
    401: (ModelAuthFailed, "{vendor} refused the key."),
    402: (ModelQuotaExhausted, "{vendor} requires payment."),
    403: (ModelAuthFailed, "{vendor} does not permit this key to do that."),
    404: (ModelNotFound, "{vendor} does not know this model, or this key may not use it."),
    408: (ModelTimeout, "{vendor} did not finish in time ({status})."),
    409: (ModelUnavailable, "{vendor} is not available ({status}{code})."),
    413: (ModelContextTooLong, "The request is too long for {vendor}."),
    425: (ModelUnavailable, "{vendor} is not available ({status}{code})."),
    504: (ModelTimeout, "{vendor} did not finish in time ({status})."),
}


def _kind(failure: VendorFailure) -> tuple[type[ModelError], str]:
    words = f"{failure.code or ''} {failure.text}"
    if failure.status == 429:
        return _limit(words)
    if failure.status in _BY_STATUS:
        return _BY_STATUS[failure.status]
    if failure.status >= 500:
        return ModelUnavailable, "{vendor} is not available ({status}{code})."
    return _rejection(words)


def _limit(words: str) -> tuple[type[ModelError], str]:
    """Google names the exceeded quotas; its message mentions billing even if only a per-minute quota is exceeded."""
    unpaid = f" {UNPAID_TIER}" if _FREE_TIER.search(words) else ""
    is_per_minute = _PER_MINUTE.search(words) and not _PER_DAY.search(words)
    if _SPENT.search(words) and not is_per_minute:
        return ModelQuotaExhausted, "The quota at {vendor} is used up." + unpaid
    return ModelRateLimited, "{vendor} limits the rate of requests." + unpaid


def _rejection(words: str) -> tuple[type[ModelError], str]:
    if _BAD_KEY.search(words):
        return ModelAuthFailed, "{vendor} refused the key."
    if _TOO_LONG.search(words):
        return ModelContextTooLong, "The request is too long for the model at {vendor}."
    if _SPENT.search(words):
        return ModelQuotaExhausted, "The spend limit at {vendor} is reached."
    if _FILTERED.search(words):
        return ModelRefused, "{vendor}'s filter declined the request."
    return ModelRequestRejected, "{vendor} rejected the request ({status}{code})."


def _code(code: str | None) -> str:
    return f" {code}" if code and _CODE.fullmatch(code) else ""


def timed_out(provider: Provider) -> ModelTimeout:
    """Build the error for no answer within the timeout."""
    return ModelTimeout(f"{VENDOR[provider]} did not answer in time.", provider=provider)


def not_set_up(provider: Provider) -> ModelAuthFailed:
    """Build the error for a client that cannot be created: credentials, an address or a proxy are missing or wrong."""
    return ModelAuthFailed(
        f"The {VENDOR[provider]} client cannot be created: credentials or address are missing or wrong.",
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
    return ModelUnavailable(f"The connection to {VENDOR[provider]} failed.", provider=provider)


def not_an_answer(provider: Provider) -> ModelUnavailable:
    """Build the error for a 200 whose body is not an answer, such as a proxy's page or truncated JSON."""
    return ModelUnavailable(f"{VENDOR[provider]} sent an invalid response.", provider=provider)


def shown(reason: object) -> str:
    """Return a vendor's reason in parentheses if it looks like a code; otherwise empty."""
    text = str(reason)
    return f" ({text})" if reason is not None and _CODE.fullmatch(text) else ""


def parse_retry_after(headers: Mapping[str, str], *, now: datetime | None = None) -> float | None:
    """Parse the seconds to wait from `retry-after-ms` or `Retry-After` (seconds or a date); never negative."""
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name)
        if value is None:
            continue
        try:
            return max(0.0, float(value) * scale)
        except ValueError:
            return _seconds_until(value, now or utc_now())
    return None


def _seconds_until(date: str, now: datetime) -> float | None:
    try:
        return max(0.0, (parsedate_to_datetime(date) - now).total_seconds())
    except (ValueError, TypeError):
        return None


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
    ModelFormatUnsupported: ErrorPolicy(decision=RetryDecision.RETRY_NOW),
    ModelInvalidOutput: ErrorPolicy(decision=RetryDecision.RETRY_NOW),
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
