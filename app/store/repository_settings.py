"""The configuration that the last review of each repository used, for the dashboard and MCP tools. Callers redact it."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlmodel import select

from app.store.database import Database
from app.store.review_tables import FindingRow, RepositorySettingsRow


def load_settings_for_finding(database: Database, fingerprint: str) -> list[Mapping[str, str]]:
    """Load each key's value as JSON text for every repository with this finding; empty for one without a recorded review.

    A copy of a repository has findings with the same fingerprints.
    """
    places = (
        select(FindingRow.installation_id, FindingRow.repository)
        .where(FindingRow.fingerprint == fingerprint)
        .distinct()
    )
    with database.read() as session:
        rows = [session.get(RepositorySettingsRow, place) for place in session.exec(places) if place[1]]
    return [{key: value for key, (value, _) in row.entries.items()} if row else {} for row in rows]


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
