"""What one process learns about a provider reaches all: two processes over one database, with a manual clock."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from app.domain.model_call import CircuitName, CircuitState, Provider
from app.errors import AllModelsFailed, ModelAuthFailed, StoreUnavailable
from app.llm.build import VendorAccess
from app.llm.circuits import OPEN_S, PERMANENT_OPEN_S, THRESHOLD
from app.llm.shared_circuits import REFRESH_S, CircuitStore
from app.store.database import Database
from app.store.providers import CircuitTable, delete_old_circuits, load_circuits
from tests.fakes.vendors import KEYS, FakeVendors, Fault
from tests.unit.llm.harness import START, LlmHarness, ManualClock

CLAUDE, GPT = Provider.CLAUDE, Provider.GPT


class Processes:
    """Workers over the same database, vendors and time."""

    def __init__(self, circuits: CircuitStore, *, count: int = 2) -> None:
        self.resume = asyncio.Event()  # ends a vendor's delay
        self.vendors = FakeVendors(sleep=self._hold)
        self.clock = ManualClock()
        self.circuits = circuits
        self.worlds = [self.start() for _ in range(count)]

    def start(self, **changed: object) -> LlmHarness:
        """Start another process, optionally with another key or address for Claude."""

        def access(vendors: FakeVendors) -> dict[Provider, VendorAccess]:
            known = vendors.access(CLAUDE, GPT)
            return {**known, CLAUDE: replace(known[CLAUDE], **changed)}  # pyright: ignore[reportArgumentType]

        return LlmHarness(
            vendors=self.vendors, access=access, cache_ttl_s=0, circuits=self.circuits, clock=self.clock
        )

    async def _hold(self, seconds: float) -> None:
        if seconds:
            await self.resume.wait()

    @property
    def requests_to_claude(self) -> int:
        return len(self.vendors.requests_to(CLAUDE))


@pytest.mark.parametrize("fault", [Fault.BAD_KEY, Fault.QUOTA_SPENT, Fault.UNPAID])
async def test_a_refused_key_and_an_exhausted_quota_reach_the_other_processes_within_seconds(
    fault: Fault, any_database: Database
) -> None:
    processes = Processes(CircuitTable(any_database))
    one, other = processes.worlds
    await other.ask()
    processes.vendors.fail(CLAUDE, fault)
    await one.ask()
    assert processes.requests_to_claude == 2
    processes.clock.pass_s(REFRESH_S)
    answer = await other.ask()
    assert processes.requests_to_claude == 2
    assert answer.response.provider is GPT
    assert answer.failures == (one.rows[0].error,)


async def test_all_processes_wait_as_long_as_a_vendor_asked_one_of_them(
    any_database: Database,
) -> None:
    processes = Processes(CircuitTable(any_database))
    one, other = processes.worlds
    processes.vendors.fail(CLAUDE, Fault.RATE_LIMITED_ONE_HOUR, times=1)
    await one.ask()
    processes.clock.pass_s(3_599)
    assert (await other.ask()).response.provider is GPT
    processes.clock.pass_s(2)
    assert (await other.ask()).response.provider is CLAUDE
    assert load_circuits(any_database) == []


async def test_a_vendor_that_is_down_for_one_process_is_skipped_by_all_and_only_one_of_them_probes_it(
    any_database: Database,
) -> None:
    processes = Processes(CircuitTable(any_database), count=3)
    processes.vendors.fail(CLAUDE, Fault.OVERLOADED)
    for _ in range(THRESHOLD):
        await processes.worlds[0].ask()
    processes.clock.pass_s(REFRESH_S)
    for world in processes.worlds:
        await world.ask()
    assert processes.requests_to_claude == THRESHOLD
    processes.clock.pass_s(OPEN_S)
    processes.vendors.heal(CLAUDE)
    processes.vendors.delay_s[CLAUDE] = 1.0
    questions = [asyncio.create_task(world.ask()) for world in processes.worlds]
    first, second, probe = asyncio.as_completed(questions)
    assert [(await each).response.provider for each in (first, second)] == [GPT, GPT]
    processes.resume.set()
    assert (await probe).response.provider is CLAUDE
    processes.clock.pass_s(REFRESH_S)
    for world in processes.worlds:
        assert (await world.ask()).response.provider is CLAUDE


async def test_a_probe_that_fails_leaves_the_circuit_open_for_all(any_database: Database) -> None:
    processes = Processes(CircuitTable(any_database))
    processes.vendors.fail(CLAUDE, Fault.BAD_KEY)
    one, other = processes.worlds
    await one.ask()
    processes.clock.pass_s(PERMANENT_OPEN_S + 1)
    await other.ask()
    assert processes.requests_to_claude == 2
    processes.clock.pass_s(REFRESH_S)
    await one.ask()
    await other.ask()
    assert processes.requests_to_claude == 2


async def test_an_unknown_model_is_skipped_by_all_but_the_providers_other_model_is_not(
    database: Database,
) -> None:
    processes = Processes(CircuitTable(database))
    one, other = processes.worlds
    processes.vendors.fail(CLAUDE, Fault.UNKNOWN_MODEL, times=1)
    await one.ask()
    assert (await other.ask()).response.provider is GPT
    assert (await other.ask(tier="trivial")).response.model == "claude-haiku-5-5"


@pytest.mark.parametrize("change", ["api_key", "base_url"])
async def test_a_new_key_or_address_does_not_inherit_an_open_circuit(change: str, database: Database) -> None:
    processes = Processes(CircuitTable(database), count=0)
    old = {"api_key": "sk-ant-old-0123456789abcdef", "base_url": "http://vendors.test/another"}
    before = processes.start(**{change: old[change]})
    await before.ask()
    assert before.outcomes[0] in ("claude: auth_failed", "claude: unavailable")
    assert len(load_circuits(database)) == 1
    after = processes.start()
    assert (await after.ask()).response.provider is CLAUDE
    assert len(load_circuits(database)) == 1  # the old one's stays


async def test_shared_circuits_contain_no_key(database: Database) -> None:
    processes = Processes(CircuitTable(database), count=1)
    processes.vendors.fail(CLAUDE, Fault.BAD_KEY)
    await processes.worlds[0].ask()
    (state,) = load_circuits(database)
    assert state.error == "Anthropic refused the key."
    assert KEYS[CLAUDE] not in repr(state)
    assert len(state.name.access) == 8


async def test_a_late_answer_does_not_close_a_circuit_that_opened_after_the_request(
    database: Database,
) -> None:
    processes = Processes(CircuitTable(database))
    one, other = processes.worlds
    processes.vendors.delay_s[CLAUDE] = 1.0
    slow = asyncio.create_task(one.ask(question="slow"))
    await processes.vendors.reached[CLAUDE].wait()
    processes.vendors.delay_s[CLAUDE] = 0.0
    processes.clock.pass_s(1)
    processes.vendors.fail(CLAUDE, Fault.QUOTA_SPENT, times=1)
    await other.ask()
    processes.resume.set()
    assert (await slow).response.provider is CLAUDE
    processes.clock.pass_s(REFRESH_S)
    assert (await one.ask(question="next")).response.provider is GPT


async def test_the_dashboard_of_an_idle_process_shows_open_circuits(database: Database) -> None:
    processes = Processes(CircuitTable(database))
    worker, web = processes.worlds
    processes.vendors.fail(CLAUDE, Fault.BAD_KEY)
    await worker.ask()
    (circuit,) = await web.models.open_circuits()
    assert (circuit.provider, circuit.model) == (CLAUDE, None)
    assert circuit.opens_in_s == PERMANENT_OPEN_S
    assert circuit.error == "Anthropic refused the key."


async def test_the_table_is_read_at_most_every_two_seconds() -> None:
    store = BrokenStore()
    processes = Processes(store, count=1)
    for number in range(20):
        await processes.worlds[0].ask(question=f"{number}")
        processes.clock.pass_s(0.2)
    assert store.loads == 2


class BrokenStore:
    """A database that has become unusable."""

    def __init__(self) -> None:
        self.loads = 0

    async def load(self) -> Sequence[CircuitState]:
        self.loads += 1
        raise StoreUnavailable("The database is unavailable: disk I/O error")

    async def record_open(self, state: CircuitState) -> None:
        raise StoreUnavailable("The database is unavailable: disk I/O error")

    async def claim_probe(self, name: CircuitName, **_: object) -> bool:
        raise StoreUnavailable("The database is unavailable: disk I/O error")

    async def record_closed(self, name: CircuitName, **_: object) -> None:
        raise StoreUnavailable("The database is unavailable: disk I/O error")


class FailingLater:
    """A table that fails once `fails` is set."""

    def __init__(self, table: CircuitTable) -> None:
        self._table = table
        self.fails = False

    @property
    def _store(self) -> CircuitStore:
        return BrokenStore() if self.fails else self._table

    async def load(self) -> Sequence[CircuitState]:
        return await self._store.load()

    async def record_open(self, state: CircuitState) -> None:
        await self._store.record_open(state)

    async def claim_probe(self, name: CircuitName, **when: object) -> bool:
        return await self._store.claim_probe(name, **when)  # pyright: ignore[reportArgumentType]

    async def record_closed(self, name: CircuitName, **when: object) -> None:
        await self._store.record_closed(name, **when)  # pyright: ignore[reportArgumentType]


async def test_without_the_table_each_process_uses_its_own_circuits_and_logs_it(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    store = FailingLater(CircuitTable(database))
    processes = Processes(store)
    one, other = processes.worlds
    processes.vendors.fail(CLAUDE, Fault.BAD_KEY, times=2)
    await one.ask()
    store.fails = True
    caplog.set_level(logging.WARNING)
    assert (await other.ask()).failures == ("Anthropic refused the key.",)  # found out by itself
    processes.clock.pass_s(REFRESH_S)
    assert (await one.ask()).response.provider is GPT
    assert processes.requests_to_claude == 2
    assert {record.message for record in caplog.records if record.name == "quorum.llm"} == {
        "circuits are not shared with other processes for now",
        "model call",
    }
    processes.clock.pass_s(PERMANENT_OPEN_S)
    assert (await one.ask()).response.provider is CLAUDE  # this probe needs no claim
    assert await one.models.open_circuits() == []


async def test_if_all_circuits_are_open_the_error_is_that_of_the_other_process(
    database: Database,
) -> None:
    processes = Processes(CircuitTable(database))
    one, other = processes.worlds
    processes.vendors.fail(CLAUDE, Fault.BAD_KEY)
    with pytest.raises(AllModelsFailed):
        await one.ask(allowed=(CLAUDE,))
    with pytest.raises(AllModelsFailed) as failed:
        await other.ask(allowed=(CLAUDE,))
    assert [type(error) for error in failed.value.attempts] == [ModelAuthFailed]
    assert processes.requests_to_claude == 1


def test_a_circuit_that_is_never_probed_is_deleted(database: Database) -> None:
    name = CircuitName(provider=CLAUDE, model=None, access="0a1b2c3d")
    state = CircuitState(
        name=name,
        kind="ModelAuthFailed",
        error="e",
        opened_at=START,
        open_until=START + timedelta(minutes=15),
    )
    asyncio.run(CircuitTable(database).record_open(state))
    delete_old_circuits(database, before=START + timedelta(minutes=15))
    assert load_circuits(database) == [state]
    delete_old_circuits(database, before=START + timedelta(minutes=16))
    assert load_circuits(database) == []
