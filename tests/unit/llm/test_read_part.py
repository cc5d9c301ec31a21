"""A server that read only part of a request has not reviewed it, whatever it answers."""

from typing import Any

import pytest

from app.domain.model_call import Provider
from app.errors import AllModelsFailed, ModelReadPart
from tests.unit.llm.harness import LlmHarness

CLAUDE, GPT, GEMINI, LOCAL = Provider.CLAUDE, Provider.GPT, Provider.GEMINI, Provider.LOCAL
KINDS = {CLAUDE: "review", GPT: "security", GEMINI: "docs", LOCAL: "review"}
CODE = (
    "def total(items: list[Item]) -> Decimal:\n    return sum((item.price for item in items), Decimal())\n"
    * 100
)


@pytest.mark.parametrize("provider", KINDS)
async def test_a_cut_prompt_is_not_reviewed_and_the_remedy_is_named(provider: Provider) -> None:
    world = LlmHarness(provider)
    world.vendors.read_tokens[provider] = 37
    with pytest.raises(
        AllModelsFailed, match=r"read only part of the request: 37 of about 2,\d\d\d tokens"
    ) as failed:
        await world.ask(KINDS[provider], material=CODE)
    assert [type(error) for error in failed.value.attempts] == [ModelReadPart]
    assert "context length" in str(failed.value)
    assert world.outcomes == [f"{provider}: context_too_long"]
    assert world.rows[0].usage.input_tokens == 37
    if provider is LOCAL:
        assert "OLLAMA_CONTEXT_LENGTH" in str(failed.value)


async def test_the_next_vendor_answers_in_place_of_a_server_that_cut_the_prompt() -> None:
    world = LlmHarness(CLAUDE, GPT)
    world.vendors.read_tokens[CLAUDE] = 600
    assert (await world.ask(material=CODE)).response.provider is GPT


@pytest.mark.parametrize("reported", [2_048, 2_050])
async def test_a_local_server_that_reports_exactly_its_context_cut_the_prompt(reported: int) -> None:
    world = LlmHarness(LOCAL)
    world.vendors.read_tokens[LOCAL] = reported
    with pytest.raises(AllModelsFailed, match="read only part"):
        await world.ask(material=CODE)
    world.vendors.read_tokens[LOCAL] = reported + 1
    await world.ask(material=CODE)


@pytest.mark.parametrize("provider", [CLAUDE, GPT, GEMINI])
async def test_tokens_from_the_vendors_cache_count_as_read(provider: Provider) -> None:
    world = LlmHarness(provider, cache_ttl_s=0)
    changes: dict[str, Any] = {"material": CODE * 10, "prefix_reused": True, "cache_scope": "one"}
    await world.ask(KINDS[provider], question="first", **changes)
    await world.ask(KINDS[provider], question="second", **changes)
    assert world.rows[1].usage.cached_input_tokens > 0.9 * world.rows[1].usage.input_tokens
    assert world.outcomes == [f"{provider}: ok"] * 2


@pytest.mark.parametrize("reported", [0, 1])
async def test_a_short_prompt_or_missing_usage_says_nothing(reported: int) -> None:
    world = LlmHarness(LOCAL)
    world.vendors.read_tokens[LOCAL] = reported
    await world.ask(material="x = 1\n" * 20 if reported else CODE)
