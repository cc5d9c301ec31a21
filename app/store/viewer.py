"""Which rows a viewer may see: the one place of this rule; every query of the pages goes through it."""

from sqlalchemy import ColumnElement, and_, false, or_, true
from sqlmodel import col

from app.domain.viewer import Viewer
from app.store.tables import DeliveryRow, FindingRow, LearnedRuleRow, ModelCallRow, ReviewRow

TenantTable = (
    type[ReviewRow] | type[FindingRow] | type[ModelCallRow] | type[DeliveryRow] | type[LearnedRuleRow]
)


def visible(viewer: Viewer, table: TenantTable) -> ColumnElement[bool]:
    """The condition under which rows of a table may be shown; no repository, no row."""
    if viewer.repositories is None:
        return true()
    places = [
        and_(col(table.installation_id) == installation, col(table.repository).in_(sorted(names)))
        for installation, names in sorted(viewer.repositories.items())
        if names
    ]
    return or_(false(), *places)
