"""Processes: which one runs what, what a stopped process leaves to the next one, and their names."""

import asyncio
import inspect
from collections import Counter
from dataclasses import replace
from pathlib import Path

from dbos import DBOS
from sqlalchemy import text

from app.domain.job import ReviewJob
from app.domain.step import Checkpoint, Step
from app.engine.process import ExecutorId
from app.store.database import Database
from app.store.deliveries import load_delivery
from app.store.processes import end_lease
from tests.unit.engine.world import (
    SETTINGS,
    WEB,
    FastClock,
    delivery,
    ended,
    nothing,
    review_job,
    running,
    workflow_of,
)


async def test_a_web_process_runs_no_jobs_and_a_worker_does(database: Database) -> None:
    async with running(database, nothing, executor_id="web", settings=WEB) as web:
        await web.enqueue(delivery("one"), review_job())
        await web.check()
        assert await web.depth() == {"queued": 1, "running": 0}
    async with running(database, nothing, executor_id="worker", settings=replace(SETTINGS, role="worker")):
        assert (await ended(database, "one")).state == "done"


async def test_while_paused_deliveries_are_stored_and_run_afterwards(database: Database) -> None:
    async with running(database, nothing, settings=replace(SETTINGS, paused=True)) as engine:
        await engine.enqueue(delivery("one"), review_job())
        assert await engine.depth() == {"queued": 1, "running": 0}
    async with running(database, nothing):
        assert (await ended(database, "one")).state == "done"


async def test_the_job_of_a_stopped_process_continues_after_its_last_step(database: Database) -> None:
    ran = Counter[str]()
    started, never = asyncio.Event(), asyncio.Event()

    async def handler(job: ReviewJob, step: Step) -> None:
        del job

        async def first() -> int:
            ran["first"] += 1
            return 41

        async def second() -> int:
            ran["second"] += 1
            if ran["second"] == 1:
                started.set()
                await never.wait()
            return 1

        assert (
            await step(Checkpoint("first", int), first) + await step(Checkpoint("second", int), second) == 42
        )

    async with running(database, handler, stop_timeout_s=0.1) as engine:
        await engine.enqueue(delivery("one"), review_job())
        await started.wait()
    async with running(database, handler):
        assert (await ended(database, "one")).state == "done"
    assert ran == {"first": 1, "second": 2}


async def test_a_program_with_other_steps_restarts_an_old_job_from_its_beginning(database: Database) -> None:
    """In a rolling deployment, the steps that the old program recorded may not match the new one."""
    started, never = asyncio.Event(), asyncio.Event()

    async def old(job: ReviewJob, step: Step) -> None:
        del job

        async def one() -> int:
            return 1

        async def hang() -> int:
            started.set()
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
        await started.wait()
    async with running(database, new):
        row = await ended(database, "one")
    assert (row.state, workflow_of(row)) == ("done", "one#2")


def test_a_process_gets_its_name_back_and_two_processes_never_share_one(tmp_path: Path) -> None:
    first, second = ExecutorId(tmp_path), ExecutorId(tmp_path)
    assert first.value != second.value
    name = first.value
    first.release()
    third = ExecutorId(tmp_path)
    assert third.value == name
    second.release()
    third.release()


def test_two_data_directories_on_one_host_never_share_a_name(tmp_path: Path) -> None:
    """Two workers with the same name and database would take each other's running jobs."""
    one, other = ExecutorId(tmp_path / "one"), ExecutorId(tmp_path / "other")
    assert one.value != other.value
    one.release()
    other.release()


def test_the_private_function_of_dbos_that_takes_over_jobs_exists() -> None:
    """An upgrade that renames it must fail a test: without it, no process would take over the jobs of a dead worker."""
    assert list(inspect.signature(DBOS._recover_pending_workflows).parameters) == ["executor_ids"]  # pyright: ignore[reportPrivateUsage]


async def test_a_process_that_lost_its_lease_drops_its_jobs_and_resumes_those_that_were_not_taken_over(
    database: Database,
) -> None:
    """Another process deleted its lease, and ended before it took over any job."""
    attempts = 0
    started, never = asyncio.Event(), asyncio.Event()

    async def handler(job: ReviewJob, step: Step) -> None:
        nonlocal attempts

        async def ask() -> None:
            nonlocal attempts
            attempts += 1
            started.set()
            if attempts == 1:
                await never.wait()

        await step(Checkpoint("ask", type(None)), ask)

    async with running(database, handler, settings=replace(SETTINGS, lease_renewal_s=0.1)) as engine:
        await engine.enqueue(delivery("one"), review_job())
        await started.wait()
        await asyncio.to_thread(end_lease, database, "one")
        row = await ended(database, "one")
    assert (row.state, row.attempts, attempts) == ("done", 1, 2)


async def test_a_process_that_lost_its_lease_does_not_record_how_a_job_ended(database: Database) -> None:
    """The process that took over the job records it."""
    started, resume, clock = asyncio.Event(), asyncio.Event(), FastClock()

    async def handler(job: ReviewJob, step: Step) -> None:
        started.set()
        await resume.wait()
        raise ValueError("its connections are closed")

    async with running(database, handler, clock=clock, stop_timeout_s=0.1) as engine:
        await engine.enqueue(delivery("one"), review_job())
        await started.wait()
        await asyncio.to_thread(end_lease, database, "one")
        resume.set()
        while not clock.waits:  # noqa: ASYNC110 - the worker waits for a database that accepts the result
            await asyncio.sleep(0.02)
    row = load_delivery(database, "one")
    assert row is not None
    assert row.state == "running"


async def test_a_job_whose_end_could_not_be_stored_does_not_hold_up_its_pull_request(
    database: Database,
) -> None:
    """On a full disk, DBOS leaves the workflow pending although nothing runs it."""
    handled: list[str] = []

    async def handler(job: ReviewJob, step: Step) -> None:
        del step
        handled.append(job.request.head_sha or "")

    async with running(database, handler, settings=replace(SETTINGS, lease_renewal_s=0.1)) as engine:
        await engine.enqueue(delivery("one"), review_job("a"))
        stranded = (await ended(database, "one")).workflow_id or ""
        await succeeded(stranded)
        await asyncio.to_thread(leave_pending, database, stranded)
        await engine.enqueue(delivery("two", at_s=1), review_job("b"))
        await ended(database, "two")
        await succeeded(stranded)
    assert handled == ["a" * 40, "b" * 40]


async def succeeded(workflow_id: str) -> None:
    """Wait until DBOS has recorded that the workflow succeeded."""
    while True:
        status = await DBOS.get_workflow_status_async(workflow_id)
        if status and status.status == "SUCCESS":
            return
        await asyncio.sleep(0.02)


def leave_pending(database: Database, workflow_id: str) -> None:
    table = "workflow_status" if database.is_sqlite else "dbos.workflow_status"
    with database.write() as session:
        session.connection().execute(
            text(f"UPDATE {table} SET status = 'PENDING', completed_at = NULL WHERE workflow_uuid = :id"),
            {"id": workflow_id},
        )
