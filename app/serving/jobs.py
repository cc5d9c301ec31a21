"""Registers the handler of each kind of job with the engine."""

from typing import Any

from app.clock import utc_now
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
from app.domain.progress import Watch
from app.domain.step import Step
from app.engine.engine import Engine, Role
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

Handlers = dict[type[Any], Any]
"""The handler of each kind of job; the engine alone knows their kinds."""


def build_engine(
    program: Program,
    github: GitHubApp,
    network: Network,
    *,
    executor_id: str,
    watch: Watch,
    role: Role,
) -> Engine:
    """The engine over every handler; `watch` hears of each station of a review."""
    settings = program.settings

    async def follow_up(delivery: Delivery, job: Job) -> object:
        return await engine.follow_up(delivery, job)

    review = _review_handler(program, github, watch, executor_id=executor_id)
    handlers = _handlers(program, github, review, follow_up)
    engine = Engine(
        program.database,
        executor_id=executor_id,
        handlers=handlers | _notifying(program, network),
        signs={CommentJob: handlers[CommentJob].show_sign},
        on_failure=FailureHandler(review=review),
        confirm_head=NewestHead(review=review),
        role=role,
        paused=settings.quorum_paused,
        debounce_s=settings.quorum_debounce_s,
        retention_days=settings.quorum_retention_days,
        sleep=network.clock.sleep,
        second_s=network.second_s,
    )
    return engine


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


def _handlers(program: Program, github: GitHubApp, review: ReviewHandler, enqueue: Enqueue) -> Handlers:
    permissions = Permissions(utc_now)
    allowed_bots = frozenset(program.settings.quorum_allowed_bots)
    return {
        ReviewJob: review,
        CommentJob: CommentHandler(review=review, permissions=permissions, allowed_bots=allowed_bots),
        CheckActionJob: CheckActionHandler(review=review, permissions=permissions),
        CheckSuiteJob: CheckSuiteHandler(review=review, enqueue=enqueue),
        MergeGroupJob: MergeGroupHandler(review=review, fetch_commits=merge_group_commits(github)),
        ClosedJob: ClosedHandler(review=review),
        InstallationJob: InstallationHandler(database=program.database, clock=utc_now, forget=github.forget),
    }


def _notifying(program: Program, network: Network) -> Handlers:
    """Jobs of an operator who has taken the address away since are kept as failed, and say why."""
    url, secret = program.settings.quorum_notify_url, program.settings.quorum_notify_secret
    if not url:
        return {NotificationJob: _no_receiver}
    receiver = Receiver(url, secret.get_secret_value() if secret else None, transport=network.notifications)
    return {NotificationJob: NotificationHandler(receiver=receiver, database=program.database, clock=utc_now)}


async def _no_receiver(job: NotificationJob, step: Step) -> None:
    del job, step
    raise NotificationFailed("QUORUM_NOTIFY_URL is not set.")
