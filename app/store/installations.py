"""Installations of the App as their webhooks tell: active, suspended, deleted, and what they permit."""

from collections.abc import Collection
from datetime import datetime

from sqlmodel import col, update

from app.domain.job import InstallationJob
from app.store.database import Database
from app.store.tables import (
    ConversationTurnRow,
    FindingRow,
    InstallationRow,
    LearnedRuleRow,
    ModelCallRow,
    PullRequestRow,
    ReviewRow,
)

_STATES = {"deleted": "deleted", "suspend": "suspended"}
_NAMED = (FindingRow, ReviewRow, ModelCallRow, ConversationTurnRow, LearnedRuleRow, PullRequestRow)


def record_installation(database: Database, job: InstallationJob, *, at: datetime) -> None:
    """What the webhook says; the data of a deleted one goes after the retention time (`app.store.retention`)."""
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
    """The App no longer sees these repositories: nobody will tell when their pull requests are closed."""
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


def load_installation(database: Database, installation_id: int) -> InstallationRow | None:
    """What is known; None: its first webhook was missed."""
    with database.read() as session:
        return session.get(InstallationRow, installation_id)


def rename_repository(database: Database, *, installation_id: int, old: str, new: str) -> None:
    """Carry everything that is remembered over to the repository's new name; cached answers are asked anew."""
    with database.write() as session:
        for table in _NAMED:
            session.exec(
                update(table)
                .where(col(table.installation_id) == installation_id, col(table.repository) == old)
                .values(repository=new)
            )


def transfer_repository(database: Database, *, installation_id: int, old: str, new: str) -> None:
    """Carry everything over to the repository's new owner, under whose installation it is from now on."""
    with database.write() as session:
        for table in _NAMED:
            session.exec(
                update(table)
                .where(col(table.repository) == old)
                .values(repository=new, installation_id=installation_id)
            )
