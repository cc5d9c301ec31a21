"""Handles the buttons of check runs and "re-run all"."""

import asyncio
import logging
from dataclasses import dataclass

from app.domain.finding import Severity
from app.domain.job import CheckActionJob, CheckSuiteJob, Command, CommentJob, Delivery, ReviewJob, review_id
from app.domain.pull_request import PullRequestRef
from app.domain.review import ReviewRequest
from app.domain.step import Checkpoint, Step
from app.jobs.access import FollowUpQueue, JobEnvironment, Permissions
from app.jobs.comment import IncomingComment
from app.jobs.dismissals import dismiss
from app.jobs.fix import fix
from app.jobs.head import BY_HEAD, REFRESH
from app.jobs.review import ReviewHandler
from app.publish.buttons import DISMISS_LOW, FIX_ALL, REREVIEW
from app.publish.notes import DISMISSED_BY_BUTTON
from app.store.pull_requests import load_memory
from app.store.reviews import load_pull_requests_of_heads

logger = logging.getLogger(__name__)

FIX_ALL_COMMAND = Command(name="fix", words=("all",))


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckActionHandler:
    """Handles the buttons of a check run, for people with write access."""

    review: ReviewHandler
    permissions: Permissions

    async def handle(self, job: CheckActionJob, step: Step) -> None:
        """Review again, or dismiss the low findings and update the check runs."""
        access = self.review.environment.open(job.ref, installation_id=job.installation_id, ledger=job.key)
        allowed = await step(
            Checkpoint("permission", bool),
            lambda: self.permissions.may_command(access.writer, job.ref.repository, job.sender),
        )
        if not allowed:
            logger.info("%s may not use the button %s", job.sender, job.identifier)
            return
        match job.identifier:
            case REREVIEW.identifier:
                await self._review(job, step, commanded=True)
            case DISMISS_LOW.identifier:
                await step(
                    Checkpoint("dismiss", type(None)), lambda: asyncio.to_thread(self._dismiss_low, job)
                )
                await self._review(job, step, commanded=False)
            case FIX_ALL.identifier:
                comment = IncomingComment(
                    job=_as_comment(job),
                    access=access,
                    review=self.review,
                    step=step,
                    is_still_permitted=lambda: self.permissions.may_still_command(
                        access.writer, job.ref.repository, job.sender
                    ),
                )
                await fix(comment, FIX_ALL_COMMAND)
            case other:
                logger.warning("unknown button: %s", other)

    def _dismiss_low(self, job: CheckActionJob) -> None:
        remembered = load_memory(self.review.environment.database, job.ref)
        low = [
            known.finding
            for known in remembered.findings
            if known.is_unsettled
            and known.finding.stage is job.stage
            and known.finding.severity is Severity.LOW
        ]
        dismiss(
            self.review.environment.database,
            job.ref,
            low,
            installation_id=job.installation_id,
            by=job.sender,
            reason=DISMISSED_BY_BUTTON,
            at=self.review.environment.clock(),
        )

    async def _review(self, job: CheckActionJob, step: Step, *, commanded: bool) -> None:
        kind = "check_action:" if commanded else REFRESH
        trigger = f"{kind}{job.check_run_id}:{job.guid}"
        request = ReviewRequest(
            review_id=review_id(job.ref, head_sha=None, trigger=trigger),
            ref=job.ref,
            installation_id=job.installation_id,
            trigger=trigger,
            commanded=commanded,
        )
        await self.review.review_within(request, step, guid=job.guid)


def _as_comment(job: CheckActionJob) -> CommentJob:
    """The button as the command in the conversation that does the same."""
    return CommentJob(
        installation_id=job.installation_id,
        ref=job.ref,
        comment_kind="issue_comment",
        comment_id=job.check_run_id,
        author=job.sender,
        author_id=job.sender_id or 0,
        body="",
        command=FIX_ALL_COMMAND,
        head_sha=job.head_sha,
        guid=job.guid,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSuiteHandler:
    """Handles "re-run all": queues a review of each pull request with this head.

    GitHub does not name the pull requests of forks, so they are found by their reviews.
    """

    environment: JobEnvironment
    queue: FollowUpQueue

    async def handle(self, job: CheckSuiteJob, step: Step) -> None:
        """Queue the reviews, so that each waits only for its own pull request."""
        numbers = await step(Checkpoint("find", tuple[int, ...]), lambda: self._find(job))
        if not numbers:
            logger.info("no pull request with the head %s", job.head_sha)
        for number in numbers:
            await step(
                Checkpoint(f"queue {number}", type(None)), lambda number=number: self._queue(job, number)
            )

    async def _find(self, job: CheckSuiteJob) -> tuple[int, ...]:
        found = await asyncio.to_thread(
            load_pull_requests_of_heads, self.environment.database, job.repository, [job.head_sha]
        )
        return tuple(sorted({*job.pull_requests, *found}))

    async def _queue(self, job: CheckSuiteJob, number: int) -> None:
        owner, _, repo = job.repository.partition("/")
        ref = PullRequestRef(owner=owner, repo=repo, number=number)
        trigger = f"{BY_HEAD}{job.check_suite_id}:{job.guid}"
        request = ReviewRequest(
            review_id=review_id(ref, head_sha=None, trigger=trigger),
            ref=ref,
            installation_id=job.installation_id,
            trigger=trigger,
            commanded=True,
        )
        delivery = Delivery(
            guid=f"{job.guid}.{number}",
            event="check_suite",
            action="rerequested",
            received_at=self.environment.clock(),
        )
        await self.queue.follow_up(delivery, ReviewJob(request=request))
