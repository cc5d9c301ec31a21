"""The configuration that the last review of each repository used, for the dashboard. Callers redact it."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from app.store.database import Database
from app.store.review_tables import RepositorySettingsRow


def record_settings(
    database: Database,
    *,
    installation_id: int,
    repository: str,
    entries: Mapping[str, tuple[str, str]],
    problems: Sequence[str],
    at: datetime,
) -> None:
    """Keep a configuration; writes nothing if it is the one that is kept already.

    Args:
        entries: each key's value as JSON text, and its origin.
    """
    stored = {key: list(each) for key, each in entries.items()}
    with database.read() as session:
        row = session.get(RepositorySettingsRow, (installation_id, repository))
    if row is not None and (row.entries, row.problems) == (stored, list(problems)):
        return
    with database.write() as session:
        session.merge(
            RepositorySettingsRow(
                installation_id=installation_id,
                repository=repository,
                entries=stored,
                problems=list(problems),
                read_at=at,
            )
        )
