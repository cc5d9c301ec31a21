"""The number of concurrent calls to a provider is limited: in order within a process, by shared slots across processes."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from app.clock import SystemClock
from app.domain.model_call import Provider, Slot
from app.llm.build import ModelEnvironment, ModelSettings, ModelStores, build_models
from app.llm.calls import MemoryCalls
from app.llm.client import RoutingRequest
from app.store.calls import CallTables
from app.store.database import Database
from app.store.providers import SLOT_TTL, SharedSlots, delete_slots, record_slot_taken, record_slots_renewed
from tests.fakes.vendors import FakeVendors, Fault
from tests.unit.llm.harness import SCOPE, START, LlmHarness, parse, request

CLAUDE, GPT = Provider.CLAUDE, Provider.GPT


class ImpatientClock(SystemClock):
    """Polls for a slot almost immediately."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / 50)


async def test_two_processes_together_never_exceed_a_providers_limit(
    database_url: str,
) -> None:
    vendors = FakeVendors()
    vendors.delay_s = {CLAUDE: 0.002}
    processes = [Database(database_url) for _ in range(2)]
    models = [
        build_models(
            ModelSettings(access=vendors.access(CLAUDE), calls_at_once=3),
            ModelEnvironment(
                stores=ModelStores(
                    calls=CallTables(database, slots=SharedSlots(database, renewal_s=0.02, pause_s=0.005))
                ),
                http_client=vendors.http_client(),
                clock=ImpatientClock(),
            ),
        )
        for database in processes
    ]
    questions = [
        each.ask(
            RoutingRequest(kind="review"), request(question=f"{number} of {slot}"), scope=SCOPE, parse=parse
        )
        for number in range(5)
        for slot, each in enumerate(models)
    ]
    await asyncio.gather(*questions)
    assert len(vendors.requests) == 10
    assert vendors.peak[CLAUDE] <= 3
    for each, database in zip(models, processes, strict=True):
        await each.aclose()
        database.close()


def test_of_many_concurrent_takers_only_the_limit_gets_a_slot(any_database: Database) -> None:
    def take(holder: str) -> object:
        return record_slot_taken(any_database, CLAUDE, limit=5, holder=holder, now=START)

    with ThreadPoolExecutor(12) as pool:
        slots = list(pool.map(take, [f"process-{number}" for number in range(24)]))
    taken = [slot for slot in slots if slot]
    assert len(taken) == len(set(taken)) == 5


def test_a_released_slot_belongs_to_its_next_holder(any_database: Database) -> None:
    slot = record_slot_taken(any_database, CLAUDE, limit=1, holder="one", now=START)
    assert slot
    assert record_slot_taken(any_database, CLAUDE, limit=1, holder="two", now=START) is None
    assert record_slot_taken(any_database, GPT, limit=1, holder="two", now=START)
    delete_slots(any_database, [slot], holder="one")
    assert record_slot_taken(any_database, CLAUDE, limit=1, holder="two", now=START) == slot
    delete_slots(any_database, [slot], holder="one")
    assert record_slot_taken(any_database, CLAUDE, limit=1, holder="three", now=START) is None


async def test_a_process_keeps_its_slot_for_its_next_call_and_releases_unused_ones(
    database: Database,
) -> None:
    one, two = SharedSlots(database, renewal_s=0.01), SharedSlots(database, renewal_s=0.01)
    slot = await one.take(CLAUDE, limit=1)
    assert slot
    one.release(slot)
    assert await one.take(CLAUDE, limit=1) == slot
    assert await two.take(CLAUDE, limit=1) is None
    one.release(slot)
    await until(lambda: two.take(CLAUDE, limit=1))
    assert await one.take(CLAUDE, limit=1) is None
    await two.aclose()
    again = SharedSlots(database)
    assert await again.take(CLAUDE, limit=1) == slot
    await again.aclose()
    await one.aclose()


async def until(take: Callable[[], Awaitable[object]]) -> None:
    while await take() is None:  # noqa: ASYNC110 - what another process does
        await asyncio.sleep(0.01)


async def test_a_busy_process_lets_a_waiting_one_go_first(database: Database) -> None:
    busy, waiting = SharedSlots(database, renewal_s=0.01, pause_s=0.1), SharedSlots(database)
    slot = await busy.take(CLAUDE, limit=1)
    assert slot

    done = asyncio.Event()

    async def call_on_end() -> None:
        held: Slot | None = slot
        while not done.is_set():
            await asyncio.sleep(0.005)
            if held:
                busy.release(held)
            held = await busy.take(CLAUDE, limit=1)

    calls = asyncio.create_task(call_on_end())
    await until(lambda: waiting.take(CLAUDE, limit=1))
    done.set()
    await calls
    await waiting.aclose()
    await busy.aclose()


def test_slots_of_a_dead_process_become_free_but_those_of_a_live_one_do_not(
    any_database: Database,
) -> None:
    dead = record_slot_taken(any_database, CLAUDE, limit=2, holder="dead", now=START)
    living = record_slot_taken(any_database, CLAUDE, limit=2, holder="living", now=START)
    assert dead
    assert living
    record_slots_renewed(any_database, [living], holder="living", now=START + timedelta(seconds=10))
    assert record_slot_taken(any_database, CLAUDE, limit=2, holder="new", now=START + SLOT_TTL) == dead
    assert record_slot_taken(any_database, CLAUDE, limit=2, holder="new", now=START + SLOT_TTL) is None


@pytest.mark.parametrize("fault", [Fault.NONE, Fault.REFUSED, Fault.HANGS])
async def test_the_slot_is_released_however_a_call_ends(fault: Fault) -> None:
    world = LlmHarness(CLAUDE, calls_at_once=1, call_timeout_s=2.0 if fault is Fault.HANGS else 30.0)
    world.vendors.fail(CLAUDE, fault, times=1)
    await asyncio.gather(*(world.ask(question=f"{number}") for number in range(3)), return_exceptions=True)
    assert world.vendors.peak[CLAUDE] == 1
    assert len(world.vendors.requests) >= 3


async def test_a_call_cancelled_while_waiting_leaves_no_slot_taken() -> None:
    world = LlmHarness(CLAUDE, calls_at_once=1)
    world.vendors.delay_s = {CLAUDE: 0.02}
    first = asyncio.create_task(world.ask(question="first"))
    await world.vendors.reached[CLAUDE].wait()
    waiting = asyncio.create_task(world.ask(question="waiting"))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(first, waiting, return_exceptions=True)
    assert (await world.ask(question="next")).response.provider is CLAUDE


async def test_a_call_waits_for_another_processs_slot() -> None:
    calls = MemoryCalls()
    slot = await calls.take_slot(CLAUDE, limit=1)
    assert slot
    world = LlmHarness(CLAUDE, calls_at_once=1, calls=calls)
    question = asyncio.create_task(world.ask())
    while not world.clock.slept:  # noqa: ASYNC110 - it sleeps by the test's own clock
        await asyncio.sleep(0)
    assert world.vendors.requests == []
    calls.release_slot(slot)
    assert (await question).response.provider is CLAUDE
