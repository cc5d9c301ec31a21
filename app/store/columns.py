"""Column types that read back on SQLite and PostgreSQL what was written. No tables."""

from datetime import UTC, datetime

from sqlalchemy import DateTime, Dialect
from sqlalchemy.types import Text, TypeDecorator

# Names of files may hold bytes that are no UTF-8; Python keeps them as U+DC80…DCFF, which no database takes.
# They are stored as the private-use characters U+EF80…EFFF and read back. NUL, which PostgreSQL refuses, is lost.
_TO_STORED = {0xDC00 + byte: 0xEF00 + byte for byte in range(0x80, 0x100)} | {0: 0xFFFD}
_FROM_STORED = {0xEF00 + byte: 0xDC00 + byte for byte in range(0x80, 0x100)}


class AnyText(TypeDecorator[str]):
    """Text that may hold surrogate escapes; any other lone surrogate becomes `?`."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """What the database takes."""
        return None if value is None else storable(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        """What was written."""
        return None if value is None else value.translate(_FROM_STORED)


class UtcDateTime(TypeDecorator[datetime]):
    """A moment with its zone, always UTC; SQLite keeps it without one."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """UTC; a moment without a zone is a fault of the caller."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs its zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """UTC, with the zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def storable(text: str) -> str:
    """Text without surrogates and NUL."""
    return text.translate(_TO_STORED).encode("utf-8", "replace").decode("utf-8")
