"""What each vendor receives, and how its usage is read; the fake vendors reject what the real ones would."""

from typing import Any

import pytest

from app.domain.model_call import Provider, Usage
from app.llm.build import build_client
from app.llm.client import Image
from app.llm.vendor_errors import parse_retry_after
from tests.fakes.vendors import KEYS, FakeVendors
from tests.unit.llm.harness import START, LlmHarness, request

CLAUDE, GPT, GEMINI, LOCAL = Provider.CLAUDE, Provider.GPT, Provider.GEMINI, Provider.LOCAL
ALL = (CLAUDE, GPT, GEMINI, LOCAL)
LONG = "def f():\n    return 1\n" * 1_000


async def send(provider: Provider, vendors: FakeVendors | None = None, **changes: Any) -> tuple[Any, Any]:
    """Send one request to one vendor; returns what the vendor received and the parsed response."""
    vendors = vendors or FakeVendors()
    access = vendors.access(provider)[provider]
    client = build_client(provider, access, vendors.http_client())
    sent = request(model=access.models.large, **changes)
    response = await client.generate(sent)
    await client.aclose()
    return vendors.requests[-1], response


@pytest.mark.parametrize("provider", ALL)
async def test_stable_text_goes_first_and_the_question_last(provider: Provider) -> None:
    sent, response = await send(provider)
    assert sent.system == "You review code."
    assert sent.text.replace("\n\n", "") == "the diffWhat is wrong?"
    assert sent.schema == request().schema
    assert response.parsed == {"findings": []}
    assert response.provider is provider
    assert response.usage.input_tokens > 0


@pytest.mark.parametrize("provider", ALL)
async def test_images_go_before_the_question(provider: Provider) -> None:
    sent, _ = await send(provider, images=(Image(media_type="image/png", data=b"png"),))
    assert sent.images == 1


@pytest.mark.parametrize("provider", ALL)
async def test_an_empty_system_prompt_or_material_is_left_out(provider: Provider) -> None:
    sent, _ = await send(provider, system="", material="", prefix_reused=True)
    assert sent.text == "What is wrong?"


async def test_openai_stores_nothing_and_gets_a_cache_key() -> None:
    sent, _ = await send(GPT, cache_scope="scope-of-the-review")
    assert sent.body["store"] is False
    assert sent.body["prompt_cache_key"] == "scope-of-the-review"
    assert sent.body["reasoning"] == {"effort": "medium"}


async def test_claude_gets_a_cache_breakpoint_only_if_a_second_call_is_expected() -> None:
    alone, _ = await send(CLAUDE)
    shared, _ = await send(CLAUDE, prefix_reused=True)
    assert alone.breakpoints == ()
    assert len(shared.breakpoints) == 1
    assert shared.breakpoints[0].endswith("the diff")


async def test_an_older_claude_gets_no_unsupported_fields() -> None:
    vendors = FakeVendors()
    client = build_client(CLAUDE, vendors.access(CLAUDE)[CLAUDE], vendors.http_client())
    await client.generate(request(model="claude-haiku-4-5"))
    assert "thinking" not in vendors.requests[0].body


@pytest.mark.parametrize(
    ("model", "effort", "thinking"),
    [
        ("gemini-3.8-flash", "medium", None),
        ("gemini-3.8-flash", "high", {"thinking_level": "HIGH"}),
        ("gemini-2.5-pro", "high", None),
    ],
)
async def test_gemini_gets_the_requested_effort(model: str, effort: str, thinking: object) -> None:
    vendors = FakeVendors()
    client = build_client(GEMINI, vendors.access(GEMINI)[GEMINI], vendors.http_client())
    await client.generate(request(model=model, effort=effort))
    assert vendors.requests[0].body["generationConfig"].get("thinkingConfig") == thinking


@pytest.mark.parametrize("provider", [CLAUDE, GPT, GEMINI])
async def test_a_shared_prefix_is_read_from_the_vendors_cache_and_counted(provider: Provider) -> None:
    vendors = FakeVendors()
    changes: dict[str, Any] = {"material": LONG, "prefix_reused": True, "cache_scope": "one"}
    _, first = await send(provider, vendors, question="first", **changes)
    _, second = await send(provider, vendors, question="second", **changes)
    assert first.usage.cached_input_tokens == 0
    assert second.usage.cached_input_tokens > 0.9 * second.usage.input_tokens
    assert first.usage.input_tokens == pytest.approx(second.usage.input_tokens, abs=2)
    assert (first.usage.cache_write_tokens > 0) == (provider is CLAUDE)


async def test_geminis_thoughts_count_as_output() -> None:
    vendors = FakeVendors()
    vendors.answers[GEMINI] = lambda _: {"findings": ["x" * 400]}
    _, response = await send(GEMINI, vendors)
    assert response.usage.output_tokens == len('{"findings": ["' + "x" * 400 + '"]}') // 4


async def test_a_local_servers_usage_is_read_without_details() -> None:
    _, response = await send(LOCAL)
    assert response.usage == Usage(
        input_tokens=response.usage.input_tokens, output_tokens=response.usage.output_tokens
    )
    assert response.usage.output_tokens > 0


async def test_gemini_works_with_either_api_version() -> None:
    vendors = FakeVendors()
    access = vendors.access(GEMINI)[GEMINI]
    for version in ("v1", "v1beta"):
        client = build_client(
            GEMINI,
            type(access)(
                models=access.models, api_key=access.api_key, base_url=access.base_url, api_version=version
            ),
            vendors.http_client(),
        )
        await client.generate(request(model="gemini-3.8-flash"))
    assert len(vendors.requests) == 2


@pytest.mark.parametrize("provider", [CLAUDE, GPT, GEMINI])
async def test_a_wrong_key_is_refused_and_never_repeated(provider: Provider) -> None:
    vendors = FakeVendors()
    wrong = {**vendors.access()}
    access = wrong[provider]
    wrong[provider] = type(access)(
        models=access.models, api_key=KEYS[provider] + "-wrong", base_url=access.base_url
    )
    world = LlmHarness(vendors=vendors, access=lambda _: {provider: wrong[provider]})
    with pytest.raises(Exception, match="refused the key") as failed:
        await world.ask()
    assert KEYS[provider] not in str(failed.value)
    assert KEYS[provider] not in repr(wrong[provider])


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "12"}, 12.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "Sun, 22 Nov 2026 09:00:30 GMT"}, 30.0),
        ({"retry-after": "Sun, 22 Nov 2026 08:00:00 GMT"}, 0.0),
        ({"retry-after": "-5"}, 0.0),
        ({"retry-after": "soon"}, None),
    ],
)
def test_retry_after_is_read_in_all_its_forms(headers: dict[str, str], seconds: float | None) -> None:
    assert parse_retry_after(headers, now=START) == seconds
