"""Retry, fallback, deadlines and circuits, with the real SDKs and a manual clock."""

import asyncio
from dataclasses import replace

import pytest

from app.domain.model_call import Outcome, Provider
from app.errors import AllModelsFailed, ModelAuthFailed, ModelRateLimited, ModelUnavailable
from app.llm.circuits import OPEN_S, PERMANENT_OPEN_S, THRESHOLD
from app.llm.fallback import TOO_MUCH
from tests.fakes.vendors import Fault
from tests.unit.llm.harness import SCOPE, START, LlmHarness

CLAUDE, GPT, GEMINI = Provider.CLAUDE, Provider.GPT, Provider.GEMINI


async def test_each_stage_has_its_own_favorite() -> None:
    world = LlmHarness(Provider.CLAUDE, Provider.GPT, Provider.GEMINI, Provider.LOCAL)
    first = [
        (await world.ask(kind, question=kind)).response.provider for kind in ("review", "security", "docs")
    ]
    assert first == [CLAUDE, GPT, GEMINI]


async def test_a_valid_answer_leaves_a_complete_row() -> None:
    world = LlmHarness()
    answer = await world.ask(parent_id="call-of-the-finder")
    (row,) = world.rows
    assert row.id == answer.call_id
    assert row.outcome is Outcome.OK
    assert (row.repository, row.pull_request, row.review_id) == ("octo/shop", 3, "r1")
    assert (row.stage, row.tier, row.reason) == ("review", "full", "first choice for review")
    assert (row.prompt_id, row.prompt_version, row.attempt) == ("review/user", "3", 1)
    assert (row.parent_id, row.started_at, row.error) == ("call-of-the-finder", START, None)
    assert row.request_id == "req_fake"
    assert row.usage.input_tokens > 0
    assert row.usage.output_tokens > 0
    assert row.cost_usd is not None
    assert row.cost_usd > 0


async def test_if_the_first_vendor_is_down_the_next_is_asked_without_a_wait() -> None:
    world = LlmHarness()
    world.vendors.fail(CLAUDE, Fault.OVERLOADED)
    answer = await world.ask()
    assert world.outcomes == ["claude: unavailable", "gpt: ok"]
    assert world.clock.slept == []
    assert answer.failures == ("Anthropic is not available (529 overloaded_error).",)


async def test_later_reviews_skip_a_vendor_that_is_down() -> None:
    world = LlmHarness(cache_ttl_s=0)
    world.vendors.fail(CLAUDE, Fault.OVERLOADED)
    answers = [await world.ask() for _ in range(THRESHOLD + 2)]
    assert len(world.vendors.requests_to(CLAUDE)) == THRESHOLD
    assert answers[-1].failures == ("Anthropic is not available (529 overloaded_error).",)
    assert [each.provider for each in await world.models.open_circuits()] == [CLAUDE]


async def test_an_open_circuit_lets_one_probe_through_after_a_while_and_closes_when_it_succeeds() -> None:
    world = LlmHarness(cache_ttl_s=0)
    world.vendors.fail(CLAUDE, Fault.OVERLOADED)
    for _ in range(THRESHOLD):
        await world.ask()
    world.clock.pass_s(OPEN_S + 1)
    world.vendors.heal(CLAUDE)
    world.vendors.delay_s[CLAUDE] = 0.01
    answers = await asyncio.gather(*(world.ask(question=f"{n}") for n in range(4)))
    by = sorted(answer.response.provider for answer in answers)
    assert by == [CLAUDE, GPT, GPT, GPT]
    assert await world.models.open_circuits() == []
    assert (await world.ask(question="afterwards")).response.provider is CLAUDE


async def test_a_failed_probe_opens_the_circuit_again() -> None:
    world = LlmHarness(cache_ttl_s=0)
    world.vendors.fail(CLAUDE, Fault.OVERLOADED)
    for _ in range(THRESHOLD):
        await world.ask()
    world.clock.pass_s(OPEN_S + 1)
    await world.ask()
    await world.ask()
    assert len(world.vendors.requests_to(CLAUDE)) == THRESHOLD + 1


async def test_a_refused_key_is_tried_again_after_a_quarter_of_an_hour() -> None:
    world = LlmHarness(cache_ttl_s=0)
    world.vendors.fail(CLAUDE, Fault.BAD_KEY, times=1)
    await world.ask()
    await world.ask()
    assert len(world.vendors.requests_to(CLAUDE)) == 1
    world.clock.pass_s(PERMANENT_OPEN_S + 1)
    assert (await world.ask()).response.provider is CLAUDE


async def test_an_unknown_model_opens_only_its_own_circuit() -> None:
    world = LlmHarness(cache_ttl_s=0)
    world.vendors.fail(CLAUDE, Fault.UNKNOWN_MODEL, times=1)
    await world.ask()
    await world.ask()
    assert len(world.vendors.requests_to(CLAUDE)) == 1
    small = await world.ask(tier="trivial")
    assert small.response.model == "claude-haiku-5-5"


async def test_the_only_vendor_is_asked_again_after_growing_waits() -> None:
    world = LlmHarness(CLAUDE)
    world.vendors.fail(CLAUDE, Fault.SERVER_ERROR, times=2)
    answer = await world.ask()
    assert world.outcomes == ["claude: unavailable", "claude: unavailable", "claude: ok"]
    assert [row.attempt for row in world.rows] == [1, 2, 3]
    first, second = world.clock.slept
    assert 0.375 <= first <= 0.625
    assert 0.75 <= second <= 1.25
    assert answer.failures == ("Anthropic is not available (500 server_error).",)


async def test_a_vendor_that_stays_down_is_asked_three_times_and_each_error_is_reported() -> None:
    world = LlmHarness(CLAUDE, GPT)
    world.vendors.fail(CLAUDE, Fault.OVERLOADED)
    world.vendors.fail(GPT, Fault.BAD_KEY)
    with pytest.raises(AllModelsFailed) as failed:
        await world.ask()
    errors = failed.value.attempts
    assert [type(error) for error in errors] == [ModelUnavailable, ModelAuthFailed, *[ModelUnavailable] * 2]
    message = "claude: Anthropic is not available (529 overloaded_error); gpt: OpenAI refused the key"
    assert str(failed.value) == message
    assert len(world.rows) == 4


async def test_a_question_waits_once_for_the_open_circuit_of_the_only_vendor() -> None:
    world = LlmHarness(CLAUDE)
    world.vendors.fail(CLAUDE, Fault.OVERLOADED)
    for begun in ("in vain", "and again"):
        before_s = world.clock.elapsed_s
        with pytest.raises(AllModelsFailed, match="Anthropic is not available"):
            await world.ask(question=begun)
    assert len(world.vendors.requests_to(CLAUDE)) == THRESHOLD + 1
    assert world.clock.elapsed_s - before_s == pytest.approx(OPEN_S, abs=1)


async def test_a_question_that_waits_for_another_ones_probe_continues_soon_after_it() -> None:
    world = LlmHarness(CLAUDE)
    world.vendors.fail(CLAUDE, Fault.OVERLOADED, times=THRESHOLD)
    with pytest.raises(AllModelsFailed):
        await world.ask()
    world.clock.pass_s(OPEN_S + 1)
    before_s = world.clock.elapsed_s
    answers = await asyncio.gather(*(world.ask(question=f"{n}") for n in range(3)))
    assert {answer.response.provider for answer in answers} == {CLAUDE}
    assert world.clock.elapsed_s - before_s < OPEN_S


async def test_no_stage_of_ten_minutes_waits_for_a_retry_after_of_an_hour() -> None:
    world = LlmHarness(CLAUDE)
    world.vendors.fail(CLAUDE, Fault.RATE_LIMITED_ONE_HOUR, times=1)
    with pytest.raises(AllModelsFailed) as failed:
        await world.ask()
    assert [type(error) for error in failed.value.attempts] == [ModelRateLimited]
    assert world.clock.slept == []
    world.clock.pass_s(3_599)
    with pytest.raises(AllModelsFailed, match="limits the rate"):
        await world.ask(deadline_s=0.5)
    world.clock.pass_s(2)
    assert (await world.ask()).response.provider is CLAUDE


async def test_retry_after_is_honored_if_the_deadline_allows_it() -> None:
    world = LlmHarness(CLAUDE)
    world.vendors.fail(CLAUDE, Fault.RATE_LIMITED_ONE_HOUR, times=1)
    await world.ask(deadline_s=7_200)
    assert world.clock.slept == [pytest.approx(3_600)]


async def test_a_vendor_that_hangs_leaves_time_for_the_next() -> None:
    world = LlmHarness(call_timeout_s=2.0)
    world.vendors.fail(CLAUDE, Fault.HANGS)
    answer = await world.ask()
    assert world.outcomes == ["claude: timeout", "gpt: ok"]
    assert answer.failures == ("Anthropic did not answer in time.",)


async def test_after_its_deadline_a_stage_asks_no_model() -> None:
    world = LlmHarness()
    with pytest.raises(AllModelsFailed):
        await world.ask(deadline_s=0.0)
    assert world.rows == []


async def test_a_timed_out_call_has_an_unknown_cost() -> None:
    world = LlmHarness(call_timeout_s=2.0)
    world.vendors.fail(CLAUDE, Fault.HANGS)
    await world.ask()
    assert world.rows[0].cost_usd is None
    total = await world.models.usage("r1")
    assert (total.calls, total.unpriced_calls) == (2, 1)


async def test_after_an_invalid_answer_the_model_is_asked_once_more_with_the_problem() -> None:
    world = LlmHarness()
    world.vendors.fail(CLAUDE, Fault.OFF_SCHEMA, times=1)
    answer = await world.ask()
    first, second = world.vendors.requests_to(CLAUDE)
    assert "findings: Field required" in second.text
    assert second.text.startswith(first.text)  # the prefix stays, and its cache with it
    assert answer.response.provider is CLAUDE
    assert answer.failures == ("Anthropic's answer does not fit the schema.",)
    assert world.outcomes == ["claude: invalid_output", "claude: ok"]


async def test_the_provider_that_made_a_finding_is_not_asked_to_verify_it() -> None:
    world = LlmHarness()
    answer = await world.ask("verify", exclude=(CLAUDE,))
    assert answer.response.provider is GPT
    assert answer.route == "gpt:gpt-6.2-sol: next choice for verify, as claude made the finding"


async def test_without_a_key_no_model_is_asked() -> None:
    world = LlmHarness(access=lambda _: {})
    assert world.models.is_keyless
    assert world.models.providers == ()
    with pytest.raises(AllModelsFailed, match="no provider is available"):
        await world.ask()


async def test_a_provider_without_a_key_is_not_used() -> None:
    world = LlmHarness(
        access=lambda vendors: {
            provider: replace(each, api_key=None) if provider is CLAUDE else each
            for provider, each in vendors.access().items()
        }
    )
    assert world.models.providers == (GPT, GEMINI)
    assert (await world.ask()).response.provider is GPT


async def test_a_stopped_review_leaves_a_row_for_its_running_call() -> None:
    world = LlmHarness()
    world.vendors.fail(CLAUDE, Fault.HANGS)
    asking = asyncio.create_task(world.ask())
    await world.vendors.reached[CLAUDE].wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    (row,) = world.rows
    assert row.outcome is Outcome.TIMEOUT
    assert row.error == "The call was canceled."


async def test_every_configured_model_can_be_checked_for_free() -> None:
    world = LlmHarness(Provider.CLAUDE, Provider.GPT, Provider.GEMINI, Provider.LOCAL)
    world.vendors.fail(GPT, Fault.BAD_KEY)
    checks = {(check.provider, check.model): check.error for check in await world.models.check()}
    assert len(checks) == 7
    assert isinstance(checks[GPT, "gpt-6-luna"], ModelAuthFailed)
    assert [key for key, error in checks.items() if error] == [(GPT, "gpt-6.2-sol"), (GPT, "gpt-6-luna")]
    assert world.rows == []


async def test_a_review_knows_its_usage() -> None:
    world = LlmHarness()
    await world.ask()
    await world.ask()  # from the cache
    await world.ask(scope=replace(SCOPE, review_id="another"), question="another")
    total = await world.models.usage("r1")
    assert total.calls == 1
    assert total.input_tokens == world.rows[0].usage.input_tokens
    assert total.cost_usd == world.rows[0].cost_usd
    await world.models.aclose()


@pytest.mark.parametrize("fault", [Fault.TRUNCATED, Fault.CONTEXT_TOO_LONG])
async def test_what_is_too_much_for_a_model_goes_back_to_a_caller_that_can_split_it(fault: Fault) -> None:
    world = LlmHarness()
    world.vendors.fail(CLAUDE, fault, times=1)
    with pytest.raises(TOO_MUCH):
        await world.ask(can_split=True)
    assert len(world.rows) == 1
    world.vendors.fail(CLAUDE, fault, times=1)
    assert (await world.ask()).response.provider is GPT
