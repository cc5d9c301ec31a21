"""A review from request to report, and its progress. Values only, no I/O."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from app.domain.configuration import PathInstruction
from app.domain.diff import Diff, FileDiff
from app.domain.finding import Document, Finding, RejectedClaim, Rejection, Stage, Walkthrough
from app.domain.lookup import LookedUp
from app.domain.model_call import Provider
from app.domain.pull_request import FailedCheck, LinkedIssue, PullRequest, PullRequestRef


class StationState(StrEnum):
    """The state of a station."""

    STARTED = "started"
    FINISHED = "finished"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class StationEvent:
    """A station started or ended; `duration_ms` is set when it ended."""

    review_id: str
    station: str
    state: StationState
    duration_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StationTime:
    """When a station started, counted from the start of the review, and how long it took."""

    station: str
    started_ms: int
    duration_ms: int


Watch = Callable[[StationEvent], None]


def ignore_events(event: StationEvent) -> None:
    """A `Watch` that ignores every event."""
    del event


class StageStatus(StrEnum):
    """How a stage ended; `failed` means that it did not review some files, or any (`StageResult.unread_paths`)."""

    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"


class ReviewStatus(StrEnum):
    """The `status` of a row of `reviews`."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"


class SkipReason(StrEnum):
    """Why a pull request is not reviewed."""

    DISABLED = "disabled"  # `enabled: false`
    PAUSED = "paused"
    DRAFT = "draft"
    PUSH = "push"  # `review_on_push: false`
    AUTHOR = "author"  # `ignore_authors`, and so on
    LABEL = "label"
    BRANCH = "branch"
    TITLE = "title"
    CLOSED = "closed"
    REVIEWED = "reviewed"  # by another review of the same head
    NOT_REVIEWED = "not_reviewed"  # nothing to refresh


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewRequest:
    """A request for one review of one pull request."""

    review_id: str
    ref: PullRequestRef
    installation_id: int
    trigger: str  # "opened", "synchronize", "comment:123", "check_run:55", …
    head_sha: str | None = None  # None: the head when the job starts
    base_ref: str | None = None  # the base branch that the webhook named
    stages: tuple[Stage, ...] = tuple(Stage)
    full: bool = False
    commanded: bool = False  # requested by a person: post a clean result too


@dataclass(frozen=True, slots=True, kw_only=True)
class Omission:
    """A changed file that is not reviewed, and the reason."""

    path: str
    reason: str  # "binary", "generated", "lock file", "vendored", "ignored", "too large", "over budget", …


# Reasons that do not fail a gate: the maintainers' decision, data in its own format, and what is no longer there.
LEFT_OUT = "left out by `overrides`"
EXCUSED_REASONS = frozenset(
    {"binary image", "ignored", "lock file", "removed binary", "removed submodule", LEFT_OUT}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How many files were reviewed; `reviewed` plus the number of `omitted` is always `files`."""

    files: int
    reviewed: int
    omitted: tuple[Omission, ...] = ()
    partly: tuple[Omission, ...] = ()  # reviewed files of which a part was not read, with the reason

    @property
    def unread(self) -> tuple[Omission, ...]:
        """The files that should have been read and were not."""
        return tuple(each for each in self.omitted if each.reason not in EXCUSED_REASONS)


def join_reasons(omissions: Iterable[Omission]) -> tuple[Omission, ...]:
    """One entry for each path, with all its reasons, in the order of the paths."""
    reasons: dict[str, dict[str, None]] = {}
    for each in omissions:
        reasons.setdefault(each.path, {})[each.reason] = None
    return tuple(Omission(path=path, reason="; ".join(reasons[path])) for path in sorted(reasons))


@dataclass(frozen=True, slots=True, kw_only=True)
class Guideline:
    """A text at the base ref that describes the team's conventions; data, never instructions."""

    path: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GuidelineCut:
    """A guideline that models did not see in full; `line` is the first line of the file that they did not see."""

    path: str
    line: int
    lines: int
    shown_characters: int
    characters: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextSnippet:
    """Code around the change: an enclosing definition, a used definition, a caller."""

    path: str
    start_line: int
    kind: str  # "enclosing", "definition", "caller"
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Related files, reviewed in one call."""

    files: tuple[FileDiff, ...]
    snippets: tuple[ContextSnippet, ...] = ()
    instructions: tuple[PathInstruction, ...] = ()  # from the configuration, for these files


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedImage:
    """An image that the change adds or replaces, as of the head."""

    path: str
    media_type: str
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewContext:
    """Everything that the stages see."""

    pull_request: PullRequest | None  # None for a range or a patch
    diff: Diff
    chunks: tuple[Chunk, ...]
    guidelines: tuple[Guideline, ...] = ()
    guideline_cuts: tuple[GuidelineCut, ...] = ()
    earlier_findings: tuple[Finding, ...] = ()
    images: tuple[ChangedImage, ...] = ()  # for the docs stage
    issues: tuple[LinkedIssue, ...] = ()  # which the security stage never sees either
    failed_checks: tuple[FailedCheck, ...] = ()  # which only the review stage sees
    remembered: tuple[str, ...] = ()  # instructions of the team, which the security stage never sees


@dataclass(frozen=True, slots=True, kw_only=True)
class StageResult:
    """The result of one stage; `provider` and `model` name the model that answered."""

    stage: Stage
    status: StageStatus
    findings: tuple[Finding, ...] = ()
    rejected: tuple[RejectedClaim, ...] = ()  # what a model stated in no valid form
    documents: tuple[Document, ...] = ()
    walkthrough: Walkthrough | None = None
    provider: Provider | None = None
    model: str | None = None
    error: str | None = None  # one sentence: why the stage failed, or which provider was unavailable
    route: str | None = None  # the router's decision and reason in one line
    notes: tuple[str, ...] = ()
    call_ids: tuple[str, ...] = ()  # the successful call of each chunk
    unread_paths: tuple[str, ...] = ()  # files that no model answered about, if the stage failed
    left_out: tuple[str, ...] = ()  # files that `overrides` leave out of this stage
    looked_up: tuple[LookedUp, ...] = ()


NO_ANSWER = "no model answered about it"  # the reason of an omission


def without_unanswered(coverage: Coverage, stages: Sequence[StageResult]) -> Coverage:
    """The coverage without the files that none of the stages read; they become omissions."""
    ran = [each for each in stages if each.status is not StageStatus.SKIPPED]
    unread = [{*each.unread_paths, *each.left_out} for each in ran]
    unanswered = {path for each in ran for path in each.unread_paths}
    known = {each.path for each in coverage.omitted}
    paths = sorted(set[str]().union(*unread).intersection(*unread) - known)
    return replace(
        coverage,
        reviewed=coverage.reviewed - len(paths),
        omitted=(
            *coverage.omitted,
            *(Omission(path=path, reason=NO_ANSWER if path in unanswered else LEFT_OUT) for path in paths),
        ),
        partly=tuple(each for each in coverage.partly if each.path not in paths),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageTotal:
    """The totals of one review's attempts."""

    calls: int = 0
    input_tokens: int = 0
    cached_input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    unpriced_calls: int = 0  # attempts with an unknown price


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewReport:
    """What a review found, covered and cost; every output format is rendered from this."""

    findings: tuple[Finding, ...]
    rejected: tuple[Rejection, ...]
    stages: tuple[StageResult, ...]
    coverage: Coverage
    usage: UsageTotal
    duration_ms: int
    head_sha: str | None = None
    keyless: bool = False  # no model has a key or is allowed; only analyzers ran
    stations: tuple[StationTime, ...] = ()
    notes: tuple[str, ...] = ()
    looked_up: tuple[LookedUp, ...] = ()  # what models looked at beyond the change and its context
