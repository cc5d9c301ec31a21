"""A queue thread polls its queue when a job may start, and never otherwise."""

from dataclasses import replace

from sqlalchemy import text

from app.engine.polling import SQLITE_IDLE_S, JobWatch, QueueTurn
from app.engine.queue import ACKNOWLEDGEMENT_QUEUE, QUEUE
from app.store.changes import announce_job
from app.store.database import Database
from tests.unit.engine.world import WEB, delivery, review_job, running


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


def test_a_stop_ends_the_wait() -> None:
    turn = QueueTurn()
    turn.set()
    assert turn.wait(0.1)


def test_a_turn_ends_the_wait() -> None:
    turn = QueueTurn()
    turn.give()
    assert not turn.wait(0.1)


def test_each_database_notices_the_jobs_of_other_connections(database: Database) -> None:
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


def test_a_lost_connection_is_opened_again(database: Database) -> None:
    if database.is_sqlite:
        return
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
