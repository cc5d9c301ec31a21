"""A local server gets a JSON schema, then JSON mode, then the prompt alone with one repair. Every attempt is a row."""

import asyncio
import json

import pytest

from app.domain.model_call import Provider
from app.errors import AllModelsFailed
from app.llm.client import Image
from tests.fakes.vendors import Fault
from tests.unit.llm.harness import LlmHarness

LOCAL = Provider.LOCAL


def modes(world: LlmHarness) -> list[str]:
    """Return how each request asked for JSON."""
    forms = [
        sent.body.get("response_format", {"type": "prompt"}) for sent in world.vendors.requests_to(LOCAL)
    ]
    return [form["type"] for form in forms]


async def test_a_server_that_supports_schemas_gets_one() -> None:
    world = LlmHarness(LOCAL)
    await world.ask()
    assert modes(world) == ["json_schema"]


async def test_a_server_without_schemas_is_then_asked_in_json_mode() -> None:
    world = LlmHarness(LOCAL, cache_ttl_s=0)
    world.vendors.fail(LOCAL, Fault.FORMAT_UNSUPPORTED, times=1)
    await world.ask()
    await world.ask()
    assert modes(world) == ["json_schema", "json_object", "json_object"]
    assert json.dumps(world.vendors.requests[0].schema) in world.vendors.requests[1].text
    assert world.outcomes == ["local: unavailable", "local: ok", "local: ok"]
    assert (
        world.rows[0].error
        == "The local server does not support this way of requesting JSON (400 invalid_value)."
    )


async def test_a_server_with_neither_gets_the_schema_in_the_prompt_and_one_repair() -> None:
    world = LlmHarness(LOCAL)
    world.vendors.fail(LOCAL, Fault.FORMAT_UNSUPPORTED, times=2)
    world.vendors.fail(LOCAL, Fault.NOT_JSON, times=1)
    answer = await world.ask()
    assert modes(world) == ["json_schema", "json_object", "prompt", "prompt"]
    assert "is not JSON" in world.vendors.requests[-1].text
    assert answer.value == []


async def test_a_fenced_answer_with_thoughts_is_parsed() -> None:
    world = LlmHarness(LOCAL)
    world.vendors.texts[LOCAL] = '<think>hm {"findings": 1}</think>\n```json\n{"findings": ["x"]}\n```\n'
    assert (await world.ask()).value == ["x"]


@pytest.mark.parametrize("times", [1, 2])
async def test_a_server_that_answers_500_to_a_form_is_asked_in_another_at_once(times: int) -> None:
    """llama-cpp-python 0.3.36 does."""
    world = LlmHarness(LOCAL, cache_ttl_s=0)
    world.vendors.fail(LOCAL, Fault.FORM_CRASHES, times=times)
    await world.ask()
    await world.ask()
    assert modes(world) == [*["json_schema", "json_object", "prompt"][:times], *[modes(world)[-1]] * 2]
    assert world.clock.slept == []


async def test_a_server_gets_a_string_unless_there_is_an_image() -> None:
    world = LlmHarness(LOCAL)
    await world.ask()
    await world.ask(images=(Image(media_type="image/png", data=b"png"),))
    contents = [sent.body["messages"][1]["content"] for sent in world.vendors.requests]
    assert contents[0] == "the diff\n\nWhat is wrong?"
    assert [part["type"] for part in contents[1]] == ["text", "image_url", "text"]


async def test_an_answer_in_the_field_for_thoughts_is_read() -> None:
    world = LlmHarness(LOCAL)
    world.vendors.thoughts[LOCAL] = 'Let me see. {"findings": ["x"]}'
    world.vendors.texts[LOCAL] = ""
    assert (await world.ask()).value == ["x"]


async def test_concurrent_questions_to_a_server_run_one_after_the_other() -> None:
    world = LlmHarness(LOCAL)
    world.vendors.delay_s[LOCAL] = 0.01
    await asyncio.gather(*(world.ask(question=f"{number}") for number in range(4)))
    assert world.vendors.peak[LOCAL] == 1


async def test_waiting_for_a_turn_ends_at_the_stages_deadline() -> None:
    world = LlmHarness(LOCAL, call_timeout_s=30.0)
    world.vendors.fail(LOCAL, Fault.HANGS)
    first = asyncio.create_task(world.ask(deadline_s=30.0))
    await world.vendors.reached[LOCAL].wait()
    with pytest.raises(AllModelsFailed, match="did not answer in time"):
        await world.ask(question="second", deadline_s=0.05)
    assert len(world.vendors.requests) == 1
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_a_local_server_costs_nothing() -> None:
    world = LlmHarness(LOCAL)
    await world.ask()
    assert world.rows[0].cost_usd == 0.0
    assert (await world.models.usage("r1")).unpriced_calls == 0


async def test_a_server_that_rejects_every_form_is_dropped() -> None:
    world = LlmHarness(LOCAL, Provider.CLAUDE)
    world.vendors.fail(LOCAL, Fault.FORMAT_UNSUPPORTED)
    world.vendors.fail(Provider.CLAUDE, Fault.TRUNCATED)
    with pytest.raises(AllModelsFailed) as failed:
        await world.ask()
    assert [error.provider for error in failed.value.attempts].count(LOCAL) == 3
    assert modes(world) == ["json_schema", "json_object", "prompt"]
