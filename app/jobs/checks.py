"""Buttons of check runs, and "re-run all". A re-run check run is a review like any other."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from app.domain.finding import Severity
from app.domain.job import CheckActionJob, CheckSuiteJob, Delivery, Job, ReviewJob, review_id
from app.domain.pull_request import PullRequestRef
from app.domain.review import ReviewRequest
from app.domain.step import Checkpoint, Step
from app.jobs.dismissal import dismiss
from app.jobs.eligible import BY_HEAD, REFRESH
from app.jobs.permission import Permissions
from app.jobs.review import ReviewHandler
from app.publish.checks import DISMISS_LOW, REREVIEW
from app.store.pull_requests import load_memory
from app.store.reviews import load_pull_requests_of_heads, record_review_begun

logger = logging.getLogger(__name__)

Enqueue = Callable[[Delivery, Job], Awaitable[object]]
"""Stores a job that another one asks for; one that is stored already is left as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckActionHandler:
    """Does what a button says, for people with write access."""

    review: ReviewHandler
    permissions: Permissions

    async def handle(self, job: CheckActionJob, step: Step) -> None:
        """Review again, or dismiss what is low and bring the check runs up to date."""
        access = self.review.open_pull_request(job.ref, installation_id=job.installation_id, ledger=job.key)
        allowed = await step(
            Checkpoint("permission", bool),
            lambda: self.permissions.may_command(access.writer, job.ref.repository, job.sender),
        )
        if not allowed:
            logger.info("%s may not press %s", job.sender, job.identifier)
            return
        match job.identifier:
            case REREVIEW.identifier:
                await self._review(job, step, commanded=True)
            case DISMISS_LOW.identifier:
                await step(
                    Checkpoint("dismiss", type(None)), lambda: asyncio.to_thread(self._dismiss_low, job)
                )
                await self._review(job, step, commanded=False)
            case other:
                logger.warning("a button that Quorum does not have: %s", other)

    def _dismiss_low(self, job: CheckActionJob) -> None:
        remembered = load_memory(self.review.database, job.ref)
        low = [
            known.finding
            for known in remembered.findings
            if known.is_unsettled
            and known.finding.stage is job.stage
            and known.finding.severity is Severity.LOW
        ]
        dismiss(
            self.review.database,
            job.ref,
            low,
            installation_id=job.installation_id,
            by=job.sender,
            reason="all low ones, by the check run's button",
            at=self.review.clock(),
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
        await asyncio.to_thread(
            record_review_begun, self.review.database, request, delivery=job.guid, at=self.review.clock()
        )
        await self.review.handle(ReviewJob(request=request), step)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSuiteHandler:
    """ "Re-run all": a review of its own for each pull request of the head; a fork's is found by what was reviewed there."""

    review: ReviewHandler
    enqueue: Enqueue

    async def handle(self, job: CheckSuiteJob, step: Step) -> None:
        """Queue them, so that each waits for nobody but its own pull request."""
        numbers = await step(Checkpoint("find", tuple[int, ...]), lambda: self._find(job))
        if not numbers:
            logger.info("no pull request is known at %s", job.head_sha)
        for number in numbers:
            await step(
                Checkpoint(f"queue {number}", type(None)), lambda number=number: self._queue(job, number)
            )

    async def _find(self, job: CheckSuiteJob) -> tuple[int, ...]:
        found = await asyncio.to_thread(
            load_pull_requests_of_heads, self.review.database, job.repository, [job.head_sha]
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
            received_at=self.review.clock(),
        )
        await self.enqueue(delivery, ReviewJob(request=request))
