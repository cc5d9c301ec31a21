"""What somebody said to Quorum on a pull request: who may command is asked first, then the command is done.

By others than people with write access nothing is done and no model is asked.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from app.domain.finding import Stage
from app.domain.job import CommentJob, ReviewJob, review_id
from app.domain.publication import Reaction
from app.domain.review import ReviewRequest
from app.domain.step import Step
from app.doors.access import PullRequestAccess
from app.doors.review import ReviewDoor
from app.store.database import Database
from app.store.reviews import record_review_queued

MAY_COMMAND = frozenset({"admin", "write"})  # `maintain` is folded into write by the endpoint that is asked


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentDoor:
    """Does comment jobs."""

    database: Database
    review: ReviewDoor
    clock: Callable[[], datetime]

    async def __call__(self, job: CommentJob, step: Step) -> None:
        """Do the command, or show with a reaction that it is not understood or not allowed."""
        request = _review_request(job)
        access = self.review.open_pull_request(job.ref, installation_id=job.installation_id, ledger=job.key)
        permission = await step("permission", lambda: access.writer.permission(job.author), str)
        command = job.command
        understood = command is not None and command.name == "rereview" and command.problem is None
        if permission not in MAY_COMMAND or not understood:
            await self._react(job, access, step, "confused")
            return
        await self._react(job, access, step, "eyes")
        await asyncio.to_thread(
            record_review_queued, self.database, request, delivery=job.guid, at=self.clock()
        )
        await self.review(ReviewJob(request=request), step)

    async def _react(self, job: CommentJob, access: PullRequestAccess, step: Step, content: Reaction) -> None:
        await step(
            "react", lambda: access.writer.react(job.comment_kind, job.comment_id, content), type(None)
        )


def _review_request(job: CommentJob) -> ReviewRequest:
    """The review that `/rereview [stage] [full]` asks for, of whatever the head is."""
    words = job.command.words if job.command else ()
    stages = tuple(stage for stage in Stage if stage.value in words)
    trigger = f"comment:{job.comment_id}"
    return ReviewRequest(
        review_id=review_id(job.ref, head_sha=None, trigger=trigger),
        ref=job.ref,
        installation_id=job.installation_id,
        trigger=trigger,
        stages=stages or tuple(Stage),
        full="full" in words,
        commanded=True,
    )
