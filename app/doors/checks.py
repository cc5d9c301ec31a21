"""Buttons of check runs, "re-run all", and the merge queue. A re-run check run is a review like any other.

The merge queue is answered at once, with what is known of the pull request: a new review would hold up everybody.
"""

import asyncio
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from app.domain.finding import Severity, Stage
from app.domain.job import CheckActionJob, CheckSuiteJob, MergeGroupJob, ReviewJob, review_id
from app.domain.pull_request import PullRequestRef
from app.domain.review import Coverage, ReviewReport, ReviewRequest, UsageTotal
from app.domain.step import Step
from app.doors.dismissal import dismiss
from app.doors.permission import Permissions
from app.doors.review import ReviewDoor
from app.gather import parse_configuration
from app.gather.configuration import CONFIGURATION_PATH
from app.gather.gather import BASE_PATHS
from app.publish.checks import DISMISS_LOW, REREVIEW, CheckUpdate, failed_check, plan_check
from app.publish.publisher import complete_checks, start_checks
from app.store.memory import Remembered, load_remembered
from app.store.reviews import load_pull_requests_of_head, record_review_queued

logger = logging.getLogger(__name__)

NOT_AT_THIS_HEAD = "The pull request's newest commit has not been reviewed."
_QUEUE_REF = re.compile(r"(?:refs/heads/)?gh-readonly-queue/.+/pr-([1-9][0-9]{0,8})-[0-9a-f]{40,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckActionDoor:
    """Does what a button says, for people with write access."""

    review: ReviewDoor
    permissions: Permissions

    async def __call__(self, job: CheckActionJob, step: Step) -> None:
        """Review again, or dismiss what is low and bring the check runs up to date."""
        access = self.review.open_pull_request(job.ref, installation_id=job.installation_id, ledger=job.key)
        allowed = await step(
            "permission",
            lambda: self.permissions.may_command(access.writer, job.ref.repository, job.sender),
            bool,
        )
        if not allowed:
            logger.info("%s may not press %s", job.sender, job.identifier)
            return
        match job.identifier:
            case REREVIEW.identifier:
                await self._review(job, step, commanded=True)
            case DISMISS_LOW.identifier:
                await step("dismiss", lambda: asyncio.to_thread(self._dismiss_low, job), type(None))
                await self._review(job, step, commanded=False)
            case other:
                logger.warning("a button that Quorum does not have: %s", other)

    def _dismiss_low(self, job: CheckActionJob) -> None:
        remembered = load_remembered(self.review.database, job.ref)
        low = [
            known.finding
            for known in remembered.findings
            if known.stands and known.finding.stage is job.stage and known.finding.severity is Severity.LOW
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
        trigger = f"check_action:{job.check_run_id}:{job.guid}"
        request = ReviewRequest(
            review_id=review_id(job.ref, head_sha=None, trigger=trigger),
            ref=job.ref,
            installation_id=job.installation_id,
            trigger=trigger,
            commanded=commanded,
        )
        await _review(self.review, request, step, delivery=job.guid, clock=self.review.clock)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSuiteDoor:
    """ "Re-run all": reviews each pull request of the head; a fork's is found by what was reviewed there."""

    review: ReviewDoor

    async def __call__(self, job: CheckSuiteJob, step: Step) -> None:
        """One review a pull request."""
        numbers = job.pull_requests or await step("find", lambda: self._find(job), tuple[int, ...])
        if not numbers:
            logger.info("no pull request is known at %s", job.head_sha)
        owner, _, repo = job.repository.partition("/")
        trigger = f"check_suite:{job.check_suite_id}:{job.guid}"
        for number in numbers:
            ref = PullRequestRef(owner=owner, repo=repo, number=number)
            request = ReviewRequest(
                review_id=review_id(ref, head_sha=None, trigger=trigger),
                ref=ref,
                installation_id=job.installation_id,
                trigger=trigger,
                commanded=True,
            )
            await _review(self.review, request, step, delivery=job.guid, clock=self.review.clock)

    async def _find(self, job: CheckSuiteJob) -> tuple[int, ...]:
        found = await asyncio.to_thread(
            load_pull_requests_of_head, self.review.database, job.repository, job.head_sha
        )
        return tuple(found)


async def _review(
    door: ReviewDoor, request: ReviewRequest, step: Step, *, delivery: str, clock: Callable[[], datetime]
) -> None:
    await asyncio.to_thread(record_review_queued, door.database, request, delivery=delivery, at=clock())
    await door(ReviewJob(request=request), step)


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeGroupDoor:
    """Concludes the check runs of the merge queue's own commit, at once."""

    review: ReviewDoor

    async def __call__(self, job: MergeGroupJob, step: Step) -> None:
        """What the pull request's own check runs would say now; never better than what was reviewed."""
        named = _QUEUE_REF.fullmatch(job.head_ref)
        if named is None:
            logger.warning("the merge queue's branch names no pull request: %s", job.head_ref)
            return
        owner, _, repo = job.repository.partition("/")
        ref = PullRequestRef(owner=owner, repo=repo, number=int(named[1]))
        await step("conclude", lambda: self._conclude(job, ref), type(None))

    async def _conclude(self, job: MergeGroupJob, ref: PullRequestRef) -> None:
        access = self.review.open_pull_request(ref, installation_id=job.installation_id, ledger=job.key)
        checks, stages = await self._checks(job, ref)
        ids = await start_checks(
            stages, ref=ref, head_sha=job.head_sha, writer=access.writer, once=access.once
        )
        await complete_checks(checks, check_run_ids=ids, writer=access.writer, once=access.once)

    async def _checks(
        self, job: MergeGroupJob, ref: PullRequestRef
    ) -> tuple[list[CheckUpdate], tuple[Stage, ...]]:
        access = self.review.open_pull_request(ref, installation_id=job.installation_id, ledger=job.key)
        snapshot = await access.source.snapshot(BASE_PATHS)
        config = parse_configuration(
            snapshot.base_files.get(CONFIGURATION_PATH),
            organisation=await self.review.organisation_default(job.installation_id, ref.owner),
        ).config
        remembered = await asyncio.to_thread(load_remembered, self.review.database, ref)
        redact = self.review.services.redactor.redact
        head_sha = snapshot.pull_request.head_sha if snapshot.pull_request else ""
        if remembered.reviewed_sha != head_sha:
            return [
                failed_check(stage, reason=NOT_AT_THIS_HEAD, gate=config.gate, redact=redact)
                for stage in config.stages
            ], config.stages
        report = _report_of(remembered, job.head_sha)
        known = {finding.fingerprint for finding in report.findings}
        checks = [
            plan_check(result, report, config=config, redact=redact, unmarked=known)
            for result in report.stages
            if result.stage in config.stages
        ]
        missing = set(config.stages) - {check.stage for check in checks}
        checks += [
            failed_check(stage, reason=NOT_AT_THIS_HEAD, gate=config.gate, redact=redact)
            for stage in config.stages
            if stage in missing
        ]
        return checks, config.stages


def _report_of(remembered: Remembered, head_sha: str) -> ReviewReport:
    """What is known of a pull request, as a report on another commit."""
    return ReviewReport(
        findings=tuple(known.finding for known in remembered.findings if known.stands),
        rejected=(),
        stages=remembered.stages,
        coverage=remembered.coverage or Coverage(files=0, reviewed=0),
        usage=UsageTotal(),
        duration_ms=0,
        head_sha=head_sha,
    )
