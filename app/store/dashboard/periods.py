"""Figures of each repository in a period, for reports and for the comparison with the period before."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median

from sqlalchemy import case, func, select
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


def load_cost(database: Database, viewer: Viewer, *, since: datetime, until: datetime) -> float:
    """Return the cost in USD from `since` until just before `until`."""
    periods: defaultdict[str, Period] = defaultdict(Period)
    with database.read() as session:
        _add_costs(session, viewer, since, until, periods)
    return total_of(periods.values()).cost_usd


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
    """Add posted findings; one that several reviews of a pull request posted counts once."""
    outcome = func.max(col(FindingRow.outcome))
    statement = (
        select(
            col(FindingRow.repository),
            outcome,
            func.min(col(FindingRow.created_at)),
            func.max(col(FindingRow.decided_at)),
            func.max(col(FindingRow.owners)),
        )
        .where(
            col(FindingRow.created_at) >= since,
            col(FindingRow.created_at) < until,
            col(FindingRow.shown),
            visible(viewer, FindingRow),
        )
        .group_by(
            col(FindingRow.installation_id),
            col(FindingRow.repository),
            col(FindingRow.pull_request),
            col(FindingRow.fingerprint),
        )
    )
    for repository, known, found_at, decided_at, owners in session.connection().execute(statement):
        owned = [periods.owners[owner] for owner in (owners or "").split()]
        for period in (periods.repositories[repository], *owned):
            period.findings += 1
            period.outcomes[known or ""] = period.outcomes.get(known or "", 0) + 1
            if known == FindingOutcome.RESOLVED and decided_at is not None:
                period.hours_to_resolve.append(max(0.0, (decided_at - found_at) / timedelta(hours=1)))


def _add_costs(
    session: Session, viewer: Viewer, since: datetime, until: datetime, periods: dict[str, Period]
) -> None:
    statement = (
        select(col(ModelCallRow.repository), func.sum(col(ModelCallRow.cost_usd)))
        .where(
            col(ModelCallRow.started_at) >= since,
            col(ModelCallRow.started_at) < until,
            col(ModelCallRow.outcome).not_in(NEVER_SENT),
            visible(viewer, ModelCallRow),
        )
        .group_by(col(ModelCallRow.repository))
    )
    for repository, cost in session.connection().execute(statement):
        periods[repository or ""].cost_usd += float(cost or 0.0)
