"""Records the results of published reviews, and the turns of conversations.

Callers redact all text before they pass it. Each function is one short transaction.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import NAMESPACE_OID, uuid5

from sqlmodel import Session, col, delete, select

from app.domain.finding import Finding, Rejection
from app.domain.pull_request import PullRequestRef
from app.domain.review import ReviewReport, ReviewRequest, StageResult
from app.store.database import Database
from app.store.findings import FindingOutcome
from app.store.review_tables import (
    ConversationTurnRow,
    FindingRow,
    PullRequestRow,
    RejectionRow,
    ReviewRow,
    StageResultRow,
)

QUOTED_LINES = 20
MAX_OWNERS = 5  # of a path


def record_report(
    database: Database,
    request: ReviewRequest,
    report: ReviewReport,
    *,
    findings: Sequence[Finding],
    summary_comment_id: int | None,
    at: datetime,
    hunk_keys: Sequence[str] | None = None,
    shown: bool = True,
    owners_of: Callable[[str], Sequence[str]] | None = None,
) -> None:
    """Write the results of a published review, replacing those of an earlier attempt.

    Args:
        hunk_keys: the hunks that every stage has reviewed; None: some stage has not reviewed this change.
        shown: whether the findings are posted on the pull request.
        owners_of: returns the code owners of a path; None: they are not known.
    """
    with database.write() as session:
        review = session.get_one(ReviewRow, request.review_id)
        _fill(review, report)
        _delete_results(session, request.review_id)
        session.add_all(_stage_row(request.review_id, result) for result in report.stages)
        for row in (_finding_row(request, finding, at, shown=shown) for finding in _distinct(findings)):
            row.owners = " ".join(owners_of(row.path)[:MAX_OWNERS]) if owners_of else None
            session.add(row)
        session.add_all(
            _rejection_row(request, number, rejection, at) for number, rejection in enumerate(report.rejected)
        )
        pull_request = session.get(PullRequestRow, (request.ref.repository, request.ref.number))
        pull_request = pull_request or PullRequestRow(
            repository=request.ref.repository,
            number=request.ref.number,
            installation_id=request.installation_id,
            updated_at=at,
        )
        _remember_hunks(pull_request, report.head_sha, hunk_keys)
        pull_request.summary_comment_id = summary_comment_id or pull_request.summary_comment_id
        pull_request.reviewed_sha = report.head_sha
        pull_request.updated_at = at
        session.add(pull_request)


def _remember_hunks(row: PullRequestRow, head_sha: str | None, hunk_keys: Sequence[str] | None) -> None:
    """Update the reviewed hunks; a repeated review of the same head keeps those known before that head."""
    if row.reviewed_sha != head_sha:
        row.hunk_keys_before = row.hunk_keys
    if hunk_keys is not None:
        row.hunk_keys = sorted(hunk_keys)


def _fill(review: ReviewRow, report: ReviewReport) -> None:
    review.head_sha = report.head_sha
    review.cost_usd = report.usage.cost_usd
    review.coverage = asdict(report.coverage)
    review.duration_ms = report.duration_ms
    review.notes = list(report.notes)
    review.stations = [asdict(station) for station in report.stations]


def _delete_results(session: Session, review_id: str) -> None:
    for table in (StageResultRow, FindingRow, RejectionRow):
        session.exec(delete(table).where(col(table.review_id) == review_id))
    session.flush()


def _stage_row(review_id: str, result: StageResult) -> StageResultRow:
    return StageResultRow(
        review_id=review_id,
        stage=result.stage,
        status=result.status,
        provider=result.provider,
        model=result.model,
        error=result.error,
        route=result.route,
        notes=list(result.notes),
        documents=[
            {"format": each.format, "title": each.title, "content": each.content} for each in result.documents
        ],
        walkthrough=asdict(result.walkthrough) if result.walkthrough else None,
    )


def _distinct(findings: Sequence[Finding]) -> list[Finding]:
    """Keep one finding per fingerprint and stage."""
    return list({(finding.fingerprint, finding.stage): finding for finding in findings}.values())


def _finding_row(request: ReviewRequest, finding: Finding, at: datetime, *, shown: bool) -> FindingRow:
    name = f"{request.review_id}:{finding.stage}:{finding.fingerprint}"
    return FindingRow(
        id=str(uuid5(NAMESPACE_OID, name)),
        review_id=request.review_id,
        installation_id=request.installation_id,
        repository=request.ref.repository,
        pull_request=request.ref.number,
        fingerprint=finding.fingerprint,
        stage=finding.stage,
        severity=finding.severity,
        path=finding.path,
        line=finding.end_line,
        start_line=finding.start_line,
        side=finding.side,
        found_by=list(finding.found_by),
        confirmed_by=list(finding.confirmed_by),
        placement=finding.placement,
        outcome=FindingOutcome.OPEN,
        rule_id=finding.rule_id,
        own_rule=finding.own_rule or None,
        cwe=finding.cwe,
        title=finding.title,
        explanation=finding.explanation,
        quote="\n".join(finding.quote.split("\n")[:QUOTED_LINES]),
        suggestion=finding.suggestion,
        evidence=finding.evidence,
        verifier_evidence=finding.verifier_evidence,
        worth=finding.worth,
        pre_existing=finding.pre_existing,
        shown=shown,
        created_at=at,
    )


def _rejection_row(request: ReviewRequest, number: int, rejection: Rejection, at: datetime) -> RejectionRow:
    finding = rejection.finding
    return RejectionRow(
        id=str(uuid5(NAMESPACE_OID, f"{request.review_id}:rejected:{number}")),
        review_id=request.review_id,
        stage=finding.stage,
        severity=finding.severity,
        rule_id=finding.rule_id,
        path=finding.path,
        line=finding.end_line,
        title=finding.title,
        reason=rejection.reason,
        found_by=list(finding.found_by),
        created_at=at,
    )


MAX_TURNS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationTurn:
    """A question on a pull request and its answer."""

    id: str
    comment_id: int
    author: str
    intent: str
    question: str
    answer: str
    fingerprint: str | None = None
    answer_comment_id: int | None = None
    call_ids: tuple[str, ...] = ()


def record_turn(
    database: Database, ref: PullRequestRef, turn: ConversationTurn, *, installation_id: int, at: datetime
) -> None:
    """Write a turn, replacing the one of an earlier attempt."""
    with database.write() as session:
        session.merge(
            ConversationTurnRow(
                id=turn.id,
                installation_id=installation_id,
                repository=ref.repository,
                pull_request=ref.number,
                comment_id=turn.comment_id,
                answer_comment_id=turn.answer_comment_id,
                fingerprint=turn.fingerprint,
                author=turn.author,
                intent=turn.intent,
                question=turn.question,
                answer=turn.answer,
                call_ids=list(turn.call_ids),
                created_at=at,
            )
        )


def load_turns(database: Database, ref: PullRequestRef) -> list[ConversationTurn]:
    """Return the newest turns outside review threads, oldest first."""
    statement = (
        select(ConversationTurnRow)
        .where(
            ConversationTurnRow.repository == ref.repository,
            ConversationTurnRow.pull_request == ref.number,
            col(ConversationTurnRow.fingerprint).is_(None),
        )
        .order_by(col(ConversationTurnRow.created_at).desc())
        .limit(MAX_TURNS)
    )
    with database.read() as session:
        rows = list(session.exec(statement))
    return [
        ConversationTurn(
            id=row.id,
            comment_id=row.comment_id,
            author=row.author,
            intent=row.intent,
            question=row.question,
            answer=row.answer,
            fingerprint=row.fingerprint,
            answer_comment_id=row.answer_comment_id,
            call_ids=tuple(row.call_ids),
        )
        for row in reversed(rows)
    ]
