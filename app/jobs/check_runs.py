"""Completes the check runs that a job started, including those of runs that a crash interrupted.

A check run that is never completed stays in progress on the pull request forever. The ledger records which ones were started;
if it has no ID for one, it is looked up on GitHub.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Collection, Mapping
from dataclasses import dataclass

from app.domain.configuration import Gate
from app.domain.finding import Stage
from app.domain.job import Job, MergeGroupJob
from app.domain.publication import Conclusion
from app.domain.pull_request import PullRequestRef
from app.errors import TRANSIENT, QuorumError
from app.gather import BASE_PATHS, read_configuration
from app.jobs.access import JobEnvironment, PullRequestAccess
from app.jobs.head import request_of
from app.jobs.merge_queue import named_pull_request
from app.jobs.notifications import review_finished
from app.publish.check_runs import complete_checks, find_check
from app.publish.checks import CheckUpdate, failed_check
from app.store.database import Database
from app.store.ledger import Begun, load_begun, load_ledgers, move_writes
from app.store.review_tables import ReviewRow
from app.store.reviews import UNFINISHED, load_review_ids, load_reviews_of_delivery

logger = logging.getLogger(__name__)

MAX_REVIEWS = 100  # the newest of the pull request
OpenRuns = dict[Stage, Begun]


def ledger_name(review_id: str, head_sha: str) -> str:
    """Return the name of the ledger for a review's writes about one head."""
    return f"{review_id}@{head_sha}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRuns:
    """The check runs of one job, in the ledgers whose names start with `ledger` and end with `@` and the head."""

    ledger: str
    ref: PullRequestRef
    installation_id: int
    environment: JobEnvironment

    async def load_open(self, *, except_head: str | None = None) -> dict[str, OpenRuns]:
        """Return the check runs of each head that were started and not completed, except those of one head."""
        begun = await asyncio.to_thread(load_begun, self.environment.database, self.ledger)
        found = {ledger.rpartition("@")[2]: _open_of(writes) for ledger, writes in begun.items()}
        return {head_sha: runs for head_sha, runs in found.items() if runs and head_sha != except_head}

    async def end(self, update: Callable[[Stage], CheckUpdate], *, except_head: str | None = None) -> None:
        """Complete the open check runs.

        Logs a refusal instead of raising it, because the reason why the job ended matters more.

        Raises:
            any of `TRANSIENT`: call this again later.
        """
        for head_sha, runs in (await self.load_open(except_head=except_head)).items():
            try:
                await self._end(head_sha, runs, update)
            except TRANSIENT:
                raise
            except QuorumError as error:
                logger.warning("the check runs on %s could not be completed: %s", head_sha, error)

    async def _end(self, head_sha: str, runs: OpenRuns, update: Callable[[Stage], CheckUpdate]) -> None:
        access = self._open(head_sha)
        ids: dict[Stage, int] = {}
        for stage, begun in runs.items():
            found = begun.github_id or await find_check(
                stage, ref=self.ref, head_sha=head_sha, writer=access.writer
            )
            if found is not None:
                ids[stage] = found
        await complete_checks(
            [update(stage) for stage in ids], check_run_ids=ids, writer=access.writer, ledger=access.ledger
        )

    def _open(self, head_sha: str) -> PullRequestAccess:
        ledger = ledger_name(self.ledger.rpartition("@")[0], head_sha)
        return self.environment.open(self.ref, installation_id=self.installation_id, ledger=ledger)


async def adopt_open(
    database: Database, ref: PullRequestRef, stages: Collection[Stage], *, review_id: str, head_sha: str
) -> None:
    """Take over the stages' open check runs that another review of this pull request started on this head.

    The other review waits for a retry and will find the head reviewed.
    """
    ids = await asyncio.to_thread(load_review_ids, database, ref, limit=MAX_REVIEWS)
    names = [ledger_name(each, head_sha) for each in ids if each != review_id]
    for name, writes in (await asyncio.to_thread(load_ledgers, database, names)).items():
        adopted = [stage for stage in _open_of(writes) if stage in stages]
        keys = [f"{kind}:{stage}" for stage in adopted for kind in ("start", "check")]
        into = ledger_name(review_id, head_sha)
        await asyncio.to_thread(move_writes, database, keys, of=name, into=into)


def _open_of(writes: Mapping[str, Begun]) -> OpenRuns:
    runs: OpenRuns = {}
    for stage in Stage:
        start, end = writes.get(f"start:{stage}"), writes.get(f"check:{stage}")
        if start is not None and (end is None or end.github_id is None):
            runs[stage] = start
    return runs


UNKNOWN_GATE = Gate.CRITICAL  # fails closed: a merge may depend on a gate that cannot be read


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureHandler:
    """Completes the check runs that a failed job left open (`app.engine.handlers.FailedJobCloser`).

    The process that ran the job may have crashed, so only the database knows what the job started.
    """

    environment: JobEnvironment

    async def close_failed(self, job: Job, *, guid: str, reason: str) -> None:
        """Complete the open check runs with the reason, and send the notifications.

        Raises:
            any of `TRANSIENT`: call this again later.
        """
        for row in await asyncio.to_thread(load_reviews_of_delivery, self.environment.database, guid):
            if row.status in UNFINISHED:
                await self._notify(row)
        redact = self.environment.redact
        async for runs, gate in self._open(guid, job):
            await runs.end(
                lambda stage, gate=gate: failed_check(stage, reason=reason, gate=gate, redact=redact)
            )

    async def _open(self, guid: str, job: Job) -> AsyncGenerator[tuple[CheckRuns, Gate]]:
        """Yield the check runs that the job started, with the gate that applies."""
        if isinstance(job, MergeGroupJob) and (ref := named_pull_request(job)):
            runs = self._check_runs(job.key, ref, job.installation_id)
            if await runs.load_open():
                yield runs, await self._gate(job, ref)
        for row in await asyncio.to_thread(load_reviews_of_delivery, self.environment.database, guid):
            runs = self._check_runs(ledger_name(row.id, ""), request_of(row).ref, row.installation_id)
            yield runs, Gate(row.gate) if row.gate else UNKNOWN_GATE

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

    async def _gate(self, job: MergeGroupJob, ref: PullRequestRef) -> Gate:
        access = self.environment.open(ref, installation_id=job.installation_id, ledger=job.key)
        try:
            snapshot = await access.source.snapshot(BASE_PATHS)
            organization = await self.environment.organization_defaults.load(job.installation_id, ref.owner)
        except TRANSIENT:
            raise
        except QuorumError:
            return UNKNOWN_GATE
        return read_configuration(snapshot, organization=organization).config.gate

    def _check_runs(self, ledger: str, ref: PullRequestRef, installation_id: int) -> CheckRuns:
        return CheckRuns(
            ledger=ledger,
            ref=ref,
            installation_id=installation_id,
            environment=self.environment,
        )
