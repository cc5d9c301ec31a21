"""Queries of the dashboard, and the rule for which rows a viewer may see.

Every query takes the `Viewer` and filters with `visible`, the only implementation of this rule.
"""

from sqlalchemy import ColumnElement, and_, false, or_, true
from sqlmodel import col

from app.domain.viewer import Viewer
from app.store.call_tables import ModelCallRow
from app.store.fix_tables import FixRow
from app.store.job_tables import DeliveryRow
from app.store.review_tables import (
    FindingRow,
    LearnedRuleRow,
    RememberedRow,
    RepositorySettingsRow,
    ReviewRow,
)

TenantTable = (
    type[ReviewRow]
    | type[FindingRow]
    | type[ModelCallRow]
    | type[DeliveryRow]
    | type[LearnedRuleRow]
    | type[RememberedRow]
    | type[RepositorySettingsRow]
    | type[FixRow]
)


def visible(viewer: Viewer, table: TenantTable) -> ColumnElement[bool]:
    """Match the rows of a table that the viewer may see; rows without a repository match only for the operator."""
    if viewer.repositories is None:
        return true()
    repositories = [
        and_(col(table.installation_id) == installation, col(table.repository).in_(sorted(names)))
        for installation, names in sorted(viewer.repositories.items())
        if names
    ]
    return or_(false(), *repositories)
