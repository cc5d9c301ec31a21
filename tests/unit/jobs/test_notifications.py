"""A notification's job: sent until it is taken, later each time, and given up in the end; it holds up nothing."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from app.domain.job import Accepted, Delivery, Job, NotificationJob
from app.domain.notification import BudgetReached
from app.domain.step import run_directly
from app.errors import NotificationFailed, NotificationGone, Postponed, StoreUnavailable
from app.jobs.notifications import DELAYS_S, NotificationHandler, Notifications, render_body
from app.jobs.receiver import Receiver
from app.store.database import Database
from app.store.deliveries import new_delivery
from tests.unit.engine.world import NOW, SETTINGS, Functions, ended, running
from tests.unit.engine.world import delivery as review_delivery
from tests.unit.engine.world import review_job as other_job

SECRET = base64.b64encode(bytes(range(32))).decode()
NEWS = BudgetReached(
    budget="repository_month",
    account="repository:77:octo/shop:2026-11",
    limit_usd=5.0,
    repository="octo/shop",
    pull_request=7,
    review_id="r",
)
JOB = NotificationJob(news=NEWS, at=NOW)


def door(
    database: Database, answer: Callable[[httpx.Request], httpx.Response], **how: Any
) -> NotificationHandler:
    receiver = Receiver("https://hooks.example.com", SECRET, transport=httpx.MockTransport(answer))
    return NotificationHandler(receiver=receiver, database=database, clock=lambda: datetime.now(UTC), **how)


def keep(database: Database, *, attempts: int) -> None:
    """The delivery of the job, as often tried."""
    row = new_delivery(Delivery(guid=NEWS.id, event="notification", action=NEWS.type, received_at=NOW), JOB)
    row.attempts = attempts
    with database.write() as session:
        session.add(row)


@pytest.mark.parametrize("attempts", range(1, len(DELAYS_S) + 1))
async def test_a_rejected_notification_is_retried_with_growing_delays(
    database: Database, attempts: int
) -> None:
    keep(database, attempts=attempts)
    with pytest.raises(Postponed) as put_off:
        await door(database, lambda _: httpx.Response(503)).handle(JOB, run_directly)
    assert put_off.value.delay_s == DELAYS_S[attempts - 1]


async def test_a_notification_fails_after_three_days(database: Database) -> None:
    assert 3 * 86_400 < sum(DELAYS_S) < 4 * 86_400
    keep(database, attempts=len(DELAYS_S) + 1)
    with pytest.raises(NotificationFailed, match="503"):
        await door(database, lambda _: httpx.Response(503)).handle(JOB, run_directly)


async def test_a_receiver_that_responds_410_gets_no_retry(database: Database) -> None:
    keep(database, attempts=1)
    with pytest.raises(NotificationGone):
        await door(database, lambda _: httpx.Response(410)).handle(JOB, run_directly)


async def test_the_engine_sends_a_notification_until_it_is_accepted_with_one_id(
    any_database: Database,
) -> None:
    ids: list[str] = []

    def third_time(request: httpx.Request) -> httpx.Response:
        ids.append(request.headers["webhook-id"])
        return httpx.Response(200 if len(ids) == 3 else 500)

    handler = door(any_database, third_time, delays_s=(0.05, 0.05))
    notifications = Notifications()
    handlers = Functions().handlers()
    handlers.register(NotificationJob, handler)
    async with running(any_database, handlers=handlers) as engine:
        notifications.open(engine, clock=lambda: NOW)
        await notifications.notify(NEWS)
        await notifications.notify(NEWS)
        row = await ended(any_database, NEWS.id)
    assert (row.state, row.attempts, row.repository, row.installation_id) == ("done", 3, "octo/shop", None)
    assert ids == [NEWS.id] * 3


async def test_no_review_waits_for_a_receiver_that_is_down(any_database: Database) -> None:
    """Jobs that are put back keep their place in their installation's share: notifications are in nobody's."""
    notifications = Notifications()
    handler = door(any_database, lambda _: httpx.Response(500), delays_s=(600.0,))
    reviewed: list[str] = []

    async def review(job: object, step: object) -> None:
        del step
        reviewed.append(str(job))

    handlers = Functions(review=review).handlers()
    handlers.register(NotificationJob, handler)
    async with running(
        any_database, handlers=handlers, settings=replace(SETTINGS, per_installation=1)
    ) as engine:
        notifications.open(engine, clock=lambda: NOW)
        await notifications.notify(NEWS)
        assert await engine.enqueue(review_delivery("one"), other_job()) == Accepted(guid="one")
        await ended(any_database, "one")
    assert len(reviewed) == 1


async def test_if_a_notification_cannot_be_stored_the_work_continues_and_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class FullQueue:
        async def follow_up(self, delivery: Delivery, job: Job) -> object:
            raise StoreUnavailable("the disk is full")

    notifications = Notifications()
    await notifications.notify(NEWS)  # dropped: not open yet
    notifications.open(FullQueue(), clock=lambda: NOW)
    await notifications.notify(NEWS)
    assert ["the disk is full" in message for message in caplog.messages] == [True]


def test_the_body_has_the_format_of_the_specification() -> None:
    body = json.loads(render_body(JOB))
    assert (body["type"], body["timestamp"]) == ("budget.reached", NOW.isoformat())
    assert body["data"]["account"] == NEWS.account
    assert "type" not in body["data"]
