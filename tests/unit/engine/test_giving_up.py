"""Jobs that fail or are given up: they are said to have failed, and leave nothing in progress."""

import asyncio
from datetime import UTC, datetime, timedelta

from dbos import DBOS

from app.domain.job import ReviewJob
from app.domain.step import Checkpoint, Step
from app.engine.worker import MOST_ATTEMPTS
from app.errors import GitHubForbidden, GitHubUnavailable
from app.store.database import Database
from app.store.deliveries import load_delivery
from tests.unit.engine.world import (
    attempted,
    delivery,
    ended,
    nothing,
    review_job,
    running,
)


async def test_a_job_that_the_engine_gave_up_is_said_to_have_failed(database: Database) -> None:
    begun, never = asyncio.Event(), asyncio.Event()

    async def handler(job: ReviewJob, step: Step) -> None:
        del job, step
        begun.set()
        await never.wait()

    async with running(database, handler, stop_timeout_s=0.1) as engine:
        await engine.enqueue(delivery("one"), review_job())
        await begun.wait()
        row = load_delivery(database, "one")
        assert row is not None
        await DBOS.cancel_workflow_async(row.workflow_id or "")
        await engine.sweep()
        row = await ended(database, "one")
    assert row.state == "failed"
    assert "given up" in (row.reason or "")


async def test_a_job_that_fails_tells_its_door_before_it_is_recorded_as_failed(database: Database) -> None:
    told: list[tuple[str, str, str]] = []

    async def handler(job: ReviewJob, step: Step) -> None:
        raise GitHubForbidden("no access to octo/shop")

    async def close_failed(guid: str, reason: str) -> None:
        row = load_delivery(database, guid)
        told.append((guid, row.state if row else "", reason))

    async with running(database, handler, close_failed=close_failed) as engine:
        await engine.enqueue(delivery("one"), review_job())
        assert (await ended(database, "one")).state == "failed"
    assert told == [("one", "running", "no access to octo/shop")]


async def test_a_job_that_was_put_off_too_often_is_given_up_and_its_door_is_told_why(
    database: Database,
) -> None:
    told: list[str] = []

    async def handler(job: ReviewJob, step: Step) -> None:
        async def post() -> None:
            raise GitHubUnavailable("GitHub answered 502.")

        await step(Checkpoint("post", type(None)), post)

    async def close_failed(guid: str, reason: str) -> None:
        told.append(reason)

    async with running(database, handler, close_failed=close_failed, role="web") as web:
        await web.enqueue(delivery("one"), review_job())
        attempted(database, "one", times=MOST_ATTEMPTS)
    async with running(database, handler, close_failed=close_failed):
        row = await ended(database, "one")
    assert (row.state, row.reason, told) == ("failed", "GitHub answered 502.", ["GitHub answered 502."])


async def test_what_cannot_be_ended_while_github_is_away_is_ended_later(database: Database) -> None:
    """A job that nobody could close stays open, and upkeep comes back to it."""
    away, told = True, 0

    async def handler(job: ReviewJob, step: Step) -> None:
        raise GitHubForbidden("no access")

    async def close_failed(guid: str, reason: str) -> None:
        nonlocal told
        told += 1
        if away:
            raise GitHubUnavailable("502")

    async with running(database, handler, close_failed=close_failed, role="web") as web:
        await web.enqueue(delivery("one"), review_job())
        attempted(database, "one", times=MOST_ATTEMPTS)
    async with running(database, handler, close_failed=close_failed) as engine:
        while not await DBOS.list_workflows_async(status="ERROR"):  # noqa: ASYNC110 - DBOS tells nobody
            await asyncio.sleep(0.02)
        await engine.sweep()
        row = load_delivery(database, "one")
        assert row is not None
        assert (row.state, told) == ("running", 2)
        away = False
        await engine.sweep()
        assert (await ended(database, "one")).state == "failed"
    assert told == 3


async def test_a_door_that_breaks_while_it_is_told_does_not_keep_the_job_open(database: Database) -> None:
    async def handler(job: ReviewJob, step: Step) -> None:
        raise GitHubForbidden("no access")

    async def close_failed(guid: str, reason: str) -> None:
        raise ValueError("a bug")

    async with running(database, handler, close_failed=close_failed) as engine:
        await engine.enqueue(delivery("one"), review_job())
        assert (await ended(database, "one")).reason == "no access"


async def test_the_place_of_a_job_that_was_given_up_goes_to_the_next_one_of_its_installation(
    database: Database,
) -> None:
    begun, never = asyncio.Event(), asyncio.Event()

    async def handler(job: ReviewJob, step: Step) -> None:
        if job.request.ref.number == 1:
            begun.set()
            await never.wait()

    async with running(database, handler, share=1, stop_timeout_s=0.1) as engine:
        await engine.enqueue(delivery("one"), review_job(number=1))
        await engine.enqueue(delivery("two"), review_job(number=2))
        await begun.wait()
        row = load_delivery(database, "one")
        assert row is not None
        await DBOS.cancel_workflow_async(row.workflow_id or "")
        await engine.sweep()
        assert (await ended(database, "two")).state == "done"


async def test_records_of_finished_jobs_go_after_their_time(database: Database) -> None:
    now = datetime.now(UTC)
    async with running(database, nothing, clock=lambda: now) as engine:
        await engine.enqueue(delivery("one"), review_job())
        await ended(database, "one")
        while not await DBOS.list_workflows_async(status="SUCCESS"):  # noqa: ASYNC110 - DBOS tells nobody
            await asyncio.sleep(0.02)
        await engine.sweep()
        kept = await DBOS.list_workflows_async()
        now += timedelta(days=31)
        await engine.sweep()
        assert (len(kept), await DBOS.list_workflows_async()) == (1, [])
