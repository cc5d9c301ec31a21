"""A queue thread polls its queue when a job may start, and never otherwise."""

import time
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import text

from app.clock import utc_now
from app.engine.delays import correct_delays
from app.engine.polling import SQLITE_IDLE_S, JobWatch, QueueTurn
from app.engine.queue import ACKNOWLEDGEMENT_QUEUE, QUEUE
from app.store.changes import announce_job
from app.store.database import Database
from tests.unit.engine.world import WEB, FastClock, delivery, ended, review_job, running


class CountedTurn(QueueTurn):
    """Counts the turns of a queue thread."""

    def __init__(self) -> None:
        super().__init__()
        self.given = 0

    def give(self) -> None:
        self.given += 1


def watch_of(database: Database) -> tuple[JobWatch, dict[str, CountedTurn], list[str]]:
    turns = {QUEUE: CountedTurn(), ACKNOWLEDGEMENT_QUEUE: CountedTurn()}
    started: list[str] = []
    return JobWatch(database, dict(turns), start_delayed=lambda: started.append("")), turns, started


async def test_only_the_queue_with_a_job_is_polled(database: Database) -> None:
    watch, turns, _ = watch_of(database)
    async with running(database, settings=WEB) as web:
        assert watch.look() == SQLITE_IDLE_S
        assert [turn.given for turn in turns.values()] == [0, 0]
        await web.enqueue(delivery("open"), review_job("b"))
        watch.look()
    assert [turn.given for turn in turns.values()] == [1, 0]


async def test_a_delayed_job_is_looked_for_when_its_delay_ends(database: Database) -> None:
    watch, turns, started = watch_of(database)
    async with running(database, settings=replace(WEB, debounce_s=2.0)) as web:
        await web.enqueue(delivery("push"), review_job("b", trigger="synchronize", before="a"))
        assert 0 < watch.look() <= 2.0
        with database.write() as session:
            session.connection().execute(text("UPDATE workflow_status SET delay_until_epoch_ms = 1"))
        watch.look()
    assert started
    assert not turns[QUEUE].given  # only the engine itself starts it


class ClockAhead(FastClock):
    """An hour ahead."""

    def now(self) -> datetime:
        return super().now() + timedelta(hours=1)


def delay_s(database: Database) -> float:
    """How long the only job still waits."""
    with database.driver(writes=False) as driver:
        ((until_ms,),) = driver.rows(f"SELECT delay_until_epoch_ms FROM {table_of(database)}", ())
    return until_ms / 1_000 - time.time()


def table_of(database: Database) -> str:
    return "workflow_status" if database.is_sqlite else "dbos.workflow_status"


async def test_a_delay_that_began_while_the_clock_was_an_hour_ahead_is_no_longer_than_others(
    any_database: Database,
) -> None:
    settings = replace(WEB, debounce_s=0.2)
    async with running(any_database, settings=settings, clock=ClockAhead()) as web:
        await web.enqueue(delivery("push"), review_job("b", trigger="synchronize", before="a"))
    with any_database.driver(writes=True) as driver:  # DBOS reads the machine's clock, not the engine's
        driver.execute(
            f"UPDATE {table_of(any_database)} SET delay_until_epoch_ms = delay_until_epoch_ms + 3600000", ()
        )
    assert delay_s(any_database) > 3_000

    async with running(any_database):
        await ended(any_database, "push")


async def test_a_long_delay_stays_when_the_clock_is_right(database: Database) -> None:
    async with running(database, settings=replace(WEB, debounce_s=7_200.0)) as web:
        await web.enqueue(delivery("push"), review_job("b", trigger="synchronize", before="a"))
    assert correct_delays(database, now=utc_now()) == 0
    assert delay_s(database) > 7_000


def test_a_stop_ends_the_wait() -> None:
    turn = QueueTurn()
    turn.set()
    assert turn.wait(0.1)


def test_a_turn_ends_the_wait() -> None:
    turn = QueueTurn()
    turn.give()
    assert not turn.wait(0.1)


def test_each_database_notices_the_jobs_of_other_connections(any_database: Database) -> None:
    database = any_database
    changes = database.watch_changes()
    try:
        changes.wait(0.0)
        assert not changes.wait(0.05)
        with database.write() as session:
            session.connection().execute(text("CREATE TABLE change (id INTEGER)"))
            announce_job(session, delay_s=0.0)
        assert changes.wait(0.3)
        assert not changes.wait(0.05)
    finally:
        changes.close()


def test_a_lost_connection_is_opened_again(postgres_url: str) -> None:
    database = Database(postgres_url)
    changes = database.watch_changes()
    try:
        changes.wait(0.0)
        with database.write() as session:
            others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"
            session.connection().execute(text(others))
        assert not changes.wait(0.05)
        assert changes.wait(0.05)
    finally:
        changes.close()
