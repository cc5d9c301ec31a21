"""Repositories with what they were reviewed and cost, the month's spend, and the rules that they have taught."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlmodel import col
from sqlmodel import select as select_rows

from app.domain.viewer import Viewer
from app.store.database import Database
from app.store.spend import load_spend
from app.store.tables import FindingRow, LearnedRuleRow, ReviewRow
from app.store.viewer import visible

Place = tuple[int, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryLine:
    """One repository; `month_usd` is what its budget of this month has spent, reservations included."""

    installation_id: int
    repository: str
    reviews: int
    findings: int
    cost_usd: float
    last_review: datetime
    month_usd: float


def load_repositories(
    database: Database, viewer: Viewer, *, since: datetime, now: datetime
) -> list[RepositoryLine]:
    """The repositories that were reviewed since a moment, the dearest first."""
    reviews = (
        select(
            col(ReviewRow.installation_id),
            col(ReviewRow.repository),
            func.count(),
            func.sum(ReviewRow.cost_usd),
            func.max(ReviewRow.created_at),
        )
        .where(col(ReviewRow.created_at) >= since, visible(viewer, ReviewRow))
        .group_by(col(ReviewRow.installation_id), col(ReviewRow.repository))
    )
    findings = (
        select(col(FindingRow.installation_id), col(FindingRow.repository), func.count())
        .where(col(FindingRow.created_at) >= since, visible(viewer, FindingRow))
        .group_by(col(FindingRow.installation_id), col(FindingRow.repository))
    )
    with database.read() as session:
        connection = session.connection()
        rows = connection.execute(reviews).all()
        found = {(installation, name): count for installation, name, count in connection.execute(findings)}
    spend = load_spend(database, "repository:")
    lines = [
        RepositoryLine(
            installation_id=installation,
            repository=name,
            reviews=count,
            findings=found.get((installation, name), 0),
            cost_usd=float(cost or 0.0),
            last_review=last,
            month_usd=_month_usd(spend, (installation, name), now),
        )
        for installation, name, count, cost, last in rows
    ]
    return sorted(lines, key=lambda line: (-line.cost_usd, line.repository.lower()))


def _month_usd(spend: Mapping[str, float], place: Place, now: datetime) -> float:
    """The account is named by `app.llm.budget`."""
    return spend.get(f"repository:{place[0]}:{place[1]}:{now:%Y-%m}", 0.0)


def load_rules(database: Database, viewer: Viewer) -> list[LearnedRuleRow]:
    """Learned rules, those in force first, then the newest."""
    statement = (
        select_rows(LearnedRuleRow)
        .where(visible(viewer, LearnedRuleRow))
        .order_by(col(LearnedRuleRow.created_at).desc(), col(LearnedRuleRow.id))
    )
    with database.read() as session:
        return sorted(session.exec(statement), key=lambda row: row.removed_by is not None)
