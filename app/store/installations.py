"""Installations of the App and their repositories, and how long their data is kept.

After the retention period, text written by people or models is removed; figures stay. `model_calls` and `reviews` (ids and
figures) are kept forever. A finding keeps what the statistics need and loses its text, except on an open pull request,
where it stays readable until the pull request is closed or the finding is fixed. Deleted installations are removed entirely.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlmodel import Session, col, delete, exists, not_, or_, select, update

from app.domain.job import InstallationJob
from app.store.call_tables import CachedAnswerRow, ModelCallRow
from app.store.calls import delete_expired_answers, delete_old_spend
from app.store.database import Database
from app.store.findings import FindingOutcome
from app.store.job_tables import DeliveryRow, InstallationRow, WriteRow
from app.store.providers import delete_old_circuits
from app.store.remembered import delete_forgotten
from app.store.review_tables import (
    ConversationTurnRow,
    FindingRow,
    LearnedRuleRow,
    PullRequestRow,
    RejectionRow,
    RememberedRow,
    ReviewRow,
    StageResultRow,
)
from app.store.rungs import delete_old_rungs

_STATES = {"deleted": "deleted", "suspend": "suspended"}
_TABLES_WITH_REPOSITORY = (
    FindingRow,
    ReviewRow,
    ModelCallRow,
    ConversationTurnRow,
    LearnedRuleRow,
    PullRequestRow,
    RememberedRow,
)


def record_installation(database: Database, job: InstallationJob, *, at: datetime) -> None:
    """Record the state of an installation; the data of a deleted one is purged after the retention period."""
    state = _STATES.get(job.change, "active")
    with database.write() as session:
        row = session.get(InstallationRow, job.installation_id) or InstallationRow(
            id=job.installation_id, account=job.account, state=state, created_at=at, updated_at=at
        )
        row.account, row.state, row.updated_at = job.account, state, at
        row.deleted_at = at if state == "deleted" else None
        row.permissions = job.permissions or row.permissions
        session.add(row)


def record_out_of_reach(
    database: Database, installation_id: int, repositories: Collection[str], *, at: datetime
) -> None:
    """Mark the pull requests of inaccessible repositories as closed, because their webhooks no longer arrive."""
    with database.write() as session:
        session.exec(
            update(PullRequestRow)
            .where(
                col(PullRequestRow.installation_id) == installation_id,
                col(PullRequestRow.repository).in_(repositories),
                col(PullRequestRow.closed_at).is_(None),
            )
            .values(closed_at=at)
        )


def rename_repository(database: Database, *, installation_id: int, old: str, new: str) -> None:
    """Move all data of the repository to its new name, except cached answers."""
    with database.write() as session:
        for table in _TABLES_WITH_REPOSITORY:
            session.exec(
                update(table)
                .where(col(table.installation_id) == installation_id, col(table.repository) == old)
                .values(repository=new)
            )


def transfer_repository(database: Database, *, installation_id: int, old: str, new: str) -> None:
    """Move all data of the repository to its new name and installation."""
    with database.write() as session:
        for table in _TABLES_WITH_REPOSITORY:
            session.exec(
                update(table)
                .where(col(table.repository) == old)
                .values(repository=new, installation_id=installation_id)
            )


LONGEST_BUDGET = timedelta(days=62)  # an account covers a month at most; keep the previous month's
UNPROBED = timedelta(days=1)  # the API key is no longer in use
NO_TEXT = {
    "title": "",
    "explanation": "",
    "quote": "",
    "suggestion": None,
    "evidence": "",
    "verifier_evidence": "",
    "reason": None,
}


def purge(database: Database, *, now: datetime, keep: timedelta) -> None:
    """Remove data older than `keep`, expired cached answers, and accounts of past budgets."""
    before = now - keep
    with database.write() as session:
        session.exec(delete(DeliveryRow).where(col(DeliveryRow.finished_at) < before))
        session.exec(delete(WriteRow).where(col(WriteRow.begun_at) < before))
        session.exec(delete(RejectionRow).where(col(RejectionRow.created_at) < before))
        session.exec(delete(ConversationTurnRow).where(col(ConversationTurnRow.created_at) < before))
        delete_forgotten(session, before=before)
        _purge_findings(session, before)
        _purge_stage_results(session, before)
        session.exec(
            update(ReviewRow)
            .where(col(ReviewRow.finished_at) < before)
            .values(notes=[], error=None, title=None, author=None, branch=None)
        )
        _purge_installations(session, before)
    delete_expired_answers(database, now=now)
    delete_old_circuits(database, before=now - UNPROBED)
    delete_old_rungs(database, before=now - UNPROBED)
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
        .values(**NO_TEXT)
    )


def _purge_stage_results(session: Session, before: datetime) -> None:
    """Keep the results for the current head of an open pull request, which check runs and the merge queue need."""
    is_current = exists().where(
        col(PullRequestRow.repository) == col(ReviewRow.repository),
        col(PullRequestRow.number) == col(ReviewRow.pull_request),
        col(PullRequestRow.reviewed_sha) == col(ReviewRow.head_sha),
        col(PullRequestRow.closed_at).is_(None),
    )
    old = select(ReviewRow.id).where(col(ReviewRow.finished_at) < before, not_(is_current))
    session.exec(delete(StageResultRow).where(col(StageResultRow.review_id).in_(old)))


def _purge_installations(session: Session, before: datetime) -> None:
    """Remove all data of installations deleted before `before`."""
    deleted = list(
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
        RememberedRow,
    ):
        session.exec(delete(table).where(col(table.installation_id).in_(deleted)))
    session.exec(delete(InstallationRow).where(col(InstallationRow.id).in_(deleted)))
