"""Reports by repository and by code owner, compared with the period before, as a page and as CSV."""

import asyncio
import calendar
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from starlette.requests import Request
from starlette.responses import Response

from app.dashboard import exports
from app.dashboard.rendering import Templates
from app.domain.viewer import Viewer
from app.store.dashboard import visible
from app.store.dashboard.periods import Period, load_cost, load_frequent_rules, load_periods, total_of
from app.store.database import Database
from app.store.fix_tables import FixRow
from app.store.fixes import load_fix_figures

RANGES = {"7d": timedelta(days=7), "30d": timedelta(days=30), "90d": timedelta(days=90)}
DEFAULT_RANGE = "30d"
NONE = Period()
COLUMNS = (
    "period",
    "since",
    "until",
    "repository",
    "reviews",
    "completed_reviews",
    "failed_reviews",
    "reviews_without_findings",
    "findings",
    "resolved",
    "dismissed",
    "outdated",
    "resolution_rate",
    "median_hours_to_resolve",
    "cost_usd",
)
TEAM_COLUMNS = (
    "period",
    "since",
    "until",
    "team",
    "findings",
    "resolved",
    "dismissed",
    "outdated",
    "resolution_rate",
    "median_hours_to_resolve",
)
MAX_TEAMS = 50  # on the page


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportPages:
    """The routes `/reports` and `/reports.csv`."""

    database: Database
    templates: Templates
    clock: Callable[[], datetime]

    async def show(self, request: Request, viewer: Viewer) -> Response:
        """`/reports`: each repository, the one with the most findings first."""
        chosen, since, now = self._range(request)
        current, before, rules, month_usd, fixes = await asyncio.gather(
            asyncio.to_thread(load_periods, self.database, viewer, since=since, until=now),
            asyncio.to_thread(load_periods, self.database, viewer, since=since - (now - since), until=since),
            asyncio.to_thread(load_frequent_rules, self.database, viewer, since=since, until=now),
            asyncio.to_thread(load_cost, self.database, viewer, since=_month_start(now), until=now),
            asyncio.to_thread(load_fix_figures, self.database, since, where=visible(viewer, FixRow)),
        )
        return self.templates.page(
            "reports.html",
            viewer=viewer,
            now=now,
            chosen=chosen,
            ranges=list(RANGES),
            lines=_lines(current.repositories, before.repositories),
            teams=_lines(current.owners, before.owners)[:MAX_TEAMS],
            total=total_of(current.repositories.values()),
            before=total_of(before.repositories.values()),
            rules=rules,
            fixes=fixes,
            month_usd=month_usd,
            forecast_usd=forecast(month_usd, now),
        )

    async def export_csv(self, request: Request, viewer: Viewer) -> Response:
        """`/reports.csv`: the period and the one before, by repository or, with `by=team`, by code owner."""
        _, since, now = self._range(request)
        if request.query_params.get("by") == "team":
            lines = exports.csv_lines(self._records(viewer, since, now, by_team=True), TEAM_COLUMNS)
            return exports.download(lines, name="reports-by-team.csv")
        lines = exports.csv_lines(self._records(viewer, since, now, by_team=False), COLUMNS)
        return exports.download(lines, name="reports.csv")

    def _records(
        self, viewer: Viewer, since: datetime, now: datetime, *, by_team: bool
    ) -> Iterator[dict[str, exports.Cell]]:
        span = now - since
        for name, start, end in (("current", since, now), ("before", since - span, since)):
            found = load_periods(self.database, viewer, since=start, until=end)
            for group, period in sorted((found.owners if by_team else found.repositories).items()):
                if group:
                    yield _record(name, start, end, group, period)

    def _range(self, request: Request) -> tuple[str, datetime, datetime]:
        chosen = request.query_params.get("since", DEFAULT_RANGE)
        chosen = chosen if chosen in RANGES else DEFAULT_RANGE
        now = self.clock()
        return chosen, now - RANGES[chosen], now


def _lines(current: Mapping[str, Period], before: Mapping[str, Period]) -> list[tuple[str, Period, Period]]:
    """Return each group with its figures and those of the period before; the one with the most findings first."""
    lines = [(name, period, before.get(name, NONE)) for name, period in current.items() if name]
    return sorted(lines, key=lambda line: (-line[1].findings, line[0].lower()))


def _month_start(now: datetime) -> datetime:
    return now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def forecast(spent_usd: float, now: datetime) -> float | None:
    """Return the month's cost if it goes on as so far; None on the first day, which says too little."""
    elapsed = (now - _month_start(now)) / timedelta(days=1)
    days = calendar.monthrange(now.year, now.month)[1]
    return spent_usd / elapsed * days if elapsed >= 1 else None


def _record(
    name: str, since: datetime, until: datetime, group: str, period: Period
) -> dict[str, exports.Cell]:
    return {
        "period": name,
        "since": since.isoformat(),
        "until": until.isoformat(),
        "repository": group,
        "team": group,
        "reviews": period.reviews,
        "completed_reviews": period.completed,
        "failed_reviews": period.failed,
        "reviews_without_findings": period.silent,
        "findings": period.findings,
        "resolved": period.resolved,
        "dismissed": period.outcomes.get("dismissed", 0),
        "outdated": period.outcomes.get("outdated", 0),
        "resolution_rate": _rounded(period.resolution_rate, 4),
        "median_hours_to_resolve": _rounded(period.median_hours, 2),
        "cost_usd": round(period.cost_usd, 4),
    }


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
