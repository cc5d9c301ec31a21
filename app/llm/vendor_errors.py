"""Maps a vendor's error response to an error. Never repeats a vendor's text.

https://platform.claude.com/docs/en/api/errors
https://platform.openai.com/docs/guides/error-codes
https://ai.google.dev/gemini-api/docs/troubleshooting
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime

from app.clock import utc_now
from app.domain.model_call import Provider
from app.errors import (
    ModelAuthFailed,
    ModelContextTooLong,
    ModelError,
    ModelFormatUnsupported,
    ModelNotFound,
    ModelQuotaExhausted,
    ModelRateLimited,
    ModelRefused,
    ModelRequestRejected,
    ModelSchemaRefused,
    ModelTimeout,
    ModelUnavailable,
)
from app.llm.failures import UNPAID_TIER, code_of, name_of, within_sentence

MAX_SEARCHED = 4_000  # characters of a body; a server may repeat the request in it


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """What a vendor's words mean, whatever the status; the first match counts. The bodies are in `tests/data/vendor_bodies.json`."""

    pattern: re.Pattern[str]
    kind: type[ModelError]
    sentence: str


def _words(pattern: str, kind: type[ModelError], sentence: str) -> _Words:
    return _Words(pattern=re.compile(pattern, re.IGNORECASE), kind=kind, sentence=sentence)


_TOO_LONG_FOR_MODEL = "The request is too long for the model at {where}."
_REJECTIONS = (
    _words(
        r"max_tokens[`'\"]? exceed context limit",
        ModelContextTooLong,
        "The request and the longest answer together are too long for the model at {where}.",
    ),
    _words(
        r"context_length_exceeded|prompt is too long|context (length|window|size)|input token count|too many tokens"
        r"|exceeds? the (maximum|available context)|longer than the (maximum )?model|Requested tokens \(\d+\) exceed"
        r"|max_tokens must be at least 1",
        ModelContextTooLong,
        _TOO_LONG_FOR_MODEL,
    ),
    _words(
        r"compiled grammar is too large|schema is too complex|too many states|too much branching|too many (optional|enum)"
        r"|schema exceeds|exceeds .{0,40}(enum|propert|nesting)|failed to parse grammar|sampling context"
        r"|invalid_json_schema|invalid schema|schema produces|unsupported by|(not supported by|Unimplemented).{0,30}(xgrammar|keys|grammar)|grammar error",
        ModelSchemaRefused,
        "{vendor} refused the answer schema ({status}{code}).",
    ),
    _words(
        r"response_?format|response format|json mode|output_config|output_format|json_schema|json_object|text\.format|structured output"
        r"|response_?(json_?)?schema|response_?mime_?type|can only concatenate str",
        ModelFormatUnsupported,
        "{vendor} does not support this way of requesting JSON ({status}{code}).",
    ),
    _words(
        r"API_KEY_INVALID|API key (not valid|expired)|invalid_api_key|PERMISSION_DENIED",
        ModelAuthFailed,
        "{vendor} refused the key.",
    ),
    _words(
        r"insufficient_quota|billing|spend.?limit|credit.?balance|out of credits|per.?day|usage limits",
        ModelQuotaExhausted,
        "The spend limit at {where} is reached{until}.",
    ),
    _words(
        r"cyber_?(security_)?policy|flagged for .{0,40}cyber",
        ModelRefused,
        "{vendor}'s cybersecurity policy declined the request.",
    ),
    _words(r"output blocked by content filtering", ModelRefused, "{vendor}'s filter blocked the answer."),
    _words(
        r"content_filter|content_policy|content policy|invalid_prompt|safety|usage polic(y|ies)|\w+_policy(_violation)?\b",
        ModelRefused,
        "{vendor}'s filter declined the request.",
    ),
)
_UNTIL = re.compile(r"regain access on (\d{4}-\d{2}-\d{2}( at \d{2}:\d{2} UTC)?)")

_SPENT = re.compile(
    r"insufficient_quota|billing|spend.?limit|credit.?balance|out of credits|per.?day|PerDay|usage limits",
    re.IGNORECASE,
)
# A shorter request passes, the same one never does.
_TOO_LARGE_FOR_LIMIT = re.compile(r"request too large|long context requests", re.IGNORECASE)
_RATE_CODES = (
    "rate_limit_exceeded",
    "tokens",
    "requests",
)  # OpenAI's, whose text names the billing page as well
# Google's quota names: https://ai.google.dev/gemini-api/docs/rate-limits
_FREE_TIER = re.compile(r"FreeTier|free_tier")
_PER_MINUTE = re.compile(r"PerMinute")
_PER_DAY = re.compile(r"PerDay")


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
    until, name = _UNTIL.search(failure.text), name_of(failure.provider)
    return kind(
        sentence.format(
            vendor=name,
            where=within_sentence(failure.provider),
            status=failure.status,
            code=code_of(failure.code),
            until=f" until {until[1]}" if until else "",
        ),
        provider=failure.provider,
        retry_after_s=failure.retry_after_s,
        request_id=failure.request_id,
        may_be_format=_may_be_format(failure, kind),
    )


def _may_be_format(failure: VendorFailure, kind: type[ModelError]) -> bool:
    """Whether the vendor may refuse the schema without saying so: Google's "invalid argument", a local server's 4xx or 500."""
    match failure.provider.api:
        case Provider.GEMINI:
            return kind is ModelRequestRejected
        case Provider.LOCAL:
            return kind is ModelRequestRejected or (failure.status == 500 and kind is ModelUnavailable)
        case _:
            return False


_BY_STATUS: dict[int, tuple[type[ModelError], str]] = {
    401: (ModelAuthFailed, "{vendor} refused the key."),
    402: (ModelQuotaExhausted, "{vendor} requires payment."),
    403: (ModelAuthFailed, "{vendor} does not permit this key to do that."),
    404: (ModelNotFound, "{vendor} does not know this model, or this key may not use it."),
    408: (ModelTimeout, "{vendor} did not finish in time ({status})."),
    409: (ModelUnavailable, "{vendor} is not available ({status}{code})."),
    413: (ModelContextTooLong, "The request is too long for {where}."),
    425: (ModelUnavailable, "{vendor} is not available ({status}{code})."),
    504: (ModelTimeout, "{vendor} did not finish in time ({status})."),
}


_OVERRULE = (ModelFormatUnsupported, ModelSchemaRefused, ModelContextTooLong)
_SAYS_WHY = (400, 404, 405, 415, 422, 500, 501)  # statuses whose text decides


def _kind(failure: VendorFailure) -> tuple[type[ModelError], str]:
    words = f"{failure.code or ''} {failure.text[:MAX_SEARCHED]}"
    if failure.status == 429:
        return _limit(failure.code, words)
    said = _said(failure.status, words)
    if said:
        return said.kind, said.sentence
    if failure.status in _BY_STATUS:
        return _BY_STATUS[failure.status]
    if failure.status >= 500:
        return ModelUnavailable, "{vendor} is not available ({status}{code})."
    return ModelRequestRejected, "{vendor} rejected the request ({status}{code})."


def _said(status: int, words: str) -> _Words | None:
    """Return what the words mean; a status with a meaning of its own is only overruled by a few kinds."""
    if status not in _SAYS_WHY:
        return None
    found = next((each for each in _REJECTIONS if each.pattern.search(words)), None)
    return found if found and (found.kind in _OVERRULE or status in (400, 422)) else None


def _limit(code: str | None, words: str) -> tuple[type[ModelError], str]:
    """Google names the exceeded quotas; its message mentions billing even if only a per-minute quota is exceeded."""
    if _TOO_LARGE_FOR_LIMIT.search(words):
        return ModelContextTooLong, "The request is longer than {where} allows this key to send."
    unpaid = f" {UNPAID_TIER}" if _FREE_TIER.search(words) else ""
    is_per_minute = _PER_MINUTE.search(words) and not _PER_DAY.search(words)
    if code not in _RATE_CODES and _SPENT.search(words) and not is_per_minute:
        return ModelQuotaExhausted, "The quota at {where} is used up{until}." + unpaid
    return ModelRateLimited, "{vendor} limits the rate of requests." + unpaid


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
