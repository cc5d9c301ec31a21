"""Jobs that fail or are given up: they are recorded as failed and leave nothing in progress."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

from dbos import DBOS

from app.domain.job import ReviewJob
from app.domain.step import Checkpoint, Step
from app.engine.worker import MAX_ATTEMPTS
from app.errors import GitHubForbidden, GitHubUnavailable
from app.store.database import Database
from app.store.deliveries import load_delivery
from tests.unit.engine.world import (
    SETTINGS,
    WEB,
    FastClock,
    attempted,
    delivery,
    ended,
    nothing,
    review_job,
    running,
)


class LaterClock(FastClock):
    """The machine's time plus `later`."""

    later = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.later


async def test_a_job_that_dbos_gave_up_is_recorded_as_failed(database: Database) -> None:
    started, never = asyncio.Event(), asyncio.Event()

    async def handler(job: ReviewJob, step: Step) -> None:
        del job, step
        started.set()
        await never.wait()

    async with running(database, handler, stop_timeout_s=0.1) as engine:
        await engine.enqueue(delivery("one"), review_job())
        await started.wait()
        row = load_delivery(database, "one")
        assert row is not None
        await DBOS.cancel_workflow_async(row.workflow_id or "")
        await engine.sweep()
        row = await ended(database, "one")
    assert row.state == "failed"
    assert "gave up" in (row.reason or "")


async def test_a_failed_job_is_closed_on_github_before_it_is_recorded_as_failed(database: Database) -> None:
    closed: list[tuple[str, str, str]] = []

    async def handler(job: ReviewJob, step: Step) -> None:
        raise GitHubForbidden("no access to octo/shop")

    async def close_failed(guid: str, reason: str) -> None:
        row = load_delivery(database, guid)
        closed.append((guid, row.state if row else "", reason))

    async with running(database, handler, close_failed=close_failed) as engine:
        await engine.enqueue(delivery("one"), review_job())
        assert (await ended(database, "one")).state == "failed"
    assert closed == [("one", "running", "no access to octo/shop")]


async def test_a_job_that_was_put_back_too_often_fails_with_the_last_reason(
    database: Database,
) -> None:
    reasons: list[str] = []

    async def handler(job: ReviewJob, step: Step) -> None:
        async def post() -> None:
            raise GitHubUnavailable("GitHub answered 502.")

        await step(Checkpoint("post", type(None)), post)

    async def close_failed(guid: str, reason: str) -> None:
        reasons.append(reason)

    async with running(database, handler, close_failed=close_failed, settings=WEB) as web:
        await web.enqueue(delivery("one"), review_job())
        attempted(database, "one", times=MAX_ATTEMPTS)
    async with running(database, handler, close_failed=close_failed):
        row = await ended(database, "one")
    assert (row.state, row.reason, reasons) == ("failed", "GitHub answered 502.", ["GitHub answered 502."])


async def test_a_job_that_cannot_be_closed_while_github_is_unavailable_is_closed_later(
    database: Database,
) -> None:
    """It stays open, and the sweep closes it."""
    away, calls = True, 0

    async def handler(job: ReviewJob, step: Step) -> None:
        raise GitHubForbidden("no access")

    async def close_failed(guid: str, reason: str) -> None:
        nonlocal calls
        calls += 1
        if away:
            raise GitHubUnavailable("502")

    async with running(database, handler, close_failed=close_failed, settings=WEB) as web:
        await web.enqueue(delivery("one"), review_job())
        attempted(database, "one", times=MAX_ATTEMPTS)
    async with running(database, handler, close_failed=close_failed) as engine:
        while not await DBOS.list_workflows_async(status="ERROR"):  # noqa: ASYNC110 - DBOS has no event for it
            await asyncio.sleep(0.02)
        await engine.sweep()
        row = load_delivery(database, "one")
        assert row is not None
        assert (row.state, calls) == ("running", 2)
        away = False
        await engine.sweep()
        assert (await ended(database, "one")).state == "failed"
    assert calls == 3


async def test_an_unknown_error_while_closing_does_not_keep_the_job_open(database: Database) -> None:
    async def handler(job: ReviewJob, step: Step) -> None:
        raise GitHubForbidden("no access")

    async def close_failed(guid: str, reason: str) -> None:
        raise ValueError("a bug")

    async with running(database, handler, close_failed=close_failed) as engine:
        await engine.enqueue(delivery("one"), review_job())
        reason = (await ended(database, "one")).reason
        assert reason == "no access. What it left open on GitHub could not be closed; the log says why."


async def test_the_next_job_of_the_installation_takes_the_place_of_a_job_that_was_given_up(
    database: Database,
) -> None:
    started, never = asyncio.Event(), asyncio.Event()

    async def handler(job: ReviewJob, step: Step) -> None:
        if job.request.ref.number == 1:
            started.set()
            await never.wait()

    async with running(
        database, handler, settings=replace(SETTINGS, per_installation=1), stop_timeout_s=0.1
    ) as engine:
        await engine.enqueue(delivery("one"), review_job(number=1))
        await engine.enqueue(delivery("two"), review_job(number=2))
        await started.wait()
        row = load_delivery(database, "one")
        assert row is not None
        await DBOS.cancel_workflow_async(row.workflow_id or "")
        await engine.sweep()
        assert (await ended(database, "two")).state == "done"


async def test_records_of_finished_jobs_are_deleted_after_the_retention_period(database: Database) -> None:
    clock = LaterClock()
    async with running(database, nothing, clock=clock) as engine:
        await engine.enqueue(delivery("one"), review_job())
        await ended(database, "one")
        while not await DBOS.list_workflows_async(status="SUCCESS"):  # noqa: ASYNC110 - DBOS has no event for it
            await asyncio.sleep(0.02)
        await engine.sweep()
        kept = await DBOS.list_workflows_async()
        clock.later = timedelta(days=31)
        await engine.sweep()
        assert (len(kept), await DBOS.list_workflows_async()) == (1, [])
