"""Reports by repository, compared with the period before, as a page and as CSV."""

import asyncio
import calendar
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from starlette.requests import Request
from starlette.responses import Response

from app.dashboard import exports
from app.dashboard.rendering import Templates
from app.domain.viewer import Viewer
from app.store.dashboard.periods import Period, load_frequent_rules, load_periods, total_of
from app.store.database import Database

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


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportPages:
    """The routes `/reports` and `/reports.csv`."""

    database: Database
    templates: Templates
    clock: Callable[[], datetime]

    async def show(self, request: Request, viewer: Viewer) -> Response:
        """`/reports`: each repository, the one with the most findings first."""
        chosen, since, now = self._range(request)
        current, before, rules, month_usd = await asyncio.gather(
            asyncio.to_thread(load_periods, self.database, viewer, since=since, until=now),
            asyncio.to_thread(load_periods, self.database, viewer, since=since - (now - since), until=since),
            asyncio.to_thread(load_frequent_rules, self.database, viewer, since=since, until=now),
            asyncio.to_thread(self._month_usd, viewer, now),
        )
        lines = [(name, period, before.get(name, NONE)) for name, period in current.items() if name]
        return self.templates.page(
            "reports.html",
            viewer=viewer,
            now=now,
            chosen=chosen,
            ranges=list(RANGES),
            lines=sorted(lines, key=lambda line: (-line[1].findings, line[0].lower())),
            total=total_of(current.values()),
            before=total_of(before.values()),
            rules=rules,
            month_usd=month_usd,
            forecast_usd=forecast(month_usd, now),
        )

    async def export_csv(self, request: Request, viewer: Viewer) -> Response:
        """`/reports.csv`: the period and the one before."""
        _, since, now = self._range(request)
        lines = exports.csv_lines(self._records(viewer, since, now), COLUMNS)
        return exports.download(lines, name="reports.csv")

    def _records(self, viewer: Viewer, since: datetime, now: datetime) -> Iterator[dict[str, exports.Cell]]:
        span = now - since
        for name, start, end in (("current", since, now), ("before", since - span, since)):
            found = load_periods(self.database, viewer, since=start, until=end)
            for repository, period in sorted(found.items()):
                if repository:
                    yield _record(name, start, end, repository, period)

    def _range(self, request: Request) -> tuple[str, datetime, datetime]:
        chosen = request.query_params.get("since", DEFAULT_RANGE)
        chosen = chosen if chosen in RANGES else DEFAULT_RANGE
        now = self.clock()
        return chosen, now - RANGES[chosen], now

    def _month_usd(self, viewer: Viewer, now: datetime) -> float:
        start = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        return total_of(load_periods(self.database, viewer, since=start, until=now).values()).cost_usd


def forecast(spent_usd: float, now: datetime) -> float | None:
    """Return the month's cost if it goes on as so far; None on the first day, which says too little."""
    start = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    elapsed = (now - start) / timedelta(days=1)
    days = calendar.monthrange(now.year, now.month)[1]
    return spent_usd / elapsed * days if elapsed >= 1 else None


def _record(
    name: str, since: datetime, until: datetime, repository: str, period: Period
) -> dict[str, exports.Cell]:
    values: tuple[exports.Cell, ...] = (
        name,
        since.isoformat(),
        until.isoformat(),
        repository,
        period.reviews,
        period.completed,
        period.failed,
        period.silent,
        period.findings,
        period.resolved,
        period.outcomes.get("dismissed", 0),
        period.outcomes.get("outdated", 0),
        _rounded(period.resolution_rate, 4),
        _rounded(period.median_hours, 2),
        round(period.cost_usd, 4),
    )
    return dict(zip(COLUMNS, values, strict=True))


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
