"""A pull request was closed or merged: what became of its findings is written down. Posts nothing, asks no model."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from app.conversation.fixed import Look
from app.domain.diff import Side
from app.domain.finding import Finding
from app.domain.job import ClosedJob
from app.domain.pull_request import Snapshot
from app.domain.step import Checkpoint, Step
from app.errors import GitHubNotFound
from app.jobs.access import PullRequestAccess
from app.jobs.publication import record_outcomes
from app.jobs.reactions import record_thumbs
from app.jobs.review import ReviewHandler
from app.jobs.threads import Followed, follow
from app.store.findings import FindingOutcome, record_outcome
from app.store.pull_requests import PullRequestMemory, load_memory, record_closed

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedHandler:
    """Does closed jobs."""

    review: ReviewHandler

    async def handle(self, job: ClosedJob, step: Step) -> None:
        """Evaluate every finding that stands; nothing is read where there is none."""
        await asyncio.to_thread(record_closed, self.review.database, job.ref, at=self.review.clock())
        remembered = await asyncio.to_thread(load_memory, self.review.database, job.ref)
        if any(known.is_unsettled for known in remembered.findings):
            await step(Checkpoint("evaluate", type(None)), lambda: self._evaluate(job, remembered))

    async def _evaluate(self, job: ClosedJob, remembered: PullRequestMemory) -> None:
        access = self.review.open_pull_request(job.ref, installation_id=job.installation_id, ledger=job.key)
        try:
            snapshot = await access.source.snapshot(())
        except GitHubNotFound:
            logger.info("%s is gone: its findings stay as they are", job.ref)
            return
        followed = await follow(
            remembered.findings,
            found=(),
            threads=snapshot.threads,
            diff=snapshot.diff,
            read_head=lambda path: _read_head(access, path),
            redact=self.review.services.redactor.redact,
            look_again=_nobody_looks,
        )
        await asyncio.to_thread(self._record, job, remembered, snapshot, followed)

    def _record(
        self, job: ClosedJob, remembered: PullRequestMemory, snapshot: Snapshot, followed: Followed
    ) -> None:
        database, now = self.review.database, self.review.clock()
        record_outcomes(database, job.ref, followed, at=now)
        still_open = [f.fingerprint for f in followed.standing if f.fingerprint not in followed.outdated]
        record_outcome(
            database,
            job.ref,
            still_open,
            FindingOutcome.OPEN,
            at=now,
            reason="still open at the merge" if job.merged else "still open when it was closed",
        )
        record_thumbs(
            database, job.ref, remembered, snapshot.threads, installation_id=job.installation_id, at=now
        )


async def _read_head(access: PullRequestAccess, path: str) -> str | None:
    content = await access.source.blob(path, Side.RIGHT)
    return None if content is None else content.decode("utf-8", "replace")


async def _nobody_looks(changed: Sequence[tuple[Finding, str]]) -> Sequence[Look]:
    del changed
    return ()
