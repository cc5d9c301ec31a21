"""All errors that Quorum raises, in one tree. Adapters map vendors' and GitHub's errors to these.

Messages are short, say what to do if a person can do something, and never contain secrets.
"""

from collections.abc import Sequence

from app.domain.model_call import Outcome, Provider, Usage


class QuorumError(Exception):
    """Root of the tree."""


class ConfigurationError(QuorumError):
    """A setting is missing or wrong; the operator can fix it."""


class InputError(QuorumError):
    """Input from a person cannot be read (CLI: exit 2)."""


class YamlRejected(QuorumError):
    """A YAML file from a repository is not valid; the message is a clause, such as "it is not UTF-8"."""


class Superseded(QuorumError):
    """A newer head replaced the one under review; nothing more is posted."""


class Retargeted(Superseded):
    """The pull request got another base branch while it was reviewed; the review of the old diff is not posted."""


class Cancelled(QuorumError):
    """Nobody wants the review any more; nothing more is asked or posted. The message is a clause, such as "it is closed"."""


class Excluded(Cancelled):
    """The configuration, or a person who may, excludes the pull request from review."""


class Unrequested(Excluded):
    """The configuration has pushes reviewed only on request, and nobody requested this review."""


class Postponed(Exception):
    """Run the job again after `delay_s`. Not a failure; people see `reason` if Quorum finally gives up."""

    def __init__(self, delay_s: float, *, reason: str = "") -> None:
        super().__init__(reason or f"retry in {delay_s:.0f} s")
        self.delay_s = delay_s
        self.reason = reason


class GivenUp(QuorumError):
    """The job crashed its process too many times in a row, so it does not run again."""


class DeliveryRejected(QuorumError):
    """A webhook request is not a valid delivery; the message is for its sender."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class StoreUnavailable(QuorumError):
    """The database is unavailable; the receiver answers 503."""


class StoreOutdated(StoreUnavailable):
    """The tables are those of an earlier release, and the caller may not migrate them."""


class NotificationFailed(QuorumError):
    """The receiver did not accept a notification."""


class NotificationGone(NotificationFailed):
    """The receiver answered 410 and wants no more notifications."""


class AnswerMissing(QuorumError):
    """Nobody has answered this request yet; it waits in a folder for a person or another program."""


class NotApplicable(QuorumError):
    """A scan does not apply to this input, so nothing was sent; the message says why."""


class AnalyzerFailed(QuorumError):
    """A built-in analyzer failed; the findings of the others are kept."""


class GitFailed(QuorumError):
    """git exited with an error, timed out or wrote too much; the message comes from git."""


class GitHubError(QuorumError):
    """A request to GitHub failed."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class GitHubNotFound(GitHubError):
    """404 or 410: it does not exist, or Quorum cannot see it."""


class GitHubForbidden(GitHubError):
    """401 or 403; waiting does not help."""


class GitHubRateLimited(GitHubError):
    """A primary or secondary rate limit."""

    def __init__(self, message: str, *, retry_after_s: float, status: int | None = None) -> None:
        super().__init__(message, status=status)
        self.retry_after_s = retry_after_s


class GitHubUnavailable(GitHubError):
    """5xx, timeout or broken connection; GitHub may still have processed the request."""

    cause: str | None = None  # why there is no connection: "name", "certificate", "TLS" or "refused"


class GitHubClockDiffers(GitHubUnavailable):
    """401 for the App's JWT, because this machine's clock is wrong; the work continues once it is right."""


class GitHubRejected(GitHubError):
    """422: GitHub rejects the request."""


TRANSIENT = (GitHubRateLimited, GitHubUnavailable, StoreUnavailable)
"""Errors that go away by themselves: wait, or let the job run again."""


class ModelError(QuorumError):
    """A model gave no usable answer. `outcome` goes into the row of `model_calls`.

    `usage` is set if the vendor charges for the answer anyway, as for a refusal or a truncated answer.
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
        may_be_format: bool = False,
    ) -> None:
        super().__init__(message)
        self.may_be_format = (
            may_be_format  # the vendor does not say why; perhaps it is the way of requesting JSON
        )
        self.provider = provider
        self.retry_after_s = retry_after_s
        self.request_id = request_id
        self.usage = usage


class ModelRateLimited(ModelError):
    """429; waiting helps."""

    outcome = Outcome.RATE_LIMITED


class ModelQuotaExhausted(ModelError):
    """Quota exhausted, spend limit or missing payment; waiting does not help."""

    outcome = Outcome.RATE_LIMITED


class ModelTimeout(ModelError):
    """No answer within the time limit of the attempt."""

    outcome = Outcome.TIMEOUT


class ModelUnavailable(ModelError):
    """5xx, overload, broken connection or an unreadable body."""

    outcome = Outcome.UNAVAILABLE


class ModelNotFound(ModelError):
    """The provider does not know this model, or the key has no access to it."""

    outcome = Outcome.UNAVAILABLE


class ModelRequestRejected(ModelError):
    """The provider rejects the request; another vendor may accept it."""

    outcome = Outcome.UNAVAILABLE


class ModelFormatUnsupported(ModelError):
    """The vendor does not support this way of requesting JSON; the next attempt uses another."""

    outcome = Outcome.UNAVAILABLE


class ModelSchemaRefused(ModelError):
    """The vendor finds the schema too complex; the next attempt uses a simpler one."""

    outcome = Outcome.UNAVAILABLE


class ModelStreamRefused(ModelError):
    """The server at an operator's address does not stream; the next attempt asks for the whole answer."""

    outcome = Outcome.UNAVAILABLE


class ModelRefused(ModelError):
    """The model or a safety filter declined to answer."""

    outcome = Outcome.REFUSED


class ModelTruncated(ModelError):
    """The answer was truncated at the output limit."""

    outcome = Outcome.TRUNCATED


class ModelInvalidOutput(ModelError):
    """The answer does not match the schema."""

    outcome = Outcome.INVALID_OUTPUT


class ModelContextTooLong(ModelError):
    """The request exceeds the model's context window."""

    outcome = Outcome.CONTEXT_TOO_LONG


class ModelReadPart(ModelError):
    """The server cut the request in silence and answered about the rest, so nothing counts as reviewed."""

    outcome = Outcome.CONTEXT_TOO_LONG


class ModelOverBudget(ModelError):
    """A budget does not allow this call."""

    outcome = Outcome.OVER_BUDGET


class ModelAuthFailed(ModelError):
    """The provider rejected the key."""

    outcome = Outcome.AUTH_FAILED


class AllModelsFailed(ModelError):
    """Every candidate failed; `attempts` holds all their errors, in order."""

    def __init__(self, attempts: Sequence[ModelError]) -> None:
        self.attempts = tuple(attempts)
        messages = dict.fromkeys(f"{e.provider or 'model'}: {e}".rstrip(".") for e in attempts)
        super().__init__("; ".join(messages) or "no provider is available")
        self.outcome = attempts[-1].outcome if attempts else Outcome.UNAVAILABLE


MAX_PATHS_NAMED = 5


class StageCrashed(QuorumError):
    """A stage ended early because of a bug in Quorum; the log has the traceback."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(f"This stage failed because of a bug in Quorum ({type(cause).__name__}).")


class ChunksNotReviewed(QuorumError):
    """Models answered about some chunks of a change, but not about the files at `paths`."""

    def __init__(self, cause: QuorumError, paths: Sequence[str]) -> None:
        more = f" and {len(paths) - MAX_PATHS_NAMED} more" if len(paths) > MAX_PATHS_NAMED else ""
        named = f"{', '.join(paths[:MAX_PATHS_NAMED])}{more}"
        super().__init__(f"{str(cause).rstrip('.')}; not reviewed: {named}")


class HeadMoved(QuorumError):
    """The branch of a pull request moved while Quorum worked on its head; nothing was written."""


class BranchTaken(QuorumError):
    """The branch for a fix exists and has another commit than the fix; nothing was opened."""


class FixRejected(QuorumError):
    """A check rejects a proposed fix; `code` is a `FixProblemCode`, `path` and `detail` complete the reason."""

    def __init__(self, code: str, *, path: str = "", detail: str = "") -> None:
        super().__init__(f"{code} {path} {detail}".strip())
        self.code, self.path, self.detail = code, path, detail
