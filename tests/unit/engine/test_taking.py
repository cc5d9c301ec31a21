"""Deliveries: what is taken, what is nothing new, and in which order the jobs run."""

import asyncio
from collections import Counter

import pytest

from app.domain.job import Accepted, Duplicate, ReviewJob
from app.domain.step import Step
from app.engine.engine import Engine
from app.engine.handlers import JobHandlers
from app.errors import (
    GitHubForbidden,
    StoreUnavailable,
)
from app.store.database import Database
from tests.unit.engine.world import (
    Functions,
    delivery,
    ended,
    nothing,
    review_job,
    review_of,
    running,
    workflow_of,
)

QUIET = 78


async def test_an_accepted_delivery_is_done_and_its_review_completed(database: Database) -> None:
    async def handler(job: ReviewJob, step: Step) -> None:
        del step
        assert review_of(database, job).status == "running"

    job = review_job()
    async with running(database, handler) as engine:
        assert await engine.enqueue(delivery("one"), job) == Accepted(guid="one")
        row = await ended(database, "one")
    assert (row.state, workflow_of(row), row.pull_request) == ("done", "one#1", 7)
    review = review_of(database, job)
    assert (review.status, review.head_sha, review.trigger) == ("completed", "a" * 40, "opened")
    assert review.started_at is not None
    assert review.finished_at is not None


async def test_the_same_delivery_a_hundred_times_at_once_is_one_job(any_database: Database) -> None:
    runs = Counter[str]()

    async def handler(job: ReviewJob, step: Step) -> None:
        del step
        runs[job.key] += 1

    job = review_job()
    async with running(any_database, handler) as engine:
        answers = await asyncio.gather(*(engine.enqueue(delivery("one"), job) for _ in range(100)))
        await ended(any_database, "one")
    assert sum(isinstance(answer, Accepted) for answer in answers) == 1
    assert sum(runs.values()) == 1


async def test_another_delivery_that_asks_the_same_is_nothing_new(database: Database) -> None:
    async with running(database, nothing) as engine:
        await engine.enqueue(delivery("one"), review_job())
        assert await engine.enqueue(delivery("two"), review_job()) == Duplicate(guid="two", of="one")
        await ended(database, "one")
        assert await engine.enqueue(delivery("three"), review_job()) == Duplicate(guid="three", of="one")
        assert await engine.enqueue(delivery("two"), review_job()) == Duplicate(guid="two", of="two")


async def test_a_redelivery_after_a_failure_runs_again(database: Database) -> None:
    runs = 0

    async def handler(job: ReviewJob, step: Step) -> None:
        nonlocal runs
        del job, step
        runs += 1
        if runs == 1:
            raise GitHubForbidden("no access to octo/shop")

    job = review_job()
    async with running(database, handler) as engine:
        await engine.enqueue(delivery("one"), job)
        row = await ended(database, "one")
        assert (row.state, row.reason) == ("failed", "no access to octo/shop")
        assert (review_of(database, job).status, review_of(database, job).error) == ("failed", row.reason)
        assert await engine.enqueue(delivery("one"), job) == Accepted(guid="one")
        row = await ended(database, "one")
    assert (row.state, workflow_of(row), runs) == ("done", "one#2", 2)
    assert review_of(database, job).status == "completed"


async def test_what_a_foreign_error_says_is_not_kept(database: Database) -> None:
    async def handler(job: ReviewJob, step: Step) -> None:
        del job, step
        raise ValueError("ghp_secret")

    async with running(database, handler) as engine:
        await engine.enqueue(delivery("one"), review_job())
        row = await ended(database, "one")
    assert (row.state, row.reason) == ("failed", "ValueError")


async def test_deliveries_of_the_same_second_are_done_in_the_order_in_which_they_came(
    any_database: Database,
) -> None:
    """Guids are random, so they must not decide."""
    done: list[str] = []

    async def handler(job: ReviewJob, step: Step) -> None:
        del step
        done.append(job.request.trigger)

    guids = ["f", "9", "c", "0", "a"]
    async with running(any_database, handler) as engine:
        for guid in guids:
            await engine.enqueue(delivery(guid), review_job(trigger=f"comment:{guid}"))
        for guid in guids:
            await ended(any_database, guid)
    assert done == [f"comment:{guid}" for guid in guids]


async def test_jobs_of_one_pull_request_run_one_after_the_other_and_others_beside_them(
    database: Database,
) -> None:
    at_once = Counter[int]()
    most = Counter[int]()
    all_of_them = asyncio.Event()

    async def handler(job: ReviewJob, step: Step) -> None:
        del step
        number = job.request.ref.number
        at_once[number] += 1
        most[number] = max(most[number], at_once[number])
        if at_once.total() == 3:
            all_of_them.set()
        await all_of_them.wait()
        at_once[number] -= 1

    async with running(database, handler) as engine:
        for number in (1, 2, 3):
            for trigger in ("opened", "reopened"):
                await engine.enqueue(
                    delivery(f"{number}-{trigger}"), review_job(number=number, trigger=trigger)
                )
        for number in (1, 2, 3):
            await ended(database, f"{number}-reopened")
    assert most == {1: 1, 2: 1, 3: 1}


async def test_a_storm_in_one_installation_leaves_the_others_their_turn(any_database: Database) -> None:
    """What waits for its installation's share costs no worker anything, and begins when a place is free."""
    most, at_once = 0, 0
    full, quiet_done = asyncio.Event(), asyncio.Event()

    async def handler(job: ReviewJob, step: Step) -> None:
        nonlocal most, at_once
        del step
        if job.installation_id == QUIET:
            await full.wait()
            quiet_done.set()
            return
        at_once += 1
        most = max(most, at_once)
        if at_once == 2:
            full.set()
        await quiet_done.wait()
        at_once -= 1

    async with running(any_database, handler, workers=3, share=2) as engine:
        for number in range(1, 9):
            await engine.enqueue(delivery(f"storm-{number}"), review_job(number=number))
        await engine.enqueue(delivery("quiet"), review_job(number=99, installation_id=QUIET))
        await ended(any_database, "quiet")
        for number in range(1, 9):
            assert (await ended(any_database, f"storm-{number}")).state == "done"
    assert most == 2


async def test_an_engine_that_does_not_run_takes_nothing(database: Database) -> None:
    engine = Engine(
        database, executor_id="one", handlers=JobHandlers(), failed_jobs=Functions(), heads=Functions()
    )
    with pytest.raises(StoreUnavailable):
        await engine.enqueue(delivery("one"), review_job())
    with pytest.raises(StoreUnavailable):
        await engine.check()
