"""The pages of the dashboard. Every page requires a viewer, keeps no state, and reads the database in threads."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from app.clock import utc_now
from app.dashboard.access import DashboardAccess
from app.dashboard.api import QueueMonitor
from app.dashboard.attention import find_attention, narrow, vendors_out
from app.dashboard.charts import overview_charts
from app.dashboard.decisions import Decisions
from app.dashboard.deliveries_page import DeliveryPages
from app.dashboard.findings_page import FindingPages
from app.dashboard.live import ReviewBroadcast
from app.dashboard.rendering import DashboardFiles, Templates
from app.dashboard.reports_page import ReportPages
from app.dashboard.review_page import ReviewPages
from app.dashboard.rules_page import RulePages
from app.dashboard.settings_page import SettingsPages
from app.dashboard.sign_in import GitHubSignIn, SignInPages
from app.domain.job import Delivery, Job
from app.domain.model_call import Provider
from app.domain.viewer import Viewer
from app.errors import StoreUnavailable
from app.llm.circuits import OpenCircuit
from app.llm.costs import BudgetLimits
from app.llm.learned import RoutingFigure, routing_figures
from app.llm.router import favorites_of
from app.store.dashboard.comparison import load_records, load_repositories
from app.store.dashboard.overview import load_overview
from app.store.dashboard.periods import load_total
from app.store.dashboard.review_list import ReviewFilter, load_repository_names, load_reviews
from app.store.dashboard.time_series import bucket_names, bucket_of
from app.store.database import Database
from app.store.processes import load_live_processes
from app.store.routing import load_provider_records

RANGES = {
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
    "90d": timedelta(days=90),
}
DEFAULT_RANGE = "30d"
RECENT = 8  # reviews on the overview

Page = Callable[[Request, Viewer], Awaitable[Response]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """The dependencies of the pages.

    Without `replay`, deliveries cannot be run again from the dashboard; without `follow_up`, findings cannot be decided.
    """

    database: Database
    access: DashboardAccess
    queue: QueueMonitor
    live: ReviewBroadcast
    providers: Sequence[Provider] = ()
    open_circuits: Callable[[], Awaitable[Sequence[OpenCircuit]]] | None = None
    replay: Callable[[str], Awaitable[bool]] | None = None
    follow_up: Callable[[Delivery, Job], Awaitable[object]] | None = None
    redact: Callable[[str], str] = str
    github_sign_in: GitHubSignIn | None = None
    github_url: str = "https://github.com"
    limits: BudgetLimits = field(default_factory=BudgetLimits)  # set by the operator
    clock: Callable[[], datetime] = utc_now
    monotonic: Callable[[], float] = time.monotonic


class DashboardPages:
    """All pages except those of one review and of signing in."""

    def __init__(self, dashboard: Dashboard) -> None:
        self._dashboard = dashboard
        self._templates = Templates(is_open=dashboard.access.token is None)
        self._sign_in = SignInPages(
            dashboard.access, self._templates, dashboard.github_sign_in, clock=dashboard.monotonic
        )
        self._review = ReviewPages(
            database=dashboard.database,
            live=dashboard.live,
            templates=self._templates,
            clock=dashboard.clock,
            github_url=dashboard.github_url,
        )
        self._rules = RulePages(
            database=dashboard.database,
            templates=self._templates,
            clock=dashboard.clock,
            has_bearer=dashboard.access.has_bearer,
        )
        self._reports = ReportPages(
            database=dashboard.database, templates=self._templates, clock=dashboard.clock
        )
        self._settings = SettingsPages(
            database=dashboard.database,
            templates=self._templates,
            clock=dashboard.clock,
            has_bearer=dashboard.access.has_bearer,
        )
        self._deliveries = DeliveryPages(
            database=dashboard.database,
            templates=self._templates,
            clock=dashboard.clock,
            github_url=dashboard.github_url,
            has_bearer=dashboard.access.has_bearer,
            replay_delivery=dashboard.replay,
        )
        self._findings = FindingPages(
            database=dashboard.database,
            templates=self._templates,
            clock=dashboard.clock,
            github_url=dashboard.github_url,
            has_bearer=dashboard.access.has_bearer,
            decisions=_decisions(dashboard),
        )

    def add_to(self, http: FastAPI) -> None:
        """Add the routes, and the answer to an unknown address."""
        http.include_router(self._router())
        http.add_exception_handler(404, self._sign_in.answer_unknown)

    def _router(self) -> APIRouter:
        pages: dict[str, Page] = {
            "/": self.overview,
            "/now": self.now,
            "/reviews": self._review.show_list,
            "/reviews/{review_id}": self._review.show,
            "/reviews/{review_id}/events": self._review.events,
            "/findings": self._findings.show_list,
            "/findings.csv": self._findings.export_csv,
            "/findings.json": self._findings.export_json,
            "/findings/{finding_id}": self._findings.show,
            "/models": self.models,
            "/reports": self._reports.show,
            "/reports.csv": self._reports.export_csv,
            "/repositories": self.repositories,
            "/rules": self._rules.show_list,
            "/settings": self._settings.show,
            "/deliveries": self._deliveries.show_list,
        }
        actions: dict[str, Page] = {
            "/findings/dismiss": self._findings.dismiss,
            "/findings/reopen": self._findings.reopen,
            "/findings/mute": self._findings.mute,
            "/rules/remove": self._rules.remove,
            "/settings/check": self._settings.check,
            "/remembered/remove": self._rules.forget,
            "/deliveries/{guid}/replay": self._deliveries.replay,
        }
        return APIRouter(
            routes=[
                *(Route(path, self._guarded(page), methods=["GET"]) for path, page in pages.items()),
                *(Route(path, self._guarded(action), methods=["POST"]) for path, action in actions.items()),
                Route("/sign-in", self._sign_in.show, methods=["GET"]),
                Route("/sign-in", self._sign_in.with_token, methods=["POST"]),
                Route("/sign-out", self._sign_in.sign_out, methods=["POST"]),
                Route("/sign-in/github", self._sign_in.redirect_to_github, methods=["GET"]),
                Route("/sign-in/github/callback", self._sign_in.callback, methods=["GET"]),
                Mount("/static", app=DashboardFiles()),
            ]
        )

    def _guarded(self, page: Page) -> Callable[[Request], Awaitable[Response]]:
        async def respond(request: Request) -> Response:
            try:
                viewer = await self._sign_in.viewer(request)
                if viewer is None:
                    return self._sign_in.require_sign_in(request)
                return await page(request, viewer)
            except StoreUnavailable as error:
                return self._problem(503, "Unavailable", str(error))

        return respond

    def _page(self, name: str, viewer: Viewer, **values: Any) -> Response:  # noqa: ANN401 - depends on the template
        return self._templates.page(
            name,
            viewer=viewer,
            now=self._dashboard.clock(),
            github_url=self._dashboard.github_url,
            **values,
        )

    async def overview(self, request: Request, viewer: Viewer) -> Response:
        """`/`: reviews, cost, and outcomes over time."""
        chosen, span = _range(request)
        dashboard, now = self._dashboard, self._dashboard.clock()
        bucket, repository = bucket_of(span), request.query_params.get("repository", "")
        narrowed = await asyncio.to_thread(narrow, dashboard.database, viewer, repository)
        overview, before, attention, recent, repositories = await asyncio.gather(
            asyncio.to_thread(load_overview, dashboard.database, narrowed, since=now - span, bucket=bucket),
            asyncio.to_thread(
                load_total, dashboard.database, narrowed, since=now - 2 * span, until=now - span
            ),
            asyncio.to_thread(find_attention, dashboard.database, narrowed, dashboard.limits, now=now),
            asyncio.to_thread(load_reviews, dashboard.database, narrowed, ReviewFilter(), limit=RECENT),
            asyncio.to_thread(load_repository_names, dashboard.database, viewer),
        )
        state = await self._state()
        return self._page(
            "overview.html",
            viewer,
            chosen=chosen,
            ranges=list(RANGES),
            overview=overview,
            before=before,
            attention=[*attention, *vendors_out(state["circuits"])],
            recent=recent.lines,
            repositories=repositories,
            repository=repository,
            charts=overview_charts(overview, bucket_names(now - span, now, bucket)),
            **state,
        )

    async def now(self, request: Request, viewer: Viewer) -> Response:
        """`/now`: the part of the overview that refreshes every few seconds."""
        del request
        return self._page("now.html", viewer, **await self._state())

    async def _state(self) -> dict[str, Any]:
        dashboard = self._dashboard
        live_processes = await asyncio.to_thread(
            load_live_processes, dashboard.database, now=dashboard.clock()
        )
        return {
            "problem": await asyncio.to_thread(dashboard.database.problem),
            "depth": await dashboard.queue.depth(),
            "workers": len(live_processes),
            "providers": [provider.value for provider in dashboard.providers],
            "circuits": await dashboard.open_circuits() if dashboard.open_circuits else (),
        }

    async def models(self, request: Request, viewer: Viewer) -> Response:
        """`/models`: models compared by the outcomes of their findings; the operator also sees the learned order."""
        chosen, span = _range(request)
        database, since = self._dashboard.database, self._dashboard.clock() - span
        return self._page(
            "models.html",
            viewer,
            chosen=chosen,
            ranges=list(RANGES),
            records=await asyncio.to_thread(load_records, database, viewer, since=since),
            order=await asyncio.to_thread(_load_order, database, since) if viewer.is_operator else [],
        )

    async def repositories(self, request: Request, viewer: Viewer) -> Response:
        """`/repositories`: reviews, findings, and cost of each."""
        chosen, span = _range(request)
        now = self._dashboard.clock()
        lines = await asyncio.to_thread(
            load_repositories, self._dashboard.database, viewer, since=now - span, now=now
        )
        return self._page(
            "repositories.html",
            viewer,
            chosen=chosen,
            ranges=list(RANGES),
            lines=lines,
            limits=self._dashboard.limits,
        )

    def _problem(self, status: int, title: str, message: str) -> Response:
        return self._templates.page("problem.html", status=status, title=title, message=message)


def _decisions(dashboard: Dashboard) -> Decisions | None:
    if dashboard.follow_up is None:
        return None
    return Decisions(
        database=dashboard.database,
        follow_up=dashboard.follow_up,
        redact=dashboard.redact,
        clock=dashboard.clock,
    )


def _range(request: Request) -> tuple[str, timedelta]:
    """Return the time span in the URL, or the default if it is not one of `RANGES`."""
    chosen = request.query_params.get("since", DEFAULT_RANGE)
    chosen = chosen if chosen in RANGES else DEFAULT_RANGE
    return chosen, RANGES[chosen]


def _load_order(database: Database, since: datetime) -> list[RoutingFigure]:
    return routing_figures(load_provider_records(database, since), favorites_of)
