"""Which door does which kind of job, and the engine that calls them. Decides nothing about a job itself."""

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
from app.doors.checks import CheckActionDoor, CheckSuiteDoor, Enqueue
from app.doors.closed import ClosedDoor
from app.doors.comment import CommentDoor
from app.doors.failure import FailureDoor
from app.doors.installation import InstallationDoor
from app.doors.merge_queue import MergeGroupDoor
from app.doors.newest_head import NewestHead
from app.doors.notification import NotificationDoor
from app.doors.organisation import OrganisationDefaults
from app.doors.permission import Permissions
from app.doors.review import ReviewDoor
from app.engine.engine import Engine, Role
from app.errors import NotificationFailed
from app.github.addresses import web_url
from app.github.app import GitHubApp
from app.github.git_objects import GitCache
from app.main import Network, Program
from app.notifier import Receiver
from app.serving.github import PullRequests, merge_group_commits, organisation_file

Doors = dict[type[Any], Any]
"""The door of each kind of job; the engine alone knows their kinds."""


def build_engine(
    program: Program,
    github: GitHubApp,
    network: Network,
    *,
    executor_id: str,
    watch: Watch,
    role: Role,
) -> Engine:
    """The engine over every door; `watch` hears of each station of a review."""
    settings = program.settings

    async def follow_up(delivery: Delivery, job: Job) -> object:
        return await engine.follow_up(delivery, job)

    review = _review_door(program, github, watch, executor_id=executor_id)
    doors = _doors(program, github, review, follow_up)
    engine = Engine(
        program.database,
        executor_id=executor_id,
        handlers=doors | _notifying(program, network),
        signs={CommentJob: doors[CommentJob].show_sign},
        on_failure=FailureDoor(review=review),
        confirm_head=NewestHead(review=review),
        role=role,
        paused=settings.quorum_paused,
        debounce_s=settings.quorum_debounce_s,
        retention_days=settings.quorum_retention_days,
        sleep=network.clock.sleep,
        second_s=network.second_s,
    )
    return engine


def _review_door(program: Program, github: GitHubApp, watch: Watch, *, executor_id: str) -> ReviewDoor:
    settings = program.settings
    pull_requests = PullRequests(
        github=github,
        settings=settings,
        database=program.database,
        git_cache=GitCache(settings.quorum_data_dir / "git"),
        executor_id=executor_id,
    )
    public_url = settings.quorum_public_url
    return ReviewDoor(
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


def _doors(program: Program, github: GitHubApp, review: ReviewDoor, enqueue: Enqueue) -> Doors:
    permissions = Permissions(utc_now)
    allowed_bots = frozenset(program.settings.quorum_allowed_bots)
    return {
        ReviewJob: review,
        CommentJob: CommentDoor(review=review, permissions=permissions, allowed_bots=allowed_bots),
        CheckActionJob: CheckActionDoor(review=review, permissions=permissions),
        CheckSuiteJob: CheckSuiteDoor(review=review, enqueue=enqueue),
        MergeGroupJob: MergeGroupDoor(review=review, fetch_commits=merge_group_commits(github)),
        ClosedJob: ClosedDoor(review=review),
        InstallationJob: InstallationDoor(database=program.database, clock=utc_now, forget=github.forget),
    }


def _notifying(program: Program, network: Network) -> Doors:
    """Jobs of an operator who has taken the address away since are kept as failed, and say why."""
    url, secret = program.settings.quorum_notify_url, program.settings.quorum_notify_secret
    if not url:
        return {NotificationJob: _no_receiver}
    receiver = Receiver(url, secret.get_secret_value() if secret else None, transport=network.notifications)
    return {NotificationJob: NotificationDoor(receiver=receiver, database=program.database, clock=utc_now)}


async def _no_receiver(job: NotificationJob, step: Step) -> None:
    del job, step
    raise NotificationFailed("QUORUM_NOTIFY_URL is not set.")
