"""The page of one review, and the event stream that updates it while the review runs. Reads only."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from app.dashboard.access import SECURITY_HEADERS
from app.dashboard.charts import PROVIDERS, build_timeline
from app.dashboard.live import ReviewBroadcast
from app.dashboard.rendering import Templates
from app.domain.finding import Severity, Stage
from app.domain.model_call import Provider
from app.domain.review import (
    Coverage,
    Omission,
    ReviewReport,
    ReviewStatus,
    StageResult,
    StageStatus,
    UsageTotal,
)
from app.domain.viewer import Viewer
from app.publish.statement import make_statement
from app.store.dashboard.lists import ReviewDetail, load_review_detail
from app.store.dashboard.review_list import (
    ReviewFilter,
    load_repository_names,
    load_review_totals,
    load_reviews,
    parse_cursor,
)
from app.store.database import Database
from app.store.findings import finding_of
from app.store.reviews import UNFINISHED

QUERY_NAMES = ("repository", "status", "provider", "severity", "search", "from", "to")
POLL_S = 2.0  # for reviews in other processes
STREAM_S = 240.0  # after that the browser reconnects, and access is checked again


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewPages:
    """The routes `/reviews`, `/reviews/{review_id}` and `/reviews/{review_id}/events`."""

    database: Database
    live: ReviewBroadcast
    templates: Templates
    clock: Callable[[], datetime]
    github_url: str
    poll_s: float = POLL_S

    async def show_list(self, request: Request, viewer: Viewer) -> Response:
        """`/reviews`: the list, newest first."""
        query = request.query_params
        wanted = ReviewFilter(
            repository=query.get("repository", ""),
            status=query.get("status", ""),
            provider=query.get("provider", ""),
            severity=query.get("severity", ""),
            search=query.get("search", ""),
            since=_day(query.get("from", "")),
            until=_day(query.get("to", ""), days=1),
        )
        after = parse_cursor(query.get("after", ""))
        page, totals, repositories = await asyncio.gather(
            asyncio.to_thread(load_reviews, self.database, viewer, wanted, after=after),
            asyncio.to_thread(load_review_totals, self.database, viewer, wanted),
            asyncio.to_thread(load_repository_names, self.database, viewer),
        )
        return self.templates.page(
            "reviews.html",
            viewer=viewer,
            now=self.clock(),
            github_url=self.github_url,
            chosen=wanted,
            query={name: query[name] for name in QUERY_NAMES if query.get(name)},
            page=page,
            totals=totals,
            is_first=after is None,
            repositories=repositories,
            statuses=[status.value for status in ReviewStatus],
            severities=[severity.value for severity in Severity],
            providers=PROVIDERS,
        )

    async def show(self, request: Request, viewer: Viewer) -> Response:
        """Show the page."""
        detail = await self._load(request, viewer)
        if detail is None:
            return self.templates.page(
                "problem.html",
                status=404,
                viewer=viewer,
                title="Not found",
                message="This review does not exist, or you do not have access to it.",
            )
        return self.templates.page("review.html", viewer=viewer, **self._values(detail))

    async def events(self, request: Request, viewer: Viewer) -> Response:
        """Stream server-sent events: the body of the page whenever it changes, then `done`."""
        return StreamingResponse(
            self._stream(request, viewer), media_type="text/event-stream", headers=SECURITY_HEADERS
        )

    async def _stream(self, request: Request, viewer: Viewer) -> AsyncGenerator[str]:
        deadline_s = asyncio.get_running_loop().time() + STREAM_S
        last = ""
        with self.live.subscribe(request.path_params["review_id"]) as subscription:
            while asyncio.get_running_loop().time() < deadline_s:
                detail = await self._load(request, viewer)
                if detail is None:
                    return
                body = self.templates.render("review_body.html", **self._values(detail))
                if body != last:
                    yield _message(body)
                    last = body
                if not _is_running(detail):
                    yield "event: done\ndata: done\n\n"
                    return
                await subscription.wait(self.poll_s)

    async def _load(self, request: Request, viewer: Viewer) -> ReviewDetail | None:
        review_id = request.path_params["review_id"]
        return await asyncio.to_thread(load_review_detail, self.database, viewer, review_id)

    def _values(self, detail: ReviewDetail) -> dict[str, Any]:
        review, now = detail.review, self.clock()
        events = self.live.progress(review.id) if _is_running(detail) else ()
        order = [stage.value for stage in Stage]
        severities = Counter(finding.severity for finding in detail.findings)
        return {
            "now": now,
            "review": review,
            "job": detail.job,
            "is_running": _is_running(detail),
            "stages": sorted(detail.stages, key=lambda stage: order.index(stage.stage)),
            "said": make_statement(_report(detail)) if detail.stages and detail.review.coverage else None,
            "findings": detail.findings,
            "severities": [(each.value, severities[each]) for each in Severity if severities[each]],
            "rejections": detail.rejections,
            "calls": detail.calls,
            "timeline": build_timeline(review, detail.calls, events, now=now),
            "github_url": self.github_url,
        }


def _day(text: str, *, days: int = 0) -> datetime | None:
    """Parse a day such as 2026-11-22 and add days; None if it is not one."""
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC) + timedelta(days=days)
    except (ValueError, OverflowError):
        return None


def _report(detail: ReviewDetail) -> ReviewReport:
    """What was stored about the review, as far as it decides the words about it."""
    review = detail.review
    order = list(Stage)
    results = (
        StageResult(
            stage=Stage(row.stage),
            status=StageStatus(row.status),
            provider=Provider(row.provider) if row.provider else None,
            error=row.error,
        )
        for row in detail.stages
    )
    return ReviewReport(
        findings=tuple(map(finding_of, detail.findings)),
        rejected=(),
        stages=tuple(sorted(results, key=lambda result: order.index(result.stage))),
        coverage=_coverage(review.coverage or {}),
        usage=UsageTotal(),
        duration_ms=0,
    )


def _coverage(stored: Mapping[str, Any]) -> Coverage:
    return Coverage(
        files=stored.get("files", 0),
        reviewed=stored.get("reviewed", 0),
        omitted=tuple(Omission(**each) for each in stored.get("omitted", ())),
        partly=tuple(Omission(**each) for each in stored.get("partly", ())),
    )


def _is_running(detail: ReviewDetail) -> bool:
    return detail.review.status in UNFINISHED


def _message(body: str) -> str:
    """Format an event: https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream"""
    return "".join(f"data: {line}\n" for line in re.split(r"\r\n|\r|\n", body)) + "\n"
