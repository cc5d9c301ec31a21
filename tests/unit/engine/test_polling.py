"""Queue threads look for jobs when the database changes, and rarely otherwise."""

import time
from collections.abc import Sequence

from sqlalchemy import text

from app.engine.polling import Pace
from app.store.changes import announce_job
from app.store.database import Database

LONG_S = 60.0


class Script:
    """Changes as a test says, without waiting; then none."""

    def __init__(self, *answers: Sequence[float]) -> None:
        self.answers = list(answers)
        self.calls = 0
        self.pace: Pace | None = None

    def wait(self, timeout_s: float) -> Sequence[float]:
        del timeout_s
        self.calls += 1
        if self.answers:
            return self.answers.pop(0)
        assert self.pace
        self.pace.set()
        return ()

    def close(self) -> None: ...


def waits(script: Script, *, idle_s: float = LONG_S, busy_s: float = 0.0) -> Pace:
    script.pace = Pace(script, idle_s=idle_s, busy_s=busy_s)
    return script.pace


def test_without_a_change_a_thread_does_not_look_for_jobs() -> None:
    script = Script((), (), ())
    assert waits(script).wait(0.1)
    assert script.calls == 4  # the last one stops the thread


def test_a_change_makes_a_thread_look_for_jobs() -> None:
    script = Script((), (0.0,))
    assert not waits(script).wait(0.1)
    assert script.calls == 2


def test_a_job_with_a_delay_is_looked_for_when_the_delay_ends() -> None:
    script = Script((0.05,), *[()] * 1_000_000)
    started_s = time.monotonic()
    assert not waits(script).wait(0.1)
    assert time.monotonic() - started_s >= 0.05


def test_after_a_notification_a_thread_looks_again_and_again_for_a_while() -> None:
    script = Script((0.0,), (), ())
    pace = waits(script, busy_s=LONG_S)
    assert [pace.wait(0.1) for _ in range(3)] == [False, False, False]
    assert script.calls == 3


def test_without_a_change_a_thread_looks_for_jobs_now_and_then() -> None:
    script = Script((), (), ())
    assert not waits(script, idle_s=0.0).wait(0.1)
    assert script.calls == 1


def test_a_stop_ends_the_wait() -> None:
    assert waits(Script()).wait(0.1)


def test_each_database_notices_the_jobs_of_other_connections(database: Database) -> None:
    changes = database.watch_changes()
    try:
        changes.wait(0.0)
        assert not changes.wait(0.05)
        with database.write() as session:
            session.connection().execute(text("CREATE TABLE change (id INTEGER)"))
            announce_job(session, delay_s=0.0)
        assert list(changes.wait(0.3)) == [0.0]
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
        assert list(changes.wait(0.05)) == [0.0]
    finally:
        changes.close()
