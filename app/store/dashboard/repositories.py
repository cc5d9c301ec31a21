"""Repositories with what they were reviewed and cost, the month's spend and its limits, and the rules that they have taught."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlmodel import col
from sqlmodel import select as select_rows

from app.domain.viewer import Viewer
from app.store.database import Database
from app.store.spend import load_accounts
from app.store.tables import FindingRow, LearnedRuleRow, ReviewRow, SpendRow
from app.store.viewer import visible

Place = tuple[int, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryLine:
    """One repository; `month_usd` is what its budget of this month has spent, reservations included.

    `limit_usd` is the limit that held at the last call: the lower of the operator's and the repository's; None: not known.
    """

    installation_id: int
    repository: str
    reviews: int
    findings: int
    cost_usd: float
    last_review: datetime
    month_usd: float
    limit_usd: float | None


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
    accounts = {row.account: row for row in load_accounts(database, "repository:")}
    lines: list[RepositoryLine] = []
    for installation, name, count, cost, last in rows:
        account = _of_month(accounts, (installation, name), now)
        lines.append(
            RepositoryLine(
                installation_id=installation,
                repository=name,
                reviews=count,
                findings=found.get((installation, name), 0),
                cost_usd=float(cost or 0.0),
                last_review=last,
                month_usd=account.spent_usd if account else 0.0,
                limit_usd=account.limit_usd if account else None,
            )
        )
    return sorted(lines, key=lambda line: (-line.cost_usd, line.repository.lower()))


def _of_month(accounts: Mapping[str, SpendRow], place: Place, now: datetime) -> SpendRow | None:
    """The account is named by `app.llm.budget`."""
    return accounts.get(f"repository:{place[0]}:{place[1]}:{now:%Y-%m}")


def load_rules(database: Database, viewer: Viewer) -> list[LearnedRuleRow]:
    """Learned rules, those in force first, then the newest."""
    statement = (
        select_rows(LearnedRuleRow)
        .where(visible(viewer, LearnedRuleRow))
        .order_by(col(LearnedRuleRow.created_at).desc(), col(LearnedRuleRow.id))
    )
    with database.read() as session:
        return sorted(session.exec(statement), key=lambda row: row.removed_by is not None)
