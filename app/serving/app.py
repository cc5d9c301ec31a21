"""The App for a server: its HTTP application with all routes, and its background tasks."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, FastAPI
from pydantic import SecretStr
from starlette.middleware import Middleware
from starlette.routing import Route

from app.analyzers.parser import shared_parser
from app.clock import utc_now
from app.dashboard.access import AnswerHeaders, DashboardAccess, answer_failure
from app.dashboard.api import Api
from app.dashboard.live import ReviewBroadcast
from app.dashboard.pages import Dashboard, DashboardPages
from app.domain.review import StationEvent, Watch, ignore_events
from app.engine.engine import Engine
from app.engine.process import ExecutorId, Role
from app.github.addresses import web_url
from app.github.app import GitHubApp
from app.github.registration import AppRegistration
from app.jobs.delivery_log import Acceptance, DeliveryLog
from app.jobs.reminders import Reminders
from app.main import Network, Program, operator_limits
from app.mcp_server.http import PATH
from app.serving.github import open_github, open_people
from app.serving.jobs import build_engine, recipients_of
from app.serving.tools import mcp_endpoint
from app.settings import Settings
from app.store.processes import DASHBOARD, MCP, load_or_create_secret
from webhooks.bodies import GITHUB_LIMITS, RequestLimits
from webhooks.events import may_ask
from webhooks.receiver import LateDeliveries, webhook_router
from webhooks.triggers import Rules

logger = logging.getLogger(__name__)

Background = Callable[[], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """The App, ready for a server."""

    program: Program
    http: FastAPI
    engine: Engine
    dashboard_token: str | None
    mcp_token: str | None = None


def build_served(
    program: Program,
    *,
    role: Role = "all",
    network: Network | None = None,
    watch: Watch = ignore_events,
    open_dashboard: bool = False,
    app_slug: str = "quorum",
    poll: bool = False,
    recover: bool = False,
    mcp: bool = False,
    preload: bool = False,
    limits: RequestLimits = GITHUB_LIMITS,
) -> Served:
    """Build the App. `recover` reads missed deliveries from GitHub's delivery log; `poll` reads all deliveries there.

    `mcp` also serves `/mcp`. `preload` loads the vendors' SDKs and the parsers in the background.

    Raises:
        ConfigurationError: the App's id, key, or webhook secret is missing, or the receiver of notifications is invalid.
    """
    settings = program.settings
    network = network or Network()
    github = open_github(settings, network, processes=lambda: engine.live_processes)
    executor = ExecutorId(settings.quorum_data_dir)
    live = ReviewBroadcast()

    def publish(event: StationEvent) -> None:
        live.publish(event)
        watch(event)

    engine = build_engine(program, github, network, executor_id=executor.value, watch=publish, role=role)
    rules = _rules(program, app_slug=app_slug, app_id=github.app_id)
    token = None if open_dashboard else _token(program, settings.quorum_dashboard_token, DASHBOARD)
    mcp_token = _token(program, settings.quorum_mcp_token, MCP) if mcp and role != "worker" else None
    endpoint = mcp_endpoint(program, network, mcp_token) if mcp_token else None
    background = _reminders(program, role)
    if poll or recover:
        background.append(_delivery_log(program, engine, executor, github, rules, polls=poll).run)
    if preload and role != "web":
        background += [program.services.models.preload, shared_parser().open]
    if endpoint:
        background.append(endpoint.run)
    http = _http(lifespan=_lifespan(program, engine, executor, github, background))
    if role != "worker":
        http.include_router(_receiver(settings, engine, rules, limits))
    api, pages = _pages(program, engine, live, DashboardAccess(token=token), network)
    http.include_router(api.router())
    pages.add_to(http)
    if endpoint:
        http.router.routes.append(Route(PATH, endpoint))
    return Served(program=program, http=http, engine=engine, dashboard_token=token, mcp_token=mcp_token)


def _reminders(program: Program, role: Role) -> list[Background]:
    if role == "web" or not recipients_of(program.settings):
        return []
    return [Reminders(database=program.database, notify=program.notifications.notify, clock=utc_now).run]


def _http(*, lifespan: Callable[[FastAPI], Any]) -> FastAPI:
    """Build the HTTP application without FastAPI's documentation pages, which load scripts from other hosts."""
    return FastAPI(
        title="Quorum",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        middleware=[Middleware(AnswerHeaders)],
        exception_handlers={Exception: answer_failure},
    )


def _rules(program: Program, *, app_slug: str, app_id: int) -> Rules:
    settings = program.settings
    return Rules(
        redact=program.services.redactor.redact,
        app_slug=app_slug,
        app_id=app_id,
        allowed_owners=frozenset(settings.quorum_allowed_owners),
        allowed_bots=frozenset(settings.quorum_allowed_bots),
    )


def _receiver(settings: Settings, engine: Engine, rules: Rules, limits: RequestLimits) -> APIRouter:
    configured = (settings.github_webhook_secret, settings.github_webhook_secret_previous)
    secrets = [secret.get_secret_value() for secret in configured if secret]
    return webhook_router(secrets=secrets, queue=engine, rules=rules, clock=utc_now, limits=limits)


def _pages(
    program: Program, engine: Engine, live: ReviewBroadcast, access: DashboardAccess, network: Network
) -> tuple[Api, DashboardPages]:
    """Build the API and the dashboard, with the same access rules."""
    settings, models = program.settings, program.services.models
    api = Api(database=program.database, engine=engine, registry=program.registry, access=access)
    dashboard = Dashboard(
        database=program.database,
        access=access,
        queue=engine,
        live=live,
        providers=models.providers,
        open_circuits=models.open_circuits,
        replay=engine.replay,
        follow_up=engine.follow_up,
        redact=program.services.redactor.redact,
        github_sign_in=open_people(settings, network),
        github_url=web_url(settings.github_api_url),
        limits=operator_limits(settings),
        clock=utc_now,
    )
    return api, DashboardPages(dashboard)


def _delivery_log(
    program: Program, engine: Engine, executor: ExecutorId, github: GitHubApp, rules: Rules, *, polls: bool
) -> DeliveryLog:
    return DeliveryLog(
        AppRegistration(github),
        program.database,
        Acceptance(is_relevant=may_ask, accept=LateDeliveries(queue=engine, rules=rules).take),
        executor_id=executor.value,
        polls=polls,
        clock=utc_now,
    )


def _lifespan(
    program: Program,
    engine: Engine,
    executor: ExecutorId,
    github: GitHubApp,
    background: Sequence[Background],
) -> Callable[[FastAPI], Any]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        await engine.start()
        recipients = recipients_of(program.settings)
        if recipients:
            program.notifications.open(engine, clock=utc_now, recipients=recipients)
        tasks = [asyncio.create_task(run()) for run in background]
        for task in tasks:
            task.add_done_callback(_log_failure)
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await engine.stop()
            await github.aclose()
            await program.close()
            executor.release()

    return lifespan


def _log_failure(task: "asyncio.Task[None]") -> None:
    """Log the failure of a background task, which would otherwise go unnoticed."""
    if not task.cancelled() and task.exception():
        logger.critical("a background task of the server failed", exc_info=task.exception())


def _token(program: Program, configured: SecretStr | None, name: str) -> str:
    return configured.get_secret_value() if configured else load_or_create_secret(program.database, name)
