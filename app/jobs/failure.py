"""What a failed job leaves on GitHub is ended: its check runs say that nothing was reviewed, why, and what to do.

Told by the engine, also of jobs whose process died again and again, so nothing is known here but what the database holds.
"""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from app.domain.configuration import Gate
from app.domain.finding import Stage
from app.domain.job import Job, MergeGroupJob
from app.domain.publication import Conclusion
from app.domain.pull_request import PullRequestRef
from app.domain.review import ReviewRequest
from app.errors import TRANSIENT, QuorumError
from app.gather import parse_configuration
from app.gather.configuration import BASE_PATHS, CONFIGURATION_PATH
from app.jobs.check_runs import CheckRuns, ledger_name
from app.jobs.merge_queue import named_pull_request
from app.jobs.notification import review_finished
from app.jobs.review import ReviewHandler
from app.publish.checks import failed_check
from app.store.review_tables import ReviewRow
from app.store.reviews import UNFINISHED, load_reviews_of_delivery

UNKNOWN = Gate.CRITICAL  # what nobody can read may be what a merge waits for: it fails closed


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureHandler:
    """Closes what a failed job left open (`app.engine.handlers.FailedJobCloser`)."""

    review: ReviewHandler

    async def close_failed(self, job: Job, *, guid: str, reason: str) -> None:
        """End what is open, and tell whoever wants to be told of a review's end.

        Raises:
            what is `TRANSIENT`: it must be called again.
        """
        for row in await asyncio.to_thread(load_reviews_of_delivery, self.review.database, guid):
            if row.status in UNFINISHED:
                await self._tell(row)
        redact = self.review.services.redactor.redact
        async for runs, gate in self._open(guid, job):
            await runs.end(
                lambda stage, gate=gate: failed_check(stage, reason=reason, gate=gate, redact=redact)
            )

    async def _open(self, guid: str, job: Job) -> AsyncGenerator[tuple[CheckRuns, Gate]]:
        """What the job has begun, with the gate that holds there."""
        if isinstance(job, MergeGroupJob) and (ref := named_pull_request(job)):
            runs = self._check_runs(job.key, ref, job.installation_id)
            if await runs.load_open():
                yield runs, await self._gate(job, ref)
        for row in await asyncio.to_thread(load_reviews_of_delivery, self.review.database, guid):
            runs = self._check_runs(ledger_name(row.id, ""), request_of(row).ref, row.installation_id)
            yield runs, Gate(row.gate) if row.gate else UNKNOWN

    async def _tell(self, row: ReviewRow) -> None:
        now = self.review.clock()
        gate = Gate(row.gate) if row.gate else UNKNOWN
        conclusion = Conclusion.NEUTRAL if gate is Gate.OFF else Conclusion.FAILURE
        await self.review.tell(
            review_finished(
                request_of(row),
                web_url=self.review.web_url,
                head_sha=row.head_sha,
                conclusions=dict.fromkeys(map(Stage, row.stages), conclusion),
                usage=await self.review.services.models.usage(row.id),
                duration_ms=round((now - (row.started_at or now)).total_seconds() * 1_000),
                findings=(),
                coverage=None,
            )
        )

    async def _gate(self, job: MergeGroupJob, ref: PullRequestRef) -> Gate:
        access = self.review.open_pull_request(ref, installation_id=job.installation_id, ledger=job.key)
        try:
            snapshot = await access.source.snapshot(BASE_PATHS)
            organisation = await self.review.organisation_default(job.installation_id, ref.owner)
        except TRANSIENT:
            raise
        except QuorumError:
            return UNKNOWN
        raw = snapshot.base_files.get(CONFIGURATION_PATH)
        return parse_configuration(raw, organisation=organisation).config.gate

    def _check_runs(self, ledger: str, ref: PullRequestRef, installation_id: int) -> CheckRuns:
        return CheckRuns(
            ledger=ledger,
            ref=ref,
            installation_id=installation_id,
            database=self.review.database,
            open_pull_request=self.review.open_pull_request,
        )


def request_of(row: ReviewRow) -> ReviewRequest:
    """What was asked for, as far as its row says."""
    owner, _, repo = row.repository.partition("/")
    return ReviewRequest(
        review_id=row.id,
        ref=PullRequestRef(owner=owner, repo=repo, number=row.pull_request),
        installation_id=row.installation_id,
        trigger=row.trigger,
        head_sha=row.head_sha,
    )
