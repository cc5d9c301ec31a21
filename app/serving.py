"""Puts the App together: GitHub, doors, engine, and the HTTP application with its routes. The second half of composition."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from starlette.routing import Route

from app.analyzers.parser import shared_parser
from app.dashboard.access import Access
from app.dashboard.api import Api
from app.dashboard.live import Broadcast
from app.dashboard.pages import Dashboard, dashboard_router
from app.domain.advisory import AdvisoryLookup
from app.domain.job import (
    CheckActionJob,
    CheckSuiteJob,
    ClosedJob,
    CommentJob,
    Delivery,
    InstallationJob,
    Job,
    MergeGroupJob,
    NotificationJob,
    ReviewJob,
)
from app.domain.progress import StationEvent, Watch, nobody_watches
from app.domain.pull_request import PullRequestRef
from app.domain.step import Step
from app.doors.access import PullRequestAccess
from app.doors.checks import CheckActionDoor, CheckSuiteDoor, Enqueue
from app.doors.closed import ClosedDoor
from app.doors.comment import CommentDoor
from app.doors.delivery_log import DeliveryLog, Taking
from app.doors.failure import FailureDoor
from app.doors.installation import InstallationDoor
from app.doors.merge_queue import FetchCommits, MergeGroupDoor
from app.doors.notification import NotificationDoor
from app.doors.organisation import Fetch, OrganisationDefaults
from app.doors.permission import Permissions
from app.doors.review import ReviewDoor
from app.engine.engine import Engine, Role
from app.engine.executor import ExecutorId
from app.errors import ConfigurationError, NotificationFailed
from app.gather.configuration import CONFIGURATION_PATH
from app.github.addresses import git_url, web_url
from app.github.advisories import fetch_published_flaws
from app.github.client import FILE_PERMISSIONS, GitHubApp, token_client
from app.github.code_scanning import CODE_SCANNING_PERMISSIONS, CodeScanning
from app.github.contents import fetch_file
from app.github.git_objects import GitCache
from app.github.merge_groups import fetch_commits
from app.github.people import GitHubPeople
from app.github.reader import PullRequestSource
from app.github.registration import AppRegistration
from app.github.writer import PullRequestWriter
from app.main import Network, Program, operator_limits
from app.mcp_server.http import PATH, McpAccess, McpEndpoint
from app.notifier import Receiver
from app.settings import Settings
from app.store.ledger import Ledger
from app.store.secrets import DASHBOARD, MCP, load_or_create_secret
from webhooks.late import late_deliveries
from webhooks.receiver import webhook_router
from webhooks.triggers import Rules, may_ask

if TYPE_CHECKING:
    from mcp.server import MCPServer

    from app.mcp_server.desk import Desk

logger = logging.getLogger(__name__)

ADVISORIES = "github/advisory-database"  # a client wants a repository's name; the database is public
Background = Callable[[], Coroutine[Any, Any, None]]


def utc_now() -> datetime:
    """Now."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """The App, ready to be started by a server."""

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
    watch: Watch = nobody_watches,
    open_dashboard: bool = False,
    app_slug: str = "quorum",
    poll: bool = False,
    recover: bool = False,
    mcp: bool = False,
    preload: bool = False,
) -> Served:
    """The App over a program. `recover` takes what never arrived from GitHub's delivery log, `poll` everything.

    `mcp` opens `/mcp` beside the rest, and `preload` loads the vendors' SDKs and the parsers, both once the server is up.

    Raises:
        ConfigurationError: the App's id, key or webhook secret is missing, or the receiver of notifications is wrong.
    """
    settings = program.settings
    network = network or Network()
    github = _github(settings, network, processes=lambda: engine.living)
    executor = ExecutorId(settings.quorum_data_dir)
    live = Broadcast()

    def tell(event: StationEvent) -> None:
        live.publish(event)
        watch(event)

    engine = _build_engine(program, github, executor, network, tell, role=role)
    token = None if open_dashboard else _token(program)
    rules = Rules(
        redact=program.services.redactor.redact,
        app_slug=app_slug,
        app_id=github.app_id,
        allowed_owners=frozenset(settings.quorum_allowed_owners),
        allowed_bots=frozenset(settings.quorum_allowed_bots),
    )
    background: list[Background] = []
    if poll or recover:
        background.append(_delivery_log(program, engine, executor, github, rules, polls=poll).run)
    if preload and role != "web":
        background += [program.services.models.open, shared_parser().open]
    http = FastAPI(
        title="Quorum",
        lifespan=_lifespan(program, engine, executor, github, background),
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    if role != "worker":
        http.include_router(
            webhook_router(
                secrets=_webhook_secrets(settings),
                enqueue=engine.enqueue,
                rules=rules,
                clock=utc_now,
            )
        )
    access = Access(token=token)
    api = Api(database=program.database, engine=engine, registry=program.registry, access=access)
    http.include_router(api.router())
    http.include_router(dashboard_router(_dashboard(program, engine, live, access, network)))
    mcp_token = _mcp_token(program) if mcp and role != "worker" else None
    if mcp_token:
        endpoint = _mcp_endpoint(program, network, mcp_token)
        background.append(endpoint.run)
        http.router.routes.append(Route(PATH, endpoint))
    return Served(program=program, http=http, engine=engine, dashboard_token=token, mcp_token=mcp_token)


def _build_engine(
    program: Program,
    github: GitHubApp,
    executor: ExecutorId,
    network: Network,
    watch: Watch,
    *,
    role: Role,
) -> Engine:
    settings = program.settings

    async def follow_up(delivery: Delivery, job: Job) -> object:
        return await engine.follow_up(delivery, job)

    handlers = _handlers(program, github, watch, follow_up, executor_id=executor.value)
    engine = Engine(
        program.database,
        executor_id=executor.value,
        handlers=handlers | _notifying(program, network),
        signs={CommentJob: handlers[CommentJob].show_sign},
        on_failure=FailureDoor(review=handlers[ReviewJob]),
        role=role,
        paused=settings.quorum_paused,
        debounce_s=settings.quorum_debounce_s,
        retention_days=settings.quorum_retention_days,
        sleep=network.clock.sleep,
        second_s=network.second_s,
    )
    return engine


def _mcp_endpoint(program: Program, network: Network, token: str) -> McpEndpoint:
    def build() -> "MCPServer":
        from app.mcp_server.server import build_mcp_server  # a second to load: after the server is up

        return build_mcp_server(mcp_desk(program, network))

    return McpEndpoint(build, McpAccess(token=token, hosts=program.settings.quorum_mcp_hosts))


def mcp_desk(program: Program, network: Network | None = None) -> "Desk":
    """What the MCP tools work with."""
    from app.mcp_server.dast import DastPolicy
    from app.mcp_server.desk import Desk

    settings = program.settings
    return Desk(
        services=program.services,
        database=program.database,
        lookup_advisories=_published_flaws(settings, network or Network()),
        dast=DastPolicy(targets=settings.quorum_dast_targets, all_methods=settings.quorum_dast_all_methods),
    )


def _dashboard(
    program: Program, engine: Engine, live: Broadcast, access: Access, network: Network
) -> Dashboard:
    settings, models = program.settings, program.services.models
    return Dashboard(
        database=program.database,
        access=access,
        queue=engine,
        live=live,
        providers=models.providers,
        open_circuits=lambda: models.open_circuits,
        replay=engine.replay,
        people=_people(settings, network),
        github_url=web_url(settings.github_api_url),
        limits=operator_limits(settings),
        clock=utc_now,
    )


def _published_flaws(settings: Settings, network: Network) -> AdvisoryLookup | None:
    """GitHub's advisory database, where the operator's environment holds a token for it."""
    if settings.github_token is None:
        return None
    token = settings.github_token.get_secret_value()
    client = token_client(token, ADVISORIES, settings.github_api_url, transport=network.github)
    return lambda packages: fetch_published_flaws(client, packages)


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
        if program.settings.quorum_notify_url:
            program.notifications.open(engine.follow_up, clock=utc_now)
        tasks = [asyncio.create_task(run()) for run in background]
        for task in tasks:
            task.add_done_callback(_tell_end)
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


def _tell_end(task: "asyncio.Task[None]") -> None:
    """What runs beside the server is done or never ends: where it breaks, somebody must hear of it."""
    if not task.cancelled() and task.exception():
        logger.critical("a part of the server has ended", exc_info=task.exception())


def _delivery_log(
    program: Program, engine: Engine, executor: ExecutorId, github: GitHubApp, rules: Rules, *, polls: bool
) -> DeliveryLog:
    return DeliveryLog(
        AppRegistration(github),
        program.database,
        Taking(may_ask=may_ask, take=late_deliveries(enqueue=engine.enqueue, rules=rules)),
        executor_id=executor.value,
        polls=polls,
        clock=utc_now,
    )


def _handlers(
    program: Program, github: GitHubApp, watch: Watch, enqueue: Enqueue, *, executor_id: str
) -> dict[type[Any], Any]:
    settings = program.settings
    git_cache = GitCache(settings.quorum_data_dir / "git")

    def open_pull_request(ref: PullRequestRef, *, installation_id: int, ledger: str) -> PullRequestAccess:
        client = github.installation(installation_id, ref.repository)
        git = git_cache.repository(
            git_url(program.settings.github_api_url, ref.repository),
            installation_id=installation_id,
            token=client.token,
        )
        source = PullRequestSource(client, ref, git=git)
        return PullRequestAccess(
            source=source,
            writer=PullRequestWriter(client, ref),
            once=Ledger(program.database, ledger, executor_id=executor_id),
            lacking=lambda: client.lacking,
            lookup_advisories=source.look_up_advisories,
            upload_sarif=scanning(ref, installation_id).upload if settings.quorum_code_scanning else None,
        )

    def scanning(ref: PullRequestRef, installation_id: int) -> CodeScanning:
        client = github.installation(installation_id, ref.repository, permissions=CODE_SCANNING_PERMISSIONS)
        return CodeScanning(client, ref)

    review = ReviewDoor(
        services=program.services,
        database=program.database,
        open_pull_request=open_pull_request,
        clock=utc_now,
        watch=watch,
        details_url=_review_page(settings),
        organisation_default=OrganisationDefaults(_organisation_file(github), clock=utc_now),
        tell=program.notifications.tell,
        web_url=web_url(program.settings.github_api_url),
    )
    permissions = Permissions(utc_now)
    return {
        ReviewJob: review,
        CommentJob: CommentDoor(
            review=review,
            permissions=permissions,
            allowed_bots=frozenset(settings.quorum_allowed_bots),
        ),
        CheckActionJob: CheckActionDoor(review=review, permissions=permissions),
        CheckSuiteJob: CheckSuiteDoor(review=review, enqueue=enqueue),
        MergeGroupJob: MergeGroupDoor(review=review, fetch_commits=_merge_group(github)),
        ClosedJob: ClosedDoor(review=review),
        InstallationJob: InstallationDoor(database=program.database, clock=utc_now, forget=github.forget),
    }


def _notifying(program: Program, network: Network) -> dict[type[Any], Any]:
    """Jobs of an operator who has taken the address away since are kept as failed, and say why."""
    url, secret = program.settings.quorum_notify_url, program.settings.quorum_notify_secret
    if not url:
        return {NotificationJob: _no_receiver}
    receiver = Receiver(url, secret.get_secret_value() if secret else None, transport=network.notifications)
    return {NotificationJob: NotificationDoor(receiver=receiver, database=program.database, clock=utc_now)}


async def _no_receiver(job: NotificationJob, step: Step) -> None:
    del job, step
    raise NotificationFailed("QUORUM_NOTIFY_URL is not set.")


def _review_page(settings: Settings) -> Callable[[str], str | None]:
    """The dashboard's page of a review, for check runs to link to; nothing where nobody knows its address."""
    public_url = settings.quorum_public_url
    return lambda review_id: f"{public_url}/reviews/{review_id}" if public_url else None


def _merge_group(github: GitHubApp) -> FetchCommits:
    async def fetch(job: MergeGroupJob) -> list[str] | None:
        client = github.installation(job.installation_id, job.repository)
        return await fetch_commits(client, base_ref=job.base_ref, head_sha=job.head_sha)

    return fetch


def _organisation_file(github: GitHubApp) -> Fetch:
    async def fetch(installation_id: int, repository: str) -> bytes | None:
        client = github.installation(installation_id, repository, permissions=FILE_PERMISSIONS)
        return await fetch_file(client, CONFIGURATION_PATH)

    return fetch


def _github(settings: Settings, network: Network, *, processes: Callable[[], int]) -> GitHubApp:
    key = settings.private_key()
    if not settings.github_app_id or not key:
        raise ConfigurationError(
            "GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY_PATH are not set: run `quorum setup` to register the App."
        )
    return GitHubApp(
        settings.github_app_id,
        key,
        settings.github_api_url,
        transport=network.github,
        clock=network.github_clock,
        sleep=network.sleep_github,
        processes=processes,
    )


def _people(settings: Settings, network: Network) -> GitHubPeople | None:
    if not settings.github_client_id or not settings.github_client_secret:
        return None
    return GitHubPeople(
        settings.github_client_id,
        settings.github_client_secret.get_secret_value(),
        settings.github_api_url,
        transport=network.github,
    )


def _webhook_secrets(settings: Settings) -> list[str]:
    given = (settings.github_webhook_secret, settings.github_webhook_secret_previous)
    return [secret.get_secret_value() for secret in given if secret]


def _mcp_token(program: Program) -> str:
    given = program.settings.quorum_mcp_token
    return given.get_secret_value() if given else load_or_create_secret(program.database, MCP)


def _token(program: Program) -> str:
    given = program.settings.quorum_dashboard_token
    return given.get_secret_value() if given else load_or_create_secret(program.database, DASHBOARD)
