"""What a reviewer says about a place in the code. Field words follow SARIF and GitHub's API. No I/O."""

from dataclasses import dataclass
from enum import StrEnum

from app.domain.diff import Side


class Stage(StrEnum):
    """The three stages of a review, in the order of the sequential pipeline."""

    REVIEW = "review"
    SECURITY = "security"
    DOCS = "docs"


class Severity(StrEnum):
    """How bad, dearest first; compare with `rank` (0 is worst)."""

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
        """Whether this is as bad as `other` or worse."""
        return self.rank <= other.rank


class Placement(StrEnum):
    """Where a finding is shown on the pull request."""

    INLINE = "inline"
    FILE = "file"
    SUMMARY = "summary"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A claim about code.

    As a stage returns it, `start_line` is only the finder's hint and `quote` the code spoken of; after
    anchoring `start_line..end_line` lie in one hunk of `path` on `side`, and `fingerprint` is set.
    `found_by` and `confirmed_by` hold `provider:model` (for analysers `analyzers:tool`).
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
    evidence: str = ""  # why the finder believes it; shown to nobody but the database
    suggestion: str | None = None  # replaces start_line..end_line verbatim
    found_by: tuple[str, ...] = ()
    confirmed_by: tuple[str, ...] = ()
    fingerprint: str = ""
    placement: Placement = Placement.SUMMARY
    worth: int | None = None  # 0..10, the verifier's rating; None: nobody rated it
    verifier_evidence: str = ""  # what the verifier says decides the matter
    pre_existing: bool = False  # the code stood before this change


REFUTED_BY = "Refuted by"  # so begins the reason of what another vendor refuted, and so it is counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A finding that is not shown as one, and why."""

    finding: Finding
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What the docs stage wrote."""

    format: str  # "markdown", "openapi" or "html"
    title: str
    content: str


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Walkthrough:
    """What the change does and why, by the docs stage."""

    summary: str
    files: tuple[FileSummary, ...] = ()
    edges: tuple[ComponentEdge, ...] = ()
