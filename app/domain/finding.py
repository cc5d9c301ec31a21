"""Findings and what becomes of them. Field names follow SARIF and GitHub's API. No I/O."""

from dataclasses import dataclass
from enum import StrEnum

from app.domain.diff import Side


class Stage(StrEnum):
    """The three stages of a review, in the order of the sequential pipeline."""

    REVIEW = "review"
    SECURITY = "security"
    DOCS = "docs"


class Severity(StrEnum):
    """How serious a finding is, worst first; compare with `rank` (0 is worst)."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for critical … 4 for info."""
        return list(Severity).index(self)

    def at_least(self, other: "Severity") -> bool:
        """Whether this is at least as serious as `other`."""
        return self.rank <= other.rank


class Placement(StrEnum):
    """Where a finding appears on the pull request."""

    INLINE = "inline"
    FILE = "file"
    SUMMARY = "summary"


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicatePlace:
    """Another place with the same defect, on the side of the head."""

    path: str
    start_line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A claim about code.

    A stage returns `start_line` as a hint and `quote` as the code in question. After anchoring,
    `start_line..end_line` lie in one hunk of `path` on `side`, and `fingerprint` is set.
    `found_by` and `confirmed_by` hold `provider:model` (for analyzers `analyzers:tool`).
    """

    stage: Stage
    severity: Severity
    rule_id: str  # from the closed vocabulary in app/domain/rules.py
    path: str
    start_line: int
    end_line: int
    title: str
    explanation: str
    cwe: str | None = None  # "CWE-89"
    side: Side = Side.RIGHT
    quote: str = ""
    evidence: str = ""  # why the finder believes it; stored, never shown
    suggestion: str | None = None  # replaces start_line..end_line verbatim
    found_by: tuple[str, ...] = ()
    confirmed_by: tuple[str, ...] = ()
    fingerprint: str = ""
    placement: Placement = Placement.SUMMARY
    worth: int | None = None  # 0..10, the verifier's rating; None: not rated
    verifier_evidence: str = ""  # the verifier's decisive evidence
    pre_existing: bool = False  # the code predates this change
    duplicates: tuple[DuplicatePlace, ...] = ()
    explains_check: str = ""  # the failed check that the finder explains with it
    own_rule: str = ""  # the model's word, if `rule_id` is "other" because the vocabulary lacks it


REFUTED_BY = "Refuted by"  # the reason of every refutation starts with it; the statistics count these


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A finding that is not shown, and why."""

    finding: Finding
    reason: str


class RejectionCode(StrEnum):
    """Why a claim is not shown as a finding."""

    INVALID = "invalid"  # a model's item that does not fit the schema; `detail` says why
    OTHER_FILE = "other_file"  # the change does not touch the file
    EXCLUDED_FILE = "excluded_file"  # the review left the file out
    QUOTE_NOT_FOUND = "quote_not_found"  # the file does not contain the code that the claim is about
    BELOW_MINIMUM = "below_minimum"  # of severity; `detail` is the minimum
    REFUTED = "refuted"  # by the vendor in `by`; `detail` is its evidence
    UNCONFIRMED = "unconfirmed"  # an analyzer's own finding on the same code remains


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedClaim:
    """A claim that is not shown as a finding, with the reason as a code."""

    finding: Finding
    code: RejectionCode
    by: str = ""
    detail: str = ""


class SettlementCode(StrEnum):
    """What people must know about how the findings of a review were settled."""

    UNSHARED_PATTERNS = "unshared_patterns"  # (count)
    UNFIT_SUGGESTIONS = "unfit_suggestions"  # (count)
    UNVERIFIED = "unverified"  # (count)
    QUORUM_MISSED = "quorum_missed"  # (count)
    ASKED_AGAIN = "asked_again"  # (claims unsure without a look-up, those decided then)
    QUORUM_LOWERED = "quorum_lowered"  # (from, to, vendors)
    CHECKED_BY_ITSELF = "checked_by_itself"  # (vendor, model)
    CHECKED_BY_SIBLING = "checked_by_sibling"  # (vendor, other model of the vendor)


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementNote:
    """A note about a settlement; the comment of each code lists its `values`."""

    code: SettlementCode
    values: tuple[str, ...]


class Judgement(StrEnum):
    """A verifier's opinion of a claim."""

    CONFIRMED = "confirmed"
    REFUTED = "refuted"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifierVerdict:
    """A verifier's answer on one claim; `by` is `provider:model`, `worth` is 0 to 10."""

    id: str
    judgement: Judgement
    evidence: str
    worth: int
    by: str
    same_as: str | None = None  # the `id` of another vendor's claim that is the same defect
    restated: str | None = None  # the claim as one right sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A document written by the docs stage."""

    format: str  # "markdown", "openapi" or "html"
    title: str
    content: str
    rows: tuple[tuple[str, ...], ...] = ()  # of a table: location, what is missing, the suggestion


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSummary:
    """One row of the walkthrough."""

    path: str
    change: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentEdge:
    """One arrow of the walkthrough's diagram."""

    source: str
    target: str
    label: str


class AcceptanceStatus(StrEnum):
    """Whether the change does one thing that an issue asks for."""

    MET = "met"
    NOT_MET = "not met"
    UNKNOWN = "cannot tell"


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptancePoint:
    """One thing that an issue asks for, and the place in the change that decides."""

    issue: int
    point: str
    status: AcceptanceStatus
    path: str | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Walkthrough:
    """What the change does and why, written by the docs stage."""

    summary: str
    files: tuple[FileSummary, ...] = ()
    edges: tuple[ComponentEdge, ...] = ()
    acceptance: tuple[AcceptancePoint, ...] = ()
