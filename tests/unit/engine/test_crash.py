"""Processes that are killed or stopped while they work. `tests/durability` kills the whole App."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from multiprocessing.process import BaseProcess
from pathlib import Path

from dbos import DBOSClient

from app.engine.engine import EngineSettings
from app.errors import StoreUnavailable
from app.store.database import Database
from app.store.deliveries import load_delivery
from app.store.job_tables import LeaseRow
from tests.durability.app_process import FORKS
from tests.unit.engine.process import DEADLY, work_until_killed
from tests.unit.engine.world import NOW, SETTINGS, WEB, delivery, ended, review_job, running

MAX_RESTARTS = 3
# Leases never expire because the machine is slow. A test that needs an expired lease expires it.
WORKER = replace(SETTINGS, role="worker", lease_ttl_s=3_600.0, lease_renewal_s=0.2)


@asynccontextmanager
async def process(
    url: str, executor_id: str, github: Path, *, settings: EngineSettings = WORKER
) -> AsyncGenerator[BaseProcess]:
    """A worker, killed at the end if it still runs."""
    started = FORKS.Process(target=work_until_killed, args=(url, executor_id, github, settings), daemon=True)
    started.start()
    try:
        yield started
    finally:
        started.kill()
        await asyncio.to_thread(started.join)


def send(process: BaseProcess, number: signal.Signals) -> None:
    assert process.pid is not None
    os.kill(process.pid, number)


async def stop_past_its_lease(process: BaseProcess, database: Database, executor_id: str) -> None:
    """Stop the process while it does not lock the row of its lease, and let the lease expire."""
    while True:
        send(process, signal.SIGSTOP)
        try:
            await asyncio.to_thread(expire_lease, database, executor_id)
        except StoreUnavailable:
            send(process, signal.SIGCONT)
            await asyncio.sleep(0.05)
        else:
            return


def expire_lease(database: Database, executor_id: str) -> None:
    with database.write() as session:
        session.get_one(LeaseRow, executor_id, with_for_update={"nowait": True}).expires_at = NOW


def holds_lease(database: Database, executor_id: str) -> bool:
    with database.read() as session:
        return session.get(LeaseRow, executor_id) is not None


async def grown(path: Path, lines: int) -> None:
    """Wait until the file has this many lines."""
    while len(_lines(path)) < lines:  # noqa: ASYNC110 - another process writes it
        await asyncio.sleep(0.01)


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines()


def recorded_steps(url: str, numbers: Iterable[int]) -> list[str]:
    """Return the steps that the engine has stored: `octo/shop#1 review`, …"""
    client = DBOSClient(system_database_url=url)
    database = Database(url)
    rows = {number: load_delivery(database, f"guid-{number}") for number in numbers}
    database.close()
    steps = [
        f"octo/shop#{number} {step['function_name']}"
        for number, row in rows.items()
        if row is not None and row.workflow_id is not None
        for step in client.list_workflow_steps(row.workflow_id)
    ]
    client.destroy()
    return steps


def prepared(tmp_path: Path) -> tuple[Path, Path]:
    github = tmp_path / "github"
    journal = github.with_suffix(".journal")
    github.touch()
    journal.touch()
    return github, journal


async def test_after_each_kill_the_successor_finishes_every_accepted_job_and_posts_nothing_twice(
    sqlite_url: str, tmp_path: Path
) -> None:
    github, journal = prepared(tmp_path)
    database = Database(sqlite_url)
    numbers = range(1, 9)
    async with running(database, executor_id="web", settings=WEB) as web:
        for number in numbers:
            await web.enqueue(delivery(f"guid-{number}"), review_job(number=number))
        for kill in range(2):
            async with process(sqlite_url, "worker", github) as worker:
                await grown(journal, 10 + 15 * kill)
                worker.kill()
        async with process(sqlite_url, "worker", github):
            states = [(await ended(database, f"guid-{number}")).state for number in numbers]
    database.close()
    assert states == ["done"] * 8
    assert Counter(_lines(github)) == Counter(f"octo/shop#{number}" for number in numbers)


async def test_another_worker_takes_over_the_jobs_of_a_dead_one_and_repeats_no_finished_step(
    database_url: str, tmp_path: Path
) -> None:
    github, journal = prepared(tmp_path)
    database = Database(database_url)
    numbers = range(1, 16)
    async with running(database, executor_id="web", settings=WEB) as web:
        async with process(database_url, "dies", github) as dies:
            for number in numbers:
                await web.enqueue(delivery(f"guid-{number}"), review_job(number=number))
            await grown(journal, 60)
            dies.kill()
            await asyncio.to_thread(dies.join)
        finished = await asyncio.to_thread(recorded_steps, database_url, numbers)
        ran = Counter(_lines(journal))
        await asyncio.to_thread(expire_lease, database, "dies")
        async with process(database_url, "takes over", github):
            states = [(await ended(database, f"guid-{number}")).state for number in numbers]
    database.close()
    assert states == ["done"] * 15
    assert Counter(_lines(github)) == Counter(f"octo/shop#{number}" for number in numbers)
    assert len(finished) > 5
    assert [step for step in finished if Counter(_lines(journal))[step] != ran[step]] == []


async def test_a_worker_that_was_paused_past_its_lease_posts_nothing_that_another_has_taken_over(
    postgres_url: str, tmp_path: Path
) -> None:
    """SIGSTOP acts like a paused virtual machine: the process wakes up in the middle of a job that is no longer its own.

    Not tested on SQLite, where a process that is paused while it writes locks the file, so no other process takes over.
    """
    github, journal = prepared(tmp_path)
    database = Database(postgres_url)
    numbers = range(1, 9)
    async with (
        running(database, executor_id="web", settings=WEB) as web,
        process(postgres_url, "paused", github) as paused,
    ):
        for number in numbers:
            await web.enqueue(delivery(f"guid-{number}"), review_job(number=number))
        await grown(journal, 20)
        await stop_past_its_lease(paused, database, "paused")
        async with process(postgres_url, "takes over", github):
            while await asyncio.to_thread(holds_lease, database, "paused"):  # noqa: ASYNC110 - a process writes it
                await asyncio.sleep(0.02)
            send(paused, signal.SIGCONT)
            states = [(await ended(database, f"guid-{number}")).state for number in numbers]
            while not await asyncio.to_thread(holds_lease, database, "paused"):  # noqa: ASYNC110 - a process writes it
                await asyncio.sleep(0.02)
    database.close()
    assert states == ["done"] * 8
    assert Counter(_lines(github)) == Counter(f"octo/shop#{number}" for number in numbers)


async def test_a_job_that_crashes_its_process_is_given_up_and_the_jobs_that_crashed_with_it_are_done(
    sqlite_url: str, tmp_path: Path
) -> None:
    github, journal = prepared(tmp_path)
    database = Database(sqlite_url)
    settings = replace(WORKER, max_restarts=MAX_RESTARTS)
    others = [number for number in range(DEADLY - 3, DEADLY + 4) if number != DEADLY]
    async with running(database, executor_id="web", settings=WEB) as web:
        for number in (*others, DEADLY):
            await web.enqueue(delivery(f"guid-{number}"), review_job(number=number))
        ends = asyncio.create_task(ended(database, f"guid-{DEADLY}"))
        for _ in range(MAX_RESTARTS):
            async with process(sqlite_url, "worker", github, settings=settings) as worker:
                await asyncio.to_thread(worker.join)
        async with process(sqlite_url, "worker", github, settings=settings):
            deadly = await ends
            states = [(await ended(database, f"guid-{number}")).state for number in others]
        assert await web.depth() == {"queued": 0, "running": 0}
    database.close()
    reason = f"Quorum crashed {MAX_RESTARTS} times in a row while it ran this job."
    assert (deadly.state, deadly.reason) == ("failed", reason)
    assert states == ["done"] * len(others)
    assert Counter(_lines(journal))[f"octo/shop#{DEADLY} kills"] == MAX_RESTARTS
    assert [line for line in _lines(journal) if "failed" in line] == [f"guid-{DEADLY} failed: {reason}"]
