"""What repositories tell Quorum: their configuration, learned and muted rules, and remembered instructions."""

from sqlmodel import col
from sqlmodel import select as select_rows

from app.domain.viewer import Viewer
from app.store.dashboard import visible
from app.store.database import Database
from app.store.review_tables import LearnedRuleRow, RememberedRow, RepositorySettingsRow


def load_visible_rules(database: Database, viewer: Viewer) -> list[LearnedRuleRow]:
    """Return learned rules, active ones first, then the newest."""
    statement = (
        select_rows(LearnedRuleRow)
        .where(visible(viewer, LearnedRuleRow))
        .order_by(col(LearnedRuleRow.created_at).desc(), col(LearnedRuleRow.id))
    )
    with database.read() as session:
        return sorted(session.exec(statement), key=lambda row: row.removed_by is not None)


def load_visible_remembered(database: Database, viewer: Viewer) -> list[RememberedRow]:
    """Return the instructions that teams gave with `/remember`, the newest first."""
    statement = (
        select_rows(RememberedRow)
        .where(visible(viewer, RememberedRow), col(RememberedRow.removed_at).is_(None))
        .order_by(col(RememberedRow.created_at).desc(), col(RememberedRow.id))
    )
    with database.read() as session:
        return list(session.exec(statement))


def load_visible_settings(database: Database, viewer: Viewer) -> list[RepositorySettingsRow]:
    """Return the configuration of each repository, by name."""
    statement = select_rows(RepositorySettingsRow).where(visible(viewer, RepositorySettingsRow))
    with database.read() as session:
        return sorted(session.exec(statement), key=lambda row: (row.repository.lower(), row.installation_id))
