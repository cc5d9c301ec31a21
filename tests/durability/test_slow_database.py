"""A PostgreSQL that needs 200 ms for each statement: jobs run, and the sentence of `doctor`, the dashboard and the log says why slowly."""

import logging

import pytest

from app.engine.problems import ProblemLog
from app.store.database import Database
from tests.durability.slow_proxy import slow_proxy
from tests.unit.engine.world import delivery, ended, review_job, running

pytestmark = pytest.mark.slow

DELAY_S = 0.2
SLOW = "The database is slow: its fastest answer to `SELECT 1` took "


async def test_jobs_run_on_a_slow_database_and_the_log_says_that_it_is_slow(
    fresh_postgres: str, caplog: pytest.LogCaptureFixture
) -> None:
    with slow_proxy(fresh_postgres) as proxy:
        direct, database = Database(fresh_postgres), Database(proxy.url)
        problems = ProblemLog(database)
        with caplog.at_level(logging.WARNING, logger="app.engine.problems"):
            async with running(database) as engine:
                proxy.delay_s = DELAY_S
                await problems.look()
                await engine.enqueue(delivery("open"), review_job("b"))
                assert (await ended(direct, "open")).state == "done"
                proxy.delay_s = 0.0
                await problems.look()
        database.close()
        direct.close()

    said = [record.getMessage() for record in caplog.records if record.name == "app.engine.problems"]
    assert [
        line.startswith(begin) for line, begin in zip(said, (SLOW, f"this is over: {SLOW}"), strict=True)
    ] == [
        True,
        True,
    ]
