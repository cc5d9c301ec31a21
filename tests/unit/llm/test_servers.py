"""Named servers beside the vendors: order, quorum, price, and what their APIs ask for."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from app.domain.model_call import Outcome, Provider
from app.errors import AllModelsFailed
from app.llm.build import VendorAccess
from app.llm.client import RoutingRequest
from app.llm.price_table import Price
from app.llm.router import favorites_of
from app.llm.servers import ServerOptions
from app.prompting.answers import answer_schema
from tests.fakes.vendors import BASE_URLS, KEYS, MODELS, FakeVendors, Fault
from tests.unit.llm.harness import LlmHarness

CLAUDE, GPT, LOCAL = Provider.CLAUDE, Provider.GPT, Provider.LOCAL
GATEWAY, MISTRAL = Provider("claude@openrouter"), Provider("mistral@groq")
PRICE = Price(model="any", input=1_000.0, output=1_000.0)
WANTS_NEW_NAME = {  # https://github.com/OpenRouterTeam/ai-sdk-provider/issues/435
    "message": "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
    "type": "invalid_request_error",
    "param": "max_tokens",
    "code": "unsupported_parameter",
}


def harness(*providers: Provider, options: ServerOptions | None = None) -> LlmHarness:
    """Servers at the address of the fake local one, beside the vendors' own APIs."""
    server = VendorAccess(
        models=MODELS[LOCAL],
        api_key=KEYS[LOCAL],
        base_url=BASE_URLS[LOCAL],
        server=options or ServerOptions(),
    )

    def access(vendors: FakeVendors) -> dict[Provider, VendorAccess]:
        direct = vendors.access(CLAUDE, GPT)
        return {each: server if each.is_server else direct[each] for each in providers}

    return LlmHarness(access=access, cache_ttl_s=0)


def bodies(world: LlmHarness) -> list[Mapping[str, Any]]:
    return [sent.body for sent in world.vendors.requests_to(LOCAL)]


async def test_a_gateway_stands_in_for_its_vendor_before_other_vendors_do() -> None:
    world = harness(GATEWAY, CLAUDE, GPT)
    world.vendors.fail(CLAUDE, Fault.BAD_KEY)
    answer = await world.ask()
    assert answer.response.provider is GATEWAY
    assert world.outcomes == ["claude: auth_failed", "claude@openrouter: ok"]


async def test_a_vendor_that_made_a_finding_is_not_asked_to_verify_it_through_a_gateway() -> None:
    world = harness(GATEWAY, CLAUDE, MISTRAL)
    answer = await world.ask("verify", exclude=(CLAUDE,))
    assert answer.response.provider is MISTRAL
    with pytest.raises(AllModelsFailed):
        await harness(GATEWAY, CLAUDE).ask("verify", exclude=(CLAUDE,))


def test_servers_of_other_vendors_come_after_local() -> None:
    favorites = favorites_of("security", (MISTRAL, GATEWAY))
    assert [str(each) for each in favorites] == [
        "gpt",
        "claude",
        "claude@openrouter",
        "gemini",
        "local",
        "mistral@groq",
    ]


async def test_an_error_names_the_server() -> None:
    world = harness(MISTRAL)
    world.vendors.fail(LOCAL, Fault.BAD_KEY)
    with pytest.raises(AllModelsFailed, match="The server groq refused the key"):
        await world.ask()


@pytest.mark.parametrize(("price", "is_known"), [(PRICE, True), (None, False)])
async def test_a_call_costs_what_the_operator_says_or_is_unpriced(
    price: Price | None, *, is_known: bool
) -> None:
    world = harness(MISTRAL, options=ServerOptions(price=price))
    await world.ask()
    (row,) = world.rows
    assert (row.cost_usd is not None) is is_known
    assert row.cost_usd is None or row.cost_usd > 0


async def test_a_server_gets_a_request_only_if_it_fits_its_context() -> None:
    world = harness(MISTRAL, options=ServerOptions(context_tokens=4_000))
    await world.ask(material="short")
    assert bodies(world)[0]["max_tokens"] == 1_000
    with pytest.raises(AllModelsFailed):
        await world.ask(material="long " * 10_000)


async def test_a_model_that_wants_the_new_name_of_the_limit_gets_it() -> None:
    world = harness(GATEWAY)
    world.vendors.refusals[LOCAL] = lambda sent: (
        (400, {"error": WANTS_NEW_NAME}) if "max_tokens" in sent.body else None
    )
    await world.ask()
    await world.ask()
    assert [row.outcome for row in world.rows] == [Outcome.OK, Outcome.OK]
    assert ["max_tokens" in body for body in bodies(world)] == [True, False, False]


@pytest.mark.parametrize(
    ("fault", "has_schema"), [(Fault.FORM_CRASHES, True), (Fault.FORMAT_UNSUPPORTED, False)]
)
async def test_json_mode_carries_the_schema_only_for_a_server_that_makes_a_grammar_of_it(
    fault: Fault, *, has_schema: bool
) -> None:
    world = harness(GATEWAY)
    world.vendors.fail(LOCAL, fault, times=1)
    await world.ask()
    assert [body["response_format"]["type"] for body in bodies(world)] == ["json_schema", "json_object"]
    assert ("schema" in bodies(world)[-1]["response_format"]) is has_schema


async def test_a_grammar_ends_each_list_so_that_a_model_that_repeats_itself_ends_before_the_limit() -> None:
    """Recorded: with llama-cpp-python, SmolLM2 repeats one look-up until the limit, and with short lists its answer ends."""
    world = harness(GATEWAY, options=ServerOptions(context_tokens=8_192))
    world.vendors.fail(LOCAL, Fault.FORM_CRASHES, times=1)
    lists = answer_schema()
    await world.ask(schema=lists, max_output_tokens=32_000)
    grammar = bodies(world)[-1]["response_format"]["schema"]
    rows = {name: each["maxItems"] for name, each in grammar["properties"].items() if name != "summary"}
    assert rows == dict.fromkeys(lists["properties"].keys() - {"summary"}, 4) | {"verdicts": 16}
    assert "maxItems" not in json.dumps([lists, bodies(world)[0]])


async def test_an_entry_can_add_to_the_body_and_name_the_header_of_the_key() -> None:
    options = ServerOptions(api_key_header="api-key", body={"provider": {"data_collection": "deny"}})
    world = harness(GATEWAY, options=options)
    await world.ask()
    (sent,) = world.vendors.requests
    assert sent.body["provider"] == {"data_collection": "deny"}
    assert (sent.headers.get("api-key"), sent.headers.get("authorization")) == (KEYS[LOCAL], None)


async def test_a_streamed_answer_keeps_its_usage() -> None:
    world = harness(GATEWAY, options=ServerOptions(is_streamed=True))
    assert (await world.ask()).value == []
    (row,) = world.rows
    assert row.usage.input_tokens > 0
    assert row.first_token_ms is not None


async def test_a_stream_without_usage_is_asked_for_whole() -> None:
    """llama-cpp-python 0.3.36 streams no usage, without which nobody notices a cut request."""
    world = harness(GATEWAY, options=ServerOptions(is_streamed=True))
    world.vendors.has_stream_usage = False
    await world.ask()
    await world.ask()
    assert world.outcomes == [
        "claude@openrouter: unavailable",
        "claude@openrouter: ok",
        "claude@openrouter: ok",
    ]
    assert world.rows[0].error == "The server openrouter reports no usage with a streamed answer."


async def test_a_repository_that_permits_nothing_configured_reaches_no_model() -> None:
    world = harness(GATEWAY)
    with pytest.raises(AllModelsFailed):
        await world.ask(allowed=())
    assert world.rows == []
    assert RoutingRequest(kind="review").allowed is None
