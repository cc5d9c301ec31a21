"""Says on the pull request that a job failed: in its check runs, or in an answer to the comment that asked for it.

The process that ran the job may have crashed, so only the database knows what the job started. If the job failed before
it could read the pull request, its check runs are created here, on the head that the webhook named.
"""

import asyncio
from dataclasses import dataclass

from app.domain.configuration import Gate, RepositoryConfig
from app.domain.file_rules import all_stages, strictest_gate
from app.domain.finding import Stage
from app.domain.job import CheckActionJob, CommentJob, Job, MergeGroupJob, ReviewJob
from app.domain.publication import Conclusion
from app.domain.pull_request import PullRequestRef
from app.errors import TRANSIENT, QuorumError
from app.gather.configuration import CONFIGURATION_PATH, parse_configuration
from app.jobs.access import JobEnvironment
from app.jobs.check_runs import CheckRuns, ledger_name
from app.jobs.comment_handler import CommentHandler
from app.jobs.head import REFRESH, request_of
from app.jobs.merge_queue import named_pull_request
from app.jobs.notifications import review_finished
from app.publish.checks import CheckUpdate, failed_check
from app.publish.notes import render_refusals
from app.store.review_tables import ReviewRow
from app.store.reviews import UNFINISHED, load_last_gate, load_review_of_head, load_reviews_of_delivery

UNKNOWN_GATE = Gate.CRITICAL  # fails closed: a merge may depend on a gate that cannot be read


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureHandler:
    """Handles failed jobs (`app.engine.handlers.FailedJobCloser`)."""

    environment: JobEnvironment
    comments: CommentHandler

    async def close_failed(self, job: Job, *, guid: str, reason: str) -> str:
        """Say on the pull request why the job failed, and send the notifications; returns what GitHub refused.

        Raises:
            any of `TRANSIENT`: call this again later.
        """
        refusals: list[QuorumError] = []
        if isinstance(job, MergeGroupJob):
            refusals += await self._fail_merge_group(job, reason)
        for row in await asyncio.to_thread(load_reviews_of_delivery, self.environment.database, guid):
            if row.status in UNFINISHED:
                await self._notify(row)
            refusals += await self._fail_review(row, job, reason)
        if isinstance(job, CommentJob):
            refusals += await self.comments.explain_failure(job, reason)
        return render_refusals(refusals)

    async def _fail_review(self, row: ReviewRow, job: Job, reason: str) -> list[QuorumError]:
        """Complete the review's check runs, and create those that it could not start."""
        request = request_of(row)
        runs = self._check_runs(ledger_name(row.id, ""), request.ref, row.installation_id)
        head_sha = row.head_sha or _head_of(job)
        is_missing = head_sha and row.head_read_at is None and not row.trigger.startswith(REFRESH)
        if not is_missing or not head_sha or await self._is_reviewed(request.ref, head_sha):
            gate = Gate(row.gate) if row.gate else UNKNOWN_GATE
            return await runs.end(lambda stage: self._failed(stage, reason, gate))
        config = await self._read_configuration(job, request.ref, row.installation_id)
        gate = strictest_gate(config) if config else await self._last_gate(request.ref)
        stages = [Stage(stage) for stage in row.stages if config is None or stage in all_stages(config)]
        if config and not config.enabled:
            stages = []
        refusals = await runs.end(lambda stage: self._failed(stage, reason, gate))
        updates = [self._failed(stage, reason, gate) for stage in stages]
        return refusals + await runs.create(updates, head_sha=head_sha)

    async def _fail_merge_group(self, job: MergeGroupJob, reason: str) -> list[QuorumError]:
        ref = named_pull_request(job)
        if ref is None:
            return []
        config = await self._read_configuration(job, ref, job.installation_id)
        gate = strictest_gate(config) if config else await self._last_gate(ref)
        updates = [self._failed(stage, reason, gate) for stage in (all_stages(config) if config else Stage)]
        runs = self._check_runs(job.key, ref, job.installation_id)
        return await runs.end(lambda stage: self._failed(stage, reason, gate)) + await runs.create(
            updates, head_sha=job.head_sha
        )

    def _failed(self, stage: Stage, reason: str, gate: Gate) -> CheckUpdate:
        return failed_check(stage, reason=reason, gate=gate, redact=self.environment.redact)

    async def _is_reviewed(self, ref: PullRequestRef, head_sha: str) -> bool:
        database = self.environment.database
        return await asyncio.to_thread(load_review_of_head, database, ref, head_sha) is not None

    async def _read_configuration(
        self, job: Job, ref: PullRequestRef, installation_id: int
    ) -> RepositoryConfig | None:
        """Read the base branch's configuration by itself; None if GitHub refuses that as well."""
        github = self.environment.github
        try:
            content = await github.repository_file(
                installation_id, ref.repository, CONFIGURATION_PATH, branch=_base_of(job)
            )
            organization = await self.environment.organization_defaults.load(installation_id, ref.owner)
        except TRANSIENT:
            raise
        except QuorumError:
            return None
        return parse_configuration(content, organization=organization).config

    async def _last_gate(self, ref: PullRequestRef) -> Gate:
        """The gate of the repository's newest review; `UNKNOWN_GATE` if there is none."""
        gate = await asyncio.to_thread(load_last_gate, self.environment.database, ref.repository)
        return Gate(gate) if gate else UNKNOWN_GATE

    async def _notify(self, row: ReviewRow) -> None:
        now = self.environment.clock()
        gate = Gate(row.gate) if row.gate else UNKNOWN_GATE
        conclusion = Conclusion.NEUTRAL if gate is Gate.OFF else Conclusion.FAILURE
        await self.environment.notify(
            review_finished(
                request_of(row),
                web_url=self.environment.web_url,
                head_sha=row.head_sha,
                conclusions=dict.fromkeys(map(Stage, row.stages), conclusion),
                usage=await self.environment.services.models.usage(row.id),
                duration_ms=round((now - (row.started_at or now)).total_seconds() * 1_000),
                report=None,
            )
        )

    def _check_runs(self, ledger: str, ref: PullRequestRef, installation_id: int) -> CheckRuns:
        return CheckRuns(
            ledger=ledger, ref=ref, installation_id=installation_id, environment=self.environment
        )


def _head_of(job: Job) -> str | None:
    """Return the head that the webhook named; a comment in the conversation names none."""
    match job:
        case ReviewJob():
            return job.request.head_sha
        case CheckActionJob() | CommentJob():
            return job.head_sha
        case _:
            return None


def _base_of(job: Job) -> str | None:
    """Return the base branch that the webhook named; None stands for the default branch."""
    match job:
        case ReviewJob():
            return job.request.base_ref
        case MergeGroupJob():
            return job.base_ref.removeprefix("refs/heads/")
        case _:
            return None
