"""The overview: reviews, cost, silence, resolution, and the per-model table with its points over time.

One pass over the calls gives both the table and the charts; percentiles are walks along `ix_model_calls_stats`.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

from sqlalchemy import case, exists, func, select
from sqlmodel import Session, col

from app.domain.model_call import Outcome
from app.domain.review import ReviewStatus
from app.domain.viewer import Viewer
from app.store.dashboard.time_buckets import Bucket, bucket_name
from app.store.database import Database
from app.store.findings import FindingOutcome
from app.store.model_calls import NEVER_SENT, ModelStats
from app.store.tables import FindingRow, ModelCallRow, ReviewRow
from app.store.viewer import visible


@dataclass(frozen=True, slots=True, kw_only=True)
class CallPoint:
    """The calls of one model in one bucket of time; `latency_ms` is their sum."""

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
    """The reviews of one status in one bucket of time."""

    bucket: str
    status: str
    reviews: int
    cost_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """What happened since a moment."""

    bucket: Bucket
    reviews: tuple[ReviewPoint, ...]
    calls: tuple[CallPoint, ...]
    models: tuple[ModelStats, ...]
    completed: int
    silent: int  # completed without a finding
    outcomes: dict[str, int]  # of findings that were shown; "" where nothing is known yet

    @property
    def review_count(self) -> int:
        """All reviews, however they ended."""
        return sum(point.reviews for point in self.reviews)

    @property
    def cost_usd(self) -> float:
        """Of the calls whose price is known."""
        return sum(model.cost_usd for model in self.models)

    @property
    def unpriced_calls(self) -> int:
        """Calls that the cost says nothing of."""
        return sum(model.unpriced_calls for model in self.models)

    @property
    def finding_count(self) -> int:
        """Findings that were shown, each counted once a pull request."""
        return sum(self.outcomes.values())

    @property
    def decided(self) -> int:
        """Findings of which it is known what became of them."""
        known = (FindingOutcome.RESOLVED, FindingOutcome.DISMISSED, FindingOutcome.OUTDATED)
        return sum(self.outcomes.get(outcome, 0) for outcome in known)

    @property
    def resolved(self) -> int:
        """Findings that the authors acted on."""
        return self.outcomes.get(FindingOutcome.RESOLVED, 0)


def load_overview(database: Database, viewer: Viewer, *, since: datetime, bucket: Bucket) -> Overview:
    """Everything on the overview that the database knows."""
    with database.read() as session:
        calls = _load_calls(session, viewer, since, bucket)
        completed, silent = _load_silence(session, viewer, since)
        return Overview(
            bucket=bucket,
            reviews=_load_reviews(session, viewer, since, bucket),
            calls=calls,
            models=tuple(_load_models(session, viewer, since, calls)),
            completed=completed,
            silent=silent,
            outcomes=_load_outcomes(session, viewer, since),
        )


def _load_reviews(
    session: Session, viewer: Viewer, since: datetime, bucket: Bucket
) -> tuple[ReviewPoint, ...]:
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


def _load_silence(session: Session, viewer: Viewer, since: datetime) -> tuple[int, int]:
    """Silent is who had nothing to say; a shadow review with findings had, though nobody heard it."""
    spoke = exists().where(col(FindingRow.review_id) == col(ReviewRow.id))
    statement = select(func.count(), func.coalesce(func.sum(case((spoke, 0), else_=1)), 0)).where(
        col(ReviewRow.created_at) >= since,
        col(ReviewRow.status) == ReviewStatus.COMPLETED,
        visible(viewer, ReviewRow),
    )
    completed, silent = session.connection().execute(statement).one()
    return completed, silent


def _load_outcomes(session: Session, viewer: Viewer, since: datetime) -> dict[str, int]:
    """A finding that several reviews of a pull request showed counts once; one of shadow reviews alone was not shown."""
    each = (
        select(
            col(FindingRow.installation_id),
            col(FindingRow.repository),
            col(FindingRow.pull_request),
            col(FindingRow.fingerprint),
            func.coalesce(func.max(FindingRow.outcome), "").label("outcome"),
        )
        .where(col(FindingRow.created_at) >= since, col(FindingRow.shown), visible(viewer, FindingRow))
        .group_by(
            col(FindingRow.installation_id),
            col(FindingRow.repository),
            col(FindingRow.pull_request),
            col(FindingRow.fingerprint),
        )
        .subquery()
    )
    statement = select(each.c.outcome, func.count()).group_by(each.c.outcome)
    return {outcome: count for outcome, count in session.connection().execute(statement)}


def _load_calls(session: Session, viewer: Viewer, since: datetime, bucket: Bucket) -> tuple[CallPoint, ...]:
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
    """The calls of one model with one outcome in one bucket."""

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


def _load_models(
    session: Session, viewer: Viewer, since: datetime, points: Iterable[CallPoint]
) -> Iterable[ModelStats]:
    for (provider, model), group in groupby(points, key=lambda point: (point.provider, point.model)):
        of_model = list(group)
        calls = sum(point.calls for point in of_model)
        p50, p95 = (
            _percentile_ms(session, viewer, since, (provider, model), calls, share) for share in (0.5, 0.95)
        )
        yield _stats(of_model, calls, p50, p95)


def _stats(points: list[CallPoint], calls: int, p50_ms: int | None, p95_ms: int | None) -> ModelStats:
    return ModelStats(
        provider=points[0].provider,
        model=points[0].model,
        calls=calls,
        succeeded=sum(point.succeeded for point in points),
        cache_hits=sum(point.cache_hits for point in points),
        over_budget=sum(point.over_budget for point in points),
        average_ms=sum(point.latency_ms for point in points) / calls if calls else None,
        p50_ms=p50_ms,
        p95_ms=p95_ms,
        input_tokens=sum(point.input_tokens for point in points),
        cached_input_tokens=sum(point.cached_input_tokens for point in points),
        output_tokens=sum(point.output_tokens for point in points),
        cost_usd=sum(point.cost_usd for point in points),
        unpriced_calls=sum(point.unpriced_calls for point in points),
    )


def _percentile_ms(
    session: Session, viewer: Viewer, since: datetime, key: tuple[str, str], calls: int, share: float
) -> int | None:
    """Walks from the nearer end: the 95th percentile of 20,000 calls is 1,000 steps away, not 19,000."""
    place = _place(calls, share)
    from_below = place <= calls // 2
    latency = col(ModelCallRow.latency_ms)
    statement = (
        select(latency)
        .where(
            col(ModelCallRow.provider) == key[0],
            col(ModelCallRow.model) == key[1],
            col(ModelCallRow.started_at) >= since,
            col(ModelCallRow.outcome).not_in(NEVER_SENT),
            visible(viewer, ModelCallRow),
        )
        .order_by(latency if from_below else latency.desc())
        .offset(place if from_below else calls - 1 - place)
        .limit(1)
    )
    return session.connection().execute(statement).scalar() if calls else None


def _place(count: int, share: float) -> int:
    """The nearest-rank percentile's place, from 0."""
    return max(0, math.ceil(count * share) - 1)
