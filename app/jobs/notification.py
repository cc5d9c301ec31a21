"""Notifications on their way: what there is to tell becomes a durable job, and the job is sent until it is taken.

A job that fails is put back for as long as Standard Webhooks recommend, about three days; then it has failed, and can be
replayed. Never holds up a review, never says more than `app.domain.notification`.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from app.clock import utc_now
from app.domain.finding import Finding, Severity, Stage
from app.domain.job import Delivery, NotificationJob
from app.domain.notification import News, ReviewFinished
from app.domain.publication import Conclusion
from app.domain.review import Coverage, ReviewRequest, UsageTotal
from app.domain.step import Checkpoint, Step
from app.errors import NotificationFailed, NotificationGone, Postponed, StoreUnavailable
from app.store.database import Database
from app.store.deliveries import load_delivery

if TYPE_CHECKING:
    from app.notifier import Receiver

logger = logging.getLogger(__name__)

EVENT = "notification"
# https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#deliverability-and-reliability
DELAYS_S = (5.0, 300.0, 1_800.0, 7_200.0, 18_000.0, 36_000.0, 50_400.0, 72_000.0, 86_400.0)

FollowUp = Callable[[Delivery, NotificationJob], Awaitable[object]]


class Notifications:
    """Takes news. Until `open` is called, and outside the App, they are dropped."""

    def __init__(self) -> None:
        self._follow_up: FollowUp | None = None
        self._clock: Callable[[], datetime] = utc_now

    def open(self, follow_up: FollowUp, *, clock: Callable[[], datetime]) -> None:
        """From now on each piece of news becomes a job, handed to `follow_up`."""
        self._follow_up, self._clock = follow_up, clock

    async def tell(self, news: News) -> None:
        """Store the job of these news; the same news again change nothing. A `Notify`: raises nothing."""
        if self._follow_up is None:
            return
        now = self._clock()
        delivery = Delivery(guid=news.id, event=EVENT, action=news.type, received_at=now)
        try:
            await self._follow_up(delivery, NotificationJob(news=news, at=now))
        except StoreUnavailable as error:  # the work itself goes on: it is worth more than the news of it
            logger.warning("nobody is told of %s %s: %s", news.type, news.id, error)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationHandler:
    """Does notification jobs."""

    receiver: "Receiver"
    database: Database
    clock: Callable[[], datetime]
    delays_s: Sequence[float] = DELAYS_S

    async def handle(self, job: NotificationJob, step: Step) -> None:
        """Send it once; the receiver may see it twice, under one id.

        Raises:
            Postponed: it was not taken, and is tried again.
            NotificationFailed: it was not taken, and is tried no more.
        """
        await step(Checkpoint("notify", type(None)), lambda: self._send(job))

    async def _send(self, job: NotificationJob) -> None:
        try:
            await self.receiver.post(job.key, render_body(job), at=self.clock())
        except NotificationGone:
            raise
        except NotificationFailed as error:
            row = await asyncio.to_thread(load_delivery, self.database, job.key)
            attempts = row.attempts if row else 1
            if attempts > len(self.delays_s):
                raise
            logger.warning("attempt %d of a notification: %s", attempts, error)
            raise Postponed(self.delays_s[attempts - 1]) from error


def render_body(job: NotificationJob) -> str:
    """The JSON that is signed and sent."""
    data: dict[str, Any] = asdict(job.news)
    del data["type"]
    return json.dumps({"type": job.news.type, "timestamp": job.at.isoformat(), "data": data})


def review_finished(
    request: ReviewRequest,
    *,
    web_url: str,
    head_sha: str | None,
    conclusions: dict[Stage, Conclusion],
    usage: UsageTotal,
    duration_ms: int,
    findings: Sequence[Finding],
    coverage: Coverage | None,
) -> ReviewFinished:
    """The news of a review's end; without `coverage` it was not done."""
    return ReviewFinished(
        review_id=request.review_id,
        repository=request.ref.repository,
        pull_request=request.ref.number,
        url=f"{web_url}/{request.ref.repository}/pull/{request.ref.number}",
        head_sha=head_sha,
        trigger=request.trigger,
        status="completed" if coverage else "failed",
        conclusions=conclusions,
        findings={severity: sum(f.severity is severity for f in findings) for severity in Severity},
        files=coverage.files if coverage else 0,
        reviewed_files=coverage.reviewed if coverage else 0,
        calls=usage.calls,
        cost_usd=usage.cost_usd,
        duration_ms=duration_ms,
    )
