"""Rows of `model_calls`: inserts, totals per review, and the per-model table. Knows no prices.

One covering index (`ix_model_calls_stats`) answers the per-model table, even with 100,000 rows.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, SQLColumnExpression, String, case, func, select
from sqlmodel import Session, col

from app.domain.model_call import ModelCall, Outcome, Provider
from app.domain.review import UsageTotal
from app.store.call_tables import ModelCallRow, day_of
from app.store.columns import Driver, Insert, table_of
from app.store.database import Database

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


class CallDimension(StrEnum):
    """A additional dimension of the per-model table."""

    STAGE = "stage"
    REPOSITORY = "repository"
    DAY = "day"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelStats:
    """A line of the per-model table; latencies are those of attempts on the wire, None if there were none.

    `stage`, `repository` and `day` are set if the table is split by them.
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
        """The share of calls that succeeded; None without calls."""
        return self.succeeded / self.calls if self.calls else None


def insert_model_call(driver: Driver, call: ModelCall) -> None:
    """Insert a call in the caller's transaction."""
    _INSERT.execute(driver, [row_of(call)])


def row_of(call: ModelCall) -> dict[str, Any]:
    """Convert a call to the values of its columns."""
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
        "first_token_ms": call.first_token_ms,
    }


def has_recent_error(database: Database, provider: Provider, sentence: str, *, since: datetime) -> bool:
    """Whether an attempt at the provider has failed with this sentence since `since`."""
    statement = select(col(ModelCallRow.id)).where(
        col(ModelCallRow.provider) == provider,
        col(ModelCallRow.started_at) >= since,
        col(ModelCallRow.error).contains(sentence, autoescape=True),
    )
    with database.read() as session:
        return session.connection().execute(statement.limit(1)).first() is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLine:
    """One call of a review: who was asked for what, and how it ended."""

    stage: str
    provider: str
    model: str
    outcome: Outcome
    cost_usd: float | None


def load_call_lines(database: Database, review_id: str) -> list[CallLine]:
    """Return the calls of a review in the order in which they started."""
    stage, provider, model = col(ModelCallRow.stage), col(ModelCallRow.provider), col(ModelCallRow.model)
    query = select(stage, provider, model, _OUTCOME, col(ModelCallRow.cost_usd))
    query = query.where(col(ModelCallRow.review_id) == review_id).order_by(col(ModelCallRow.started_at))
    with database.read() as session:
        rows = session.connection().execute(query).all()
    return [
        CallLine(stage=stage, provider=provider, model=model, outcome=Outcome(outcome), cost_usd=cost)
        for stage, provider, model, outcome, cost in rows
    ]


def load_usage(database: Database, review_id: str) -> UsageTotal:
    """Return the total usage of a review, of attempts on the wire only."""
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


def load_stats(database: Database, since: datetime, *, by: Sequence[CallDimension] = ()) -> list[ModelStats]:
    """Return the per-model table: one line per provider and model, split further by `by`."""
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
                else OrderedLatencies(session, col(ModelCallRow.started_at) >= since, key),
            )
            for key in sorted({*lines, *extras})
        ]


def _column(dimension: CallDimension) -> SQLColumnExpression[Any]:
    match dimension:
        case CallDimension.STAGE:
            return col(ModelCallRow.stage)
        case CallDimension.REPOSITORY:
            return func.coalesce(col(ModelCallRow.repository), "")
        case CallDimension.DAY:
            return func.date(col(ModelCallRow.started_at), type_=String)


def _stats(
    key: dict[str, str],
    sums: Sequence[Any],
    unsent: Sequence[Any],
    latencies: "Sequence[int] | OrderedLatencies",
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


def _percentile(latencies: "Sequence[int] | OrderedLatencies", calls: int, share: float) -> int | None:
    if isinstance(latencies, OrderedLatencies):
        return latencies.percentile(calls, share)
    return latencies[_rank(calls, share)] if calls else None


def _rank(count: int, share: float) -> int:
    """Return the position of the nearest-rank percentile, from 0."""
    return max(0, math.ceil(count * share) - 1)


@dataclass(frozen=True, slots=True)
class OrderedLatencies:
    """A model's latencies in the order of the index, read one at a time; `key` is provider and model."""

    session: Session
    condition: ColumnElement[bool]
    key: tuple[str, ...]

    def percentile(self, calls: int, share: float) -> int | None:
        """Return the nearest-rank percentile of `calls` latencies; None without calls.

        The database walks the index from the nearer end: the 95th percentile of 20,000 calls is 1,000 entries away.
        """
        if not calls:
            return None
        rank = _rank(calls, share)
        rank_from_end = calls - 1 - rank
        latency = col(ModelCallRow.latency_ms)
        statement = (
            select(latency)
            .where(
                col(ModelCallRow.provider) == self.key[0],
                col(ModelCallRow.model) == self.key[1],
                self.condition,
                _SENT,
            )
            .order_by(latency.desc() if rank_from_end < rank else latency)
            .offset(min(rank_from_end, rank))
            .limit(1)
        )
        return self.session.connection().execute(statement).scalar()


def _load_latencies(
    session: Session, since: datetime, keys: Sequence[SQLColumnExpression[Any]]
) -> dict[tuple[str, ...], list[int]]:
    """Return sorted latencies by key, for splits so fine that one query per key would take longer."""
    statement = select(*keys, col(ModelCallRow.latency_ms)).where(
        col(ModelCallRow.started_at) >= since, _SENT
    )
    latencies: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    for row in session.connection().execute(statement):
        latencies[row[:-1]].append(row[-1])
    for each in latencies.values():
        each.sort()
    return latencies
