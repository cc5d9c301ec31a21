"""Map the errors of GitHub and githubkit to `app.errors`.

Never retries or waits: a rate limit becomes a `GitHubRateLimited` with the time to wait.
"""

import json
import re
import socket
import ssl
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, cast

import httpx
from githubkit.exception import (
    GitHubException,
    GraphQLFailed,
    RateLimitExceeded,
    RequestError,
    RequestFailed,
    RequestTimeout,
)

from app.errors import (
    GitHubClockDiffers,
    GitHubError,
    GitHubForbidden,
    GitHubNotFound,
    GitHubRateLimited,
    GitHubRejected,
    GitHubUnavailable,
)

Clock = Callable[[], float]

# "If neither header is present, wait for at least one minute":
# https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit
MIN_WAIT_S = 60.0
MAX_MESSAGE_CHARACTERS = 300
_LIMIT_WORDS = re.compile(r"secondary rate|rate limit exceeded|abuse detection", re.IGNORECASE)
# GitHub's words for a JWT whose times it does not accept
_CLAIM_WORDS = re.compile(r"'(?:Issued at|Expiration time)' claim", re.IGNORECASE)
# githubkit wraps every exception below it. These are failures; all others are bugs.
_FAILURES = (httpx.HTTPError, httpx.InvalidURL, GitHubError, GitHubException)
_GRAPHQL_LIMITS = {"RATE_LIMIT", "RATE_LIMITED"}


@contextmanager
def mapped_failures(*, to: str, clock: Clock) -> Generator[None]:
    """Map all exceptions of a call to `GitHubError`; `to` completes "GitHub refused to …"."""
    try:
        yield
    except GitHubException as error:
        if (defect := _defect(error)) is not None:
            raise defect from defect.__cause__
        failure = failure_of(error, to=to, clock=clock)
        if failure is error.__cause__:
            raise failure from failure.__cause__
        raise failure from error
    except ValueError as error:  # a body that is not JSON, a header that is not a number
        raise GitHubUnavailable(f"GitHub's answer to the request to {to} is not readable.") from error


def _defect(error: GitHubException) -> Exception | None:
    """Return a wrapped exception that is a bug, not a failure of GitHub or the network."""
    inner = cast("Exception | None", getattr(error, "exc", None))
    return None if inner is None or isinstance(inner, _FAILURES) else inner


def failure_of(error: GitHubException, *, to: str, clock: Clock) -> GitHubError:
    """Map githubkit's error to a `GitHubError`."""
    match error:
        case RateLimitExceeded(response=response) if response.status_code == 200:  # from GraphQL
            return _rate_limited(to, response.raw_response, clock)
        case RequestFailed():
            return failure_of_response(error.response.raw_response, to=to, clock=clock)
        case RequestTimeout():
            return GitHubUnavailable(f"GitHub did not answer the request to {to} in time.")
        case RequestError(exc=GitHubError() as inner):  # raised while fetching the token
            return inner
        case RequestError(exc=GitHubException() as inner):
            return failure_of(inner, to=to, clock=clock)
        case GraphQLFailed():
            return failure_of_graphql(error, to=to)
        case RequestError(exc=httpx.ConnectError() as inner):
            return _unreachable(inner, to=to)
        case _:
            return GitHubUnavailable(f"Quorum cannot reach GitHub to {to}.")


def _unreachable(error: httpx.ConnectError, *, to: str) -> GitHubError:
    """Tell apart why there is no connection; httpx keeps the cause at the end of a chain."""
    host, failure = error.request.url.host, GitHubUnavailable(f"Quorum cannot reach GitHub to {to}.")
    for cause in _causes(error):
        match cause:
            case socket.gaierror():
                name, reason = "name", f"the name {host} cannot be resolved ({cause.strerror})"
            case ssl.SSLCertVerificationError():
                reason = f"the certificate of {host} is not trusted ({cause.verify_message})"
                name = "certificate"
            case ssl.SSLError():
                name, reason = "TLS", f"{host} does not speak TLS here ({cause.reason})"
            case ConnectionRefusedError():
                name, reason = "refused", f"{host} refuses the connection"
            case _:
                continue
        failure = GitHubUnavailable(f"Quorum cannot reach GitHub to {to}: {reason}.")
        failure.cause = name
        break
    return failure


def _causes(error: BaseException) -> Generator[BaseException]:
    while (inner := error.__cause__ or error.__context__) is not None:
        yield inner
        error = inner


def failure_of_response(response: httpx.Response, *, to: str, clock: Clock) -> GitHubError:
    """Map a response with status 300 or above to an error."""
    status, message = response.status_code, _message(response)
    if _is_rate_limit(response, message):
        return _rate_limited(to, response, clock)
    text = f"GitHub refused to {to}: {message}" if message else f"GitHub refused to {to} ({status})."
    if status in (403, 404) and response.headers.get("x-github-sso", "").startswith("required"):
        text = (
            f"GitHub refused to {to}, because the organization requires SAML single sign-on: authorize this token for the "
            "organization in your GitHub settings under Personal access tokens, Configure SSO."
        )
        return GitHubForbidden(text, status=status)
    match status:
        case 401 if _CLAIM_WORDS.search(message):
            text = f"GitHub refused to {to}, because this machine's clock is wrong: {message}"
            return GitHubClockDiffers(text, status=status)
        case 401 | 403 | 451:
            return GitHubForbidden(text, status=status)
        case 404 | 410:
            return GitHubNotFound(text, status=status)
        case 408:
            return GitHubUnavailable(text, status=status)
        case _ if 400 <= status < 500:
            return GitHubRejected(text, status=status)
        case _:
            return GitHubUnavailable(f"GitHub could not {to} ({status}).", status=status)


def failure_of_graphql(error: GraphQLFailed, *, to: str) -> GitHubError:
    """Map GraphQL's errors to one error; errors without a type are GitHub's fault."""
    errors = error.response.errors or []
    kinds = {e.type for e in errors if e.type}
    message = _cut("; ".join(e.message for e in errors))
    if kinds & _GRAPHQL_LIMITS or _LIMIT_WORDS.search(message):
        return GitHubRateLimited(
            f"GitHub's rate limit was exceeded by the request to {to}.", retry_after_s=MIN_WAIT_S
        )
    text = f"GitHub refused to {to}: {message}"
    if kinds & {"FORBIDDEN", "INSUFFICIENT_SCOPES"}:
        return GitHubForbidden(text)
    if "NOT_FOUND" in kinds:
        return GitHubNotFound(text)
    if not kinds or "SERVICE_UNAVAILABLE" in kinds:
        return GitHubUnavailable(f"GitHub could not {to}: {message}")
    return GitHubRejected(text)


def _is_rate_limit(response: httpx.Response, message: str) -> bool:
    """Known forms: 429; 403 with `retry-after`, with no requests remaining, or with only the words "secondary rate
    limit"; and 422 with the code `abuse` after many quick comments.
    """
    match response.status_code:
        case 429:
            return True
        case 403:
            return (
                response.headers.get("x-ratelimit-remaining") == "0"
                or "retry-after" in response.headers
                or bool(_LIMIT_WORDS.search(message))
            )
        case 422:
            return _has_abuse_code(response)
        case _:
            return False


def _rate_limited(to: str, response: httpx.Response, clock: Clock) -> GitHubRateLimited:
    return GitHubRateLimited(
        f"GitHub's rate limit was exceeded by the request to {to}.",
        retry_after_s=_wait_s(response.headers, now=clock()),
        status=response.status_code,
    )


def _wait_s(headers: Mapping[str, str], *, now: float) -> float:
    spent = headers.get("x-ratelimit-remaining") == "0"
    stated, reset = headers.get("retry-after", ""), headers.get("x-ratelimit-reset", "")
    if stated.isdecimal():
        return max(float(stated), 1.0)
    if spent and reset.isdecimal():
        return max(float(reset) - now, 1.0)
    return MIN_WAIT_S


def _has_abuse_code(response: httpx.Response) -> bool:
    errors = _body(response).get("errors")
    items: list[Any] = cast("list[Any]", errors) if isinstance(errors, list) else []
    return any(
        cast("dict[str, Any]", item).get("code") == "abuse" for item in items if isinstance(item, dict)
    )


def _message(response: httpx.Response) -> str:
    """Return GitHub's `message` and `errors`, which can be strings or objects."""
    body = _body(response)
    errors = body.get("errors")
    items: list[Any] = cast("list[Any]", errors) if isinstance(errors, list) else []
    texts = [body.get("message"), *map(_error_text, items)]
    return _cut("; ".join(text for text in texts if isinstance(text, str) and text))


def _error_text(item: object) -> str:
    if not isinstance(item, dict):
        return str(item)
    fields = cast("dict[str, Any]", item)
    if isinstance(fields.get("message"), str):
        return str(fields["message"])
    return " ".join(str(fields[key]) for key in ("resource", "field", "code") if fields.get(key))


def _body(response: httpx.Response) -> dict[str, Any]:
    try:
        body: Any = json.loads(response.content)
    except ValueError:
        return {}
    return cast("dict[str, Any]", body) if isinstance(body, dict) else {}


def _cut(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= MAX_MESSAGE_CHARACTERS else flat[: MAX_MESSAGE_CHARACTERS - 1] + "…"


def utc_timestamp(text: str) -> float:
    """Convert GitHub's ISO 8601 times, with or without fractions of a second, to seconds since 1970."""
    return datetime.fromisoformat(text).timestamp()
