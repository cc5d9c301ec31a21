"""Deliveries that never arrived, read back from the App's log on the stand-in GitHub."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from app.domain.job import Accepted, Delivery, Duplicate, Job
from app.engine.engine import Engine
from app.errors import GitHubRateLimited, StoreUnavailable
from app.github.app import GitHubApp
from app.github.registration import AppRegistration, DeliveryContent, HookDelivery
from app.jobs.delivery_log import MAX_WAIT_S, POLL_S, Acceptance, DeliveryLog, Sleep
from app.store.database import Database
from app.store.job_tables import DeliveryRow
from app.store.processes import renew_lease
from github_sandbox import GitHubSandbox, Pull
from tests.unit.engine.world import WEB, running
from webhooks.events import may_ask
from webhooks.receiver import LateDeliveries
from webhooks.triggers import Rules

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
DAY_S = 86_400


async def nobody(headers: Mapping[str, str], body: bytes) -> int:
    raise ConnectionError


async def somebody(headers: Mapping[str, str], body: bytes) -> int:
    return 202


class Ended(Exception):
    """A test has seen enough of what would go on for ever."""


class DeliveryLogHarness:
    """A GitHub whose webhooks went nowhere, and a database that takes them late."""

    def __init__(self, root: Path, database: Database, engine: Engine) -> None:
        self.now = NOW
        self.database = database
        self._engine = engine
        self.stores = True
        self.github = GitHubSandbox(root / "github", clock=lambda: self.now.timestamp())
        self.repository = self.github.create_repository("octo/shop", {"pay.py": "1\n"})
        app = GitHubApp(
            self.github.app.id,
            self.github.app.private_key,
            transport=self.github.transport(),
            clock=lambda: self.now.timestamp(),
        )
        self.registration = AppRegistration(app)

    def log(
        self, *, polls: bool = False, executor_id: str = "one", sleep: Sleep = asyncio.sleep
    ) -> DeliveryLog:
        taking = Acceptance(
            is_relevant=may_ask, accept=LateDeliveries(queue=self, rules=Rules(redact=str)).take
        )
        return DeliveryLog(
            self.registration,
            self.database,
            taking,
            executor_id=executor_id,
            polls=polls,
            clock=lambda: self.now,
            sleep=sleep,
        )

    async def enqueue(self, delivery: Delivery, job: Job) -> Accepted | Duplicate:
        if not self.stores:
            raise StoreUnavailable("the disk is full")
        return await self._engine.enqueue(delivery, job)

    async def outage(self, count: int, *, talk: int = 1) -> list[Pull]:
        """Pull requests are opened, pushed to and talked about while nobody listens."""
        pulls: list[Pull] = []
        for number in range(count):
            pull = self.repository.open_pull({f"new_{number}.py": "1\n"})
            pull.push({f"new_{number}.py": "2\n"})
            pull.comment("alice", "/rereview")
            for _ in range(talk):
                pull.comment("alice", "nice")
            pulls.append(pull)
            await self.github.deliver_all(nobody)
            self.now += timedelta(minutes=5)
        return pulls

    def rows(self) -> list[DeliveryRow]:
        with self.database.read() as session:
            return list(session.exec(select(DeliveryRow)).all())

    def requests(self, path: str) -> int:
        return sum(request.path.startswith(path) for request in self.github.requests)


@pytest.fixture
async def world(tmp_path: Path, database: Database) -> AsyncGenerator[DeliveryLogHarness]:
    async with running(database, settings=WEB) as engine:
        yield DeliveryLogHarness(tmp_path, database, engine)


async def test_a_long_outage_is_recovered_completely_and_in_order(world: DeliveryLogHarness) -> None:
    pulls = await world.outage(4)

    taken = await world.log().catch_up()

    rows = world.rows()
    asked = {(row.pull_request, row.event, row.action) for row in rows}
    assert asked == {
        (pull.number, *what)
        for pull in pulls
        for what in (
            ("pull_request", "opened"),
            ("pull_request", "synchronize"),
            ("issue_comment", "created"),
        )
    }
    assert taken == len(rows) == 3 * len(pulls)
    heads = {
        row.pull_request: row.request["request"]["head_sha"] for row in rows if row.action == "synchronize"
    }
    assert heads == {pull.number: pull.head_sha for pull in pulls}


async def test_an_accepted_delivery_is_not_fetched_again(world: DeliveryLogHarness) -> None:
    await world.outage(3)
    log = world.log()
    await log.catch_up()
    read = world.requests("/app/hook/deliveries/")

    assert await log.catch_up() == 0
    assert (
        await world.log().catch_up() == 0
    )  # a new process: only the talk that asks for nothing is read again

    assert world.requests("/app/hook/deliveries/") == read + 3  # one a pull request


async def test_delivered_webhooks_are_ignored_unless_polling(world: DeliveryLogHarness) -> None:
    world.repository.open_pull({"a.py": "1\n"})
    await world.github.deliver_all(somebody)
    world.now += timedelta(seconds=1)

    assert await world.log(polls=False).catch_up() == 0
    assert await world.log(polls=True).catch_up() == 1


async def test_a_later_successful_attempt_settles_the_delivery(world: DeliveryLogHarness) -> None:
    world.repository.open_pull({"a.py": "1\n"})
    failed = await world.github.deliver_all(nobody)
    world.github.hook.redeliver(next(each.id for each in failed if each.event == "pull_request"))
    world.now += timedelta(minutes=1)
    await world.github.deliver_all(somebody)

    assert await world.log().catch_up() == 0


async def test_reading_the_log_continues_at_the_last_position(world: DeliveryLogHarness) -> None:
    log = world.log(polls=True)
    await world.outage(1, talk=110)
    world.now += timedelta(hours=1)
    await log.catch_up()
    pages = world.requests("/app/hook/deliveries")
    world.now += timedelta(hours=1)
    pull = world.repository.open_pull({"late.py": "1\n"})
    await world.github.deliver_all(nobody)

    assert await log.catch_up() == 1
    assert pull.number in {row.pull_request for row in world.rows()}
    assert world.requests("/app/hook/deliveries") == pages + 2  # one page, one payload


async def test_a_delivery_that_could_not_be_stored_is_accepted_next_time(world: DeliveryLogHarness) -> None:
    await world.outage(2)
    world.stores = False
    log = world.log()
    with pytest.raises(StoreUnavailable):
        await log.catch_up()
    world.stores = True

    assert await log.catch_up() == 6


async def test_only_the_first_live_process_reads_the_log(world: DeliveryLogHarness) -> None:
    await world.outage(1)
    for name in ("one", "two"):
        renew_lease(world.database, name, role="all", now=world.now, ttl=timedelta(seconds=15))

    async def end(_: float) -> None:
        raise Ended

    for name, expected in (("two", 0), ("one", 3)):
        with pytest.raises(Ended):
            await world.log(polls=True, executor_id=name, sleep=end).run()
        assert len(world.rows()) == expected


class Failing:
    """A log that GitHub does not show."""

    async def fetch_deliveries(self, *, since: float) -> list[HookDelivery]:
        raise GitHubRateLimited("slow down", retry_after_s=45.0, status=429)

    async def fetch_delivery(self, delivery_id: int) -> DeliveryContent:
        raise AssertionError


async def test_after_each_failure_the_log_is_read_later(database: Database) -> None:
    waited: list[float] = []

    async def sleep(delay_s: float) -> None:
        waited.append(delay_s)
        if len(waited) == 8:
            raise Ended

    async def take(delivery: Delivery, payload: object) -> bool:
        raise AssertionError

    log = DeliveryLog(
        Failing(),
        database,
        Acceptance(is_relevant=may_ask, accept=take),
        executor_id="one",
        polls=True,
        clock=lambda: NOW,
        sleep=sleep,
    )
    with pytest.raises(Ended):
        await log.run()

    assert waited[0] == 45.0 > 2 * POLL_S
    assert waited[-1] == MAX_WAIT_S
    assert waited == sorted(waited)
