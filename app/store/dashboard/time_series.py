"""Calls and reviews over time, in buckets of an hour or a day (UTC), for the charts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import groupby
from typing import NamedTuple

from sqlalchemy import ColumnElement, SQLColumnExpression, String, func, select
from sqlmodel import Session, col

from app.domain.model_call import Outcome
from app.domain.viewer import Viewer
from app.store.call_tables import ModelCallRow
from app.store.dashboard import visible
from app.store.model_calls import NEVER_SENT
from app.store.review_tables import ReviewRow


class Bucket(StrEnum):
    """The length of time that a point of a chart covers."""

    HOUR = "hour"
    DAY = "day"

    @property
    def length(self) -> timedelta:
        """The time from one point to the next."""
        return timedelta(hours=1) if self is Bucket.HOUR else timedelta(days=1)


_PATTERNS = {Bucket.HOUR: (13, "YYYY-MM-DD HH24"), Bucket.DAY: (10, "YYYY-MM-DD")}


def bucket_of(span: timedelta) -> Bucket:
    """Return hours for a span of up to two days, otherwise days."""
    return Bucket.HOUR if span <= timedelta(days=2) else Bucket.DAY


def bucket_name(
    session: Session, timestamp: SQLColumnExpression[datetime], bucket: Bucket
) -> ColumnElement[str]:
    """Return `2026-11-22` or `2026-11-22 08` in UTC; SQLite stores timestamps as such text."""
    length, pattern = _PATTERNS[bucket]
    if session.get_bind().dialect.name == "sqlite":
        return func.substr(timestamp, 1, length, type_=String)
    return func.to_char(func.timezone("UTC", timestamp), pattern, type_=String)


def bucket_names(since: datetime, until: datetime, bucket: Bucket) -> dict[str, int]:
    """Return the name of every bucket in the range, without gaps, and the Unix time of its start."""
    start = since.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    if bucket is Bucket.DAY:
        start = start.replace(hour=0)
    names: dict[str, int] = {}
    while start <= until:
        name = start.strftime("%Y-%m-%d" if bucket is Bucket.DAY else "%Y-%m-%d %H")
        names[name] = int(start.timestamp())
        start += bucket.length
    return names


@dataclass(frozen=True, slots=True, kw_only=True)
class CallPoint:
    """The calls of one model in one bucket; `latency_ms` is their sum."""

    bucket: str
    provider: str
    model: str
    calls: int
    succeeded: int
    cache_hits: int
    over_budget: int
    latency_ms: int
    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    cost_usd: float
    unpriced_calls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewPoint:
    """The reviews with one status in one bucket."""

    bucket: str
    status: str
    reviews: int
    cost_usd: float


def load_review_points(
    session: Session, viewer: Viewer, since: datetime, bucket: Bucket
) -> tuple[ReviewPoint, ...]:
    """Return the reviews since `since`, by bucket and status."""
    name = bucket_name(session, col(ReviewRow.created_at), bucket)
    statement = (
        select(name, col(ReviewRow.status), func.count(), func.sum(ReviewRow.cost_usd))
        .where(col(ReviewRow.created_at) >= since, visible(viewer, ReviewRow))
        .group_by(name, col(ReviewRow.status))
    )
    return tuple(
        ReviewPoint(bucket=at, status=status, reviews=count, cost_usd=float(cost or 0.0))
        for at, status, count, cost in session.connection().execute(statement)
    )


def load_call_points(
    session: Session, viewer: Viewer, since: datetime, bucket: Bucket
) -> tuple[CallPoint, ...]:
    """Return the calls since `since`, by provider, model and bucket, in this order."""
    day = bucket is Bucket.DAY
    name = col(ModelCallRow.day) if day else bucket_name(session, col(ModelCallRow.started_at), bucket)
    keys = [col(ModelCallRow.provider), col(ModelCallRow.model), col(ModelCallRow.outcome), name]
    statement = (
        select(*keys, *_SUMS)
        .where(col(ModelCallRow.started_at) >= since, visible(viewer, ModelCallRow))
        .group_by(*keys)
    )
    rows = [_Sums(*row) for row in session.connection().execute(statement)]
    rows.sort(key=lambda row: (row.provider, row.model, row.bucket))
    groups = groupby(rows, key=lambda row: (row.provider, row.model, row.bucket))
    return tuple(_point(key, list(group)) for key, group in groups)


_SUMS = (
    func.count(),
    func.sum(ModelCallRow.latency_ms),
    func.sum(ModelCallRow.input_tokens),
    func.sum(ModelCallRow.cached_input_tokens),
    func.sum(ModelCallRow.output_tokens),
    func.sum(ModelCallRow.cost_usd),
    func.count(col(ModelCallRow.cost_usd)),
)


class _Sums(NamedTuple):
    """The calls of one model with one outcome in one bucket, as selected."""

    provider: str
    model: str
    outcome: str
    bucket: str
    calls: int
    latency_ms: int
    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    cost_usd: float | None
    priced_calls: int


def _point(key: tuple[str, str, str], rows: Sequence[_Sums]) -> CallPoint:
    sent = [row for row in rows if row.outcome not in NEVER_SENT]
    counts = {row.outcome: row.calls for row in rows}
    calls = sum(row.calls for row in sent)
    return CallPoint(
        bucket=key[2],
        provider=key[0],
        model=key[1],
        calls=calls,
        succeeded=counts.get(Outcome.OK, 0),
        cache_hits=counts.get(Outcome.CACHE_HIT, 0),
        over_budget=counts.get(Outcome.OVER_BUDGET, 0),
        latency_ms=int(sum(row.latency_ms for row in sent)),
        input_tokens=int(sum(row.input_tokens for row in sent)),
        cached_input_tokens=int(sum(row.cached_input_tokens for row in sent)),
        output_tokens=int(sum(row.output_tokens for row in sent)),
        cost_usd=sum(float(row.cost_usd or 0.0) for row in sent),
        unpriced_calls=calls - sum(row.priced_calls for row in sent),
    )
