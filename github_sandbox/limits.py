"""Rate limits as GitHub counts them, and fault injection.

https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
"""

import math
import re
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from github_sandbox.errors import ApiError, forbidden, not_found

_HOUR_S = 3600.0
_SECONDARY = (
    "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
    " If you reach out to GitHub Support for help, please include the request ID."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimits:
    """GitHub's limits for an installation."""

    primary_per_hour: int = 5_000
    content_per_minute: int = 80
    content_per_hour: int = 500
    points_per_minute: int = 900


class Throttle:
    """Counts each client's requests in sliding windows."""

    def __init__(self, limits: RateLimits, clock: Callable[[], float]) -> None:
        self.limits = limits
        self._clock = clock
        self._requests: dict[str, deque[float]] = defaultdict(deque)
        self._content: dict[str, deque[float]] = defaultdict(deque)
        self._points: dict[str, deque[tuple[float, int]]] = defaultdict(deque)
        self.refused = 0
        self.fullest = 0.0  # the largest share of a per-minute limit that was in use

    def count(self, key: str, *, creates_content: bool, points: int = 1) -> dict[str, str]:
        """Count a request; return its `x-ratelimit-*` headers, or raise a 403."""
        now = self._clock()
        seen = self._requests[key]
        while seen and seen[0] <= now - _HOUR_S:
            seen.popleft()
        if len(seen) >= self.limits.primary_per_hour:
            self.refused += 1
            raise primary_limit(reset_at=seen[0] + _HOUR_S, limit=self.limits.primary_per_hour)
        seen.append(now)
        self._count_points(key, points, now)
        if creates_content:
            self._count_content(key, now)
        return _headers(self.limits.primary_per_hour, len(seen), seen[0] + _HOUR_S)

    def peek(self, key: str) -> dict[str, str]:
        """The present headers of a client, without counting."""
        seen = self._requests[key]
        reset = (seen[0] if seen else self._clock()) + _HOUR_S
        return _headers(self.limits.primary_per_hour, len(seen), reset)

    def _count_points(self, key: str, points: int, now: float) -> None:
        spent = self._points[key]
        while spent and spent[0][0] <= now - 60:
            spent.popleft()
        if sum(cost for _, cost in spent) + points > self.limits.points_per_minute:
            self.refused += 1
            raise secondary_limit(status=403, retry_after_s=60)
        spent.append((now, points))
        self._note(sum(cost for _, cost in spent), of=self.limits.points_per_minute)

    def _count_content(self, key: str, now: float) -> None:
        made = self._content[key]
        while made and made[0] <= now - _HOUR_S:
            made.popleft()
        last_minute = sum(at > now - 60 for at in made)
        if last_minute >= self.limits.content_per_minute or len(made) >= self.limits.content_per_hour:
            self.refused += 1
            raise secondary_limit(status=403, retry_after_s=60)
        made.append(now)
        self._note(last_minute + 1, of=self.limits.content_per_minute)

    def _note(self, used: int, *, of: int) -> None:
        self.fullest = max(self.fullest, used / of)


def _headers(limit: int, used: int, reset_at: float) -> dict[str, str]:
    return {
        "x-ratelimit-limit": str(limit),
        "x-ratelimit-remaining": str(max(0, limit - used)),
        "x-ratelimit-used": str(used),
        "x-ratelimit-reset": str(int(reset_at)),
        "x-ratelimit-resource": "core",
    }


def primary_limit(*, reset_at: float, limit: int = 5_000, status: int = 403) -> ApiError:
    """Return the error for an exhausted hourly limit."""
    return ApiError(
        status, "API rate limit exceeded for installation.", headers=_headers(limit, limit, reset_at)
    )


def secondary_limit(*, status: int, retry_after_s: int | None) -> ApiError:
    """Return the error for too many requests in a short time: 403 or 429, with or without `retry-after`."""
    headers = {} if retry_after_s is None else {"retry-after": str(retry_after_s)}
    return ApiError(status, _SECONDARY, headers=headers)


class Fault(StrEnum):
    """What can go wrong with a request. `DONE_THEN_` faults perform the request first."""

    BAD_GATEWAY = "bad_gateway"
    SERVER_ERROR = "server_error"
    NO_ANSWER = "no_answer"
    DONE_THEN_BAD_GATEWAY = "done_then_bad_gateway"
    DONE_THEN_NO_ANSWER = "done_then_no_answer"
    CUT = "cut"
    DONE_THEN_CUT = "done_then_cut"
    PRIMARY_LIMIT = "primary_limit"
    PRIMARY_LIMIT_429 = "primary_limit_429"
    SECONDARY_LIMIT = "secondary_limit"
    SECONDARY_LIMIT_429 = "secondary_limit_429"
    SECONDARY_LIMIT_BARE = "secondary_limit_bare"
    SECONDARY_LIMIT_429_BARE = "secondary_limit_429_bare"
    ABUSE = "abuse"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    LEGAL_REASONS = "legal_reasons"


class NoAnswer(Exception):
    """The connection is cut without a response; the in-process transport turns it into a read timeout."""


class CutConnection(Exception):
    """The connection is closed in the middle of a response."""


@dataclass(slots=True, kw_only=True)
class _Injected:
    fault: Fault
    method: str
    path: re.Pattern[str]
    times: float  # infinite: for good
    retry_after_s: int
    happened: int = 0


class Faults:
    """Requested faults, in order; each happens to the next `times` matching requests."""

    def __init__(self) -> None:
        self._injected: list[_Injected] = []
        self.latency_s = 0.0

    def inject(
        self,
        fault: Fault,
        *,
        method: str = "POST",
        path: str = "",
        times: float = 1,
        retry_after_s: int = 60,
    ) -> None:
        """Inject a fault into the next requests with this method whose path matches the regular expression.

        `times` is `math.inf` for a fault that never ends.
        """
        pattern = re.compile(path)
        self._injected.append(
            _Injected(fault=fault, method=method, path=pattern, times=times, retry_after_s=retry_after_s)
        )

    def clear(self) -> None:
        """Let everything work again."""
        self._injected.clear()

    def next_for(self, method: str, path: str) -> tuple[Fault, int] | None:
        """The fault for this request with its `retry-after`; counts it as happened."""
        for injected in self._injected:
            if injected.times > 0 and injected.method == method and injected.path.search(path):
                injected.times -= 1
                injected.happened += 1
                return injected.fault, injected.retry_after_s
        return None

    @property
    def left(self) -> int:
        """How many injected faults have not happened; a test that ends with some did not test them."""
        return sum(_left(injected) for injected in self._injected)


def _left(injected: _Injected) -> int:
    return int(injected.times) if math.isfinite(injected.times) else int(not injected.happened)


_REFUSALS = {
    Fault.UNAUTHORIZED: lambda: ApiError(401, "Bad credentials"),
    Fault.FORBIDDEN: forbidden,
    Fault.NOT_FOUND: not_found,
    Fault.LEGAL_REASONS: lambda: ApiError(451, "Repository access blocked"),
}


def raise_fault(fault: Fault, retry_after_s: int, *, now: float) -> None:
    """Raise what the client sees; `DONE_THEN_` faults are raised after the work."""
    match fault:
        case Fault.BAD_GATEWAY | Fault.DONE_THEN_BAD_GATEWAY:
            raise ApiError(502, "Server Error")
        case Fault.SERVER_ERROR:
            raise ApiError(500, "Server Error")
        case Fault.NO_ANSWER | Fault.DONE_THEN_NO_ANSWER:
            raise NoAnswer
        case Fault.CUT | Fault.DONE_THEN_CUT:
            raise CutConnection
        case Fault.UNAUTHORIZED | Fault.FORBIDDEN | Fault.NOT_FOUND | Fault.LEGAL_REASONS:
            raise _REFUSALS[fault]()
        case Fault.ABUSE:
            raise ApiError(
                422,
                "Validation Failed",
                errors=[{"resource": "IssueComment", "code": "abuse", "field": "base"}],
            )
        case _:
            _raise_limit(fault, retry_after_s, now=now)


def _raise_limit(fault: Fault, retry_after_s: int, *, now: float) -> None:
    status = 429 if "429" in fault else 403
    if fault in (Fault.PRIMARY_LIMIT, Fault.PRIMARY_LIMIT_429):
        raise primary_limit(reset_at=now + retry_after_s, status=status)
    raise secondary_limit(status=status, retry_after_s=None if "bare" in fault else retry_after_s)
