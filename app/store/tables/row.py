"""What every table has in common: a name, and its form for statements of the driver's own. Holds no column."""

from typing import ClassVar, cast

from sqlalchemy import Table
from sqlmodel import SQLModel


class Row(SQLModel):
    """A row of a table that is named by its class."""

    __tablename__: ClassVar[str]  # pyright: ignore[reportIncompatibleVariableOverride]


def table_of(row: type[Row]) -> Table:
    """The table of a class, for statements of the driver's own."""
    return cast("Table", row.__table__)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
