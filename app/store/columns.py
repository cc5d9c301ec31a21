"""Column types that read back the same value on SQLite and PostgreSQL, the base of every table, and statements on the driver's cursor."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar, cast

from sqlalchemy import ClauseElement, DateTime, Dialect, SelectBase, Table
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import Text, TypeDecorator, TypeEngine
from sqlmodel import SQLModel

# File names may contain bytes that are not UTF-8. Python represents them as U+DC80…DCFF, which databases reject, so they
# are stored as the private-use characters U+EF80…EFFF and converted back. NUL, which PostgreSQL rejects, is lost.
_TO_STORED = {0xDC00 + byte: 0xEF00 + byte for byte in range(0x80, 0x100)} | {0: 0xFFFD}
_FROM_STORED = {0xEF00 + byte: 0xDC00 + byte for byte in range(0x80, 0x100)}


class AnyText(TypeDecorator[str]):
    """Text that may contain surrogate escapes; any other lone surrogate becomes `?`."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Convert to text that the database accepts."""
        return None if value is None else storable(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        """Convert back to the text that was written."""
        return None if value is None else value.translate(_FROM_STORED)


class UtcDateTime(TypeDecorator[datetime]):
    """A timestamp with a time zone, always UTC; SQLite stores it without the zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert to UTC; raise `ValueError` if the time zone is missing."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a timestamp needs a time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the timestamp in UTC, with its zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def storable(text: str) -> str:
    """Replace surrogates and NUL, which databases reject."""
    return text.translate(_TO_STORED).encode("utf-8", "replace").decode("utf-8")


class Row(SQLModel):
    """Base of every table."""

    __tablename__: ClassVar[str]  # pyright: ignore[reportIncompatibleVariableOverride]


def table_of(row: type[Row]) -> Table:
    """Return the SQLAlchemy table of a class, for statements on the driver's cursor."""
    return cast("Table", row.__table__)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]


_TIMESTAMP = UtcDateTime()


@dataclass(frozen=True, slots=True)
class Driver:
    """A cursor within a transaction, for the statements that run with every model call and every delivery.

    For such small statements, SQLAlchemy takes more CPU than the database. Everything else uses `Database.read` and
    `Database.write`. https://docs.sqlalchemy.org/en/20/core/connections.html#working-with-the-dbapi-directly
    """

    cursor: DBAPICursor
    dialect: Dialect

    @property
    def placeholder(self) -> str:
        """The placeholder for a value in this driver's SQL."""
        return "?" if self.dialect.paramstyle == "qmark" else "%s"

    def execute(self, sql: str, values: Sequence[Any] | Mapping[str, Any]) -> int:
        """Run a statement and return the number of changed rows."""
        self.cursor.execute(sql, values)
        return self.cursor.rowcount

    def timestamp(self, value: datetime) -> Any:  # noqa: ANN401 - depends on the driver
        """Convert a timestamp to what this driver binds."""
        convert = _TIMESTAMP.dialect_impl(self.dialect).bind_processor(self.dialect)
        return convert(value) if convert else value

    def rollback(self) -> None:
        """Undo the statements of this transaction."""
        self.cursor.execute("ROLLBACK")

    def rows(self, sql: str, values: Sequence[Any] | Mapping[str, Any]) -> Sequence[Sequence[Any]]:
        """Run a query and return all rows."""
        self.cursor.execute(sql, values)
        return self.cursor.fetchall()

    def exists(self, sql: str, values: Sequence[Any]) -> bool:
        """Whether a query returns a row."""
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
    """`INSERT INTO table (every column) VALUES …`, rendered once per dialect.

    `on_conflict` is appended; `{placeholder}` in it binds one of the `extra` values.
    """

    def __init__(self, table: Table, *, on_conflict: str = "") -> None:
        self._table = table
        self._on_conflict = on_conflict
        self._rendered: dict[str, _Rendered] = {}

    def execute(self, driver: Driver, rows: Sequence[Mapping[str, Any]], *extra: Any) -> int:  # noqa: ANN401 - depends on the driver
        """Insert rows that name every column, in one statement; return how many were inserted or updated."""
        rendered = self._rendered.get(driver.dialect.name) or self._render(driver)
        values = [value for row in rows for value in rendered.values(row)]
        sql = f"{rendered.head} {', '.join([rendered.row] * len(rows))} {rendered.end}"
        return driver.execute(sql, (*values, *extra))

    def _render(self, driver: Driver) -> _Rendered:
        columns = self._table.columns
        rendered = _Rendered(
            head=f"INSERT INTO {self._table.name} ({', '.join(column.name for column in columns)}) VALUES",
            row=f"({', '.join(driver.placeholder for _ in columns)})",
            end=self._on_conflict.format(placeholder=driver.placeholder),
            converters=tuple((column.name, _bound_as(column.type, driver.dialect)) for column in columns),
        )
        self._rendered[driver.dialect.name] = rendered
        return rendered


def _bound_as(type_: TypeEngine[Any], dialect: Dialect) -> Convert | None:
    return type_.dialect_impl(dialect).bind_processor(dialect)


@dataclass(frozen=True, slots=True)
class _Compiled:
    sql: str
    compiler: SQLCompiler
    bound_as: Mapping[str, Convert]
    read_as: Sequence[Convert | None]

    def values(self, given: Mapping[str, Any]) -> Sequence[Any] | Mapping[str, Any]:
        values = self.compiler.construct_params(given)
        for name, convert in self.bound_as.items():
            values[name] = convert(values[name])
        order = self.compiler.positiontup
        return values if order is None else [values[name] for name in order]


class DriverStatement:
    """A statement of SQLAlchemy with a `bindparam` for each value, compiled once per dialect."""

    def __init__(self, statement: ClauseElement) -> None:
        self._statement = statement
        self._compiled: dict[str, _Compiled] = {}

    def execute(self, driver: Driver, values: Mapping[str, Any]) -> int:
        """Run the statement and return the number of changed rows."""
        compiled = self._compiled.get(driver.dialect.name) or self._compile(driver.dialect)
        return driver.execute(compiled.sql, compiled.values(values))

    def rows(self, driver: Driver, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Run the query and return all rows, as the types of its columns."""
        compiled = self._compiled.get(driver.dialect.name) or self._compile(driver.dialect)
        return [
            tuple(
                convert(value) if convert else value
                for value, convert in zip(row, compiled.read_as, strict=True)
            )
            for row in driver.rows(compiled.sql, compiled.values(values))
        ]

    def _compile(self, dialect: Dialect) -> _Compiled:
        compiler = cast("SQLCompiler", self._statement.compile(dialect=dialect))
        bound_as = {name: _bound_as(bind.type, dialect) for bind, name in compiler.bind_names.items()}
        columns = self._statement.selected_columns if isinstance(self._statement, SelectBase) else ()
        compiled = self._compiled[dialect.name] = _Compiled(
            sql=str(compiler),
            compiler=compiler,
            bound_as={name: convert for name, convert in bound_as.items() if convert},
            read_as=[column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns],
        )
        return compiled
