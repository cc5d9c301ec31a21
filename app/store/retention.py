"""Retention: what people or models wrote goes after its time; figures stay. Deleted installations go altogether.

Kept for ever: `model_calls` and `reviews` (ids, figures). A finding keeps what the statistics need and loses its words,
but on a pull request that is open: what people can still act upon there stays readable until it is closed or fixed.
"""

from datetime import datetime, timedelta

from sqlmodel import Session, col, delete, exists, not_, or_, select, update

from app.store.answers import delete_expired_answers
from app.store.circuits import delete_old_circuits
from app.store.database import Database
from app.store.findings import FindingOutcome
from app.store.spend import delete_old_spend
from app.store.tables import (
    CachedAnswerRow,
    ConversationTurnRow,
    DeliveryRow,
    FindingRow,
    InstallationRow,
    LearnedRuleRow,
    ModelCallRow,
    PullRequestRow,
    RejectionRow,
    ReviewRow,
    StageResultRow,
    WriteRow,
)

LONGEST_BUDGET = timedelta(days=62)  # accounts are of a month at most; the last one's sums are worth showing
UNPROBED = timedelta(days=1)  # nobody has that key any more, or nobody asks
NO_WORDS = {
    "title": "",
    "explanation": "",
    "quote": "",
    "suggestion": None,
    "evidence": "",
    "verifier_evidence": "",
    "reason": None,
}


def purge(database: Database, *, now: datetime, keep: timedelta) -> None:
    """Remove what is older than `keep`, answers that are no longer valid, and closed accounts."""
    before = now - keep
    with database.write() as session:
        session.exec(delete(DeliveryRow).where(col(DeliveryRow.finished_at) < before))
        session.exec(delete(WriteRow).where(col(WriteRow.begun_at) < before))
        session.exec(delete(RejectionRow).where(col(RejectionRow.created_at) < before))
        session.exec(delete(ConversationTurnRow).where(col(ConversationTurnRow.created_at) < before))
        _purge_findings(session, before)
        _purge_stage_results(session, before)
        session.exec(
            update(ReviewRow).where(col(ReviewRow.finished_at) < before).values(notes=[], error=None)
        )
        _purge_installations(session, before)
    delete_expired_answers(database, now=now)
    delete_old_circuits(database, before=now - UNPROBED)
    delete_old_spend(database, before=now - max(keep, LONGEST_BUDGET))


def _purge_findings(session: Session, before: datetime) -> None:
    is_open = exists().where(
        col(PullRequestRow.repository) == col(FindingRow.repository),
        col(PullRequestRow.number) == col(FindingRow.pull_request),
        col(PullRequestRow.closed_at).is_(None),
    )
    is_done = col(FindingRow.outcome) == FindingOutcome.RESOLVED
    session.exec(
        update(FindingRow)
        .where(col(FindingRow.created_at) < before, or_(is_done, not_(is_open)))
        .values(**NO_WORDS)
    )


def _purge_stage_results(session: Session, before: datetime) -> None:
    """What was said of the head that an open pull request still has is what its check runs and the merge queue go by."""
    stands = exists().where(
        col(PullRequestRow.repository) == col(ReviewRow.repository),
        col(PullRequestRow.number) == col(ReviewRow.pull_request),
        col(PullRequestRow.reviewed_sha) == col(ReviewRow.head_sha),
        col(PullRequestRow.closed_at).is_(None),
    )
    old = select(ReviewRow.id).where(col(ReviewRow.finished_at) < before, not_(stands))
    session.exec(delete(StageResultRow).where(col(StageResultRow.review_id).in_(old)))


def _purge_installations(session: Session, before: datetime) -> None:
    """All that belongs to installations that were deleted before a moment."""
    gone = list(
        session.exec(select(InstallationRow.id).where(col(InstallationRow.deleted_at) < before)).all()
    )
    for table in (
        CachedAnswerRow,
        DeliveryRow,
        FindingRow,
        ReviewRow,
        ModelCallRow,
        ConversationTurnRow,
        LearnedRuleRow,
        PullRequestRow,
    ):
        session.exec(delete(table).where(col(table.installation_id).in_(gone)))
    session.exec(delete(InstallationRow).where(col(InstallationRow.id).in_(gone)))
