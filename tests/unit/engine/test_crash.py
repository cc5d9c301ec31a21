"""Processes that are killed with SIGKILL while they work. Benchmarks and the long harness are elsewhere."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path

from dbos import DBOSClient

from app.store.database import Database
from app.store.deliveries import load_delivery
from app.store.job_tables import LeaseRow
from tests.durability.app_process import FORKS
from tests.unit.engine.process import DEADLY, MOST_LIVES, work_until_killed
from tests.unit.engine.world import delivery, ended, review_job, running


@asynccontextmanager
async def process(
    url: str, executor_id: str, github: Path, *, ttl_s: float = 60
) -> AsyncGenerator[BaseProcess]:
    """A worker, killed at the end if it still lives."""
    started = FORKS.Process(target=work_until_killed, args=(url, executor_id, github, ttl_s), daemon=True)
    started.start()
    try:
        yield started
    finally:
        started.kill()
        await asyncio.to_thread(started.join)


def send(process: BaseProcess, number: signal.Signals) -> None:
    assert process.pid is not None
    os.kill(process.pid, number)


async def grown(path: Path, lines: int) -> None:
    """Until the file has so many lines."""
    while len(_lines(path)) < lines:  # noqa: ASYNC110 - another process writes it
        await asyncio.sleep(0.01)


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines()


def recorded_steps(url: str, numbers: Iterable[int]) -> list[str]:
    """What the engine's own record holds: `octo/shop#1 review`, …"""
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


async def test_after_every_kill_the_successor_ends_what_was_accepted_and_nothing_is_posted_twice(
    sqlite_url: str, tmp_path: Path
) -> None:
    github, journal = prepared(tmp_path)
    database = Database(sqlite_url)
    numbers = range(1, 9)
    async with running(database, executor_id="web", role="web") as web:
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


async def test_a_dead_workers_jobs_are_taken_over_by_the_living_and_no_finished_step_runs_again(
    database_url: str, tmp_path: Path
) -> None:
    github, journal = prepared(tmp_path)
    database = Database(database_url)
    numbers = range(1, 16)
    async with running(database, executor_id="web", role="web") as web:
        async with process(database_url, "dies", github, ttl_s=1) as dies:
            for number in numbers:
                await web.enqueue(delivery(f"guid-{number}"), review_job(number=number))
            await grown(journal, 60)
            dies.kill()
            await asyncio.to_thread(dies.join)
        finished = await asyncio.to_thread(recorded_steps, database_url, numbers)
        begun = Counter(_lines(journal))
        async with process(database_url, "lives", github, ttl_s=1):
            states = [(await ended(database, f"guid-{number}")).state for number in numbers]
    database.close()
    assert states == ["done"] * 15
    assert Counter(_lines(github)) == Counter(f"octo/shop#{number}" for number in numbers)
    assert len(finished) > 5
    assert [step for step in finished if Counter(_lines(journal))[step] != begun[step]] == []


async def test_a_worker_that_stood_still_past_its_lease_posts_nothing_beside_the_one_that_took_over(
    postgres_url: str, tmp_path: Path
) -> None:
    """SIGSTOP is a paused virtual machine: it wakes in the middle of what is no longer its own.

    On SQLite whoever is paused while it writes holds the file, so that nobody takes anything over.
    """
    github, journal = prepared(tmp_path)
    database = Database(postgres_url)
    numbers = range(1, 9)
    async with (
        running(database, executor_id="web", role="web") as web,
        process(postgres_url, "sleeps", github, ttl_s=2) as sleeps,
    ):
        for number in numbers:
            await web.enqueue(delivery(f"guid-{number}"), review_job(number=number))
        await grown(journal, 20)
        send(sleeps, signal.SIGSTOP)
        async with process(postgres_url, "takes over", github, ttl_s=2):
            while await asyncio.to_thread(is_alive, database, "sleeps"):  # noqa: ASYNC110 - a process writes it
                await asyncio.sleep(0.02)
            send(sleeps, signal.SIGCONT)
            states = [(await ended(database, f"guid-{number}")).state for number in numbers]
            while not await asyncio.to_thread(is_alive, database, "sleeps"):  # noqa: ASYNC110 - another process works
                await asyncio.sleep(0.02)
    database.close()
    assert states == ["done"] * 8
    assert Counter(_lines(github)) == Counter(f"octo/shop#{number}" for number in numbers)


async def test_a_job_that_kills_its_process_is_given_up_and_those_that_died_with_it_are_done(
    sqlite_url: str, tmp_path: Path
) -> None:
    github, journal = prepared(tmp_path)
    database = Database(sqlite_url)
    innocent = [number for number in range(DEADLY - 3, DEADLY + 4) if number != DEADLY]
    async with running(database, executor_id="web", role="web") as web:
        for number in (*innocent, DEADLY):
            await web.enqueue(delivery(f"guid-{number}"), review_job(number=number))
        ends = asyncio.create_task(ended(database, f"guid-{DEADLY}"))
        for _ in range(MOST_LIVES):
            async with process(sqlite_url, "worker", github) as worker:
                await asyncio.to_thread(worker.join)
        async with process(sqlite_url, "worker", github):
            guilty = await ends
            states = [(await ended(database, f"guid-{number}")).state for number in innocent]
        assert await web.depth() == {"queued": 0, "running": 0}
    database.close()
    said = f"Quorum died {MOST_LIVES} times while it did this, and got nowhere."
    assert (guilty.state, guilty.reason) == ("failed", said)
    assert states == ["done"] * len(innocent)
    assert Counter(_lines(journal))[f"octo/shop#{DEADLY} kills"] == MOST_LIVES
    assert [line for line in _lines(journal) if "failed" in line] == [f"guid-{DEADLY} failed: {said}"]


def is_alive(database: Database, executor_id: str) -> bool:
    with database.read() as session:
        return session.get(LeaseRow, executor_id) is not None
