"""Processes: who runs what, what a stop leaves to the next one, and their names."""

import asyncio
import inspect
from collections import Counter
from pathlib import Path

from dbos import DBOS

from app.domain.job import ReviewJob
from app.domain.step import Checkpoint, Step
from app.engine.executor import ExecutorId
from app.store.database import Database
from app.store.deliveries import load_delivery
from app.store.processes import end_lease
from tests.unit.engine.world import delivery, ended, nothing, review_job, running, workflow_of


async def test_a_process_that_only_receives_runs_nothing_and_another_does(database: Database) -> None:
    async with running(database, nothing, executor_id="web", role="web") as web:
        await web.enqueue(delivery("one"), review_job())
        await web.check()
        assert await web.depth() == {"queued": 1, "running": 0}
    async with running(database, nothing, executor_id="worker", role="worker"):
        assert (await ended(database, "one")).state == "done"


async def test_while_paused_deliveries_are_kept_and_run_afterwards(database: Database) -> None:
    async with running(database, nothing, paused=True) as engine:
        await engine.enqueue(delivery("one"), review_job())
        assert await engine.depth() == {"queued": 1, "running": 0}
    async with running(database, nothing):
        assert (await ended(database, "one")).state == "done"


async def test_what_a_stopped_process_had_begun_goes_on_at_its_last_step(database: Database) -> None:
    ran = Counter[str]()
    begun, never = asyncio.Event(), asyncio.Event()

    async def handler(job: ReviewJob, step: Step) -> None:
        del job

        async def first() -> int:
            ran["first"] += 1
            return 41

        async def second() -> int:
            ran["second"] += 1
            if ran["second"] == 1:
                begun.set()
                await never.wait()
            return 1

        assert (
            await step(Checkpoint("first", int), first) + await step(Checkpoint("second", int), second) == 42
        )

    async with running(database, handler, stop_timeout_s=0.1) as engine:
        await engine.enqueue(delivery("one"), review_job())
        await begun.wait()
    async with running(database, handler):
        assert (await ended(database, "one")).state == "done"
    assert ran == {"first": 1, "second": 2}


async def test_a_program_with_other_steps_ends_the_old_work_from_its_beginning(database: Database) -> None:
    """A rolling deploy: what the old program recorded does not fit the new one."""
    begun, never = asyncio.Event(), asyncio.Event()

    async def old(job: ReviewJob, step: Step) -> None:
        del job

        async def one() -> int:
            return 1

        async def hang() -> int:
            begun.set()
            await never.wait()
            return 1

        await step(Checkpoint("gather", int), one)
        await step(Checkpoint("ask", int), hang)

    async def new(job: ReviewJob, step: Step) -> None:
        del job

        async def one() -> int:
            return 1

        await step(Checkpoint("read", int), one)

    async with running(database, old, stop_timeout_s=0.1) as engine:
        await engine.enqueue(delivery("one"), review_job())
        await begun.wait()
    async with running(database, new):
        row = await ended(database, "one")
    assert (row.state, workflow_of(row)) == ("done", "one#2")


def test_a_process_gets_its_name_again_and_two_never_the_same(tmp_path: Path) -> None:
    first, second = ExecutorId(tmp_path), ExecutorId(tmp_path)
    assert first.value != second.value
    name = first.value
    first.release()
    third = ExecutorId(tmp_path)
    assert third.value == name
    second.release()
    third.release()


def test_two_data_directories_on_one_host_never_share_a_name(tmp_path: Path) -> None:
    """Two workers of one database under one name would take each other's running work."""
    one, other = ExecutorId(tmp_path / "one"), ExecutorId(tmp_path / "other")
    assert one.value != other.value
    one.release()
    other.release()


def test_the_private_function_of_dbos_that_takes_work_over_is_there() -> None:
    """An upgrade that renames it must not go unseen: without it a dead worker's jobs stay where they are."""
    assert list(inspect.signature(DBOS._recover_pending_workflows).parameters) == ["executor_ids"]  # pyright: ignore[reportPrivateUsage]


async def test_a_process_that_was_taken_for_dead_drops_its_jobs_and_takes_up_those_that_nobody_took(
    database: Database,
) -> None:
    """Another process struck its lease, and ended before it took anything over."""
    lives = 0
    begun, never = asyncio.Event(), asyncio.Event()

    async def handler(job: ReviewJob, step: Step) -> None:
        nonlocal lives

        async def ask() -> None:
            nonlocal lives
            lives += 1
            begun.set()
            if lives == 1:
                await never.wait()

        await step(Checkpoint("ask", type(None)), ask)

    async with running(database, handler, lease_ttl_s=0.3) as engine:
        await engine.enqueue(delivery("one"), review_job())
        await begun.wait()
        await asyncio.to_thread(end_lease, database, "one")
        row = await ended(database, "one")
    assert (row.state, row.attempts, lives) == ("done", 1, 2)


async def test_a_process_that_was_taken_for_dead_ends_no_job(database: Database) -> None:
    """Whoever has taken the job over says how it ended."""
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def handler(job: ReviewJob, step: Step) -> None:
        begun.set()
        await go_on.wait()
        raise ValueError("its connections have gone")

    async with running(database, handler, stop_timeout_s=0.2) as engine:
        await engine.enqueue(delivery("one"), review_job())
        await begun.wait()
        await asyncio.to_thread(end_lease, database, "one")
        go_on.set()
    row = load_delivery(database, "one")
    assert row is not None
    assert row.state == "running"
