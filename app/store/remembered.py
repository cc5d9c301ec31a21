"""The instructions that a repository's team gave with `/remember`. `/forget` deletes the text at once."""

from datetime import datetime
from enum import StrEnum

from sqlmodel import Session, col, delete, select

from app.domain.remembered import MAX_REMEMBERED, Remembered
from app.store.database import Database
from app.store.review_tables import RememberedRow

MIN_ID_CHARACTERS = 6  # of the start of an id that names an instruction


class RememberOutcome(StrEnum):
    """What became of an instruction."""

    KEPT = "kept"
    KNOWN = "known"  # the repository has the same words already
    FULL = "full"  # the repository has as many as it may have


def load_remembered(database: Database, installation_id: int, repository: str) -> list[Remembered]:
    """Return a repository's instructions, oldest first."""
    with database.read() as session:
        return [_remembered(row) for row in _active(session, installation_id, repository)]


def remember(
    database: Database, instruction: Remembered, *, installation_id: int, repository: str
) -> tuple[RememberOutcome, Remembered]:
    """Keep an instruction; return what became of it, and the one that is kept. The same id changes nothing."""
    with database.write() as session:
        earlier = session.get(RememberedRow, instruction.id)
        active = _active(session, installation_id, repository)
        same = next((row for row in active if row.text.lower() == instruction.text.lower()), None)
        if earlier is not None:
            return RememberOutcome.KEPT, _remembered(earlier)
        if same is not None:
            return RememberOutcome.KNOWN, _remembered(same)
        if len(active) >= MAX_REMEMBERED:
            return RememberOutcome.FULL, instruction
        session.add(
            RememberedRow(
                id=instruction.id,
                installation_id=installation_id,
                repository=repository,
                text=instruction.text,
                author=instruction.author,
                created_at=instruction.created_at,
            )
        )
    return RememberOutcome.KEPT, instruction


def forget(
    database: Database, installation_id: int, repository: str, id_: str, *, by: str, at: datetime
) -> Remembered | None:
    """Delete the text of the instruction whose id starts with `id_`; return it, or None if not exactly one does."""
    if len(id_) < MIN_ID_CHARACTERS:
        return None
    with database.write() as session:
        found = [row for row in _active(session, installation_id, repository) if row.id.startswith(id_)]
        if len(found) != 1:
            return None
        forgotten = _remembered(found[0])
        found[0].text, found[0].removed_by, found[0].removed_at = "", by, at
        session.add(found[0])
    return forgotten


def delete_forgotten(session: Session, *, before: datetime) -> None:
    """Delete what is left of the instructions that were forgotten before `before`."""
    session.exec(delete(RememberedRow).where(col(RememberedRow.removed_at) < before))


def _active(session: Session, installation_id: int, repository: str) -> list[RememberedRow]:
    statement = (
        select(RememberedRow)
        .where(
            RememberedRow.installation_id == installation_id,
            RememberedRow.repository == repository,
            col(RememberedRow.removed_at).is_(None),
        )
        .order_by(col(RememberedRow.created_at), col(RememberedRow.id))
    )
    return list(session.exec(statement))


def _remembered(row: RememberedRow) -> Remembered:
    return Remembered(id=row.id, text=row.text, author=row.author, created_at=row.created_at)
