"""The overview: reviews, cost, outcomes of findings, and the per-model table.

One query of the calls provides both the table and the charts; percentiles are read from `ix_model_calls_stats`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from sqlalchemy import and_, case, exists, func, select
from sqlmodel import Session, col

from app.domain.review import ReviewStatus
from app.domain.viewer import Viewer
from app.store.call_tables import ModelCallRow
from app.store.dashboard import visible
from app.store.dashboard.time_series import (
    Bucket,
    CallPoint,
    ReviewPoint,
    load_call_points,
    load_review_points,
)
from app.store.database import Database
from app.store.findings import FindingOutcome
from app.store.model_calls import ModelStats, OrderedLatencies
from app.store.review_tables import FindingRow, ReviewRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Reviews, calls and findings since a point in time."""

    bucket: Bucket
    reviews: tuple[ReviewPoint, ...]
    calls: tuple[CallPoint, ...]
    models: tuple[ModelStats, ...]
    completed: int
    silent: int  # completed without a finding
    outcomes: dict[str, int]  # of posted findings; "" if not known yet

    @property
    def review_count(self) -> int:
        """Number of reviews, whatever their status."""
        return sum(point.reviews for point in self.reviews)

    @property
    def cost_usd(self) -> float:
        """Total cost of calls with a known price."""
        return sum(model.cost_usd for model in self.models)

    @property
    def unpriced_calls(self) -> int:
        """Number of calls without a known price, which the cost leaves out."""
        return sum(model.unpriced_calls for model in self.models)

    @property
    def finding_count(self) -> int:
        """Number of posted findings, each counted once per pull request."""
        return sum(self.outcomes.values())

    @property
    def decided(self) -> int:
        """Number of findings with a known outcome."""
        known = (FindingOutcome.RESOLVED, FindingOutcome.DISMISSED, FindingOutcome.OUTDATED)
        return sum(self.outcomes.get(outcome, 0) for outcome in known)

    @property
    def resolved(self) -> int:
        """Number of findings that authors acted on."""
        return self.outcomes.get(FindingOutcome.RESOLVED, 0)


def load_overview(database: Database, viewer: Viewer, *, since: datetime, bucket: Bucket) -> Overview:
    """Load the overview."""
    with database.read() as session:
        calls = load_call_points(session, viewer, since, bucket)
        completed, silent = _load_silence(session, viewer, since)
        return Overview(
            bucket=bucket,
            reviews=load_review_points(session, viewer, since, bucket),
            calls=calls,
            models=tuple(_load_models(session, viewer, since, calls)),
            completed=completed,
            silent=silent,
            outcomes=_load_outcomes(session, viewer, since),
        )


def _load_silence(session: Session, viewer: Viewer, since: datetime) -> tuple[int, int]:
    """Count completed reviews, and those without findings; findings in shadow mode count as findings."""
    has_findings = exists().where(col(FindingRow.review_id) == col(ReviewRow.id))
    statement = select(func.count(), func.coalesce(func.sum(case((has_findings, 0), else_=1)), 0)).where(
        col(ReviewRow.created_at) >= since,
        col(ReviewRow.status) == ReviewStatus.COMPLETED,
        visible(viewer, ReviewRow),
    )
    completed, silent = session.connection().execute(statement).one()
    return completed, silent


def _load_outcomes(session: Session, viewer: Viewer, since: datetime) -> dict[str, int]:
    """Count outcomes; a finding posted by several reviews of a pull request counts once, shadow reviews do not count."""
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


def _load_models(
    session: Session, viewer: Viewer, since: datetime, points: Iterable[CallPoint]
) -> Iterable[ModelStats]:
    condition = and_(col(ModelCallRow.started_at) >= since, visible(viewer, ModelCallRow))
    for key, group in groupby(points, key=lambda point: (point.provider, point.model)):
        yield _stats(list(group), OrderedLatencies(session, condition, key))


def _stats(points: list[CallPoint], latencies: OrderedLatencies) -> ModelStats:
    calls = sum(point.calls for point in points)
    return ModelStats(
        provider=points[0].provider,
        model=points[0].model,
        calls=calls,
        succeeded=sum(point.succeeded for point in points),
        cache_hits=sum(point.cache_hits for point in points),
        over_budget=sum(point.over_budget for point in points),
        average_ms=sum(point.latency_ms for point in points) / calls if calls else None,
        p50_ms=latencies.percentile(calls, 0.5),
        p95_ms=latencies.percentile(calls, 0.95),
        input_tokens=sum(point.input_tokens for point in points),
        cached_input_tokens=sum(point.cached_input_tokens for point in points),
        output_tokens=sum(point.output_tokens for point in points),
        cost_usd=sum(point.cost_usd for point in points),
        unpriced_calls=sum(point.unpriced_calls for point in points),
    )
