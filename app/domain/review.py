"""A review from question to report. Values only, no I/O."""

from dataclasses import dataclass
from enum import StrEnum

from app.domain.configuration import PathInstruction
from app.domain.diff import Diff, FileDiff
from app.domain.finding import Document, Finding, Rejection, Stage, Walkthrough
from app.domain.model_call import Provider
from app.domain.progress import StationTime
from app.domain.pull_request import PullRequest, PullRequestRef


class StageStatus(StrEnum):
    """How a stage ended; `failed` means not reviewed."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewRequest:
    """What the engine is asked to do: one review of one pull request."""

    review_id: str
    ref: PullRequestRef
    installation_id: int
    trigger: str  # "opened", "synchronize", "comment:123", "check_run:55", …
    head_sha: str | None = None  # None: whatever the head is when the work starts
    stages: tuple[Stage, ...] = tuple(Stage)
    full: bool = False
    commanded: bool = False  # a person asked: a clean result is posted too


@dataclass(frozen=True, slots=True, kw_only=True)
class Omission:
    """A changed file that was not reviewed, and why."""

    path: str
    reason: str  # "binary", "generated", "lock file", "vendored", "ignored", "too large", "over budget", …


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """`reviewed` + number of `omitted` = `files`, always."""

    files: int
    reviewed: int
    omitted: tuple[Omission, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Guideline:
    """A text of the base ref in which the team says how it writes code; data, never instructions."""

    path: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextSnippet:
    """Code round the change: an enclosing definition, a definition used, a caller."""

    path: str
    start_line: int
    kind: str  # "enclosing", "definition", "caller"
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Related files that are reviewed in one call."""

    files: tuple[FileDiff, ...]
    snippets: tuple[ContextSnippet, ...] = ()
    instructions: tuple[PathInstruction, ...] = ()  # those of the configuration that apply to these files


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedImage:
    """A picture that the change adds or replaces, as it is at the head."""

    path: str
    media_type: str
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewContext:
    """Everything the stages get to see."""

    pull_request: PullRequest | None  # None: a range or a patch, reviewed without the App
    diff: Diff
    chunks: tuple[Chunk, ...]
    omissions: tuple[Omission, ...] = ()
    guidelines: tuple[Guideline, ...] = ()
    earlier_findings: tuple[Finding, ...] = ()
    images: tuple[ChangedImage, ...] = ()  # for the docs stage
    notes: tuple[str, ...] = ()  # for the report: what was shown, what could not be read


@dataclass(frozen=True, slots=True, kw_only=True)
class StageResult:
    """What one stage says; `provider` and `model` name who answered."""

    stage: Stage
    status: StageStatus
    findings: tuple[Finding, ...] = ()
    documents: tuple[Document, ...] = ()
    walkthrough: Walkthrough | None = None
    provider: Provider | None = None
    model: str | None = None
    error: str | None = None  # one sentence: why it is not reviewed, or which provider was out
    route: str | None = None  # the router's decision and reason, in a line
    notes: tuple[str, ...] = ()
    call_ids: tuple[str, ...] = ()  # the call that answered, one a chunk; empty where none did


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageTotal:
    """Sum over the attempts of one review."""

    calls: int = 0
    input_tokens: int = 0
    cached_input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    unpriced_calls: int = 0  # attempts whose price is unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewReport:
    """What a review found, covered and cost; the source of every output format."""

    findings: tuple[Finding, ...]
    rejected: tuple[Rejection, ...]
    stages: tuple[StageResult, ...]
    coverage: Coverage
    usage: UsageTotal
    duration_ms: int
    head_sha: str | None = None
    keyless: bool = False  # no model has a key or is allowed: the analysers were the reviewer
    stations: tuple[StationTime, ...] = ()
    notes: tuple[str, ...] = ()
