"""The state of a pull request that the App keeps between reviews: hunks, findings and their outcomes, results of stages."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from app.domain.finding import (
    AcceptancePoint,
    AcceptanceStatus,
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
from app.store.review_tables import FindingRow, PullRequestRow, ReviewRow, StageResultRow

UNSETTLED = (FindingOutcome.OPEN, FindingOutcome.OUTDATED, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFinding:
    """A finding of earlier reviews, as found most recently."""

    finding: Finding
    outcome: str | None
    reason: str | None  # why it was dismissed or how it was resolved
    shown: bool  # posted on the pull request, not only found in shadow mode
    first_head_sha: str | None  # the head of the first review that found it

    @property
    def is_unsettled(self) -> bool:
        """Whether it is neither resolved nor dismissed."""
        return self.outcome in UNSETTLED


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequestMemory:
    """The state of one pull request from earlier reviews.

    Every stage has reviewed `hunk_keys` up to `reviewed_sha`, and `hunk_keys_before` up to the head before that.
    `stages` are the latest results of the stages that ran, `stage_heads` their heads.
    """

    reviewed_sha: str | None = None  # None: no published review
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
        """Fingerprints of the findings that were posted."""
        return frozenset(known.finding.fingerprint for known in self.findings if known.shown)

    def with_outcome(self, *outcomes: FindingOutcome) -> frozenset[str]:
        """Return the fingerprints of the findings with one of these outcomes."""
        return frozenset(known.finding.fingerprint for known in self.findings if known.outcome in outcomes)

    def stages_at(self, head_sha: str) -> tuple[StageResult, ...]:
        """Return the results of the stages that ran on this head."""
        return tuple(result for result in self.stages if self.stage_heads.get(result.stage) == head_sha)

    def reviewed_hunks(self, head_sha: str, stages: Collection[Stage]) -> Collection[str]:
        """Return the hunks that every one of the stages reviewed before this head, none if a stage never ran.

        A repeated review of the same head starts from the hunks known before that head.
        """
        if not set(stages) <= set(self.stage_heads):
            return ()
        return self.hunk_keys_before if head_sha == self.reviewed_sha else self.hunk_keys

    def earlier_findings(self, head_sha: str) -> tuple[Finding, ...]:
        """Return the findings to list in the prompt; none of this head, so that a repeated review sends the same requests."""
        return tuple(
            known.finding
            for known in self.findings
            if known.first_head_sha != head_sha and known.outcome != FindingOutcome.RESOLVED
        )


def load_memory(database: Database, ref: PullRequestRef) -> PullRequestMemory:
    """Load what is known about a pull request before this review."""
    with database.read() as session:
        row = session.get(PullRequestRow, (ref.repository, ref.number))
        if row is None:
            return PullRequestMemory()
        stages = _last_stages(session, ref)
        return PullRequestMemory(
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
    partly = tuple(Omission(**part) for part in stored.get("partly", ()))  # absent before this was stored
    return Coverage(files=stored["files"], reviewed=stored["reviewed"], omitted=omitted, partly=partly)


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
        acceptance=tuple(
            AcceptancePoint(**point | {"status": AcceptanceStatus(point["status"])})
            for point in stored.get("acceptance", ())
        ),
    )


def record_paused(
    database: Database, ref: PullRequestRef, *, installation_id: int, by: str | None, at: datetime
) -> None:
    """Pause reviews of the pull request on behalf of a user, or resume them (None)."""
    with database.write() as session:
        _row(session, ref, installation_id=installation_id, at=at).paused_by = by


def record_closed(database: Database, ref: PullRequestRef, *, at: datetime) -> None:
    """Record that a known pull request was closed or merged; the retention period starts now."""
    with database.write() as session:
        row = session.get(PullRequestRow, (ref.repository, ref.number))
        if row is not None:
            row.closed_at = at


def record_reopened(database: Database, ref: PullRequestRef) -> None:
    """Record that a known pull request is open."""
    with database.write() as session:
        row = session.get(PullRequestRow, (ref.repository, ref.number))
        if row is not None:
            row.closed_at = None


def _row(session: Session, ref: PullRequestRef, *, installation_id: int, at: datetime) -> PullRequestRow:
    row = session.get(PullRequestRow, (ref.repository, ref.number)) or PullRequestRow(
        repository=ref.repository, number=ref.number, installation_id=installation_id, updated_at=at
    )
    row.installation_id, row.updated_at = installation_id, at
    session.add(row)
    return row
