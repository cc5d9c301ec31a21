"""Answers are paid for once, cached for one tenant only, and requested once by concurrent questions."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.model_call import CallEntry, Outcome, Provider
from app.errors import AllModelsFailed
from app.llm.calls import answer_keys
from app.llm.client import CallScope, Image, ModelRequest, RouteCandidate
from tests.fakes.vendors import Fault
from tests.unit.llm.harness import SCOPE, LlmHarness, request


async def test_the_same_question_is_answered_from_the_cache_for_free() -> None:
    world = LlmHarness()
    first = await world.ask()
    second = await world.ask()
    assert len(world.vendors.requests) == 1
    assert second.value == first.value
    assert second.response.provider is Provider.CLAUDE
    assert second.route.endswith("; from the cache")
    hit = world.rows[1]
    assert (hit.outcome, hit.cost_usd, hit.usage.input_tokens, hit.id) == (
        Outcome.CACHE_HIT,
        0.0,
        0,
        second.call_id,
    )


async def test_an_answer_of_the_fallback_is_found_when_the_favorite_is_back() -> None:
    world = LlmHarness()
    world.vendors.fail(Provider.CLAUDE, Fault.OVERLOADED, times=1)
    await world.ask()
    again = await world.ask()
    assert len(world.vendors.requests) == 2
    assert again.response.provider is Provider.GPT


async def test_an_answer_expires() -> None:
    world = LlmHarness(cache_ttl_s=60.0)
    await world.ask()
    world.clock.pass_s(61)
    await world.ask()
    assert len(world.vendors.requests) == 2


async def test_a_full_review_asks_again_and_keeps_the_new_answer() -> None:
    world = LlmHarness()
    await world.ask()
    world.vendors.answers[Provider.CLAUDE] = lambda _: {"findings": ["new"]}
    full = await world.ask(scope=replace(SCOPE, bypass_cache=True))
    assert full.value == ["new"]
    assert (await world.ask()).value == ["new"]
    assert len(world.vendors.requests) == 2


async def test_a_time_to_live_of_zero_keeps_nothing() -> None:
    world = LlmHarness(cache_ttl_s=0.0)
    await world.ask()
    await world.ask()
    assert len(world.vendors.requests) == 2


async def test_identical_concurrent_questions_make_one_call() -> None:
    world = LlmHarness()
    answers = await asyncio.gather(*(world.ask() for _ in range(20)))
    assert len(world.vendors.requests) == 1
    assert len({tuple(answer.value) for answer in answers}) == 1
    assert sorted(row.outcome for row in world.rows) == [Outcome.CACHE_HIT] * 19 + [Outcome.OK]


async def test_if_the_call_fails_the_next_question_asks() -> None:
    world = LlmHarness(Provider.CLAUDE)
    world.vendors.fail(Provider.CLAUDE, Fault.TRUNCATED, times=1)
    results = await asyncio.gather(*(world.ask() for _ in range(3)), return_exceptions=True)
    assert [isinstance(result, AllModelsFailed) for result in results] == [True, False, False]
    assert len(world.vendors.requests) == 2


async def test_if_the_call_is_cancelled_the_next_question_asks() -> None:
    world = LlmHarness(Provider.CLAUDE)
    world.vendors.fail(Provider.CLAUDE, Fault.HANGS, times=1)
    first = asyncio.create_task(world.ask())
    await world.vendors.reached[Provider.CLAUDE].wait()
    second = asyncio.create_task(world.ask())
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).response.provider is Provider.CLAUDE
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_an_answer_that_no_longer_parses_is_requested_again() -> None:
    world = LlmHarness()
    await world.ask()
    key = key_of(request())
    (kept,) = (await world.calls.load_answers(7, "octo/shop", [key], now=world.clock.now())).values()
    older = replace(kept, value={"older": "form"})
    await world.calls.record(CallEntry(call=world.rows[0], answer=older))
    assert (await world.ask()).value == []
    assert len(world.vendors.requests) == 2


CLAUDE = RouteCandidate(provider=Provider.CLAUDE, model="claude-sonnet-5-5", reason="")


def key_of(request: ModelRequest, scope: CallScope = SCOPE, candidate: RouteCandidate = CLAUDE) -> str:
    return answer_keys([candidate], request, scope)[candidate]


TENANT = st.builds(
    CallScope,
    installation_id=st.integers(1, 3),
    repository=st.sampled_from(("octo/shop", "octo/sho", "p/octo")),
)


@given(first=TENANT, second=TENANT)
def test_no_two_tenants_share_a_key(first: CallScope, second: CallScope) -> None:
    same = (first.installation_id, first.repository) == (second.installation_id, second.repository)
    keys = {key_of(request(), scope) for scope in (first, second)}
    assert (len(keys) == 1) == same


@given(
    parts=st.lists(st.text(max_size=5), min_size=3, max_size=3),
    others=st.lists(st.text(max_size=5), min_size=3, max_size=3),
)
def test_moving_text_between_parts_gives_another_key(parts: list[str], others: list[str]) -> None:
    keys = [key_of(request(system=a, material=b, question=c)) for a, b, c in (parts, others)]
    assert (keys[0] == keys[1]) == (parts == others)


@pytest.mark.parametrize(
    "change",
    [
        {"prompt_id": "another"},
        {"prompt_version": "4"},
        {"schema": {"type": "object"}},
        {"effort": "high"},
        {"max_output_tokens": 2},
        {"images": (Image(media_type="image/png", data=b"x"),)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_everything_that_decides_an_answer_is_part_of_its_key(change: dict[str, Any]) -> None:
    assert key_of(request(**change)) != key_of(request())


def test_each_provider_and_model_has_its_own_key() -> None:
    candidates = [
        CLAUDE,
        RouteCandidate(provider=Provider.CLAUDE, model="another", reason=""),
        RouteCandidate(provider=Provider.GPT, model="claude-sonnet-5-5", reason=""),
    ]
    assert len(set(answer_keys(candidates, request(), SCOPE).values())) == 3


def test_connection_settings_are_not_part_of_the_key() -> None:
    tuned: ModelRequest = request(prefix_reused=True, cache_scope="x", timeout_s=1.0)
    assert key_of(tuned) == key_of(request())


async def test_another_repository_never_gets_the_answer() -> None:
    world = LlmHarness()
    await world.ask()
    await world.ask(scope=replace(SCOPE, repository="octo/other"))
    await world.ask(scope=replace(SCOPE, installation_id=8))
    assert len(world.vendors.requests) == 3
