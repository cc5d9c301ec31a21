"""Budgets refuse calls in advance, are settled afterward, and hold under concurrency, in memory and in the database."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.configuration import Budget
from app.domain.model_call import Booking, CallEntry, Outcome, Provider
from app.errors import ModelOverBudget
from app.llm.calls import CallStore, MemoryCalls
from app.llm.client import CallScope
from app.llm.costs import BudgetLimits, Budgets, Reservation
from app.store.calls import CallTables, delete_old_spend
from app.store.database import Database
from tests.databases import load_spend
from tests.fakes.vendors import Fault
from tests.unit.llm.harness import CALL, SCOPE, LlmHarness, ManualClock


def budgets(store: CallStore, **limits: float) -> Budgets:
    return Budgets(limits=BudgetLimits(**limits), store=store, clock=ManualClock())


async def settle(store: CallStore, reservation: Reservation, cost_usd: float) -> None:
    await store.record(CallEntry(call=replace(CALL, id=uuid4().hex), booking=reservation.settled(cost_usd)))


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        (BudgetLimits(review_usd=0.001), "The budget of this review (0.001 USD) does not allow this call."),
        (
            BudgetLimits(pull_request_day_usd=0.01),
            "The budget of this pull request and day (0.01 USD) does not allow this call.",
        ),
        (
            BudgetLimits(repository_month_usd=0.005),
            "The budget of this repository and month (0.005 USD) does not allow this call.",
        ),
        (
            BudgetLimits(installation_month_usd=0.0),
            "The budget of this installation and month (0 USD) does not allow this call.",
        ),
    ],
)
async def test_a_call_that_no_budget_allows_is_not_made_and_leaves_a_row(
    limits: BudgetLimits, sentence: str
) -> None:
    world = LlmHarness(limits=limits)
    with pytest.raises(ModelOverBudget) as over:
        await world.ask()
    assert str(over.value) == sentence
    assert world.vendors.requests == []
    (row,) = world.rows
    assert (row.outcome, row.error, row.cost_usd) == (Outcome.OVER_BUDGET, sentence, 0.0)
    assert (await world.models.usage("r1")).calls == 0


async def test_a_repository_can_lower_the_limit_but_not_raise_it() -> None:
    store = MemoryCalls()
    operator = budgets(store, review_usd=1.0)
    lowered = replace(SCOPE, budget=Budget(review_usd=0.5))
    raised = replace(SCOPE, budget=Budget(review_usd=100.0))
    with pytest.raises(ModelOverBudget, match=r"0\.5 USD"):
        await operator.reserve(lowered, lambda: 0.6)
    with pytest.raises(ModelOverBudget, match=r"\(1 USD\)"):
        await operator.reserve(raised, lambda: 1.1)
    await operator.reserve(raised, lambda: 0.9)


async def test_the_estimate_is_corrected_by_the_cost_of_the_call() -> None:
    world = LlmHarness(limits=BudgetLimits(review_usd=1.0))
    await world.ask()
    (cost_usd,) = {round(spent, 9) for spent in world.calls.spent_usd.values()}
    assert cost_usd == pytest.approx(world.rows[0].cost_usd, abs=1e-9)
    assert set(world.calls.spent_usd) == {
        "review:r1",
        "pull:7:octo/shop#3:2026-11-22",
        "repository:7:octo/shop:2026-11",
        "installation:7:2026-11",
    }


async def test_a_failed_call_releases_its_reservation_but_a_timed_out_one_does_not() -> None:
    world = LlmHarness(Provider.CLAUDE, limits=BudgetLimits(review_usd=1.0))
    world.vendors.fail(Provider.CLAUDE, Fault.BAD_REQUEST, times=1)
    with pytest.raises(Exception, match="rejected"):
        await world.ask()
    assert world.calls.spent_usd["review:r1"] == pytest.approx(0.0)
    world.vendors.fail(Provider.CLAUDE, Fault.HANGS)
    with pytest.raises(Exception, match="in time"):
        await world.ask(deadline_s=1.0)
    assert world.calls.spent_usd["review:r1"] > 0.0


async def test_an_unknown_price_is_budgeted_as_the_vendors_most_expensive_model() -> None:
    world = LlmHarness(
        limits=BudgetLimits(review_usd=0.1),
        access=lambda vendors: {
            provider: replace(each, models=replace(each.models, large="gpt-of-next-month"))
            for provider, each in vendors.access(Provider.GPT).items()
        },
    )
    with pytest.raises(ModelOverBudget):
        await world.ask(max_output_tokens=1_000)  # 1,000 tokens at $180 a million are more than ten cents
    await world.ask(max_output_tokens=100)
    assert world.rows[-1].cost_usd is None
    assert world.calls.spent_usd["review:r1"] > 0


async def test_a_local_server_needs_no_budget() -> None:
    world = LlmHarness(Provider.LOCAL, limits=BudgetLimits(review_usd=0.0))
    await world.ask()
    assert world.rows[0].cost_usd == 0.0


@given(
    amounts=st.lists(st.floats(0.01, 2.0), min_size=1, max_size=30),
    limit_usd=st.floats(0.5, 5.0),
)
def test_reservations_never_exceed_the_limit(amounts: list[float], limit_usd: float) -> None:
    async def spend() -> float:
        store = MemoryCalls()
        made = budgets(store, review_usd=limit_usd)
        await asyncio.gather(
            *(made.reserve(SCOPE, partial(float, amount)) for amount in amounts), return_exceptions=True
        )
        return store.spent_usd.get("review:r1", 0.0)

    assert asyncio.run(spend()) <= limit_usd + 1e-9


async def test_concurrent_calls_stay_within_the_budget_in_memory() -> None:
    await ask_many(MemoryCalls())


async def test_concurrent_calls_stay_within_the_budget_in_each_database(any_database: Database) -> None:
    await ask_many(CallTables(any_database))
    assert load_spend(any_database, "repository:") == {"repository:7:octo/shop:2026-11": pytest.approx(1.0)}


async def ask_many(store: CallStore) -> None:
    made = budgets(store, repository_month_usd=1.0)
    scopes = [replace(SCOPE, review_id=f"r{n}") for n in range(30)]
    results = await asyncio.gather(
        *(made.reserve(scope, lambda: 0.1) for scope in scopes), return_exceptions=True
    )
    assert sum(isinstance(result, ModelOverBudget) for result in results) == 20
    assert all(not isinstance(r, Exception) or isinstance(r, ModelOverBudget) for r in results)


async def test_calls_that_end_together_book_every_cent_on_shared_accounts(any_database: Database) -> None:
    tables = CallTables(any_database)
    shared = [("installation:7", "pull:1"), ("pull:1", "installation:7"), ("pull:2", "installation:7")]

    async def book(number: int) -> None:
        booking = Booking(accounts=shared[number % 3], difference_usd=0.25)
        await tables.record(CallEntry(call=replace(CALL, id=f"c{number}"), booking=booking))

    await asyncio.gather(*map(book, range(24)))
    assert load_spend(any_database) == {"installation:7": 6.0, "pull:1": 4.0, "pull:2": 2.0}
    assert (await tables.usage("r1")).calls == 24


async def test_a_refusal_by_one_account_leaves_the_others_untouched(any_database: Database) -> None:
    tables = CallTables(any_database)
    made = budgets(tables, pull_request_day_usd=1.0, installation_month_usd=5.0)
    first = await made.reserve(SCOPE, lambda: 0.8)
    with pytest.raises(ModelOverBudget):
        await made.reserve(SCOPE, lambda: 0.3)
    await settle(tables, first, 0.5)
    assert [round(spent, 9) for spent in load_spend(any_database).values()] == [0.5] * 4
    assert set(load_spend(any_database, "installation:7:")) == {"installation:7:2026-11"}
    await made.reserve(SCOPE, lambda: 0.3)


async def test_old_accounts_are_deleted(database: Database) -> None:
    tables = CallTables(database)
    await settle(tables, await budgets(tables).reserve(SCOPE, lambda: 0.0), 0.2)
    now = datetime.now(UTC)
    assert delete_old_spend(database, before=now - timedelta(days=1)) == 0
    assert delete_old_spend(database, before=now + timedelta(days=1)) == 4
    assert load_spend(database) == {}


async def test_the_command_line_uses_only_the_installations_account() -> None:
    store = MemoryCalls()
    made = budgets(store)
    await settle(store, await made.reserve(CallScope(), lambda: 0.5), 0.2)
    assert store.spent_usd == {"installation:0:2026-11": 0.2}
