"""Rows of `model_calls`: written one by one, summed up for reviews, the per-model table and charts. Holds no prices.

The figures of the per-model table come from one covering index (`ix_model_calls_stats`), also with 100,000 rows.
"""

import asyncio
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Row, SQLColumnExpression, String, case, func, select
from sqlmodel import Session, col

from app.domain.model_call import ModelCall, Outcome
from app.domain.review import UsageTotal
from app.store.database import Database
from app.store.tables import ModelCallRow

NEVER_SENT = (Outcome.CACHE_HIT, Outcome.OVER_BUDGET)


class CallTable:
    """The rows, for the model layer's recorder."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, call: ModelCall) -> None:
        """Write a row."""
        await asyncio.to_thread(record_model_call, self._database, call)

    async def usage(self, review_id: str) -> UsageTotal:
        """Sum over the rows of a review."""
        return await asyncio.to_thread(load_usage, self._database, review_id)


class Dimension(StrEnum):
    """What the per-model table may be split by, besides provider and model."""

    STAGE = "stage"
    REPOSITORY = "repository"
    DAY = "day"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelStats:
    """One line of the per-model table; latencies are of the attempts on the wire, None where there was none.

    `stage`, `repository` and `day` are set where the table is split by them.
    """

    provider: str
    model: str
    stage: str | None = None
    repository: str | None = None
    day: str | None = None
    calls: int  # attempts on the wire
    succeeded: int
    cache_hits: int
    over_budget: int
    average_ms: float | None
    p50_ms: int | None
    p95_ms: int | None
    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    cost_usd: float  # of the calls whose price is known
    unpriced_calls: int

    @property
    def success_rate(self) -> float | None:
        """Good answers a call; None without calls."""
        return self.succeeded / self.calls if self.calls else None


def record_model_call(database: Database, call: ModelCall) -> None:
    """Write a row."""
    with database.write() as session:
        session.add(model_call_row(call))


def model_call_row(call: ModelCall) -> ModelCallRow:
    """The row of a call."""
    return ModelCallRow(
        id=call.id,
        review_id=call.review_id,
        installation_id=call.installation_id,
        repository=call.repository,
        pull_request=call.pull_request,
        stage=call.stage,
        provider=call.provider.value,
        model=call.model,
        prompt_id=call.prompt_id,
        prompt_version=call.prompt_version,
        attempt=call.attempt,
        parent_id=call.parent_id,
        outcome=call.outcome.value,
        latency_ms=call.latency_ms,
        input_tokens=call.usage.input_tokens,
        cached_input_tokens=call.usage.cached_input_tokens,
        output_tokens=call.usage.output_tokens,
        cost_usd=call.cost_usd,
        started_at=call.started_at,
        tier=call.tier,
        reason=call.reason,
        error=call.error,
        request_id=call.request_id,
    )


def load_usage(database: Database, review_id: str) -> UsageTotal:
    """What a review took; attempts on the wire alone."""
    statement = select(*_sums()).where(col(ModelCallRow.review_id) == review_id)
    with database.read() as session:
        row: tuple[Any, ...] = tuple(session.connection().execute(statement).one())
    calls, given, cached, output, cost, unpriced = row
    return UsageTotal(
        calls=calls,
        input_tokens=given,
        cached_input_tokens=cached,
        output_tokens=output,
        cost_usd=float(cost),
        unpriced_calls=unpriced,
    )


def load_stats(database: Database, since: datetime, *, by: Sequence[Dimension] = ()) -> list[ModelStats]:
    """The per-model table since a moment: one line a provider and model, split further by `by`."""
    keys = [col(ModelCallRow.provider), col(ModelCallRow.model), *map(_column, by)]
    statement = (
        select(*keys, *_sums(), *_counts())
        .where(col(ModelCallRow.started_at) >= since)
        .group_by(*keys)
        .order_by(*keys)
    )
    with database.read() as session:
        rows = session.connection().execute(statement).all()
        latencies = _load_latencies(session, since, keys) if by else None
        return [_stats(session, since, row, by, latencies) for row in rows]


def _column(dimension: Dimension) -> SQLColumnExpression[Any]:
    match dimension:
        case Dimension.STAGE:
            return col(ModelCallRow.stage)
        case Dimension.REPOSITORY:
            return func.coalesce(col(ModelCallRow.repository), "")
        case Dimension.DAY:
            return func.date(col(ModelCallRow.started_at), type_=String)


def _sent() -> ColumnElement[bool]:
    return col(ModelCallRow.outcome).not_in(NEVER_SENT)


def _sum(condition: ColumnElement[bool], value: Any = 1) -> ColumnElement[Any]:  # noqa: ANN401 - column or number
    return func.coalesce(func.sum(case((condition, value), else_=0)), 0)


def _sums() -> list[ColumnElement[Any]]:
    sent = _sent()
    return [
        _sum(sent),
        _sum(sent, col(ModelCallRow.input_tokens)),
        _sum(sent, col(ModelCallRow.cached_input_tokens)),
        _sum(sent, col(ModelCallRow.output_tokens)),
        _sum(sent, func.coalesce(col(ModelCallRow.cost_usd), 0.0)),
        _sum(sent & col(ModelCallRow.cost_usd).is_(None)),
    ]


def _counts() -> list[ColumnElement[Any]]:
    outcome = col(ModelCallRow.outcome)
    return [
        _sum(outcome == Outcome.OK),
        _sum(outcome == Outcome.CACHE_HIT),
        _sum(outcome == Outcome.OVER_BUDGET),
        func.avg(case((_sent(), col(ModelCallRow.latency_ms)))),
    ]


def _stats(
    session: Session,
    since: datetime,
    row: Row[Any],
    by: Sequence[Dimension],
    latencies: dict[tuple[str, ...], list[int]] | None,
) -> ModelStats:
    keys, figures = tuple(row[: 2 + len(by)]), row[2 + len(by) :]
    calls, given, cached, output, cost, unpriced, succeeded, hits, over, average = figures
    if latencies is None:
        p50, p95 = (_percentile_ms(session, since, keys, calls, share) for share in (0.5, 0.95))
    else:
        p50, p95 = (_percentile(latencies[keys], share) for share in (0.5, 0.95))
    return ModelStats(
        provider=keys[0],
        model=keys[1],
        **dict(zip((each.value for each in by), keys[2:], strict=True)),
        calls=calls,
        succeeded=succeeded,
        cache_hits=hits,
        over_budget=over,
        average_ms=None if average is None else float(average),
        p50_ms=p50,
        p95_ms=p95,
        input_tokens=given,
        cached_input_tokens=cached,
        output_tokens=output,
        cost_usd=float(cost),
        unpriced_calls=unpriced,
    )


def _percentile_ms(
    session: Session, since: datetime, keys: tuple[str, ...], calls: int, share: float
) -> int | None:
    """A walk along the index: the database holds the latencies of each model in order."""
    statement = (
        select(col(ModelCallRow.latency_ms))
        .where(
            col(ModelCallRow.provider) == keys[0],
            col(ModelCallRow.model) == keys[1],
            col(ModelCallRow.started_at) >= since,
            _sent(),
        )
        .order_by(col(ModelCallRow.latency_ms))
        .offset(_place(calls, share))
        .limit(1)
    )
    return session.connection().execute(statement).scalar()


def _load_latencies(
    session: Session, since: datetime, keys: Sequence[SQLColumnExpression[Any]]
) -> dict[tuple[str, ...], list[int]]:
    """Key → latencies in order; for splits so fine that a walk for each would take longer."""
    statement = (
        select(*keys, col(ModelCallRow.latency_ms))
        .where(col(ModelCallRow.started_at) >= since, _sent())
        .order_by(col(ModelCallRow.latency_ms))
    )
    latencies: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    for *key, latency_ms in session.connection().execute(statement):
        latencies[tuple(key)].append(latency_ms)
    return latencies


def _percentile(ordered: Sequence[int], share: float) -> int | None:
    return ordered[_place(len(ordered), share)] if ordered else None


def _place(count: int, share: float) -> int:
    """The nearest-rank percentile's place, from 0."""
    return max(0, math.ceil(count * share) - 1)
