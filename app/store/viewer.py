"""Who looks at the pages, and which rows that person may see: the one place of this rule; every query of the pages takes it.

Never asks GitHub: whoever signs somebody in says which repositories there are.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, false, or_, true
from sqlmodel import col

from app.store.tables import DeliveryRow, FindingRow, LearnedRuleRow, ModelCallRow, ReviewRow

TenantTable = (
    type[ReviewRow] | type[FindingRow] | type[ModelCallRow] | type[DeliveryRow] | type[LearnedRuleRow]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Somebody who is signed in.

    `repositories` holds the names, `owner/repo`, that the person can read in each installation; None: the operator,
    who sees everything. A name counts only together with its installation.
    """

    login: str | None = None
    repositories: Mapping[int, frozenset[str]] | None = None

    @property
    def is_operator(self) -> bool:
        """Whether this is who runs Quorum: sees all, and may act."""
        return self.repositories is None

    def sees(self, installation_id: int | None, repository: str | None) -> bool:
        """Whether a row of this repository may be shown."""
        if self.repositories is None:
            return True
        names = self.repositories.get(installation_id, frozenset()) if installation_id is not None else ()
        return repository in names

    def rows(self, table: TenantTable) -> ColumnElement[bool]:
        """The condition under which rows of a table may be shown."""
        if self.repositories is None:
            return true()
        places = [
            and_(col(table.installation_id) == installation, col(table.repository).in_(sorted(names)))
            for installation, names in sorted(self.repositories.items())
            if names
        ]
        return or_(false(), *places)


OPERATOR = Viewer()
