"""Whether a review that was asked for is done: what the configuration says, and what has been done already."""

import asyncio

from app.domain.configuration import RepositoryConfig
from app.domain.pull_request import PullRequest
from app.domain.review import ReviewRequest, SkipReason
from app.gather.selection import PUSH, skip_reason
from app.publish.notes import render_skip_reason
from app.store import reviews
from app.store.database import Database
from app.store.pull_requests import PullRequestMemory

OPENED = "opened"  # may arrive after the pushes that came after it
REFRESH = "refresh:"  # begins the trigger of a run that brings up to date what is said of a head, and reads nothing new
BY_HEAD = "check_suite:"  # begins the trigger of "re-run all", which names no pull request


async def why_left_out(
    database: Database,
    request: ReviewRequest,
    pull_request: PullRequest,
    config: RepositoryConfig,
    remembered: PullRequestMemory,
) -> str | None:
    """Why this review is not done; None: it is.

    A push that cuts another review short stands in for it, whatever the configuration says about pushes: nobody else would
    do what that one was asked for.
    """
    trigger, commanded = request.trigger, request.commanded
    if trigger.startswith(REFRESH):
        return _why_not_refreshed(pull_request, config, remembered)
    if pull_request.state != "open" and (not commanded or trigger.startswith(BY_HEAD)):
        return "it is closed"
    if trigger in (PUSH, OPENED):
        done = await asyncio.to_thread(
            reviews.load_review_of_head, database, request.ref, pull_request.head_sha
        )
        if done is not None:
            return "its head has been reviewed"
    if trigger == PUSH:
        lost = await asyncio.to_thread(
            reviews.load_unreplaced_review, database, request.ref, except_trigger=PUSH
        )
        if lost is not None:
            trigger, commanded = lost.trigger, lost.commanded
    reason = skip_reason(
        pull_request,
        config,
        trigger=trigger,
        commanded=commanded,
        paused=remembered.paused_by is not None,
    )
    return reason and render_skip_reason(reason, paused_by=remembered.paused_by)


def _why_not_refreshed(
    pull_request: PullRequest, config: RepositoryConfig, remembered: PullRequestMemory
) -> str | None:
    """What was reviewed by a command alone is brought up to date like everything else; what was not read stays unread."""
    if not config.enabled:
        return render_skip_reason(SkipReason.DISABLED)
    return (
        None
        if remembered.reviewed_sha == pull_request.head_sha
        else "its newest commit has not been reviewed"
    )
