"""Builds the engine with the handler of each type of job."""

from app.clock import Clock, SystemClock, utc_now
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
from app.domain.review import Watch
from app.domain.step import Step
from app.engine.engine import Engine, EngineSettings
from app.engine.handlers import Handler, JobHandlers
from app.engine.process import Role
from app.errors import NotificationFailed
from app.github.addresses import web_url
from app.github.app import GitHubApp
from app.github.git_objects import GitCache
from app.jobs.checks import CheckActionHandler, CheckSuiteHandler, Enqueue
from app.jobs.closed import ClosedHandler
from app.jobs.comment import CommentHandler
from app.jobs.failure import FailureHandler
from app.jobs.installation import InstallationHandler
from app.jobs.merge_queue import MergeGroupHandler
from app.jobs.newest_head import NewestHead
from app.jobs.notification import NotificationHandler
from app.jobs.organisation import OrganisationDefaults
from app.jobs.permission import Permissions
from app.jobs.review import ReviewHandler
from app.main import Network, Program
from app.notifier import Receiver
from app.serving.github import PullRequests, merge_group_commits, organisation_file


def build_engine(
    program: Program,
    github: GitHubApp,
    network: Network,
    *,
    executor_id: str,
    watch: Watch,
    role: Role,
) -> Engine:
    """The engine with all handlers; `watch` is told of each station of a review."""
    settings = program.settings

    async def follow_up(delivery: Delivery, job: Job) -> object:
        return await engine.follow_up(delivery, job)

    review = _review_handler(program, github, watch, executor_id=executor_id)
    handlers = _job_handlers(program, github, review, follow_up)
    handlers.register(NotificationJob, _notification_handler(program, network))
    engine = Engine(
        program.database,
        handlers,
        executor_id=executor_id,
        settings=EngineSettings(
            role=role,
            paused=settings.quorum_paused,
            debounce_s=settings.quorum_debounce_s,
            retention_days=settings.quorum_retention_days,
            delay_s_per_s=network.second_s,
        ),
        clock=_EngineClock(network.clock),
    )
    return engine


class _EngineClock(SystemClock):
    """The machine's time for what is recorded, like everywhere in the App; waits by the network's clock."""

    def __init__(self, waits: Clock) -> None:
        self._waits = waits

    async def sleep(self, seconds: float) -> None:
        await self._waits.sleep(seconds)


def _review_handler(program: Program, github: GitHubApp, watch: Watch, *, executor_id: str) -> ReviewHandler:
    settings = program.settings
    pull_requests = PullRequests(
        github=github,
        settings=settings,
        database=program.database,
        git_cache=GitCache(settings.quorum_data_dir / "git"),
        executor_id=executor_id,
    )
    public_url = settings.quorum_public_url
    return ReviewHandler(
        services=program.services,
        database=program.database,
        open_pull_request=pull_requests.open,
        clock=utc_now,
        watch=watch,
        details_url=lambda review_id: f"{public_url}/reviews/{review_id}" if public_url else None,
        organisation_default=OrganisationDefaults(organisation_file(github), clock=utc_now),
        tell=program.notifications.tell,
        web_url=web_url(settings.github_api_url),
    )


def _job_handlers(
    program: Program, github: GitHubApp, review: ReviewHandler, enqueue: Enqueue
) -> JobHandlers:
    permissions = Permissions(utc_now)
    allowed_bots = frozenset(program.settings.quorum_allowed_bots)
    comments = CommentHandler(review=review, permissions=permissions, allowed_bots=allowed_bots)
    installations = InstallationHandler(database=program.database, clock=utc_now, forget=github.forget)
    handlers = JobHandlers(failed_jobs=FailureHandler(review=review), heads=NewestHead(review=review))
    handlers.register(ReviewJob, review)
    handlers.register(CommentJob, comments, acknowledger=comments)
    handlers.register(CheckActionJob, CheckActionHandler(review=review, permissions=permissions))
    handlers.register(CheckSuiteJob, CheckSuiteHandler(review=review, enqueue=enqueue))
    handlers.register(
        MergeGroupJob, MergeGroupHandler(review=review, fetch_commits=merge_group_commits(github))
    )
    handlers.register(ClosedJob, ClosedHandler(review=review))
    handlers.register(InstallationJob, installations)
    return handlers


def _notification_handler(program: Program, network: Network) -> Handler[NotificationJob]:
    """If the operator has removed the address, notifications that still wait fail with the reason."""
    url, secret = program.settings.quorum_notify_url, program.settings.quorum_notify_secret
    if not url:
        return _NoReceiver()
    receiver = Receiver(url, secret.get_secret_value() if secret else None, transport=network.notifications)
    return NotificationHandler(receiver=receiver, database=program.database, clock=utc_now)


class _NoReceiver:
    async def handle(self, job: NotificationJob, step: Step) -> None:
        del job, step
        raise NotificationFailed("QUORUM_NOTIFY_URL is not set.")
