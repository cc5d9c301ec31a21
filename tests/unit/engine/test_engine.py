import asyncio
import inspect
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from dbos import DBOS

from app.domain.finding import Finding, Severity, Stage
from app.domain.job import Accepted, Duplicate, ReviewJob
from app.domain.step import Step
from app.engine import upkeep
from app.engine.engine import Engine
from app.engine.executor import ExecutorId
from app.errors import (
    GitHubForbidden,
    GitHubRateLimited,
    GitHubUnavailable,
    StoreUnavailable,
)
from app.store.database import Database
from app.store.deliveries import load_delivery
from app.store.tables import DeliveryRow
from tests.unit.engine.world import NOW, delivery, ended, put_back, review_job, review_of, running

QUIET = 78


async def nothing(job: Any, step: Step) -> None:
    del job, step


def workflow_of(row: DeliveryRow) -> str:
    """The workflow's id without the moment with which it begins."""
    return (row.workflow_id or "").partition(":")[2]


async def test_an_accepted_delivery_is_done_and_its_review_completed(any_database: Database) -> None:
    async def handler(job: ReviewJob, step: Step) -> None:
        del step
        assert review_of(any_database, job).status == "running"

    job = review_job()
    async with running(any_database, handler) as engine:
        assert await engine.enqueue(delivery("one"), job) == Accepted(guid="one")
        row = await ended(any_database, "one")
    assert (row.state, workflow_of(row), row.pull_request) == ("done", "one#1", 7)
    review = review_of(any_database, job)
    assert (review.status, review.head_sha, review.trigger) == ("completed", "a" * 40, "opened")
    assert review.started_at is not None
    assert review.finished_at is not None


async def test_the_same_delivery_a_hundred_times_at_once_is_one_job(any_database: Database) -> None:
    runs = Counter[str]()

    async def handler(job: ReviewJob, step: Step) -> None:
        del step
        runs[job.key] += 1

    job = review_job()
    async with running(any_database, handler) as engine:
        answers = await asyncio.gather(*(engine.enqueue(delivery("one"), job) for _ in range(100)))
        await ended(any_database, "one")
    assert sum(isinstance(answer, Accepted) for answer in answers) == 1
    assert sum(runs.values()) == 1


async def test_another_delivery_that_asks_the_same_is_nothing_new(database: Database) -> None:
    async with running(database, nothing) as engine:
        await engine.enqueue(delivery("one"), review_job())
        assert await engine.enqueue(delivery("two"), review_job()) == Duplicate(guid="two", of="one")
        await ended(database, "one")
        assert await engine.enqueue(delivery("three"), review_job()) == Duplicate(guid="three", of="one")
        assert await engine.enqueue(delivery("two"), review_job()) == Duplicate(guid="two", of="two")


async def test_a_redelivery_after_a_failure_runs_again(database: Database) -> None:
    runs = 0

    async def handler(job: ReviewJob, step: Step) -> None:
        nonlocal runs
        del job, step
        runs += 1
        if runs == 1:
            raise GitHubForbidden("no access to octo/shop")

    job = review_job()
    async with running(database, handler) as engine:
        await engine.enqueue(delivery("one"), job)
        row = await ended(database, "one")
        assert (row.state, row.reason) == ("failed", "no access to octo/shop")
        assert (review_of(database, job).status, review_of(database, job).error) == ("failed", row.reason)
        assert await engine.enqueue(delivery("one"), job) == Accepted(guid="one")
        row = await ended(database, "one")
    assert (row.state, workflow_of(row), runs) == ("done", "one#2", 2)
    assert review_of(database, job).status == "completed"


async def test_what_a_foreign_error_says_is_not_kept(database: Database) -> None:
    async def handler(job: ReviewJob, step: Step) -> None:
        del job, step
        raise ValueError("ghp_secret")

    async with running(database, handler) as engine:
        await engine.enqueue(delivery("one"), review_job())
        row = await ended(database, "one")
    assert (row.state, row.reason) == ("failed", "ValueError")


async def test_deliveries_of_the_same_second_are_done_in_the_order_in_which_they_came(
    any_database: Database,
) -> None:
    """Guids are random, so they must not decide."""
    done: list[str] = []

    async def handler(job: ReviewJob, step: Step) -> None:
        del step
        done.append(job.request.trigger)

    guids = ["f", "9", "c", "0", "a"]
    async with running(any_database, handler) as engine:
        for guid in guids:
            await engine.enqueue(delivery(guid), review_job(trigger=f"comment:{guid}"))
        for guid in guids:
            await ended(any_database, guid)
    assert done == [f"comment:{guid}" for guid in guids]


async def test_jobs_of_one_pull_request_run_one_after_the_other_and_others_beside_them(
    database: Database,
) -> None:
    at_once = Counter[int]()
    most = Counter[int]()
    all_at_once = 0

    async def handler(job: ReviewJob, step: Step) -> None:
        nonlocal all_at_once
        del step
        number = job.request.ref.number
        at_once[number] += 1
        most[number] = max(most[number], at_once[number])
        all_at_once = max(all_at_once, at_once.total())
        await asyncio.sleep(0.1)
        at_once[number] -= 1

    async with running(database, handler) as engine:
        for number in (1, 2, 3):
            for trigger in ("opened", "reopened"):
                await engine.enqueue(
                    delivery(f"{number}-{trigger}"), review_job(number=number, trigger=trigger)
                )
        for number in (1, 2, 3):
            await ended(database, f"{number}-reopened")
    assert most == {1: 1, 2: 1, 3: 1}
    assert all_at_once > 1


async def test_a_storm_in_one_installation_leaves_the_others_their_turn(any_database: Database) -> None:
    """What waits for its installation's share costs no worker anything, and begins when a place is free."""
    most, at_once = 0, 0
    full, quiet_done = asyncio.Event(), asyncio.Event()

    async def handler(job: ReviewJob, step: Step) -> None:
        nonlocal most, at_once
        del step
        if job.installation_id == QUIET:
            await full.wait()
            quiet_done.set()
            return
        at_once += 1
        most = max(most, at_once)
        if at_once == 2:
            full.set()
        await quiet_done.wait()
        at_once -= 1

    async with running(any_database, handler, workers=3, share=2) as engine:
        for number in range(1, 9):
            await engine.enqueue(delivery(f"storm-{number}"), review_job(number=number))
        await engine.enqueue(delivery("quiet"), review_job(number=99, installation_id=QUIET))
        await ended(any_database, "quiet")
        for number in range(1, 9):
            assert (await ended(any_database, f"storm-{number}")).state == "done"
    assert most == 2


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

        async def none() -> int | None:
            return None

        seen.append(await step("find", find, tuple[Finding, ...]))
        seen.append(await step("none", none, int | None))

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
            await step("fail", fail, int)
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

        await step("post", post, int)

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

        await step("post", post, int)

    async with running(database, handler) as engine:
        await engine.enqueue(delivery("one"), review_job())
        row = await put_back(database, "one")
    assert (row.state, workflow_of(row), tries) == ("queued", "one#2", 5)


async def test_a_long_limit_is_waited_for_in_the_queue_and_the_job_begins_again(
    any_database: Database,
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

        await step("post", post, int)

    job = review_job()
    async with running(any_database, handler) as engine:
        await engine.enqueue(delivery("one"), job)
        row = await put_back(any_database, "one")
        assert (row.state, workflow_of(row), tries) == ("queued", "one#2", 1)
        assert review_of(any_database, job).status == "queued"


async def test_a_push_waits_for_the_next_one(database: Database) -> None:
    """The delay is kept by the queue and not by a worker."""
    ran: list[str] = []

    async def handler(job: ReviewJob, step: Step) -> None:
        del step
        ran.append(job.request.trigger)

    async with running(database, handler, debounce_s=60) as engine:
        await engine.enqueue(delivery("push"), review_job("b", trigger="synchronize", before="a"))
        await engine.enqueue(delivery("open"), review_job("b"))
        await ended(database, "open")
        assert await engine.depth() == {"queued": 1, "running": 0}
    assert ran == ["opened"]


async def test_of_many_pushes_in_a_row_only_the_last_is_reviewed(database: Database) -> None:
    posted: list[str] = []

    async def handler(job: ReviewJob, step: Step) -> None:
        async def post() -> None:
            posted.append(job.request.head_sha or "")

        await step("post", post, type(None))

    heads = "abcde"
    async with running(database, handler, debounce_s=0.05) as engine:
        for head, before in zip(heads[1:], heads, strict=False):
            await engine.enqueue(delivery(head), review_job(head, trigger="synchronize", before=before))
        states = [(await ended(database, head)).state for head in heads[1:]]
    assert states == ["superseded", "superseded", "superseded", "done"]
    assert posted == ["e" * 40]


async def test_a_running_review_stops_at_its_next_step_when_a_newer_head_waits(database: Database) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()
    posted: list[str] = []

    async def handler(job: ReviewJob, step: Step) -> None:
        async def ask() -> None:
            begun.set()
            await go_on.wait()

        async def post() -> None:
            posted.append(job.request.head_sha or "")

        async with asyncio.TaskGroup() as group:  # several steps may end at once
            group.create_task(step("ask", ask, type(None)))  # pyright: ignore[reportArgumentType]
        await step("post", post, type(None))

    old, new = review_job("a"), review_job("b", trigger="synchronize", before="a")
    async with running(database, handler) as engine:
        await engine.enqueue(delivery("old"), old)
        await begun.wait()
        await engine.enqueue(delivery("new"), new)
        go_on.set()
        assert (await ended(database, "old")).state == "superseded"
        assert (await ended(database, "new")).state == "done"
    assert posted == ["b" * 40]
    assert (review_of(database, old).status, review_of(database, new).status) == ("superseded", "completed")


async def test_a_push_that_arrives_late_takes_nothing_from_the_newer_one(any_database: Database) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def handler(job: ReviewJob, step: Step) -> None:
        del job

        async def ask() -> None:
            begun.set()
            await go_on.wait()

        await step("ask", ask, type(None))
        await step("post", ask, type(None))

    async with running(any_database, handler) as engine:
        await engine.enqueue(delivery("last"), review_job("c", trigger="synchronize", before="b"))
        await begun.wait()
        await engine.enqueue(delivery("late"), review_job("b", trigger="synchronize", before="a"))
        await engine.enqueue(delivery("later still"), review_job("a"))
        go_on.set()
        assert (await ended(any_database, "last")).state == "done"


async def test_a_process_that_only_receives_runs_nothing_and_another_does(any_database: Database) -> None:
    async with running(any_database, nothing, executor_id="web", role="web") as web:
        await web.enqueue(delivery("one"), review_job())
        await web.check()
        assert await web.depth() == {"queued": 1, "running": 0}
    async with running(any_database, nothing, executor_id="worker", role="worker"):
        assert (await ended(any_database, "one")).state == "done"


async def test_while_paused_deliveries_are_kept_and_run_afterwards(database: Database) -> None:
    async with running(database, nothing, paused=True) as engine:
        await engine.enqueue(delivery("one"), review_job())
        assert await engine.depth() == {"queued": 1, "running": 0}
    async with running(database, nothing):
        assert (await ended(database, "one")).state == "done"


async def test_what_a_stopped_process_had_begun_goes_on_at_its_last_step(any_database: Database) -> None:
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

        assert await step("first", first, int) + await step("second", second, int) == 42

    async with running(any_database, handler, stop_timeout_s=0.1) as engine:
        await engine.enqueue(delivery("one"), review_job())
        await begun.wait()
    async with running(any_database, handler):
        assert (await ended(any_database, "one")).state == "done"
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

        await step("gather", one, int)
        await step("ask", hang, int)

    async def new(job: ReviewJob, step: Step) -> None:
        del job

        async def one() -> int:
            return 1

        await step("read", one, int)

    async with running(database, old, stop_timeout_s=0.1) as engine:
        await engine.enqueue(delivery("one"), review_job())
        await begun.wait()
    async with running(database, new):
        row = await ended(database, "one")
    assert (row.state, workflow_of(row)) == ("done", "one#2")


async def test_an_engine_that_does_not_run_takes_nothing(database: Database) -> None:
    engine = Engine(database, executor_id="one", handlers={})
    with pytest.raises(StoreUnavailable):
        await engine.enqueue(delivery("one"), review_job())
    with pytest.raises(StoreUnavailable):
        await engine.check()


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


async def test_a_job_that_the_engine_gave_up_is_said_to_have_failed(database: Database) -> None:
    begun, never = asyncio.Event(), asyncio.Event()

    async def handler(job: ReviewJob, step: Step) -> None:
        del job, step
        begun.set()
        await never.wait()

    async with running(database, handler, stop_timeout_s=0.1) as engine:
        await engine.enqueue(delivery("one"), review_job())
        await begun.wait()
        row = load_delivery(database, "one")
        assert row is not None
        await DBOS.cancel_workflow_async(row.workflow_id or "")
        await upkeep.sweep(database, now=NOW, keep=timedelta(days=30))
        row = await ended(database, "one")
    assert row.state == "failed"
    assert "given up" in (row.reason or "")


async def test_records_of_finished_jobs_go_after_their_time(database: Database) -> None:
    async with running(database, nothing) as engine:
        await engine.enqueue(delivery("one"), review_job())
        await ended(database, "one")
        while not await DBOS.list_workflows_async(status="SUCCESS"):  # noqa: ASYNC110 - DBOS tells nobody
            await asyncio.sleep(0.02)
        await upkeep.sweep(database, now=datetime.now(UTC), keep=timedelta(days=30))
        kept = await DBOS.list_workflows_async()
        await upkeep.sweep(database, now=datetime.now(UTC) + timedelta(days=31), keep=timedelta(days=30))
        assert (len(kept), await DBOS.list_workflows_async()) == (1, [])


def test_the_private_function_of_dbos_that_takes_work_over_is_there() -> None:
    """An upgrade that renames it must not go unseen: without it a dead worker's jobs stay where they are."""
    assert list(inspect.signature(DBOS._recover_pending_workflows).parameters) == ["executor_ids"]  # pyright: ignore[reportPrivateUsage]


async def test_what_the_engine_keeps_is_json_and_no_pickle(database: Database) -> None:
    async def handler(job: ReviewJob, step: Step) -> None:
        del job

        async def work() -> int:
            return 41

        await step("one", work, int)

    async with running(database, handler) as engine:
        await engine.enqueue(delivery("one"), review_job())
        await ended(database, "one")
    with database.read() as session:
        connection = session.connection()
        inputs = connection.exec_driver_sql("SELECT inputs FROM workflow_input").scalars().all()
        outputs = connection.exec_driver_sql("SELECT output FROM operation_outputs").scalars().all()
    assert [json.loads(text) for text in inputs] == [{"positionalArgs": ["one"], "namedArgs": {}}]
    assert [json.loads(json.loads(text)) for text in outputs] == [{"value": 41}]
