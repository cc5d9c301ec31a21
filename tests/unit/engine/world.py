"""An engine with a test's own handlers. Not a test."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from app.clock import Clock, SystemClock
from app.domain.job import Delivery, Job, ReviewJob, review_id
from app.domain.pull_request import PullRequestRef
from app.domain.review import ReviewRequest
from app.domain.step import Step
from app.engine.engine import Engine, EngineSettings
from app.engine.handlers import JobHandlers
from app.store.database import Database
from app.store.deliveries import load_delivery
from app.store.job_tables import DeliveryRow
from app.store.review_tables import ReviewRow
from app.store.reviews import load_review

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
STOP_TIMEOUT_S = 60.0  # longer than any test: a job that runs may end
SETTINGS = EngineSettings(debounce_s=0.0, workers=16, per_installation=16, lease_ttl_s=600.0)
WEB = replace(SETTINGS, role="web")


def delivery(guid: str, *, at_s: int = 0) -> Delivery:
    at = NOW + timedelta(seconds=at_s)
    return Delivery(guid=guid, event="pull_request", action="opened", received_at=at)


def review_job(
    head: str = "a",
    *,
    number: int = 7,
    trigger: str = "opened",
    before: str | None = None,
    installation_id: int = 77,
) -> ReviewJob:
    ref = PullRequestRef(owner="octo", repo="shop", number=number)
    sha, before_sha = head * 40, before * 40 if before else None
    request = ReviewRequest(
        review_id=review_id(ref, head_sha=sha, trigger=trigger, nonce=before_sha),
        ref=ref,
        installation_id=installation_id,
        trigger=trigger,
        head_sha=sha,
    )
    return ReviewJob(request=request, before_sha=before_sha)


async def nothing(job: Job, step: Step) -> None:
    del job, step


@dataclass(frozen=True, slots=True, kw_only=True)
class Functions:
    """The objects that the engine calls, built from a test's functions."""

    review: Callable[[ReviewJob, Step], Awaitable[None]] = nothing
    acknowledge_review: Callable[[ReviewJob], Awaitable[None]] | None = None
    close: Callable[[str, str], Awaitable[None]] | None = None

    async def handle(self, job: ReviewJob, step: Step) -> None:
        await self.review(job, step)

    async def acknowledge(self, job: ReviewJob) -> None:
        if self.acknowledge_review:
            await self.acknowledge_review(job)

    async def close_failed(self, job: Job, *, guid: str, reason: str) -> str:
        del job
        if self.close:
            await self.close(guid, reason)
        return ""

    async def is_newest_head(self, guid: str) -> bool:
        del guid
        return False

    def handlers(self) -> JobHandlers:
        handlers = JobHandlers(failed_jobs=self, heads=self)
        handlers.register(ReviewJob, self, acknowledger=self if self.acknowledge_review else None)
        return handlers


class FastClock(SystemClock):
    """The machine's time, but waits end immediately. Records the length of each wait."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        await asyncio.sleep(0)


@asynccontextmanager
async def running(
    database: Database,
    review: Callable[[ReviewJob, Step], Awaitable[None]] = nothing,
    *,
    handlers: JobHandlers | None = None,
    acknowledge: Callable[[ReviewJob], Awaitable[None]] | None = None,
    close_failed: Callable[[str, str], Awaitable[None]] | None = None,
    executor_id: str = "one",
    settings: EngineSettings = SETTINGS,
    clock: Clock | None = None,
    stop_timeout_s: float = STOP_TIMEOUT_S,
) -> AsyncGenerator[Engine]:
    """Run an engine during the block, with a handler of reviews or with the given handlers."""
    functions = Functions(review=review, acknowledge_review=acknowledge, close=close_failed)
    engine = Engine(
        database,
        handlers or functions.handlers(),
        executor_id=executor_id,
        settings=settings,
        clock=clock or FastClock(),
    )
    await engine.start()
    try:
        yield engine
    finally:
        await engine.stop(timeout_s=stop_timeout_s)


async def ended(database: Database, guid: str) -> DeliveryRow:
    """Wait until the delivery's job has ended; returns the delivery."""
    return await _once(database, guid, lambda row: row.finished_at is not None)


async def put_back(database: Database, guid: str) -> DeliveryRow:
    """Wait until the delivery's job has been queued again; returns the delivery."""
    return await _once(database, guid, lambda row: row.attempts > 1)


async def _once(database: Database, guid: str, holds: Callable[[DeliveryRow], bool]) -> DeliveryRow:
    """Poll the row, which other threads and processes write, until the test's own time limit."""
    while True:
        row = await asyncio.to_thread(load_delivery, database, guid)
        if row and holds(row):
            return row
        await asyncio.sleep(0.02)


def attempted(database: Database, guid: str, *, times: int) -> None:
    """Set the number of attempts of a waiting delivery."""
    with database.write() as session:
        session.get_one(DeliveryRow, guid).attempts = times


def review_of(database: Database, job: ReviewJob) -> ReviewRow:
    row = load_review(database, job.request.review_id)
    assert row is not None
    return row


def workflow_of(row: DeliveryRow) -> str:
    """Return the workflow's id without the time at its start."""
    return (row.workflow_id or "").partition(":")[2]
