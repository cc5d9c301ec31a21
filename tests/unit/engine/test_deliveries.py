"""Deliveries: which are accepted, which are duplicates, and in which order their jobs run."""

import asyncio
from collections import Counter
from dataclasses import replace

import pytest

from app.domain.job import Accepted, Duplicate, ReviewJob
from app.domain.step import Step
from app.engine.engine import Engine
from app.errors import (
    GitHubForbidden,
    StoreUnavailable,
)
from app.store.database import Database
from tests.unit.engine.world import (
    SETTINGS,
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


async def test_an_accepted_delivery_is_done_and_its_review_is_completed(database: Database) -> None:
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


async def test_another_delivery_that_asks_for_the_same_job_is_a_duplicate(database: Database) -> None:
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


async def test_the_text_of_an_unknown_error_is_not_stored(database: Database) -> None:
    async def handler(job: ReviewJob, step: Step) -> None:
        del job, step
        raise ValueError("ghp_secret")

    async with running(database, handler) as engine:
        await engine.enqueue(delivery("one"), review_job())
        row = await ended(database, "one")
    assert (row.state, row.reason) == ("failed", "ValueError")


async def test_deliveries_of_the_same_second_run_in_the_order_of_arrival(
    any_database: Database,
) -> None:
    """Guids are random, so they must not decide the order."""
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


async def test_jobs_of_one_pull_request_run_in_sequence_and_those_of_others_concurrently(
    database: Database,
) -> None:
    running_now = Counter[int]()
    most = Counter[int]()
    all_run = asyncio.Event()

    async def handler(job: ReviewJob, step: Step) -> None:
        del step
        number = job.request.ref.number
        running_now[number] += 1
        most[number] = max(most[number], running_now[number])
        if running_now.total() == 3:
            all_run.set()
        await all_run.wait()
        running_now[number] -= 1

    async with running(database, handler) as engine:
        for number in (1, 2, 3):
            for trigger in ("opened", "reopened"):
                await engine.enqueue(
                    delivery(f"{number}-{trigger}"), review_job(number=number, trigger=trigger)
                )
        for number in (1, 2, 3):
            await ended(database, f"{number}-reopened")
    assert most == {1: 1, 2: 1, 3: 1}


async def test_a_burst_in_one_installation_does_not_delay_the_others(any_database: Database) -> None:
    """Jobs beyond their installation's limit occupy no worker, and start when a place is free."""
    most, running_now = 0, 0
    full, quiet_done = asyncio.Event(), asyncio.Event()

    async def handler(job: ReviewJob, step: Step) -> None:
        nonlocal most, running_now
        del step
        if job.installation_id == QUIET:
            await full.wait()
            quiet_done.set()
            return
        running_now += 1
        most = max(most, running_now)
        if running_now == 2:
            full.set()
        await quiet_done.wait()
        running_now -= 1

    async with running(
        any_database, handler, settings=replace(SETTINGS, workers=3, per_installation=2)
    ) as engine:
        for number in range(1, 9):
            await engine.enqueue(delivery(f"burst-{number}"), review_job(number=number))
        await engine.enqueue(delivery("quiet"), review_job(number=99, installation_id=QUIET))
        await ended(any_database, "quiet")
        for number in range(1, 9):
            assert (await ended(any_database, f"burst-{number}")).state == "done"
    assert most == 2


async def test_an_engine_that_is_not_running_accepts_nothing(database: Database) -> None:
    engine = Engine(database, Functions().handlers(), executor_id="one")
    with pytest.raises(StoreUnavailable):
        await engine.enqueue(delivery("one"), review_job())
    with pytest.raises(StoreUnavailable):
        await engine.check()
