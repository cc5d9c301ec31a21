"""Ends the check runs that a review began, also those of a life of the process that a kill has ended.

What is not ended stays in progress for ever on somebody's pull request. The ledger knows what was begun; where it knows
no id, GitHub is asked.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping

from app.domain.finding import Stage
from app.domain.review import ReviewRequest
from app.doors.access import OpenPullRequest, PullRequestAccess
from app.errors import QuorumError
from app.publish.checks import CheckUpdate
from app.publish.publisher import complete_checks, find_check
from app.store.database import Database
from app.store.ledger import Begun, load_begun

logger = logging.getLogger(__name__)


def ledger_name(review_id: str, head_sha: str) -> str:
    """The ledger of a review's writes about one head."""
    return f"{review_id}@{head_sha}"


async def end_check_runs(
    request: ReviewRequest,
    update: Callable[[Stage], CheckUpdate],
    *,
    database: Database,
    open_pull_request: OpenPullRequest,
    but_of: str | None = None,
) -> None:
    """Complete what the review began and nothing has completed, but those of the head `but_of`.

    Why the review ended is more telling than why this failed, so failures are logged and not raised.
    """
    begun = await asyncio.to_thread(load_begun, database, ledger_name(request.review_id, ""))
    for ledger, writes in begun.items():
        if ledger == ledger_name(request.review_id, but_of or ""):
            continue
        access = open_pull_request(request.ref, installation_id=request.installation_id, ledger=ledger)
        try:
            await _end(request, writes, update, access, head_sha=ledger.partition("@")[2])
        except QuorumError:
            logger.exception("check runs could not be completed")


async def _end(
    request: ReviewRequest,
    writes: Mapping[str, Begun],
    update: Callable[[Stage], CheckUpdate],
    access: PullRequestAccess,
    *,
    head_sha: str,
) -> None:
    runs: dict[Stage, int] = {}
    for stage in Stage:
        start, end = writes.get(f"start:{stage}"), writes.get(f"check:{stage}")
        if start is None or (end is not None and end.github_id is not None):
            continue
        found = start.github_id or await find_check(
            stage, ref=request.ref, head_sha=head_sha, writer=access.writer
        )
        if found is not None:
            runs[stage] = found
    await complete_checks(
        [update(stage) for stage in runs], check_run_ids=runs, writer=access.writer, once=access.once
    )
