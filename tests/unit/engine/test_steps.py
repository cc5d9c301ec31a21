"""Steps: what is kept of them, and what is done about obstacles."""

import json
from typing import Any

import pytest

from app.domain.finding import Finding, Severity, Stage
from app.domain.job import ReviewJob
from app.domain.step import Checkpoint, Step
from app.engine.checkpoint import OUTAGE_WAIT_S, Checkpoints
from app.engine.worker import MOST_ATTEMPTS, grown_wait_s
from app.errors import (
    GitHubForbidden,
    GitHubRateLimited,
    GitHubUnavailable,
    StoreUnavailable,
)
from app.store.database import Database
from tests.unit.engine.world import delivery, ended, put_back, review_job, review_of, running, workflow_of


async def test_values_of_steps_come_back_as_they_were(database: Database) -> None:
    finding = Finding(
        stage=Stage.SECURITY,
        severity=Severity.HIGH,
        rule_id="sql-injection",
        path="caf\udce9/páy 🎈.py",
        start_line=8,
        end_line=9,
        title="t",
        explanation="e",
        found_by=("gpt:x",),
    )
    seen: list[Any] = []

    async def handler(job: ReviewJob, step: Step) -> None:
        del job

        async def find() -> tuple[Finding, ...]:
            return (finding,)

        async def none() -> None:
            return None

        seen.append(await step(Checkpoint("find", tuple[Finding, ...]), find))
        seen.append(await step(Checkpoint("none", type(None)), none))

    async with running(database, handler) as engine:
        await engine.enqueue(delivery("one"), review_job())
        await ended(database, "one")
    assert seen == [(finding,), None]


async def test_an_error_of_a_step_reaches_the_handler_with_its_class_and_fields(database: Database) -> None:
    caught: list[GitHubForbidden] = []

    async def handler(job: ReviewJob, step: Step) -> None:
        del job

        async def fail() -> int:
            raise GitHubForbidden("no", status=403)

        try:
            await step(Checkpoint("fail", int), fail)
        except GitHubForbidden as error:
            caught.append(error)

    async with running(database, handler) as engine:
        await engine.enqueue(delivery("one"), review_job())
        assert (await ended(database, "one")).state == "done"
    assert [(str(error), error.status) for error in caught] == [("no", 403)]


@pytest.mark.parametrize(
    "error",
    [GitHubRateLimited("slow down", retry_after_s=3.0), GitHubUnavailable("502"), StoreUnavailable("locked")],
)
async def test_a_step_that_meets_a_short_obstacle_waits_and_goes_on(
    database: Database, error: Exception
) -> None:
    tries, waits = 0, list[float]()

    async def handler(job: ReviewJob, step: Step) -> None:
        del job

        async def post() -> int:
            nonlocal tries
            tries += 1
            if tries < 3:
                raise error
            return 1

        await step(Checkpoint("post", int), post)

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    async with running(database, handler, sleep=sleep) as engine:
        await engine.enqueue(delivery("one"), review_job())
        row = await ended(database, "one")
    assert (row.state, tries, len(waits)) == ("done", 3, 2)
    if isinstance(error, GitHubRateLimited):
        assert waits == [3.0, 3.0]


async def test_an_outage_that_lasts_is_sat_out_in_the_queue_and_the_job_is_not_lost(
    database: Database,
) -> None:
    tries = 0

    async def handler(job: ReviewJob, step: Step) -> None:
        del job

        async def post() -> int:
            nonlocal tries
            tries += 1
            raise GitHubUnavailable("502")

        await step(Checkpoint("post", int), post)

    async with running(database, handler) as engine:
        await engine.enqueue(delivery("one"), review_job())
        row = await put_back(database, "one")
    assert (row.state, workflow_of(row), tries) == ("queued", "one#2", 5)


async def test_a_long_limit_is_waited_for_in_the_queue_and_the_job_begins_again(
    database: Database,
) -> None:
    tries = 0

    async def handler(job: ReviewJob, step: Step) -> None:
        del job

        async def post() -> int:
            nonlocal tries
            tries += 1
            if tries == 1:
                raise GitHubRateLimited("secondary limit", retry_after_s=20.1)
            return 1

        await step(Checkpoint("post", int), post)

    job = review_job()
    async with running(database, handler) as engine:
        await engine.enqueue(delivery("one"), job)
        row = await put_back(database, "one")
        assert (row.state, workflow_of(row), tries) == ("queued", "one#2", 1)
        assert review_of(database, job).status == "queued"


async def test_what_the_engine_keeps_is_json_and_no_pickle(database: Database) -> None:
    async def handler(job: ReviewJob, step: Step) -> None:
        del job

        async def work() -> int:
            return 41

        await step(Checkpoint("one", int), work)

    async with running(database, handler) as engine:
        await engine.enqueue(delivery("one"), review_job())
        await ended(database, "one")
    with database.read() as session:
        connection = session.connection()
        inputs = connection.exec_driver_sql("SELECT inputs FROM workflow_input").scalars().all()
        outputs = connection.exec_driver_sql("SELECT output FROM operation_outputs").scalars().all()
    assert [json.loads(text) for text in inputs] == [{"positionalArgs": ["one"], "namedArgs": {}}]
    assert [json.loads(json.loads(text)) for text in outputs] == [{"value": 41}]


@pytest.mark.parametrize("error", [GitHubUnavailable("502"), StoreUnavailable("database is locked")])
async def test_what_passes_puts_the_job_back_also_where_no_step_met_it(
    database: Database, error: Exception
) -> None:
    runs = 0

    async def handler(job: ReviewJob, step: Step) -> None:
        nonlocal runs
        runs += 1
        if runs == 1:
            raise error

    async with running(database, handler) as engine:
        await engine.enqueue(delivery("one"), review_job())
        row = await ended(database, "one")
    assert (row.state, workflow_of(row), runs) == ("done", "one#2", 2)


async def test_a_database_that_is_locked_when_a_step_begins_is_waited_for() -> None:
    """Whether a newer head waits is asked before every attempt, and that question may fail as well."""
    asked, waits = 0, list[float]()

    async def is_superseded() -> bool:
        nonlocal asked
        asked += 1
        if asked == 1:
            raise StoreUnavailable("database is locked")
        return False

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    async def work() -> int:
        return 41

    async def give_way() -> None:
        pass

    checkpoints = Checkpoints(is_superseded=is_superseded, give_way=give_way, sleep=sleep)
    assert await checkpoints.attempt(work) == 41
    assert (asked, len(waits)) == (2, 1)


def test_the_longer_an_outage_lasts_the_rarer_a_job_is_tried() -> None:
    waits = [grown_wait_s(attempt) for attempt in range(1, MOST_ATTEMPTS)]
    assert waits == sorted(waits)
    assert waits[0] < 2 * OUTAGE_WAIT_S
    assert 4 * 3_600 < sum(waits) < 8 * 3_600
