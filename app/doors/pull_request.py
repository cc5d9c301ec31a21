"""A review of a pull request as the App does it: read, start the check runs, review, publish, record.

Called again after a crash: what was paid for is a step, what is written on GitHub goes through the ledger, and the text of
the change is read anew. Nothing is posted for a head that is no longer the newest.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from app.domain.configuration import Gate
from app.domain.finding import Stage
from app.domain.job import ReviewJob
from app.domain.progress import Watch, nobody_watches
from app.domain.publication import Writer
from app.domain.review import ReviewReport, ReviewRequest
from app.domain.source import Source
from app.domain.step import Step
from app.errors import (
    GitHubRateLimited,
    GitHubUnavailable,
    QuorumError,
    StoreUnavailable,
    Superseded,
)
from app.gather import Gathered
from app.gather.eligibility import PUSH, reason_to_leave_out
from app.llm.client import CallScope
from app.pipeline import Order, gather_change, review_gathered
from app.publish.checks import CheckUpdate, failed_check, superseded_check
from app.publish.publisher import Once, Published, complete_checks, publish, start_checks
from app.publish.review import PublicationRequest
from app.services import Services
from app.stations import Stations
from app.store import reports, reviews
from app.store.database import Database

logger = logging.getLogger(__name__)

PASSING = (GitHubRateLimited, GitHubUnavailable, StoreUnavailable)  # the engine tries these again


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequestAccess:
    """One pull request on GitHub: to read, to write, and to write once."""

    source: Source
    writer: Writer
    once: Once


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewDoor:
    """Does review jobs. `open_pull_request` gives access to a request's pull request."""

    services: Services
    database: Database
    open_pull_request: Callable[[ReviewRequest], PullRequestAccess]
    clock: Callable[[], datetime]
    watch: Watch = nobody_watches
    details_url: Callable[[str], str | None] = lambda _: None
    organisation_default: bytes | None = None

    async def __call__(self, job: ReviewJob, step: Step) -> None:
        """The whole review.

        Raises:
            Superseded: a newer head has taken its place; its check runs are cancelled.
        """
        await _Run(self, job.request, step).review()


class _Run:
    """One review on its way."""

    def __init__(self, door: ReviewDoor, request: ReviewRequest, step: Step) -> None:
        self._door = door
        self._request = request
        self._step = step
        self._access = door.open_pull_request(request)
        self._stations = Stations(request.review_id, door.watch)
        self._checks: Mapping[Stage, int] = {}
        self._gate = Gate.OFF

    async def review(self) -> None:
        try:
            await self._review()
        except Superseded:
            await self._end_checks(superseded_check)
            raise
        except PASSING:
            raise
        except QuorumError as error:
            await self._end_checks(self._failed(str(error)))
            raise

    async def _review(self) -> None:
        remembered = await asyncio.to_thread(reports.load_remembered, self._door.database, self._request.ref)
        order = self._order()
        gathered = await self._gather(order)
        self._gate = gathered.config.gate
        if reason := await self._left_out(gathered):
            logger.info("not reviewed: %s", reason)
            return
        await self._start_checks(gathered)
        report = await review_gathered(
            order, gathered, self._door.services, stations=self._stations, step=self._step
        )
        published = await self._stations.run(
            "publish",
            lambda: self._step("publish", lambda: self._publish(gathered, report, remembered), Published),
        )
        report = replace(report, stations=tuple(self._stations.times))
        await self._record(report, published)

    def _order(self) -> Order:
        request = self._request
        scope = CallScope(
            installation_id=request.installation_id,
            repository=request.ref.repository,
            pull_request=request.ref.number,
            review_id=request.review_id,
        )
        return Order(scope=scope, stages=request.stages, full=request.full)

    async def _gather(self, order: Order) -> Gathered:
        """The change at the newest head; the checkpoint keeps the head alone, so that it is read anew after a crash."""
        held: list[Gathered] = []

        async def read() -> str:
            held.append(await self._read(order))
            return _head_sha(held[0])

        head_sha = await self._stations.run("gather", lambda: self._step("gather", read, str))
        gathered = held[0] if held else await self._read(order)
        if _head_sha(gathered) != head_sha:
            raise Superseded("The pull request was pushed to while its review was interrupted.")
        await asyncio.to_thread(
            reviews.record_review_head, self._door.database, self._request.review_id, head_sha
        )
        return gathered

    async def _read(self, order: Order) -> Gathered:
        return await gather_change(
            self._access.source,
            order,
            self._door.services,
            organisation_default=self._door.organisation_default,
        )

    async def _left_out(self, gathered: Gathered) -> str | None:
        pull_request = gathered.context.pull_request
        assert pull_request, "the App reviews pull requests"
        request = self._request
        if pull_request.state != "open" and not request.commanded:
            return "it is closed"
        if request.trigger == PUSH:
            done = await asyncio.to_thread(
                reviews.load_review_of_head, self._door.database, request.ref, pull_request.head_sha
            )
            if done is not None:
                return "its head has been reviewed"
        return reason_to_leave_out(
            pull_request, gathered.config, trigger=request.trigger, commanded=request.commanded
        )

    async def _start_checks(self, gathered: Gathered) -> None:
        wanted = [stage for stage in self._request.stages if stage in gathered.config.stages]
        self._checks = await start_checks(
            wanted,
            ref=self._request.ref,
            head_sha=_head_sha(gathered),
            writer=self._access.writer,
            once=self._access.once,
            details_url=self._door.details_url(self._request.review_id),
        )

    async def _publish(
        self, gathered: Gathered, report: ReviewReport, remembered: reports.Remembered
    ) -> Published:
        head_sha = _head_sha(gathered)
        if await self._access.writer.head_sha() != head_sha:
            raise Superseded("The pull request was pushed to while it was reviewed.")
        summary_id = gathered.snapshot.summary_comment_id or remembered.summary_comment_id
        threads = {thread.fingerprint for thread in gathered.snapshot.threads}
        return await publish(
            PublicationRequest(
                report=report,
                config=gathered.config,
                diff=gathered.context.diff,
                head_sha=head_sha,
                review_id=self._request.review_id,
                key=str(self._request.ref),
                redact=self._door.services.redactor.redact,
                first=not remembered.reviewed,
                commanded=self._request.commanded,
                shown=threads | remembered.shown,
            ),
            writer=self._access.writer,
            once=self._access.once,
            check_run_ids=self._checks,
            summary_comment_id=summary_id,
        )

    async def _record(self, report: ReviewReport, published: Published) -> None:
        await asyncio.to_thread(
            reports.record_report,
            self._door.database,
            self._request,
            report,
            findings=published.findings,
            summary_comment_id=published.summary_comment_id,
            at=self._door.clock(),
        )

    def _failed(self, reason: str) -> Callable[[Stage], CheckUpdate]:
        redact = self._door.services.redactor.redact
        return lambda stage: failed_check(stage, reason=reason, gate=self._gate, redact=redact)

    async def _end_checks(self, update: Callable[[Stage], CheckUpdate]) -> None:
        await complete_checks(
            [update(stage) for stage in self._checks],
            check_run_ids=self._checks,
            writer=self._access.writer,
            once=self._access.once,
        )


def _head_sha(gathered: Gathered) -> str:
    assert gathered.context.pull_request, "the App reviews pull requests"
    return gathered.context.pull_request.head_sha
