"""A vendor that refuses the answer schema is asked in another way at once; the way is remembered, and costs one failure a day."""

import json
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeGuard, cast

import pytest

from app.domain.model_call import Provider, Rung
from app.domain.rules import RULES
from app.errors import AllModelsFailed
from app.llm.ladder import without_enums
from app.prompting.answers import answer_schema
from app.store.database import Database
from app.store.rungs import RungTable, delete_old_rungs, load_rungs
from tests.fakes.vendor_wire import VendorRequest
from tests.fakes.vendors import Fault
from tests.unit.llm.harness import START, LlmHarness

CLAUDE, GPT, GEMINI, LOCAL = Provider.CLAUDE, Provider.GPT, Provider.GEMINI, Provider.LOCAL
KINDS = {CLAUDE: "review", GPT: "security", GEMINI: "docs", LOCAL: "review"}
GRAMMAR = {
    "type": "error",
    "error": {"type": "invalid_request_error", "message": "The compiled grammar is too large, which"},
}
TOO_COMPLEX: dict[Provider, Any] = {
    CLAUDE: GRAMMAR,
    GPT: {
        "error": {
            "message": "Invalid schema for response_format",
            "type": "invalid_request_error",
            "code": "invalid_json_schema",
        }
    },
    GEMINI: {
        "error": {
            "code": 400,
            "message": "Request contains an invalid argument.",
            "status": "INVALID_ARGUMENT",
        }
    },
    LOCAL: {"error": {"message": "failed to parse grammar", "type": "invalid_request_error", "code": 400}},
}
SCHEMA = answer_schema()


def form_of(sent: VendorRequest) -> Rung:
    """Tell how a request asks for JSON."""
    body = sent.body
    config = body.get("generationConfig", {})
    form = {
        CLAUDE: body.get("output_config", {}).get("format"),
        GPT: body.get("text", {}).get("format"),
        GEMINI: config.get("responseJsonSchema") or config.get("responseMimeType"),
        LOCAL: body.get("response_format"),
    }[sent.provider]
    if not form:
        return Rung.PROMPT
    if form in ("application/json", {"type": "json_object"}):
        return Rung.JSON_MODE
    return Rung.SCHEMA if '"enum"' in json.dumps(form) else Rung.OPEN_SCHEMA


def refuse(world: LlmHarness, provider: Provider, body: object, *rungs: Rung, status: int = 400) -> None:
    world.vendors.refusals[provider] = lambda sent: (status, body) if form_of(sent) in rungs else None


def forms(world: LlmHarness) -> list[Rung]:
    return [form_of(sent) for sent in world.vendors.requests]


async def ask(world: LlmHarness, provider: Provider, **changes: Any) -> None:
    await world.ask(KINDS[provider], schema=SCHEMA, **changes)


@pytest.mark.parametrize("provider", KINDS)
async def test_a_refused_schema_costs_one_attempt_once_and_switches_no_vendor_off(provider: Provider) -> None:
    world = LlmHarness(provider, cache_ttl_s=0)
    refuse(world, provider, TOO_COMPLEX[provider], Rung.SCHEMA)
    await ask(world, provider)
    await ask(world, provider)
    assert forms(world) == [Rung.SCHEMA, Rung.OPEN_SCHEMA, Rung.OPEN_SCHEMA]
    assert world.clock.slept == []
    assert await world.models.open_circuits() == []


@pytest.mark.parametrize(
    ("provider", "last"),
    [(CLAUDE, Rung.PROMPT), (GPT, Rung.PROMPT), (GEMINI, Rung.PROMPT), (GEMINI, Rung.JSON_MODE)],
)
async def test_a_vendor_that_refuses_all_schemas_gets_it_in_the_prompt(
    provider: Provider, last: Rung
) -> None:
    world = LlmHarness(provider, cache_ttl_s=0)
    refuse(world, provider, TOO_COMPLEX[provider], *(rung for rung in Rung if rung is not last))
    await ask(world, provider)
    await ask(world, provider)
    assert forms(world)[-2:] == [last, last]
    assert json.dumps(SCHEMA) in world.vendors.requests[-1].text


async def test_a_vendor_that_refuses_everything_is_left_after_one_try_of_each_and_nothing_is_remembered() -> (
    None
):
    world = LlmHarness(GEMINI, CLAUDE, cache_ttl_s=0)
    refuse(world, GEMINI, TOO_COMPLEX[GEMINI], *Rung)
    await ask(world, GEMINI)
    assert world.outcomes == [*["gemini: unavailable"] * 4, "claude: ok"]
    assert await world.models.rungs() == []


async def test_the_better_way_is_tried_anew_after_a_day() -> None:
    world = LlmHarness(CLAUDE, cache_ttl_s=0)
    refuse(world, CLAUDE, GRAMMAR, Rung.SCHEMA)
    await ask(world, CLAUDE)
    world.vendors.refusals.clear()
    world.clock.pass_s(86_399)
    await ask(world, CLAUDE)
    world.clock.pass_s(2)
    await ask(world, CLAUDE)
    assert forms(world) == [Rung.SCHEMA, Rung.OPEN_SCHEMA, Rung.OPEN_SCHEMA, Rung.SCHEMA]


async def test_a_refusal_is_remembered_per_model_and_schema() -> None:
    world = LlmHarness(CLAUDE, cache_ttl_s=0)
    refuse(world, CLAUDE, GRAMMAR, Rung.SCHEMA)
    await ask(world, CLAUDE)
    await ask(world, CLAUDE, tier="trivial")  # the small model
    await world.ask()  # another schema
    assert forms(world) == [Rung.SCHEMA, Rung.OPEN_SCHEMA, Rung.SCHEMA, Rung.OPEN_SCHEMA, Rung.OPEN_SCHEMA]
    assert [state.name.model for state in await world.models.rungs()] == [
        "claude-sonnet-5-5",
        "claude-haiku-5-5",
    ]


async def test_other_processes_learn_it_from_the_database(database: Database) -> None:
    first, second = (LlmHarness(CLAUDE, cache_ttl_s=0, rungs=RungTable(database)) for _ in range(2))
    for world in (first, second):
        refuse(world, CLAUDE, GRAMMAR, Rung.SCHEMA)
        await ask(world, CLAUDE)
    assert forms(second) == [Rung.OPEN_SCHEMA]
    (state,) = await second.models.rungs()
    assert (state.rung, state.error) == (
        Rung.OPEN_SCHEMA,
        "Anthropic refused the answer schema (400 invalid_request_error).",
    )
    assert state.expires_at == START + timedelta(days=1)
    delete_old_rungs(database, before=START + timedelta(days=2))
    assert load_rungs(database) == []


async def test_a_local_server_that_crashes_for_no_stated_reason_is_asked_in_json_mode_at_once() -> None:
    world = LlmHarness(LOCAL, cache_ttl_s=0)
    refuse(world, LOCAL, {"detail": "Internal Server Error"}, Rung.SCHEMA, Rung.OPEN_SCHEMA, status=500)
    await ask(world, LOCAL)
    assert forms(world) == [Rung.SCHEMA, Rung.JSON_MODE]
    assert world.clock.slept == []


@pytest.mark.parametrize("provider", KINDS)
async def test_on_the_lowest_rung_an_answer_is_found_in_prose_and_repaired_once(provider: Provider) -> None:
    world = LlmHarness(provider)
    refuse(world, provider, TOO_COMPLEX[provider], Rung.SCHEMA, Rung.OPEN_SCHEMA, Rung.JSON_MODE)
    world.vendors.fail(provider, Fault.NOT_JSON, times=1)
    world.vendors.texts[provider] = (
        '<think>hm</think>Here it is:\n```json\n{"findings": []}\n```\nAnything else?'
    )
    await ask(world, provider)
    assert "is not JSON" in world.vendors.requests[-1].text


async def test_a_bad_request_that_is_not_about_the_schema_is_not_repeated() -> None:
    world = LlmHarness(CLAUDE)
    world.vendors.fail(CLAUDE, Fault.BAD_REQUEST)
    with pytest.raises(AllModelsFailed):
        await ask(world, CLAUDE)
    assert len(world.rows) == 1


def is_object(node: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(node, dict)


def children_of(node: object) -> Iterable[object]:
    """Return what is directly in an object or an array of a schema."""
    if is_object(node):
        return node.values()
    return cast("list[object]", node) if isinstance(node, list) else ()


def walk(node: object, visit: Callable[[dict[str, Any]], None]) -> None:
    """Visit each object of a schema."""
    if is_object(node):
        visit(node)
    for each in children_of(node):
        walk(each, visit)


def depth_of(node: object) -> int:
    """Count the levels of nested objects."""
    below = max(map(depth_of, children_of(node)), default=0)
    return below + int(is_object(node) and "properties" in node)


def test_the_answer_schema_is_within_the_limits_that_vendors_publish() -> None:
    """OpenAI: 5,000 properties, 10 levels, 120,000 characters of names and values, 1,000 enum values, 15,000 characters in an
    enum with more than 250 values. Anthropic: 24 optional parameters, 16 unions. Google publishes no numbers.

    https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
    https://platform.claude.com/docs/en/build-with-claude/structured-outputs
    """
    names: list[str] = []
    values: list[str] = []
    unions: list[Any] = []
    optional: set[str] = set()

    def visit(node: dict[str, Any]) -> None:
        properties = node.get("properties")
        if is_object(properties):
            names.extend(properties)
            optional.update(set(properties) - set(node["required"]))
        if isinstance(node.get("enum"), list):
            values.extend(node["enum"])
        if "anyOf" in node:
            unions.append(node)

    walk(SCHEMA, visit)
    assert len(names) <= 100
    assert len(values) <= 250
    assert sum(map(len, (*names, *values))) <= 15_000
    assert len(unions) <= 16
    assert optional == set()
    assert depth_of(SCHEMA) <= 5
    assert (
        len(json.dumps(SCHEMA)) < 7_354
    )  # a public report of a refused one: https://github.com/pome-sh/digital-twins/pull/527


def test_without_enums_the_short_vocabularies_become_descriptions_and_the_prompt_keeps_the_rules() -> None:
    opened = without_enums(SCHEMA)
    assert '"enum"' not in json.dumps(opened)
    finding = opened["properties"]["findings"]["items"]
    assert finding["properties"]["rule_id"] == {"type": "string"}
    assert finding["properties"]["severity"]["description"] == "one of: critical, high, medium, low, info"
    assert finding["required"] == SCHEMA["properties"]["findings"]["items"]["required"]
    prompt = (Path(__file__).parents[3] / "prompts" / "shared" / "system.md").read_text()
    assert "{{ rules }}" in prompt.replace("{{rules}}", "{{ rules }}")
    assert len(RULES) > 50
