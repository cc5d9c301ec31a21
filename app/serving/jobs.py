"""Builds the engine with the handler of each type of job."""

from app.clock import Clock, SystemClock, utc_now
from app.domain.job import (
    ChangedJob,
    CheckActionJob,
    CheckSuiteJob,
    ClosedJob,
    CommentJob,
    InstallationJob,
    MergeGroupJob,
    NotificationJob,
    ReviewJob,
)
from app.domain.notification import Recipient
from app.domain.review import Watch
from app.engine.engine import Engine, EngineSettings
from app.engine.handlers import Handler, JobHandlers
from app.engine.process import Role
from app.github.addresses import web_url
from app.github.app import GitHubApp
from app.github.git_objects import GitCache
from app.jobs.access import JobEnvironment, OrganizationDefaults, Permissions
from app.jobs.changed import ChangedHandler
from app.jobs.chat import incoming_webhook, open_mail, slack_body, teams_body
from app.jobs.check_actions import CheckActionHandler, CheckSuiteHandler
from app.jobs.comment_handler import CommentHandler
from app.jobs.failure import FailureHandler
from app.jobs.head import NewestHeadChecker
from app.jobs.installation import InstallationHandler
from app.jobs.merge_queue import MergeGroupHandler
from app.jobs.notifications import ChatReceiver, NotificationHandler
from app.jobs.receiver import Receiver
from app.jobs.review import ReviewHandler
from app.jobs.threads import ClosedHandler
from app.main import Network, Program
from app.serving.github import InstallationAccess
from app.settings import Settings


def build_engine(
    program: Program,
    github: GitHubApp,
    network: Network,
    *,
    executor_id: str,
    watch: Watch,
    role: Role,
) -> Engine:
    """Build the engine with all handlers; `watch` receives the progress of each review."""
    settings = program.settings
    environment = _job_environment(program, github, watch, executor_id=executor_id)
    handlers = _job_handlers(environment, github, allowed_bots=frozenset(settings.quorum_allowed_bots))
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
    handlers.register(CheckSuiteJob, CheckSuiteHandler(environment=environment, queue=engine))
    handlers.register(ChangedJob, ChangedHandler(environment=environment, queue=engine))
    return engine


class _EngineClock(SystemClock):
    """The system's time, but waits use the network's clock."""

    def __init__(self, waits: Clock) -> None:
        self._waits = waits

    async def sleep(self, seconds: float) -> None:
        await self._waits.sleep(seconds)


def _job_environment(
    program: Program, github: GitHubApp, watch: Watch, *, executor_id: str
) -> JobEnvironment:
    settings = program.settings
    access = InstallationAccess(
        github=github,
        settings=settings,
        database=program.database,
        git_cache=GitCache(settings.quorum_data_dir / "git"),
        executor_id=executor_id,
    )
    return JobEnvironment(
        services=program.services,
        database=program.database,
        github=access,
        organization_defaults=OrganizationDefaults(access, clock=utc_now),
        clock=utc_now,
        watch=watch,
        notify=program.notifications.notify,
        web_url=web_url(settings.github_api_url),
        public_url=settings.quorum_public_url,
    )


def _job_handlers(
    environment: JobEnvironment, github: GitHubApp, *, allowed_bots: frozenset[int]
) -> JobHandlers:
    permissions = Permissions(utc_now)
    review = ReviewHandler(environment=environment)
    comments = CommentHandler(review=review, permissions=permissions, allowed_bots=allowed_bots)
    installations = InstallationHandler(database=environment.database, clock=utc_now, forget=github.forget)
    handlers = JobHandlers(
        failed_jobs=FailureHandler(environment=environment, comments=comments),
        heads=NewestHeadChecker(environment=environment),
    )
    handlers.register(ReviewJob, review)
    handlers.register(CommentJob, comments, acknowledger=comments)
    handlers.register(CheckActionJob, CheckActionHandler(review=review, permissions=permissions))
    handlers.register(MergeGroupJob, MergeGroupHandler(environment=environment))
    handlers.register(ClosedJob, ClosedHandler(environment=environment))
    handlers.register(InstallationJob, installations)
    return handlers


def _notification_handler(program: Program, network: Network) -> Handler[NotificationJob]:
    """Build the handler. If the operator has removed an address, notifications that still wait fail with that reason."""
    url, secret = program.settings.quorum_notify_url, program.settings.quorum_notify_secret
    receiver = None
    if url:
        receiver = Receiver(
            url, secret.get_secret_value() if secret else None, transport=network.notifications
        )
    return NotificationHandler(
        receiver=receiver, chats=_chats(program, network), database=program.database, clock=utc_now
    )


def _chats(program: Program, network: Network) -> dict[Recipient, ChatReceiver]:
    settings, chats = program.settings, dict[Recipient, ChatReceiver]()
    public_url, transport = settings.quorum_public_url, network.notifications
    if settings.quorum_slack_url:
        chats["slack"] = incoming_webhook(
            settings.quorum_slack_url.get_secret_value(),
            slack_body,
            setting="QUORUM_SLACK_URL",
            public_url=public_url,
            transport=transport,
        )
    if settings.quorum_teams_url:
        chats["teams"] = incoming_webhook(
            settings.quorum_teams_url.get_secret_value(),
            teams_body,
            setting="QUORUM_TEAMS_URL",
            public_url=public_url,
            transport=transport,
        )
    if settings.quorum_smtp_url:
        chats["email"] = open_mail(
            settings.quorum_smtp_url.get_secret_value(),
            sender=settings.quorum_mail_from,
            recipients=settings.quorum_mail_to,
            public_url=public_url,
        )
    return chats


def recipients_of(settings: Settings) -> tuple[Recipient, ...]:
    """Return who gets notifications."""
    addresses: dict[Recipient, object] = {
        "webhook": settings.quorum_notify_url,
        "slack": settings.quorum_slack_url,
        "teams": settings.quorum_teams_url,
        "email": settings.quorum_smtp_url,
    }
    return tuple(name for name, address in addresses.items() if address)
