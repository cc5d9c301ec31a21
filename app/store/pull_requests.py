"""What is remembered of a pull request between its reviews: paused or not, its summary comment, the head reviewed last."""

from datetime import datetime

from sqlmodel import Session

from app.domain.pull_request import PullRequestRef
from app.store.database import Database
from app.store.tables import PullRequestRow


def load_pull_request(database: Database, ref: PullRequestRef) -> PullRequestRow | None:
    """What is known; None: nothing."""
    with database.read() as session:
        return session.get(PullRequestRow, (ref.repository, ref.number))


def is_paused(database: Database, ref: PullRequestRef) -> bool:
    """Whether somebody said `/pause` and nobody `/resume`."""
    row = load_pull_request(database, ref)
    return row is not None and row.paused_by is not None


def record_paused(
    database: Database, ref: PullRequestRef, *, installation_id: int, by: str | None, at: datetime
) -> None:
    """Pause the pull request in somebody's name, or resume it (None)."""
    with database.write() as session:
        _row(session, ref, installation_id=installation_id, at=at).paused_by = by


def record_closed(database: Database, ref: PullRequestRef, *, at: datetime) -> None:
    """It was closed or merged: what is remembered of it grows old from now on. Nothing, where nothing is known of it."""
    with database.write() as session:
        row = session.get(PullRequestRow, (ref.repository, ref.number))
        if row is not None:
            row.closed_at = at


def record_open(database: Database, ref: PullRequestRef) -> None:
    """It was opened again."""
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
