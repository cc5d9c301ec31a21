"""Turns news into durable jobs, and sends each one until the receiver accepts it.

The delays between attempts follow Standard Webhooks, about three days in total. Then the job is recorded as failed and can
be replayed. Notifications never delay a review and contain only what `app.domain.notification` defines.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from app.clock import utc_now
from app.domain.finding import Severity, Stage
from app.domain.job import Delivery, NotificationJob
from app.domain.notification import News, NewsForPeople, Recipient, ReviewFinished
from app.domain.publication import Conclusion
from app.domain.review import ReviewReport, ReviewRequest, UsageTotal
from app.domain.step import Checkpoint, Step
from app.errors import NotificationFailed, NotificationGone, Postponed, StoreUnavailable
from app.jobs.access import FollowUpQueue
from app.publish.statement import make_statement
from app.store.database import Database
from app.store.deliveries import load_delivery

if TYPE_CHECKING:
    from app.jobs.receiver import Receiver

logger = logging.getLogger(__name__)

EVENT = "notification"
# https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#deliverability-and-reliability
DELAYS_S = (5.0, 300.0, 1_800.0, 7_200.0, 18_000.0, 36_000.0, 50_400.0, 72_000.0, 86_400.0)


class Notifications:
    """Queues news as jobs. Drops them outside the App, and until `open` is called."""

    def __init__(self) -> None:
        self._queue: FollowUpQueue | None = None
        self._clock: Callable[[], datetime] = utc_now
        self._recipients: Collection[Recipient] = ()

    def open(
        self,
        queue: FollowUpQueue,
        *,
        clock: Callable[[], datetime],
        recipients: Collection[Recipient] = ("webhook",),
    ) -> None:
        """Queue all further news for these recipients."""
        self._queue, self._clock, self._recipients = queue, clock, recipients

    async def notify(self, news: News) -> None:
        """Queue the news, unless they are queued already. A `Notify`, so it raises nothing."""
        if self._queue is None:
            return
        now = self._clock()
        for recipient in self._recipients:
            if recipient != "webhook" and not isinstance(news, NewsForPeople):
                continue  # a message for each review would be noise
            job = NotificationJob(news=news, at=now, to=recipient)
            delivery = Delivery(guid=job.key, event=EVENT, action=news.type, received_at=now)
            try:
                await self._queue.follow_up(delivery, job)
            except StoreUnavailable as error:  # the review matters more than the news about it
                logger.warning("cannot queue the notification %s %s: %s", news.type, news.id, error)


class ChatReceiver(Protocol):
    """Sends a message to people."""

    async def send(self, news: NewsForPeople) -> None:
        """Send it once; raises `NotificationFailed` if it did not arrive."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationHandler:
    """Handles notification jobs. Without a receiver, those that still wait fail with that reason."""

    receiver: "Receiver | None"
    database: Database
    clock: Callable[[], datetime]
    chats: Mapping[Recipient, ChatReceiver] = field(default_factory=dict[Recipient, ChatReceiver])
    delays_s: Sequence[float] = DELAYS_S

    async def handle(self, job: NotificationJob, step: Step) -> None:
        """Send a notification; the receiver may get it twice, with the same ID.

        Raises:
            Postponed: the receiver did not accept it; try again later.
            NotificationFailed: the receiver did not accept it; do not try again.
        """
        await step(Checkpoint("notify", type(None)), lambda: self._send(job))

    async def _send(self, job: NotificationJob) -> None:
        try:
            await self._deliver(job)
        except NotificationGone:
            raise
        except NotificationFailed as error:
            if not self._is_configured(job.to):
                raise
            row = await asyncio.to_thread(load_delivery, self.database, job.key)
            attempts = row.attempts if row else 1
            if attempts > len(self.delays_s):
                raise
            logger.warning("attempt %d to send a notification failed: %s", attempts, error)
            raise Postponed(self.delays_s[attempts - 1]) from error

    async def _deliver(self, job: NotificationJob) -> None:
        if job.to == "webhook":
            if self.receiver is None:
                raise NotificationFailed("QUORUM_NOTIFY_URL is not set.")
            await self.receiver.post(job.key, render_body(job), at=self.clock())
            return
        if job.to not in self.chats or not isinstance(job.news, NewsForPeople):
            raise NotificationFailed(f"No address for {job.to} is set.")
        await self.chats[job.to].send(job.news)

    def _is_configured(self, recipient: Recipient) -> bool:
        return recipient in self.chats or (recipient == "webhook" and self.receiver is not None)


def render_body(job: NotificationJob) -> str:
    """Return the JSON that is signed and sent."""
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
    report: ReviewReport | None,
) -> ReviewFinished:
    """Return the news that a review ended; without a report it failed."""
    findings = report.findings if report else ()
    return ReviewFinished(
        review_id=request.review_id,
        repository=request.ref.repository,
        pull_request=request.ref.number,
        url=f"{web_url}/{request.ref.repository}/pull/{request.ref.number}",
        head_sha=head_sha,
        trigger=request.trigger,
        status="completed" if report else "failed",
        result=make_statement(report).headline if report else "not reviewed",
        conclusions=conclusions,
        findings={severity: sum(f.severity is severity for f in findings) for severity in Severity},
        files=report.coverage.files if report else 0,
        reviewed_files=report.coverage.reviewed if report else 0,
        calls=usage.calls,
        cost_usd=usage.cost_usd,
        duration_ms=duration_ms,
    )
