"""Reviews a pull request that its title or a label excluded and no longer does.

Its required checks are neutral, so without this review it could be merged unreviewed. A change that excludes the pull
request needs no work: the check of a running review looks for the delivery itself.
"""

import asyncio
from dataclasses import dataclass, replace

from app.domain.job import ChangedJob, Delivery, ReviewJob, review_id
from app.domain.review import ReviewStatus
from app.domain.step import Checkpoint, Step
from app.jobs.access import FollowUpQueue, JobEnvironment
from app.jobs.head import REFRESH, request_of
from app.store.review_tables import ReviewRow
from app.store.reviews import load_review, load_review_ids

INCLUDING = frozenset({"edited", "unlabeled"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedHandler:
    """Handles changed jobs. They run after the pull request's earlier jobs."""

    environment: JobEnvironment
    queue: FollowUpQueue

    async def handle(self, job: ChangedJob, step: Step) -> None:
        """Repeat the newest review if it was cancelled; it reads the title and the labels again."""
        if job.change in INCLUDING:
            await step(Checkpoint("repeat", type(None)), lambda: self._repeat(job))

    async def _repeat(self, job: ChangedJob) -> None:
        row = await asyncio.to_thread(self._load_cancelled, job)
        if row is None:
            return
        request = replace(
            request_of(row),
            review_id=review_id(job.ref, head_sha=row.head_sha, trigger=row.trigger, nonce=job.guid),
        )
        delivery = Delivery(
            guid=f"{job.guid}.repeat",
            event="pull_request",
            action=job.change,
            received_at=self.environment.clock(),
        )
        await self.queue.follow_up(delivery, ReviewJob(request=request))

    def _load_cancelled(self, job: ChangedJob) -> ReviewRow | None:
        database = self.environment.database
        ids = load_review_ids(database, job.ref, limit=1)
        row = load_review(database, ids[0]) if ids else None
        is_cancelled = row is not None and row.status == ReviewStatus.CANCELLED
        return row if is_cancelled and row and not row.trigger.startswith(REFRESH) else None
