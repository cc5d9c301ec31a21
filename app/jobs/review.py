"""Reviews a pull request: read the head, start the check runs, run the pipeline, publish, record.

Safe to rerun after a crash: every paid call is a checkpointed step, every write on GitHub goes through the ledger, and
the text of the change is read again. Nothing is posted for a head that is no longer the newest.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from app.domain.finding import Stage
from app.domain.job import ReviewJob
from app.domain.review import ReviewReport, ReviewRequest
from app.domain.step import Checkpoint, Step
from app.errors import Cancelled, Excluded, Retargeted, Superseded
from app.gather import CodeOwners, Gathered
from app.jobs.access import JobEnvironment, PullRequestAccess
from app.jobs.check_runs import CheckRuns, adopt_open, ledger_name
from app.jobs.dismissals import without_dismissed
from app.jobs.first_words import FirstWords
from app.jobs.head import BY_BASE, HeadState, find_obstacle, read_head
from app.jobs.notifications import review_finished
from app.jobs.publication import ReviewPublication, upload_analysis
from app.jobs.required import complete_required
from app.jobs.wanted import WantedCheck, checked
from app.pipeline.inputs import REVIEW_SPAN, Stations, review_attributes
from app.pipeline.review import gather_snapshot, review_gathered
from app.publish.check_runs import all_of, start_check
from app.publish.checks import CheckUpdate, cancelled_check, superseded_check
from app.publish.notes import RETARGETED
from app.publish.publisher import Published
from app.store import reports, reviews
from app.store.findings import FindingOutcome, load_rules, record_threads

logger = logging.getLogger(__name__)

MAX_HEADS = 5  # reviewed by one job; faster pushes are handled by their own jobs


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewHandler:
    """Handles review jobs."""

    environment: JobEnvironment

    async def handle(self, job: ReviewJob, step: Step) -> None:
        """Review the newest head.

        A run cancels the check runs of the heads before its own, so after a restart it continues with the head chosen
        earlier.

        Raises:
            Superseded: another review replaces this one; its check runs are cancelled.
        """
        try:
            for _ in range(MAX_HEADS - 1):
                try:
                    return await self._review_head(job.request, step)
                except Superseded as error:
                    # This step raises if a later review is recorded. If not, no webhook came for the change.
                    await step(
                        Checkpoint("take the newer head", type(None)),
                        partial(self._require_no_successor, job.request),
                    )
                    logger.info("starting over: %s", error)
            return await self._review_head(job.request, step)
        except Retargeted:
            await self._end_checks(job.request, partial(cancelled_check, reason=RETARGETED))
            raise
        except Superseded:
            await self._end_checks(job.request, superseded_check)
            raise
        except Cancelled as error:
            await self._cancel(job.request, str(error))

    async def _require_no_successor(self, request: ReviewRequest) -> None:
        """Raise `Retargeted` if a queued review will read the change against the new base branch."""
        is_queued = await asyncio.to_thread(
            reviews.has_queued_review,
            self.environment.database,
            request.ref,
            trigger=BY_BASE,
            after=request.review_id,
        )
        if is_queued:
            raise Retargeted("A review against another base branch is waiting.")

    async def review_within(self, request: ReviewRequest, step: Step, *, guid: str) -> None:
        """Run a review as part of another job; `guid` is the delivery's."""
        await asyncio.to_thread(
            reviews.record_review_begun,
            self.environment.database,
            request,
            delivery=guid,
            at=self.environment.clock(),
        )
        await self.handle(ReviewJob(request=request), step)

    async def _review_head(self, request: ReviewRequest, step: Step) -> None:
        """Review the current head; if that fails, `app.jobs.failure` completes its check runs."""
        with self.environment.services.tracer.span(REVIEW_SPAN, review_attributes(request)):
            await self._run_stations(request, step)

    async def _run_stations(self, request: ReviewRequest, step: Step) -> None:
        environment = self.environment
        stations = Stations(request.review_id, environment.watch, tracer=environment.services.tracer)
        access = self._open(request, request.review_id)
        with stations.timed("snapshot"):
            head = await read_head(request, access.source, environment, step)
            await self._end_checks(request, superseded_check, except_head=head.sha)
        try:
            await self._review_snapshot(request, head, access, stations, step)
        except Excluded as exclusion:
            reason = await complete_required(exclusion, head, runs=self._check_runs(request))
            raise Cancelled(reason) from exclusion

    async def _review_snapshot(
        self,
        request: ReviewRequest,
        head: HeadState,
        access: PullRequestAccess,
        stations: Stations,
        step: Step,
    ) -> None:
        environment = self.environment
        if obstacle := await find_obstacle(request, head, environment.database):
            raise obstacle
        access = replace(access, ledger=self._open(request, ledger_name(request.review_id, head.sha)).ledger)
        wanted = WantedCheck(request, head, writer=access.writer, environment=environment)
        step = checked(step, wanted.check)
        starting = asyncio.create_task(self._start_checks(request, head, access, step))
        gathering = asyncio.create_task(self._gather(request, head, access, stations))
        await all_of((starting, gathering))
        first_words = FirstWords(
            access=access,
            check_run_ids=starting.result(),
            configuration=head.configuration,
            rules=head.rules,
            stages_with_earlier={each.stage for each in head.memory.earlier_findings(head.sha)},
            wanted=wanted,
            redact=environment.redact,
        )
        async with first_words.running():
            report = await review_gathered(
                head.pipeline_options(request, check=wanted.check),
                gathering.result(),
                environment.services,
                stations=stations,
                step=step,
                lookup_advisories=access.lookup_advisories,
                when_answered=first_words.show,
            )
        publication = ReviewPublication(
            request=request,
            gathered=gathering.result(),
            report=await self._without_dismissed(request, head, report),
            remembered=head.memory,
            services=environment.services,
            access=access,
            check_run_ids=starting.result(),
            completed=first_words.completed,
            step=step,
            wanted=wanted,
            files_url=f"{environment.web_url}/{request.ref.repository}/pull/{request.ref.number}/files",
            details_url=environment.details_url(request.review_id),
        )
        await self._publish(publication, stations)

    async def _cancel(self, request: ReviewRequest, reason: str) -> None:
        logger.info("not reviewed: %s", reason)
        await asyncio.to_thread(
            reviews.record_cancelled,
            self.environment.database,
            request.review_id,
            reason=reason,
            at=self.environment.clock(),
        )
        await self._end_checks(request, partial(cancelled_check, reason=reason))

    def _open(self, request: ReviewRequest, ledger: str) -> PullRequestAccess:
        return self.environment.open(request.ref, installation_id=request.installation_id, ledger=ledger)

    async def _gather(
        self, request: ReviewRequest, head: HeadState, access: PullRequestAccess, stations: Stations
    ) -> Gathered:
        with stations.timed("gather"):
            return await gather_snapshot(
                access.source,
                head.snapshot,
                head.configuration,
                options=head.pipeline_options(request),
                services=self.environment.services,
            )

    async def _start_checks(
        self, request: ReviewRequest, head: HeadState, access: PullRequestAccess, step: Step
    ) -> dict[Stage, int]:
        stages = [stage for stage in request.stages if stage in head.rules.stages]
        if "checks" in access.lacking():
            stages = []  # the summary says so

        async def start(stage: Stage) -> int:
            return await start_check(
                stage,
                ref=request.ref,
                head_sha=head.sha,
                writer=access.writer,
                ledger=access.ledger,
                details_url=self.environment.details_url(request.review_id),
            )

        async def start_all() -> dict[Stage, int]:
            await adopt_open(
                self.environment.database,
                request.ref,
                stages,
                review_id=request.review_id,
                head_sha=head.sha,
            )
            return dict(zip(stages, await all_of(map(start, stages)), strict=True))

        return await step(Checkpoint("start checks", dict[Stage, int]), start_all)

    async def _without_dismissed(
        self, request: ReviewRequest, head: HeadState, report: ReviewReport
    ) -> ReviewReport:
        rules = await asyncio.to_thread(
            load_rules, self.environment.database, request.installation_id, request.ref.repository
        )
        dismissed = head.memory.with_outcome(FindingOutcome.DISMISSED)
        return without_dismissed(report, dismissed=dismissed, rules=rules)

    async def _publish(self, publication: ReviewPublication, stations: Stations) -> None:
        database, request = self.environment.database, publication.request
        threads = publication.gathered.snapshot.threads
        await asyncio.to_thread(record_threads, database, request.ref, threads)
        with stations.timed("follow"):
            followed = await publication.follow()
        with stations.timed("publish"):
            published = await publication.step(
                Checkpoint("publish", Published), partial(publication.publish, followed)
            )
        not_uploaded = await upload_analysis(publication, still_open=followed.still_open)
        report = replace(publication.whole_report(), stations=tuple(stations.times))
        if not_uploaded:
            report = replace(report, notes=(*report.notes, not_uploaded))
        owners = await asyncio.to_thread(CodeOwners, publication.gathered.snapshot.base_files)
        if not owners.is_complete:
            logger.warning(
                "Rules of CODEOWNERS are left out for %s: too many, too long, or too complex.", request.ref
            )
        await asyncio.to_thread(
            reports.record_report,
            database,
            request,
            report,
            findings=published.findings,
            summary_comment_id=published.summary_comment_id,
            at=self.environment.clock(),
            hunk_keys=publication.hunk_keys_read(),
            shown=publication.is_shown,
            owners_of=owners.owners_of,
        )
        now = self.environment.clock()
        await asyncio.to_thread(publication.record_followed, database, followed, at=now)
        await self._notify(request, published, report, duration_ms=stations.elapsed_ms)

    async def _notify(
        self, request: ReviewRequest, published: Published, report: ReviewReport, *, duration_ms: int
    ) -> None:
        await self.environment.notify(
            review_finished(
                request,
                web_url=self.environment.web_url,
                head_sha=report.head_sha,
                conclusions=published.conclusions,
                report=replace(report, findings=published.findings),
                usage=await self.environment.services.models.usage(request.review_id),
                duration_ms=duration_ms,
            )
        )

    async def _end_checks(
        self,
        request: ReviewRequest,
        update: Callable[[Stage], CheckUpdate],
        *,
        except_head: str | None = None,
    ) -> None:
        await self._check_runs(request).end(update, except_head=except_head)

    def _check_runs(self, request: ReviewRequest) -> CheckRuns:
        return CheckRuns(
            ledger=ledger_name(request.review_id, ""),
            ref=request.ref,
            installation_id=request.installation_id,
            environment=self.environment,
        )
