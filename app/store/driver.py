"""What every model call writes and looks up, by the driver's own cursor: SQL rendered once, no session, no statement objects.

SQLAlchemy's part of a small statement took more CPU than the database's. Everything that is not done with each call goes through
`Database.read` and `Database.write`. Knows no table's meaning.

https://docs.sqlalchemy.org/en/20/core/connections.html#working-with-the-dbapi-directly
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Dialect, Table
from sqlalchemy.engine.interfaces import DBAPICursor

from app.store.columns import UtcDateTime

_MOMENT = UtcDateTime()


@dataclass(frozen=True, slots=True)
class Driver:
    """A cursor within a transaction (`Database.driver`)."""

    cursor: DBAPICursor
    dialect: Dialect

    @property
    def place(self) -> str:
        """What stands for a value in this driver's SQL."""
        return "?" if self.dialect.paramstyle == "qmark" else "%s"

    def execute(self, sql: str, values: Sequence[Any]) -> int:
        """Run a statement; the number of rows that it changed."""
        self.cursor.execute(sql, values)
        return self.cursor.rowcount

    def moment(self, value: datetime) -> Any:  # noqa: ANN401 - the driver's own
        """A moment as this driver takes it."""
        convert = _MOMENT.dialect_impl(self.dialect).bind_processor(self.dialect)
        return convert(value) if convert else value

    def rows(self, sql: str, values: Sequence[Any]) -> Sequence[Sequence[Any]]:
        """What a query answers."""
        self.cursor.execute(sql, values)
        return self.cursor.fetchall()

    def exists(self, sql: str, values: Sequence[Any]) -> bool:
        """Whether a query has an answer."""
        self.cursor.execute(sql, values)
        return self.cursor.fetchone() is not None


Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _Rendered:
    head: str
    row: str
    end: str
    converters: tuple[tuple[str, Convert | None], ...]

    def values(self, row: Mapping[str, Any]) -> list[Any]:
        return [convert(row[name]) if convert else row[name] for name, convert in self.converters]


class Insert:
    """`INSERT INTO table (every column) VALUES …`, ended by `on_conflict`, in which `{place}` stands for a further value."""

    def __init__(self, table: Table, *, on_conflict: str = "") -> None:
        self._table = table
        self._on_conflict = on_conflict
        self._rendered: dict[str, _Rendered] = {}

    def execute(self, driver: Driver, rows: Sequence[Mapping[str, Any]], *further: Any) -> int:  # noqa: ANN401 - what a driver binds
        """Insert rows that name every column, in one statement and in their order; how many were inserted or updated."""
        rendered = self._rendered.get(driver.dialect.name) or self._render(driver)
        values = [value for row in rows for value in rendered.values(row)]
        sql = f"{rendered.head} {', '.join([rendered.row] * len(rows))} {rendered.end}"
        return driver.execute(sql, (*values, *further))

    def _render(self, driver: Driver) -> _Rendered:
        columns = self._table.columns
        rendered = _Rendered(
            head=f"INSERT INTO {self._table.name} ({', '.join(column.name for column in columns)}) VALUES",
            row=f"({', '.join(driver.place for _ in columns)})",
            end=self._on_conflict.format(place=driver.place),
            converters=tuple(
                (column.name, column.type.dialect_impl(driver.dialect).bind_processor(driver.dialect))
                for column in columns
            ),
        )
        self._rendered[driver.dialect.name] = rendered
        return rendered
