"""What earlier reviews of a pull request left for the next one: what was read, what was found and what became of it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlmodel import Session, col, select

from app.domain.finding import (
    ComponentEdge,
    Document,
    FileSummary,
    Finding,
    Stage,
    Walkthrough,
)
from app.domain.model_call import Provider
from app.domain.pull_request import PullRequestRef
from app.domain.review import Coverage, Omission, ReviewStatus, StageResult, StageStatus
from app.store.database import Database
from app.store.findings import FindingOutcome, finding_of
from app.store.tables import FindingRow, PullRequestRow, ReviewRow, StageResultRow

STANDING = (FindingOutcome.OPEN, FindingOutcome.OUTDATED, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFinding:
    """A finding of earlier reviews, as it was found last."""

    finding: Finding
    outcome: str | None
    reason: str | None  # why it was dismissed, or how it was resolved
    shown: bool  # on the pull request, not in shadow alone
    first_head_sha: str | None  # the head on which it was found first

    @property
    def stands(self) -> bool:
        """Whether nobody has fixed or dismissed it."""
        return self.outcome in STANDING


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """Everything about one pull request.

    `hunk_keys` were read by every stage up to `reviewed_sha`, `hunk_keys_before` up to the head before that. `stages`
    are the last results of stages that were run, `stage_heads` on which head each was.
    """

    reviewed_sha: str | None = None  # None: no review was published
    summary_comment_id: int | None = None
    paused_by: str | None = None
    is_closed: bool = False
    hunk_keys: frozenset[str] = frozenset()
    hunk_keys_before: frozenset[str] = frozenset()
    findings: tuple[KnownFinding, ...] = ()
    stages: tuple[StageResult, ...] = ()
    stage_heads: Mapping[Stage, str | None] = field(default_factory=dict[Stage, str | None])
    coverage: Coverage | None = None  # of the last review

    @property
    def shown(self) -> frozenset[str]:
        """Fingerprints of what people have seen on the pull request."""
        return frozenset(known.finding.fingerprint for known in self.findings if known.shown)

    def with_outcome(self, *outcomes: FindingOutcome) -> frozenset[str]:
        """Fingerprints of the findings with one of these outcomes."""
        return frozenset(known.finding.fingerprint for known in self.findings if known.outcome in outcomes)

    def stages_at(self, head_sha: str) -> tuple[StageResult, ...]:
        """The results of those stages that were run on this head."""
        return tuple(result for result in self.stages if self.stage_heads.get(result.stage) == head_sha)

    def seen(self, head_sha: str, stages: Collection[Stage]) -> Collection[str]:
        """The hunks that none of the stages needs to read again at this head; asked for the same head once more, what was read is.

        A stage that has not run here has read nothing.
        """
        if not set(stages) <= set(self.stage_heads):
            return ()
        return self.hunk_keys_before if head_sha == self.reviewed_sha else self.hunk_keys

    def earlier(self, head_sha: str) -> tuple[Finding, ...]:
        """What the models are told was reported; nothing of this head, so that a second run asks the same as the first."""
        return tuple(
            known.finding
            for known in self.findings
            if known.first_head_sha != head_sha and known.outcome != FindingOutcome.RESOLVED
        )


def load_remembered(database: Database, ref: PullRequestRef) -> Remembered:
    """What is known of a pull request before this review."""
    with database.read() as session:
        row = session.get(PullRequestRow, (ref.repository, ref.number))
        if row is None:
            return Remembered()
        stages = _last_stages(session, ref)
        return Remembered(
            reviewed_sha=row.reviewed_sha,
            summary_comment_id=row.summary_comment_id,
            paused_by=row.paused_by,
            is_closed=row.closed_at is not None,
            hunk_keys=frozenset(row.hunk_keys),
            hunk_keys_before=frozenset(row.hunk_keys_before),
            findings=tuple(_known_findings(session, ref)),
            stages=tuple(result for result, _ in stages.values()),
            stage_heads={stage: head_sha for stage, (_, head_sha) in stages.items()},
            coverage=_last_coverage(session, ref),
        )


def _known_findings(session: Session, ref: PullRequestRef) -> list[KnownFinding]:
    statement = (
        select(FindingRow, ReviewRow.head_sha)
        .join(ReviewRow, col(ReviewRow.id) == col(FindingRow.review_id))
        .where(FindingRow.repository == ref.repository, FindingRow.pull_request == ref.number)
        .order_by(col(FindingRow.created_at), col(FindingRow.id))
    )
    newest: dict[str, FindingRow] = {}
    first_heads: dict[str, str | None] = {}
    shown: set[str] = set()
    for row, head_sha in session.exec(statement):
        newest[row.fingerprint] = row
        first_heads.setdefault(row.fingerprint, head_sha)
        if row.shown:
            shown.add(row.fingerprint)
    return [
        KnownFinding(
            finding=finding_of(row),
            outcome=row.outcome,
            reason=row.reason,
            shown=fingerprint in shown,
            first_head_sha=first_heads[fingerprint],
        )
        for fingerprint, row in newest.items()
    ]


def _last_stages(session: Session, ref: PullRequestRef) -> dict[Stage, tuple[StageResult, str | None]]:
    statement = (
        select(StageResultRow, ReviewRow.head_sha)
        .join(ReviewRow, col(ReviewRow.id) == col(StageResultRow.review_id))
        .where(
            ReviewRow.repository == ref.repository,
            ReviewRow.pull_request == ref.number,
            ReviewRow.status == ReviewStatus.COMPLETED,
            StageResultRow.status != StageStatus.SKIPPED,
        )
        .order_by(col(ReviewRow.created_at))
    )
    return {Stage(row.stage): (_stage_result(row), head_sha) for row, head_sha in session.exec(statement)}


def _last_coverage(session: Session, ref: PullRequestRef) -> Coverage | None:
    statement = (
        select(ReviewRow)
        .where(
            ReviewRow.repository == ref.repository,
            ReviewRow.pull_request == ref.number,
            ReviewRow.status == ReviewStatus.COMPLETED,
        )
        .order_by(col(ReviewRow.created_at).desc())
    )
    row = session.exec(statement).first()
    if row is None or row.coverage is None:
        return None
    stored: dict[str, Any] = row.coverage
    omitted = tuple(Omission(**omission) for omission in stored["omitted"])
    return Coverage(files=stored["files"], reviewed=stored["reviewed"], omitted=omitted)


def _stage_result(row: StageResultRow) -> StageResult:
    return StageResult(
        stage=Stage(row.stage),
        status=StageStatus(row.status),
        documents=tuple(Document(**document) for document in row.documents),
        walkthrough=_walkthrough(row.walkthrough) if row.walkthrough else None,
        provider=Provider(row.provider) if row.provider else None,
        model=row.model,
        error=row.error,
        route=row.route,
        notes=tuple(row.notes),
    )


def _walkthrough(stored: dict[str, Any]) -> Walkthrough:
    return Walkthrough(
        summary=stored["summary"],
        files=tuple(FileSummary(**file) for file in stored["files"]),
        edges=tuple(ComponentEdge(**edge) for edge in stored["edges"]),
    )
