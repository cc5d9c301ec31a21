"""Acknowledgements: people see immediately that Quorum accepted their request, whatever else is running."""

import asyncio

from app.domain.job import ReviewJob
from app.domain.step import Step
from app.store.database import Database
from tests.unit.engine.world import delivery, ended, nothing, review_job, running


async def test_an_acknowledgement_does_not_wait_for_a_running_job_of_the_same_pull_request(
    any_database: Database,
) -> None:
    started, resume, acknowledged = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def handler(job: ReviewJob, step: Step) -> None:
        started.set()
        await resume.wait()

    async def acknowledge(job: ReviewJob) -> None:
        if job.request.trigger == "comment:1":
            acknowledged.set()

    async with running(any_database, handler, acknowledge=acknowledge) as engine:
        await engine.enqueue(delivery("runs"), review_job())
        await started.wait()
        await engine.enqueue(delivery("waits"), review_job(trigger="comment:1"))
        await acknowledged.wait()
        assert await engine.depth() == {"queued": 1, "running": 1}
        resume.set()
        assert (await ended(any_database, "waits")).state == "done"


async def test_a_repeated_delivery_is_not_acknowledged_again(database: Database) -> None:
    acknowledgements = 0

    async def acknowledge(job: ReviewJob) -> None:
        nonlocal acknowledgements
        acknowledgements += 1

    async with running(database, nothing, acknowledge=acknowledge) as engine:
        for guid in ("one", "one", "two"):
            await engine.enqueue(delivery(guid), review_job())
        await ended(database, "one")
        while not acknowledgements:  # noqa: ASYNC110 - the queue polls
            await asyncio.sleep(0.02)
    assert acknowledgements == 1


async def test_a_failed_acknowledgement_does_not_affect_the_job(database: Database) -> None:
    async def acknowledge(job: ReviewJob) -> None:
        raise ValueError("a bug")

    async with running(database, nothing, acknowledge=acknowledge) as engine:
        await engine.enqueue(delivery("one"), review_job())
        assert (await ended(database, "one")).state == "done"
