"""Notices once an hour which budgets are nearly spent, and on Mondays what the week before looked like.

Several processes may do so: each news has a stable id, and is queued once.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from app.domain.finding import Severity
from app.domain.notification import BudgetName, BudgetNear, Notify, WeeklyDigest
from app.domain.viewer import OPERATOR
from app.errors import StoreUnavailable
from app.store.calls import load_accounts
from app.store.dashboard.finding_filter import FindingFilter
from app.store.dashboard.findings import count_by_severity
from app.store.dashboard.periods import load_cost, load_periods, total_of
from app.store.database import Database

logger = logging.getLogger(__name__)

EVERY_S = 3_600.0
FIRST_S = 60.0  # after the start, which has more urgent work
Percentage = Literal[50, 80, 100]
PERCENTAGES: tuple[Percentage, ...] = (100, 80, 50)
DIGEST_HOUR = 8  # on Monday, in UTC
MOST = 5  # repositories in a digest
_BUDGETS: dict[str, BudgetName] = {"repository": "repository_month", "installation": "installation_month"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminders:
    """Sends news about budgets and weeks."""

    database: Database
    notify: Notify
    clock: Callable[[], datetime]

    async def run(self) -> None:
        """Send what is due, until cancelled."""
        await asyncio.sleep(FIRST_S)
        while True:
            try:
                await self.send_due()
            except StoreUnavailable as error:
                logger.warning("cannot look for budgets and weeks: %s", error)
            await asyncio.sleep(EVERY_S)

    async def send_due(self) -> None:
        """Queue the news that are due now, unless they are queued already."""
        now = self.clock()
        for near in await asyncio.to_thread(lambda: list(find_near_budgets(self.database, now))):
            await self.notify(near)
        digest = await asyncio.to_thread(build_digest, self.database, now)
        if digest is not None:
            await self.notify(digest)


def find_near_budgets(database: Database, now: datetime) -> Iterator[BudgetNear]:
    """Yield the highest percentage that each monthly budget has reached."""
    for kind, budget in _BUDGETS.items():
        for row in load_accounts(database, f"{kind}:"):
            if not row.account.endswith(f":{now:%Y-%m}") or not row.limit_usd:
                continue
            share = 100 * row.spent_usd / row.limit_usd
            percent: Percentage | None = next((each for each in PERCENTAGES if share >= each), None)
            if percent is not None:
                yield BudgetNear(
                    budget=budget,
                    account=row.account,
                    percent=percent,
                    spent_usd=round(row.spent_usd, 4),
                    limit_usd=row.limit_usd,
                    repository=row.account.split(":")[2] if kind == "repository" else None,
                )


def build_digest(database: Database, now: datetime) -> WeeklyDigest | None:
    """Return the digest of the last full week; None before Monday's hour, and without reviews."""
    monday = (now - timedelta(days=now.weekday())).replace(hour=0, minute=0, second=0, microsecond=0)
    if now < monday + timedelta(hours=DIGEST_HOUR):
        return None
    start, before = monday - timedelta(days=7), monday - timedelta(days=14)
    periods = load_periods(database, OPERATOR, since=start, until=monday).repositories
    total = total_of(periods.values())
    if not total.reviews:
        return None
    critical = count_by_severity(database, OPERATOR, FindingFilter(severity=Severity.CRITICAL))
    most = sorted(periods.items(), key=lambda each: (-each[1].findings, each[0]))[:MOST]
    return WeeklyDigest(
        week=f"{start:%G-W%V}",
        reviews=total.reviews,
        failed_reviews=total.failed,
        findings=total.findings,
        decided_findings=total.decided,
        resolved_findings=total.resolved,
        open_critical_findings=critical.get(Severity.CRITICAL, 0),
        cost_usd=round(total.cost_usd, 4),
        cost_usd_before=round(load_cost(database, OPERATOR, since=before, until=start), 4),
        repositories={name: period.findings for name, period in most if name and period.findings},
    )
