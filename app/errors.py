"""Every error that Quorum raises, in one tree; vendors' and GitHub's errors are mapped to these at the edge.

Messages are short, name what to do where a person can do something, and never hold a secret.
"""

from collections.abc import Sequence

from app.domain.model_call import Outcome, Provider, Usage


class QuorumError(Exception):
    """Root of the tree."""


class ConfigurationError(QuorumError):
    """A setting is missing or wrong; the operator can mend it."""


class InputError(QuorumError):
    """What a person gave cannot be read (CLI: exit 2)."""


class Superseded(QuorumError):
    """A newer head took this review's place; nothing more is posted for it."""


class Postponed(Exception):
    """The job is to be queued again after `delay_s`; no failure, so it is none of `QuorumError`.

    `reason` is the sentence that people read if it is given up in the end.
    """

    def __init__(self, delay_s: float, *, reason: str = "") -> None:
        super().__init__(reason or f"to be tried again in {delay_s:.0f} s")
        self.delay_s = delay_s
        self.reason = reason


class GivenUp(QuorumError):
    """The processes that did this job died one after the other, and nothing of it was done."""


class StoreUnavailable(QuorumError):
    """The database cannot take this now; the receiver answers 503."""


class NotificationFailed(QuorumError):
    """The receiver of notifications did not take one."""


class NotificationGone(NotificationFailed):
    """It answered that it will never take one again."""


class AnalyzerFailed(QuorumError):
    """A built-in analyser did not run to its end; the others' findings stand."""


class GitHubError(QuorumError):
    """GitHub did not do what was asked."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class GitHubNotFound(GitHubError):
    """404 or 410: not there, or not for us."""


class GitHubForbidden(GitHubError):
    """401 or 403 that waiting does not mend."""


class GitHubRateLimited(GitHubError):
    """A primary or secondary limit in any of its forms."""

    def __init__(self, message: str, *, retry_after_s: float, status: int | None = None) -> None:
        super().__init__(message, status=status)
        self.retry_after_s = retry_after_s


class GitHubUnavailable(GitHubError):
    """5xx, timeout or broken connection; the request may have been carried out all the same."""


class GitHubRejected(GitHubError):
    """422: the request is not acceptable as it is."""


TRANSIENT = (GitHubRateLimited, GitHubUnavailable, StoreUnavailable)
"""What goes away by itself: whoever meets it waits, or lets the job be tried again."""


class ModelError(QuorumError):
    """A model gave no usable answer. `outcome` is what the row of `model_calls` says.

    `usage` is set where the vendor answered, and so charges, all the same: a refusal, a cut answer.
    """

    outcome: Outcome = Outcome.UNAVAILABLE

    def __init__(
        self,
        message: str,
        *,
        provider: Provider | None = None,
        retry_after_s: float | None = None,
        request_id: str | None = None,
        usage: Usage | None = None,
    ) -> None:
        super().__init__(message)
        self.provider = provider
        self.retry_after_s = retry_after_s
        self.request_id = request_id
        self.usage = usage


class ModelRateLimited(ModelError):
    """429 that goes away by waiting."""

    outcome = Outcome.RATE_LIMITED


class ModelQuotaExhausted(ModelError):
    """Spent quota, spend limit or missing payment: waiting does not mend it."""

    outcome = Outcome.RATE_LIMITED


class ModelTimeout(ModelError):
    """No answer within the attempt's time."""

    outcome = Outcome.TIMEOUT


class ModelUnavailable(ModelError):
    """5xx, overload, broken connection, a body that is no answer."""

    outcome = Outcome.UNAVAILABLE


class ModelNotFound(ModelError):
    """The provider does not know this model, or this key may not use it."""

    outcome = Outcome.UNAVAILABLE


class ModelRequestRejected(ModelError):
    """The provider does not take the request as it is; another vendor may."""

    outcome = Outcome.UNAVAILABLE


class ModelFormatUnsupported(ModelError):
    """The server does not take this way of asking for JSON; the next attempt asks another way."""

    outcome = Outcome.UNAVAILABLE


class ModelRefused(ModelError):
    """The model or a safety filter declined."""

    outcome = Outcome.REFUSED


class ModelTruncated(ModelError):
    """The answer was cut at the output limit."""

    outcome = Outcome.TRUNCATED


class ModelInvalidOutput(ModelError):
    """The answer is not what the schema asks for."""

    outcome = Outcome.INVALID_OUTPUT


class ModelContextTooLong(ModelError):
    """The request does not fit the model's window."""

    outcome = Outcome.CONTEXT_TOO_LONG


class ModelOverBudget(ModelError):
    """A budget does not allow this call."""

    outcome = Outcome.OVER_BUDGET


class ModelAuthFailed(ModelError):
    """The key was refused."""

    outcome = Outcome.AUTH_FAILED


class AllModelsFailed(ModelError):
    """Every candidate failed; `attempts` holds all their errors, in order."""

    def __init__(self, attempts: Sequence[ModelError]) -> None:
        self.attempts = tuple(attempts)
        said = dict.fromkeys(f"{e.provider or 'model'}: {e}".rstrip(".") for e in attempts)
        super().__init__("; ".join(said) or "no provider is available")
        self.outcome = attempts[-1].outcome if attempts else Outcome.UNAVAILABLE
