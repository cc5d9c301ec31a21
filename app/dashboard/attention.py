"""What needs somebody: failed reviews, vendors that are out, budgets that are nearly used up, undecided critical findings."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from app.dashboard.charts import PROVIDER_NAMES
from app.dashboard.formats import plural, usd
from app.domain.finding import Severity
from app.domain.viewer import Viewer
from app.llm.circuits import OpenCircuit
from app.llm.costs import BudgetLimits
from app.store.calls import load_accounts
from app.store.dashboard.finding_filter import FindingFilter
from app.store.dashboard.findings import count_by_severity, load_findings
from app.store.dashboard.periods import count_failed, load_installations_of
from app.store.database import Database

RECENTLY = timedelta(days=7)
NEARLY = 0.8  # of a budget
MAX_BUDGETS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """One thing that needs somebody, with the page that shows more."""

    text: str
    url: str


def narrow(database: Database, viewer: Viewer, repository: str) -> Viewer:
    """Return a viewer who sees one repository only, and no more than before; an empty name changes nothing."""
    if not repository:
        return viewer
    readable = viewer.repositories
    numbers = load_installations_of(database, repository) if readable is None else list(readable)
    seen = {
        number: frozenset({repository})
        for number in numbers
        if readable is None or repository in readable[number]
    }
    return Viewer(login=viewer.login, repositories=seen)


def find_attention(
    database: Database, viewer: Viewer, limits: BudgetLimits, *, now: datetime
) -> list[Attention]:
    """Return what needs somebody now, the most urgent first."""
    return [
        *_critical(database, viewer),
        *_failed(database, viewer, now),
        *_budgets(database, viewer, limits, now),
    ]


def vendors_out(circuits: Sequence[OpenCircuit]) -> list[Attention]:
    """Return the vendors that are not asked at present; the panel below says why."""
    names = dict.fromkeys(PROVIDER_NAMES.get(each.provider, each.provider) for each in circuits)
    return [Attention(text=f"{name} is unavailable", url="#now") for name in names]


def _critical(database: Database, viewer: Viewer) -> list[Attention]:
    wanted = FindingFilter(severity=Severity.CRITICAL)
    count = count_by_severity(database, viewer, wanted).get(Severity.CRITICAL, 0)
    if not count:
        return []
    unconfirmed = sum(
        not line.finding.confirmed_by and not line.finding.is_found_independently
        for line in load_findings(database, viewer, wanted).lines
    )
    doubt = f", {unconfirmed:,} of the newest not confirmed by a second vendor" if unconfirmed else ""
    text = f"{plural(count, 'open critical finding')}{doubt}"
    return [Attention(text=text, url="/findings?severity=critical")]


def _failed(database: Database, viewer: Viewer, now: datetime) -> list[Attention]:
    failed = count_failed(database, viewer, since=now - RECENTLY)
    query = urlencode({"status": "failed", "from": f"{now - RECENTLY:%Y-%m-%d}"})
    text = f"{plural(failed, 'review')} failed in the last 7 days"
    return [Attention(text=text, url=f"/reviews?{query}")] if failed else []


def _budgets(database: Database, viewer: Viewer, limits: BudgetLimits, now: datetime) -> list[Attention]:
    near: list[tuple[float, Attention]] = []
    for account in load_accounts(database, "repository:"):  # named by app.llm.budget
        installation, repository, month = account.account.removeprefix("repository:").split(":")
        limit = account.limit_usd if account.limit_usd is not None else limits.repository_month_usd
        is_current = month == f"{now:%Y-%m}" and viewer.may_read(int(installation), repository)
        if limit and is_current and account.spent_usd >= NEARLY * limit:
            share = account.spent_usd / limit
            text = f"{repository} has used {share:.0%} of its {usd(limit)} for this month"
            near.append((share, Attention(text=text, url="/repositories")))
    return [each for _, each in sorted(near, key=lambda pair: -pair[0])[:MAX_BUDGETS]]
