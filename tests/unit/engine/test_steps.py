"""Steps: what is stored of them, and how outages are handled."""

import json
from typing import Any

import pytest

from app.domain.finding import Finding, Severity, Stage
from app.domain.job import ReviewJob
from app.domain.step import Checkpoint, Step
from app.engine.checkpoint import OUTAGE_WAIT_S, CheckpointedStep
from app.engine.inbox import BurstGate
from app.engine.worker import MAX_ATTEMPTS, outage_delay_s
from app.errors import (
    GitHubForbidden,
    GitHubRateLimited,
    GitHubUnavailable,
    StoreUnavailable,
)
from app.store.database import Database
from tests.unit.engine.world import (
    FastClock,
    delivery,
    ended,
    put_back,
    review_job,
    review_of,
    running,
    workflow_of,
)


async def test_results_of_steps_come_back_unchanged(database: Database) -> None:
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
async def test_a_step_retries_after_a_short_outage(database: Database, error: Exception) -> None:
    tries, clock = 0, FastClock()

    async def handler(job: ReviewJob, step: Step) -> None:
        del job

        async def post() -> int:
            nonlocal tries
            tries += 1
            if tries < 3:
                raise error
            return 1

        await step(Checkpoint("post", int), post)

    async with running(database, handler, clock=clock) as engine:
        await engine.enqueue(delivery("one"), review_job())
        row = await ended(database, "one")
    assert (row.state, tries, len(clock.waits)) == ("done", 3, 2)
    if isinstance(error, GitHubRateLimited):
        assert clock.waits == [3.0, 3.0]


async def test_a_job_waits_for_a_long_outage_in_the_queue_and_is_not_lost(
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
    assert row.reason == "502"  # the dashboard shows it


async def test_a_job_waits_for_a_long_rate_limit_in_the_queue_and_starts_over(
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


async def test_the_engine_stores_json_and_not_pickle(database: Database) -> None:
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
async def test_a_transient_error_outside_of_steps_also_puts_the_job_back(
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


async def test_a_step_waits_for_a_database_that_is_locked_when_it_starts() -> None:
    """Every attempt first checks whether a newer head is waiting, and that check can fail too."""
    checks, clock = 0, FastClock()

    async def is_superseded() -> bool:
        nonlocal checks
        checks += 1
        if checks == 1:
            raise StoreUnavailable("database is locked")
        return False

    async def work() -> int:
        return 41

    step = CheckpointedStep(is_superseded=is_superseded, gate=BurstGate(), clock=clock)
    assert await step.run(work) == 41
    assert (checks, len(clock.waits)) == (2, 1)


def test_delays_grow_with_the_length_of_an_outage() -> None:
    waits = [outage_delay_s(attempt) for attempt in range(1, MAX_ATTEMPTS)]
    assert waits == sorted(waits)
    assert waits[0] < 2 * OUTAGE_WAIT_S
    assert 4 * 3_600 < sum(waits) < 8 * 3_600
