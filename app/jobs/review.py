"""A review of a pull request as the App does it: read, start the check runs, review, publish, record.

Called again after a crash: what was paid for is a step, what is written on GitHub goes through the ledger, and the text of
the change is read anew. Nothing is posted for a head that is no longer the newest.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from app.domain.configuration import Gate
from app.domain.finding import Stage
from app.domain.job import ReviewJob
from app.domain.notification import Notify, drop_notification
from app.domain.review import ReviewReport, ReviewRequest, Watch, ignore_events
from app.domain.step import Checkpoint, Step
from app.errors import TRANSIENT, Postponed, QuorumError, Superseded
from app.gather import Gathered
from app.jobs.access import OpenPullRequest, OrganisationDefault, PullRequestAccess, no_organisation_default
from app.jobs.check_runs import CheckRuns, adopt_open, ledger_name
from app.jobs.code_scanning import upload_analysis
from app.jobs.eligible import why_left_out
from app.jobs.experience import sort_out
from app.jobs.look import Look, Start
from app.jobs.notification import review_finished
from app.jobs.publication import ReviewPublication
from app.pipeline import PipelineOptions, gather_snapshot, review_gathered
from app.pipeline.inputs import REVIEW_SPAN, Services, Stations, review_attributes
from app.publish.check_runs import all_of, start_check
from app.publish.checks import CheckUpdate, failed_check, superseded_check
from app.publish.publisher import Published
from app.store import reports, reviews
from app.store.database import Database
from app.store.findings import FindingOutcome, load_rules, record_threads

logger = logging.getLogger(__name__)

MOST_HEADS = 5  # of one job: whoever pushes faster is reviewed by the job of a push


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewHandler:
    """Does review jobs."""

    services: Services
    database: Database
    open_pull_request: OpenPullRequest
    clock: Callable[[], datetime]
    watch: Watch = ignore_events
    details_url: Callable[[str], str | None] = lambda _: None
    organisation_default: OrganisationDefault = no_organisation_default
    tell: Notify = drop_notification
    web_url: str = "https://github.com"

    async def handle(self, job: ReviewJob, step: Step) -> None:
        """The whole review, of the newest head.

        Raises:
            Superseded: another review has taken its place; its check runs are cancelled.
        """
        try:
            await self._review_newest(job, step)
        except Superseded:
            await _Run(self, job.request, step).cancel_checks()
            raise

    async def _review_newest(self, job: ReviewJob, step: Step) -> None:
        """A run cancels the check runs of the heads before its own: in a later life the one that was taken then goes on."""
        for _ in range(MOST_HEADS - 1):
            try:
                return await _Run(self, job.request, step).review()
            except Superseded as error:
                # The step raises where a later review is on record. Where there is none, the push told nobody.
                await step(Checkpoint("take the newer head", type(None)), _nothing)
                logger.info("another head is reviewed instead: %s", error)
        return await _Run(self, job.request, step).review()


async def _nothing() -> None:
    pass


class _Run:
    """One review of one head on its way."""

    def __init__(self, handler: ReviewHandler, request: ReviewRequest, step: Step) -> None:
        self._door = handler
        self._request = request
        self._step = step
        self._stations = Stations(request.review_id, handler.watch, tracer=handler.services.tracer)
        self._access = self._open(request.review_id)
        self._checks: dict[Stage, int] = {}
        self._gate: Gate | None = None  # None: this life has not seen the base

    async def review(self) -> None:
        """The review. However it ends, but to be tried again or for another head, its check runs are completed."""
        try:
            with self._door.services.tracer.span(REVIEW_SPAN, review_attributes(self._request)):
                await self._review()
        except (Superseded, Postponed, *TRANSIENT):
            raise
        except Exception as error:
            reason = str(error) if isinstance(error, QuorumError) else "Quorum made an error."
            self._gate = self._gate or await self._gate_before()
            await self._end_checks(self._failed(reason))
            raise

    async def cancel_checks(self) -> None:
        """Whatever this review has begun, of whatever head: another one takes its place."""
        await self._end_checks(superseded_check)

    async def _review(self) -> None:
        with self._stations.timed("snapshot"):
            start = await self._look()
        self._gate = start.configuration.config.gate
        config, remembered = start.configuration.config, start.remembered
        if reason := await why_left_out(
            self._door.database, self._request, start.pull_request, config, remembered
        ):
            await self._leave_out(reason)
            return
        order = start.options(self._request)
        gathered = await self._gather_beside_checks(start, order)
        report = await review_gathered(
            order,
            gathered,
            self._door.services,
            stations=self._stations,
            step=self._step,
            lookup_advisories=self._access.lookup_advisories,
        )
        await self._publish(start, gathered, await self._sorted_out(report, start))

    async def _leave_out(self, reason: str) -> None:
        logger.info("not reviewed: %s", reason)
        review_id, at = self._request.review_id, self._door.clock()
        await asyncio.to_thread(
            reviews.record_cancelled, self._door.database, review_id, reason=reason, at=at
        )
        await self._end_checks(self._failed(reason))  # of a life before this one

    async def _look(self) -> Start:
        look = Look(
            request=self._request,
            source=self._access.source,
            database=self._door.database,
            organisation_default=self._door.organisation_default,
            operator_budget=self._door.services.budget,
        )
        start = await look(self._step, at=self._door.clock())
        head_sha = start.pull_request.head_sha
        await self._end_checks(superseded_check, but_of=head_sha)  # of a head before it was put back
        ledger = self._open(ledger_name(self._request.review_id, head_sha)).ledger
        self._access = replace(self._access, ledger=ledger)
        return start

    async def _gate_before(self) -> Gate | None:
        """What the base asked for when an earlier life of this review began its check runs."""
        row = await asyncio.to_thread(reviews.load_review, self._door.database, self._request.review_id)
        return Gate(row.gate) if row and row.gate else None

    def _open(self, ledger: str) -> PullRequestAccess:
        request = self._request
        return self._door.open_pull_request(
            request.ref, installation_id=request.installation_id, ledger=ledger
        )

    async def _gather_beside_checks(self, start: Start, order: PipelineOptions) -> Gathered:
        """What the models see, read while the check runs are created; both have ended before an error is raised."""
        held: list[Gathered] = []

        async def gather_now() -> None:
            with self._stations.timed("gather"):
                held.append(await self._gather(start, order))

        await all_of((self._start_checks(start), gather_now()))
        return held[0]

    async def _gather(self, start: Start, order: PipelineOptions) -> Gathered:
        return await gather_snapshot(
            self._access.source,
            start.snapshot,
            start.configuration,
            options=order,
            services=self._door.services,
        )

    async def _start_checks(self, start: Start) -> None:
        wanted = [stage for stage in self._request.stages if stage in start.configuration.config.stages]
        if "checks" in self._access.lacking():
            wanted = []  # the summary says so

        async def begin(stage: Stage) -> None:
            self._checks[stage] = await start_check(
                stage,
                ref=self._request.ref,
                head_sha=start.pull_request.head_sha,
                writer=self._access.writer,
                ledger=self._access.ledger,
                details_url=self._door.details_url(self._request.review_id),
            )

        async def begin_all() -> dict[Stage, int]:
            await adopt_open(
                self._door.database,
                self._request.ref,
                wanted,
                review_id=self._request.review_id,
                head_sha=start.pull_request.head_sha,
            )
            await all_of(begin(stage) for stage in wanted)
            return self._checks

        self._checks = await self._step(Checkpoint("start checks", dict[Stage, int]), begin_all)

    async def _sorted_out(self, report: ReviewReport, start: Start) -> ReviewReport:
        rules = await asyncio.to_thread(
            load_rules,
            self._door.database,
            self._request.installation_id,
            self._request.ref.repository,
        )
        dismissed = start.remembered.with_outcome(FindingOutcome.DISMISSED)
        return sort_out(report, dismissed=dismissed, rules=rules)

    async def _publish(self, start: Start, gathered: Gathered, report: ReviewReport) -> None:
        await asyncio.to_thread(
            record_threads, self._door.database, self._request.ref, start.snapshot.threads
        )
        publication = ReviewPublication(
            request=self._request,
            gathered=gathered,
            report=report,
            remembered=start.remembered,
            services=self._door.services,
            access=self._access,
            check_run_ids=self._checks,
            step=self._step,
        )
        with self._stations.timed("follow"):
            followed = await publication.follow()
        with self._stations.timed("publish"):
            published = await self._step(
                Checkpoint("publish", Published), partial(publication.publish, followed)
            )
        not_uploaded = await upload_analysis(publication, standing=followed.standing)
        report = replace(publication.whole_report(), stations=tuple(self._stations.times))
        if not_uploaded:
            report = replace(report, notes=(*report.notes, not_uploaded))
        await asyncio.to_thread(
            reports.record_report,
            self._door.database,
            self._request,
            report,
            findings=published.findings,
            summary_comment_id=published.summary_comment_id,
            at=self._door.clock(),
            hunk_keys=publication.hunk_keys_read(),
            shown=publication.is_shown,
        )
        await asyncio.to_thread(
            publication.record_followed, self._door.database, followed, at=self._door.clock()
        )
        await self._tell(published, report)

    async def _tell(self, published: Published, report: ReviewReport) -> None:
        await self._door.tell(
            review_finished(
                self._request,
                web_url=self._door.web_url,
                head_sha=report.head_sha,
                conclusions=published.conclusions,
                findings=published.findings,
                coverage=report.coverage,
                usage=await self._door.services.models.usage(self._request.review_id),
                duration_ms=self._stations.elapsed_ms,
            )
        )

    def _failed(self, reason: str) -> Callable[[Stage], CheckUpdate]:
        redact = self._door.services.redactor.redact
        gate = self._gate or Gate.OFF
        return lambda stage: failed_check(stage, reason=reason, gate=gate, redact=redact)

    async def _end_checks(self, update: Callable[[Stage], CheckUpdate], *, but_of: str | None = None) -> None:
        request = self._request
        runs = CheckRuns(
            ledger=ledger_name(request.review_id, ""),
            ref=request.ref,
            installation_id=request.installation_id,
            database=self._door.database,
            open_pull_request=self._door.open_pull_request,
        )
        await runs.end(update, but_of=but_of)
