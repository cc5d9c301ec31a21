"""Signs: whoever asked sees at once that it was taken, whatever runs."""

import asyncio

from app.domain.job import ReviewJob
from app.domain.step import Step
from app.store.database import Database
from tests.unit.engine.world import delivery, ended, nothing, review_job, running


async def test_a_sign_comes_at_once_while_a_job_of_the_same_pull_request_runs(any_database: Database) -> None:
    begun, go_on, shown = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def handler(job: ReviewJob, step: Step) -> None:
        begun.set()
        await go_on.wait()

    async def sign(job: ReviewJob) -> None:
        if job.request.trigger == "comment:1":
            shown.set()

    async with running(any_database, handler, acknowledge=sign) as engine:
        await engine.enqueue(delivery("runs"), review_job())
        await begun.wait()
        await engine.enqueue(delivery("waits"), review_job(trigger="comment:1"))
        await shown.wait()
        assert await engine.depth() == {"queued": 1, "running": 1}
        go_on.set()
        assert (await ended(any_database, "waits")).state == "done"


async def test_a_delivery_that_comes_again_shows_no_second_sign(database: Database) -> None:
    signs = 0

    async def sign(job: ReviewJob) -> None:
        nonlocal signs
        signs += 1

    async with running(database, nothing, acknowledge=sign) as engine:
        for guid in ("one", "one", "two"):
            await engine.enqueue(delivery(guid), review_job())
        await ended(database, "one")
        while not signs:  # noqa: ASYNC110 - the queue polls
            await asyncio.sleep(0.02)
    assert signs == 1


async def test_a_sign_that_cannot_be_shown_takes_nothing_from_the_job(database: Database) -> None:
    async def sign(job: ReviewJob) -> None:
        raise ValueError("a bug")

    async with running(database, nothing, acknowledge=sign) as engine:
        await engine.enqueue(delivery("one"), review_job())
        assert (await ended(database, "one")).state == "done"
