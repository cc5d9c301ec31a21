"""Figures of each repository in a period, for reports and for the comparison with the period before."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from statistics import median
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, case, cast, extract, func, select
from sqlmodel import Session, col, exists

from app.domain.review import ReviewStatus
from app.domain.viewer import Viewer
from app.store.call_tables import ModelCallRow
from app.store.dashboard import visible
from app.store.database import Database
from app.store.findings import FindingOutcome
from app.store.model_calls import NEVER_SENT
from app.store.review_tables import FindingRow, ReviewRow

DECIDED = (FindingOutcome.RESOLVED, FindingOutcome.DISMISSED, FindingOutcome.OUTDATED)
TOP_RULES = 10
SECONDS_PER_HOUR = 3_600


@dataclass(slots=True, kw_only=True)
class Period:
    """The figures of a repository, of a team's findings, or of several; `cost_usd` is that of calls with a known price."""

    reviews: int = 0
    completed: int = 0
    failed: int = 0
    silent: int = 0  # completed without a finding
    findings: int = 0
    outcomes: dict[str, int] = field(default_factory=dict[str, int])
    hours_to_resolve: list[float] = field(default_factory=list[float])
    cost_usd: float = 0.0

    @property
    def resolved(self) -> int:
        """Number of findings that authors acted on."""
        return self.outcomes.get(FindingOutcome.RESOLVED, 0)

    @property
    def decided(self) -> int:
        """Number of findings with a known outcome."""
        return sum(self.outcomes.get(outcome, 0) for outcome in DECIDED)

    @property
    def resolution_rate(self) -> float | None:
        """The share of decided findings that authors acted on."""
        return self.resolved / self.decided if self.decided else None

    @property
    def silence_rate(self) -> float | None:
        """The share of completed reviews that found nothing."""
        return self.silent / self.completed if self.completed else None

    @property
    def median_hours(self) -> float | None:
        """The median time from the first review that found a finding to its resolution."""
        return median(self.hours_to_resolve) if self.hours_to_resolve else None


@dataclass(slots=True, kw_only=True)
class Periods:
    """Figures by repository and, for findings whose code has owners, by owner. A finding counts for each of its owners."""

    repositories: defaultdict[str, Period] = field(default_factory=lambda: defaultdict(Period))
    owners: defaultdict[str, Period] = field(default_factory=lambda: defaultdict(Period))


def load_periods(database: Database, viewer: Viewer, *, since: datetime, until: datetime) -> Periods:
    """Return the figures from `since` until just before `until`."""
    periods = Periods()
    with database.read() as session:
        _add_reviews(session, viewer, since, until, periods.repositories)
        _add_findings(session, viewer, since, until, periods)
        _add_costs(session, viewer, since, until, periods.repositories)
    return periods


def load_total(database: Database, viewer: Viewer, *, since: datetime, until: datetime) -> Period:
    """Return the figures of all repositories, without times; faster than adding up those of each repository."""
    each = _findings(viewer, since, until).subquery()
    outcomes = select(func.coalesce(each.c.outcome, ""), func.count()).group_by(each.c.outcome)
    reviews = select(func.count()).where(
        col(ReviewRow.created_at) >= since, col(ReviewRow.created_at) < until, visible(viewer, ReviewRow)
    )
    total = Period(cost_usd=load_cost(database, viewer, since=since, until=until))
    with database.read() as session:
        total.reviews = session.connection().execute(reviews).scalar_one()
        total.outcomes = {outcome: count for outcome, count in session.connection().execute(outcomes)}
    total.findings = sum(total.outcomes.values())
    return total


def count_failed(database: Database, viewer: Viewer, *, since: datetime) -> int:
    """Return the number of reviews that failed."""
    statement = select(func.count()).where(
        col(ReviewRow.created_at) >= since,
        col(ReviewRow.status) == ReviewStatus.FAILED,
        visible(viewer, ReviewRow),
    )
    with database.read() as session:
        return session.connection().execute(statement).scalar_one()


def load_cost(database: Database, viewer: Viewer, *, since: datetime, until: datetime) -> float:
    """Return the cost in USD from `since` until just before `until`."""
    statement = select(func.sum(col(ModelCallRow.cost_usd))).where(*_were_sent(viewer, since, until))
    with database.read() as session:
        return float(session.connection().execute(statement).scalar_one() or 0.0)


def total_of(periods: Iterable[Period]) -> Period:
    """Add up the figures of several repositories."""
    total = Period()
    for each in periods:
        total.reviews += each.reviews
        total.completed += each.completed
        total.failed += each.failed
        total.silent += each.silent
        total.findings += each.findings
        total.cost_usd += each.cost_usd
        total.hours_to_resolve += each.hours_to_resolve
        for outcome, count in each.outcomes.items():
            total.outcomes[outcome] = total.outcomes.get(outcome, 0) + count
    return total


def load_frequent_rules(
    database: Database, viewer: Viewer, *, since: datetime, until: datetime
) -> list[tuple[str, int]]:
    """Return the rules with the most findings, each with their number."""
    count = func.count()
    statement = (
        select(col(FindingRow.rule_id), count)
        .where(
            col(FindingRow.created_at) >= since,
            col(FindingRow.created_at) < until,
            col(FindingRow.shown),
            visible(viewer, FindingRow),
        )
        .group_by(col(FindingRow.rule_id))
        .order_by(count.desc(), col(FindingRow.rule_id))
        .limit(TOP_RULES)
    )
    with database.read() as session:
        return [(rule, number) for rule, number in session.connection().execute(statement)]


def load_installations_of(database: Database, repository: str) -> list[int]:
    """Return the installations in which a repository of this name was reviewed."""
    statement = (
        select(col(ReviewRow.installation_id)).where(col(ReviewRow.repository) == repository).distinct()
    )
    with database.read() as session:
        return list(session.connection().execute(statement).scalars())


def _add_reviews(
    session: Session, viewer: Viewer, since: datetime, until: datetime, periods: dict[str, Period]
) -> None:
    is_completed = col(ReviewRow.status) == ReviewStatus.COMPLETED
    has_findings = exists().where(col(FindingRow.review_id) == col(ReviewRow.id))
    statement = (
        select(
            col(ReviewRow.repository),
            func.count(),
            func.sum(case((is_completed, 1), else_=0)),
            func.sum(case((col(ReviewRow.status) == ReviewStatus.FAILED, 1), else_=0)),
            func.sum(case((is_completed & ~has_findings, 1), else_=0)),
        )
        .where(
            col(ReviewRow.created_at) >= since, col(ReviewRow.created_at) < until, visible(viewer, ReviewRow)
        )
        .group_by(col(ReviewRow.repository))
    )
    for repository, reviews, completed, failed, silent in session.connection().execute(statement):
        period = periods[repository]
        period.reviews, period.completed, period.failed, period.silent = reviews, completed, failed, silent


def _add_findings(
    session: Session, viewer: Viewer, since: datetime, until: datetime, periods: Periods
) -> None:
    """Add posted findings; the database counts them, so that few rows are read."""
    each = (
        _findings(viewer, since, until)
        .add_columns(
            col(FindingRow.repository),
            func.min(col(FindingRow.created_at)).label("found_at"),
            func.max(col(FindingRow.decided_at)).label("decided_at"),
            func.max(col(FindingRow.owners)).label("owners"),
        )
        .subquery()
    )
    seconds = extract("epoch", each.c.decided_at) - extract("epoch", each.c.found_at)
    is_resolved = each.c.outcome == FindingOutcome.RESOLVED
    times = func.aggregate_strings(case((is_resolved, cast(seconds, Text))), ",")
    keys = (each.c.repository, each.c.owners, each.c.outcome)
    statement = select(*keys, func.count(), times).group_by(*keys)
    for repository, owners, outcome, count, resolved in session.connection().execute(statement):
        hours = [max(0.0, float(each) / SECONDS_PER_HOUR) for each in resolved.split(",")] if resolved else []
        owned = [periods.owners[owner] for owner in (owners or "").split()]
        for period in (periods.repositories[repository], *owned):
            period.findings += count
            period.outcomes[outcome or ""] = period.outcomes.get(outcome or "", 0) + count
            period.hours_to_resolve += hours


def _findings(viewer: Viewer, since: datetime, until: datetime) -> Select[*tuple[Any, ...]]:
    """Select the outcomes of posted findings; one that several reviews of a pull request posted counts once."""
    # As a plain condition, the upper bound would make SQLite read the rows in the order of time, not in that of the groups.
    is_before = case((col(FindingRow.created_at) < until, 1), else_=0) == 1
    return (
        select(func.max(col(FindingRow.outcome)).label("outcome"))
        .where(
            col(FindingRow.created_at) >= since, is_before, col(FindingRow.shown), visible(viewer, FindingRow)
        )
        .group_by(
            col(FindingRow.installation_id),
            col(FindingRow.repository),
            col(FindingRow.pull_request),
            col(FindingRow.fingerprint),
        )
    )


def _add_costs(
    session: Session, viewer: Viewer, since: datetime, until: datetime, periods: dict[str, Period]
) -> None:
    statement = (
        select(col(ModelCallRow.repository), func.sum(col(ModelCallRow.cost_usd)))
        .where(*_were_sent(viewer, since, until))
        .group_by(col(ModelCallRow.repository))
    )
    for repository, cost in session.connection().execute(statement):
        periods[repository or ""].cost_usd += float(cost or 0.0)


def _were_sent(viewer: Viewer, since: datetime, until: datetime) -> tuple[ColumnElement[bool], ...]:
    started_at = col(ModelCallRow.started_at)
    is_sent = col(ModelCallRow.outcome).not_in(NEVER_SENT)
    return (started_at >= since, started_at < until, is_sent, visible(viewer, ModelCallRow))
