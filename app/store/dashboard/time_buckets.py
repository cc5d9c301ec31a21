"""Moments cut to hours or days of UTC by the database, and the row of buckets without gaps that a chart wants."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, SQLColumnExpression, String, func
from sqlmodel import Session


class Bucket(StrEnum):
    """How long a point of a chart is."""

    HOUR = "hour"
    DAY = "day"

    @property
    def length(self) -> timedelta:
        """From one point to the next."""
        return timedelta(hours=1) if self is Bucket.HOUR else timedelta(days=1)


_PATTERNS = {Bucket.HOUR: (13, "YYYY-MM-DD HH24"), Bucket.DAY: (10, "YYYY-MM-DD")}


def bucket_of(span: timedelta) -> Bucket:
    """Hours for two days or less."""
    return Bucket.HOUR if span <= timedelta(days=2) else Bucket.DAY


def bucket_name(
    session: Session, moment: SQLColumnExpression[datetime], bucket: Bucket
) -> ColumnElement[str]:
    """`2026-11-22` or `2026-11-22 08`, in UTC; SQLite keeps moments as such text."""
    length, pattern = _PATTERNS[bucket]
    if session.get_bind().dialect.name == "sqlite":
        return func.substr(moment, 1, length, type_=String)
    return func.to_char(func.timezone("UTC", moment), pattern, type_=String)


def bucket_names(since: datetime, until: datetime, bucket: Bucket) -> dict[str, int]:
    """Name → Unix seconds of its beginning, of every bucket from one moment to the other."""
    start = since.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    if bucket is Bucket.DAY:
        start = start.replace(hour=0)
    names: dict[str, int] = {}
    while start <= until:
        name = start.strftime("%Y-%m-%d" if bucket is Bucket.DAY else "%Y-%m-%d %H")
        names[name] = int(start.timestamp())
        start += bucket.length
    return names
