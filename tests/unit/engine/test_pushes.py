"""Pushes: a push waits for the next one, and the newest head wins."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from app.domain.job import ReviewJob
from app.domain.step import Checkpoint, Step
from app.store.database import Database
from app.store.deliveries import load_delivery
from tests.unit.engine.world import (
    SETTINGS,
    WEB,
    delivery,
    ended,
    review_job,
    review_of,
    running,
)


async def test_a_push_waits_for_the_next_one(database: Database) -> None:
    """It waits in the queue and occupies no worker."""
    ran: list[str] = []

    async def handler(job: ReviewJob, step: Step) -> None:
        del step
        ran.append(job.request.trigger)

    async with running(database, handler, settings=replace(SETTINGS, debounce_s=3_600.0)) as engine:
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

        await step(Checkpoint("post", type(None)), post)

    heads = "abcde"
    async with running(database, handler, settings=WEB) as web:
        for head, before in zip(heads[1:], heads, strict=False):
            await web.enqueue(delivery(head), review_job(head, trigger="synchronize", before=before))
    async with running(database, handler):
        states = [(await ended(database, head)).state for head in heads[1:]]
    assert states == ["superseded", "superseded", "superseded", "done"]
    assert posted == ["e" * 40]


async def test_pushes_in_a_row_share_a_workflow(database: Database) -> None:
    """A workflow for each push would cost its processor time again when it starts and finds nothing to do."""
    heads = "abcdefgh"
    async with running(database, settings=WEB) as web:
        for head, before in zip(heads[1:], heads, strict=False):
            await web.enqueue(delivery(head), review_job(head, trigger="synchronize", before=before))
    rows = [load_delivery(database, head) for head in heads[1:]]
    assert [row.workflow_id is not None for row in rows if row] == [True] + [False] * 6
    async with running(database):
        assert (await ended(database, "h")).state == "done"
    assert [
        review_of(database, review_job(head, trigger="synchronize", before=before)).status
        for head, before in zip(heads[1:], heads, strict=False)
    ] == ["superseded"] * 6 + ["completed"]


async def test_a_push_that_follows_another_waits_for_the_next_one_as_well(database: Database) -> None:
    """Its wait begins with its own arrival, not with the arrival of the push that it superseded."""
    now, ran = datetime.now(UTC), list[str]()

    async def handler(job: ReviewJob, step: Step) -> None:
        del step
        ran.append(job.request.head_sha or "")

    first = replace(delivery("first"), received_at=now)
    later = replace(delivery("later"), received_at=now + timedelta(hours=1))
    async with running(database, settings=replace(WEB, debounce_s=0.0)) as web:
        await web.enqueue(first, review_job("b", trigger="synchronize", before="a"))
        await web.enqueue(later, review_job("c", trigger="synchronize", before="b"))
    async with running(database, handler, settings=replace(SETTINGS, debounce_s=600.0)) as engine:
        while (row := load_delivery(database, "later")) and row.workflow_id is None:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        assert await engine.depth() == {"queued": 1, "running": 0}
    assert not ran


async def test_a_push_is_reviewed_although_the_process_died_before_it_started_it(database: Database) -> None:
    async with running(database, settings=WEB) as web:
        await web.enqueue(delivery("b"), review_job("b", trigger="synchronize", before="a"))
        await web.enqueue(delivery("c"), review_job("c", trigger="synchronize", before="b"))
    with database.write() as session:  # the workflow of the first push is lost
        session.connection().execute(text("UPDATE deliveries SET workflow_id = NULL WHERE guid = 'b'"))
    async with running(database) as engine:
        await engine.sweep()
        assert (await ended(database, "c")).state == "done"


async def test_a_running_review_stops_at_its_next_step_if_a_newer_head_is_waiting(database: Database) -> None:
    started, resume = asyncio.Event(), asyncio.Event()
    posted: list[str] = []

    async def handler(job: ReviewJob, step: Step) -> None:
        async def ask() -> None:
            started.set()
            await resume.wait()

        async def post() -> None:
            posted.append(job.request.head_sha or "")

        async with asyncio.TaskGroup() as group:  # steps may run concurrently
            group.create_task(step(Checkpoint("ask", type(None)), ask))  # pyright: ignore[reportArgumentType]
        await step(Checkpoint("post", type(None)), post)

    old, new = review_job("a"), review_job("b", trigger="synchronize", before="a")
    async with running(database, handler) as engine:
        await engine.enqueue(delivery("old"), old)
        await started.wait()
        await engine.enqueue(delivery("new"), new)
        resume.set()
        assert (await ended(database, "old")).state == "superseded"
        assert (await ended(database, "new")).state == "done"
    assert posted == ["b" * 40]
    assert (review_of(database, old).status, review_of(database, new).status) == ("superseded", "completed")


async def test_a_late_webhook_of_an_older_push_does_not_supersede_the_newer_review(
    any_database: Database,
) -> None:
    started, resume = asyncio.Event(), asyncio.Event()

    async def handler(job: ReviewJob, step: Step) -> None:
        del job

        async def ask() -> None:
            started.set()
            await resume.wait()

        await step(Checkpoint("ask", type(None)), ask)
        await step(Checkpoint("post", type(None)), ask)

    async with running(any_database, handler) as engine:
        await engine.enqueue(delivery("last"), review_job("c", trigger="synchronize", before="b"))
        await started.wait()
        await engine.enqueue(delivery("late"), review_job("b", trigger="synchronize", before="a"))
        await engine.enqueue(delivery("later still"), review_job("a"))
        resume.set()
        assert (await ended(any_database, "last")).state == "done"


async def test_a_push_takes_the_place_of_the_push_that_waits(database: Database) -> None:
    """A pull request with many pushes does not go to the end of the queue with each of them."""
    order: list[str] = []
    started, resume = asyncio.Event(), asyncio.Event()

    async def handler(job: ReviewJob, step: Step) -> None:
        del step
        order.append(f"{job.request.ref.number}{(job.request.head_sha or '')[0]}")
        started.set()
        await resume.wait()

    pushed = [review_job(head, number=2, trigger="synchronize", before="a") for head in "bcd"]
    async with running(database, handler, settings=replace(SETTINGS, per_installation=1)) as engine:
        await engine.enqueue(delivery("first", at_s=0), review_job("a", number=1))
        await started.wait()
        await engine.enqueue(delivery("old push", at_s=1), pushed[0])
        await engine.enqueue(delivery("opened", at_s=2), review_job("a", number=3))
        await engine.enqueue(delivery("push", at_s=3), pushed[1])
        await engine.enqueue(delivery("new push", at_s=4), pushed[2])
        row = await ended(database, "push")
        assert (row.state, row.reason) == ("superseded", "a newer push is waiting")
        assert review_of(database, pushed[0]).status == "superseded"
        assert await engine.depth() == {"queued": 2, "running": 1}
        resume.set()
        assert (await ended(database, "opened")).state == "done"
        assert (await ended(database, "new push")).state == "done"
    assert order == ["1a", "2d", "3a"]


async def test_a_push_does_not_supersede_a_review_that_a_person_requested(database: Database) -> None:
    reviewed: list[str] = []

    async def handler(job: ReviewJob, step: Step) -> None:
        del step
        reviewed.append(job.request.trigger)

    async with running(database, handler, settings=WEB) as web:
        await web.enqueue(delivery("opened"), review_job("a"))
        await web.enqueue(delivery("requested"), review_job("a", trigger="check_run:7"))
        await web.enqueue(delivery("push"), review_job("b", trigger="synchronize", before="a"))
        assert await web.depth() == {"queued": 3, "running": 0}
    async with running(database, handler):
        for guid in ("opened", "requested", "push"):
            await ended(database, guid)
    assert reviewed == ["opened", "check_run:7", "synchronize"]
