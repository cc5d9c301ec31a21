"""Jobs that fail or are given up: they are said to have failed, and leave nothing in progress."""

import asyncio
from datetime import UTC, datetime, timedelta

from dbos import DBOS

from app.domain.job import ReviewJob
from app.domain.step import Step
from app.store.database import Database
from app.store.deliveries import load_delivery
from tests.unit.engine.world import (
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
