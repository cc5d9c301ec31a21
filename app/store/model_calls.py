"""Rows of `model_calls`: inserted, summed up for reviews, the per-model table and charts. Holds no prices.

The figures of the per-model table come from one covering index (`ix_model_calls_stats`), also with 100,000 rows.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import SQLColumnExpression, String, case, func, select
from sqlmodel import Session, col

from app.domain.model_call import ModelCall, Outcome, Provider
from app.domain.review import UsageTotal
from app.store.database import Database
from app.store.driver import Driver, Insert
from app.store.tables import ModelCallRow, day_of, table_of

NEVER_SENT = (Outcome.CACHE_HIT, Outcome.OVER_BUDGET)

_INSERT = Insert(table_of(ModelCallRow))
_NAMES = ("provider", "model")
_NOTHING = (0, 0, 0, 0, 0, 0.0, 0, None)
_OUTCOME = col(ModelCallRow.outcome)
_SENT = _OUTCOME.not_in(NEVER_SENT)
_SUMS = (
    func.count(),
    func.count(case((_OUTCOME == Outcome.OK, 1))),
    func.coalesce(func.sum(col(ModelCallRow.input_tokens)), 0),
    func.coalesce(func.sum(col(ModelCallRow.cached_input_tokens)), 0),
    func.coalesce(func.sum(col(ModelCallRow.output_tokens)), 0),
    func.coalesce(func.sum(col(ModelCallRow.cost_usd)), 0.0),
    func.count(col(ModelCallRow.cost_usd)),
    func.avg(col(ModelCallRow.latency_ms)),
)
_UNSENT = tuple(func.count(case((_OUTCOME == outcome, 1))) for outcome in NEVER_SENT)


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


def insert_model_call(driver: Driver, call: ModelCall) -> None:
    """Write a row, in the transaction of `app.store.call_tables`."""
    _INSERT.execute(driver, [row_of(call)])


def row_of(call: ModelCall) -> dict[str, Any]:
    """The columns of a call."""
    usage = call.usage
    return {
        "id": call.id,
        "review_id": call.review_id,
        "installation_id": call.installation_id,
        "repository": call.repository,
        "pull_request": call.pull_request,
        "stage": call.stage,
        "provider": call.provider.value,
        "model": call.model,
        "prompt_id": call.prompt_id,
        "prompt_version": call.prompt_version,
        "attempt": call.attempt,
        "parent_id": call.parent_id,
        "outcome": call.outcome.value,
        "latency_ms": call.latency_ms,
        "input_tokens": usage.input_tokens,
        "cached_input_tokens": usage.cached_input_tokens,
        "output_tokens": usage.output_tokens,
        "cost_usd": call.cost_usd,
        "started_at": call.started_at,
        "day": day_of(call.started_at),
        "tier": call.tier,
        "reason": call.reason,
        "error": call.error,
        "request_id": call.request_id,
    }


def has_been_told(database: Database, provider: Provider, sentence: str, *, since: datetime) -> bool:
    """Whether an attempt at a provider failed with a sentence since a moment."""
    statement = select(col(ModelCallRow.id)).where(
        col(ModelCallRow.provider) == provider,
        col(ModelCallRow.started_at) >= since,
        col(ModelCallRow.error).contains(sentence, autoescape=True),
    )
    with database.read() as session:
        return session.connection().execute(statement.limit(1)).first() is not None


def load_usage(database: Database, review_id: str) -> UsageTotal:
    """What a review took; attempts on the wire alone."""
    statement = select(*_SUMS).where(col(ModelCallRow.review_id) == review_id, _SENT)
    with database.read() as session:
        row: tuple[Any, ...] = tuple(session.connection().execute(statement).one())
    calls, _, given, cached, output, cost, priced, _ = row
    return UsageTotal(
        calls=calls,
        input_tokens=given,
        cached_input_tokens=cached,
        output_tokens=output,
        cost_usd=float(cost),
        unpriced_calls=calls - priced,
    )


def load_stats(database: Database, since: datetime, *, by: Sequence[Dimension] = ()) -> list[ModelStats]:
    """The per-model table since a moment: one line a provider and model, split further by `by`."""
    keys = [col(ModelCallRow.provider), col(ModelCallRow.model), *map(_column, by)]
    new = col(ModelCallRow.started_at) >= since
    with database.read() as session:
        connection = session.connection()
        sums = connection.execute(select(*keys, *_SUMS).where(new, _SENT).group_by(*keys)).all()
        unsent = connection.execute(select(*keys, *_UNSENT).where(new, ~_SENT).group_by(*keys)).all()
        latencies = _load_latencies(session, since, keys) if by else None
        width = len(keys)
        lines = {tuple(row[:width]): row[width:] for row in sums}
        extras = {tuple(row[:width]): row[width:] for row in unsent}
        return [
            _stats(
                dict(zip(_NAMES + tuple(each.value for each in by), key, strict=True)),
                lines.get(key, _NOTHING),
                extras.get(key, (0, 0)),
                latencies[key]
                if latencies is not None
                else _Walk(session, since, key, lines.get(key, _NOTHING)[0]),
            )
            for key in sorted({*lines, *extras})
        ]


def _column(dimension: Dimension) -> SQLColumnExpression[Any]:
    match dimension:
        case Dimension.STAGE:
            return col(ModelCallRow.stage)
        case Dimension.REPOSITORY:
            return func.coalesce(col(ModelCallRow.repository), "")
        case Dimension.DAY:
            return func.date(col(ModelCallRow.started_at), type_=String)


def _stats(
    key: dict[str, str], sums: Sequence[Any], unsent: Sequence[Any], latencies: "Sequence[int] | _Walk"
) -> ModelStats:
    calls, succeeded, given, cached, output, cost, priced, average = sums
    return ModelStats(
        provider=key["provider"],
        model=key["model"],
        stage=key.get("stage"),
        repository=key.get("repository"),
        day=key.get("day"),
        calls=calls,
        succeeded=succeeded,
        cache_hits=unsent[0],
        over_budget=unsent[1],
        average_ms=None if average is None else float(average),
        p50_ms=_percentile(latencies, calls, 0.5),
        p95_ms=_percentile(latencies, calls, 0.95),
        input_tokens=given,
        cached_input_tokens=cached,
        output_tokens=output,
        cost_usd=float(cost),
        unpriced_calls=calls - priced,
    )


def _percentile(latencies: "Sequence[int] | _Walk", calls: int, share: float) -> int | None:
    """The nearest-rank percentile of latencies in order."""
    return latencies[max(0, math.ceil(calls * share) - 1)] if calls else None


@dataclass(frozen=True, slots=True)
class _Walk:
    """A model's latencies in order, one at a time: a walk along the index, where the database holds them so, from the nearer end."""

    session: Session
    since: datetime
    key: tuple[str, ...]
    calls: int

    def __getitem__(self, place: int) -> int | None:
        from_above = self.calls - 1 - place
        latency = col(ModelCallRow.latency_ms)
        statement = (
            select(latency)
            .where(
                col(ModelCallRow.provider) == self.key[0],
                col(ModelCallRow.model) == self.key[1],
                col(ModelCallRow.started_at) >= self.since,
                _SENT,
            )
            .order_by(latency.desc() if from_above < place else latency)
            .offset(min(from_above, place))
            .limit(1)
        )
        return self.session.connection().execute(statement).scalar()


def _load_latencies(
    session: Session, since: datetime, keys: Sequence[SQLColumnExpression[Any]]
) -> dict[tuple[str, ...], list[int]]:
    """Key → latencies in order; for splits so fine that a walk for each would take longer."""
    statement = select(*keys, col(ModelCallRow.latency_ms)).where(
        col(ModelCallRow.started_at) >= since, _SENT
    )
    latencies: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    for row in session.connection().execute(statement):
        latencies[row[:-1]].append(row[-1])
    for each in latencies.values():
        each.sort()
    return latencies
