"""Long answers arrive as streams: text, usage, endings and request ids survive, and what does not stream is asked in one piece."""

import pytest

from app.domain.model_call import Outcome, Provider, Usage
from app.llm.client import STREAMED_ABOVE_TOKENS
from app.llm.output_limits import bare_name, output_limit
from app.llm.speeds import MIN_TIMEOUT_S, START_S, Speeds
from tests.fakes.vendors import Fault
from tests.unit.llm.harness import LlmHarness

CLAUDE, GPT, GEMINI, LOCAL = Provider.CLAUDE, Provider.GPT, Provider.GEMINI, Provider.LOCAL
KINDS = {CLAUDE: "review", GPT: "security", GEMINI: "docs"}
LONG = STREAMED_ABOVE_TOKENS + 1


def world_of(provider: Provider) -> LlmHarness:
    world = LlmHarness(provider, cache_ttl_s=0)
    world.vendors.answers[provider] = lambda _: {"findings": ["é" * 300]}
    return world


@pytest.mark.parametrize("provider", KINDS)
async def test_a_streamed_answer_is_the_answer_in_one_piece(provider: Provider) -> None:
    world = world_of(provider)
    whole = await world.ask(KINDS[provider])
    streamed = await world.ask(KINDS[provider], max_output_tokens=LONG)
    assert [sent.is_streamed for sent in world.vendors.requests] == [False, True]
    assert streamed.value == whole.value
    assert streamed.response.usage.output_tokens == whole.response.usage.output_tokens
    assert streamed.response.usage.input_tokens == whole.response.usage.input_tokens
    assert streamed.response.request_id == whole.response.request_id
    assert streamed.response.stop_reason == whole.response.stop_reason
    assert [row.first_token_ms is None for row in world.rows] == [True, False]


@pytest.mark.filterwarnings("ignore:A_NEW_REASON is not a valid FinishReason:UserWarning")
@pytest.mark.parametrize("provider", KINDS)
@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (Fault.TRUNCATED, Outcome.TRUNCATED),
        (Fault.REFUSED, Outcome.REFUSED),
        (Fault.UNKNOWN_ENDING, Outcome.UNAVAILABLE),
        (Fault.EMPTY, Outcome.INVALID_OUTPUT),
        (Fault.OVERLOADED, Outcome.UNAVAILABLE),
        (Fault.HTML, Outcome.UNAVAILABLE),
        (Fault.BROKEN_JSON, Outcome.UNAVAILABLE),
    ],
)
async def test_a_streams_ending_is_recorded_as_that_of_an_answer_in_one_piece(
    provider: Provider, fault: Fault, outcome: Outcome
) -> None:
    world = LlmHarness(provider, cache_ttl_s=0)
    world.vendors.fail(provider, fault, times=1)
    await world.ask(KINDS[provider], max_output_tokens=LONG, deadline_s=60) if fault not in DROPS else None
    if fault in DROPS:
        with pytest.raises(Exception, match="."):
            await world.ask(KINDS[provider], max_output_tokens=LONG)
    assert world.rows[0].outcome is outcome


DROPS = (Fault.TRUNCATED, Fault.REFUSED)


@pytest.mark.parametrize("provider", KINDS)
async def test_a_gateway_that_ignores_the_stream_is_read_in_one_piece(provider: Provider) -> None:
    world = world_of(provider)
    world.vendors.streams = False
    answer = await world.ask(KINDS[provider], max_output_tokens=LONG)
    assert answer.value == ["é" * 300]
    assert world.outcomes == [f"{provider}: ok"]


@pytest.mark.parametrize("provider", KINDS)
async def test_a_gateway_that_rejects_streams_is_asked_for_the_whole_once_and_for_all(
    provider: Provider,
) -> None:
    world = world_of(provider)
    body = {
        "error": {"message": "no such path", "code": 404, "status": "NOT_FOUND", "type": "not_found_error"}
    }
    world.vendors.refusals[provider] = lambda sent: (404, body) if sent.is_streamed else None
    await world.ask(KINDS[provider], max_output_tokens=LONG)
    await world.ask(KINDS[provider], max_output_tokens=LONG)
    assert world.outcomes == [f"{provider}: unavailable", f"{provider}: ok", f"{provider}: ok"]


async def test_a_stage_gets_a_long_answer_and_a_model_that_writes_less_gets_less() -> None:
    world = LlmHarness(GPT)
    await world.ask("security", max_output_tokens=32_000)
    assert world.vendors.requests[0].body["max_output_tokens"] == 32_000
    assert output_limit(GPT, "gpt-4o-2024-08-06", 32_000) == 16_384
    assert output_limit(CLAUDE, "eu.anthropic.claude-3-5-haiku-20241022-v1:0", 32_000) == 8_192
    assert output_limit(CLAUDE, "claude-sonnet-5-5", 32_000) == 32_000
    assert output_limit(LOCAL, "qwen3-coder", 32_000) == 16_000


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("anthropic.claude-haiku-4-5-20251001-v1:0", "claude-haiku-4-5-20251001-v1:0"),
        ("global.anthropic.claude-sonnet-5-5-v1:0", "claude-sonnet-5-5-v1:0"),
        ("arn:aws:bedrock:eu-west-1:1:inference-profile/eu.anthropic.claude-opus-4-1", "claude-opus-4-1"),
        ("anthropic/claude-sonnet-5-5", "claude-sonnet-5-5"),
        ("claude-sonnet-5-5", "claude-sonnet-5-5"),
        ("qwen3-coder", "qwen3-coder"),
    ],
)
def test_a_clouds_name_is_known_by_the_models_own(model: str, name: str) -> None:
    assert bare_name(model) == name


def test_an_attempts_time_follows_from_the_tokens_allowed_and_the_speed_seen() -> None:
    speeds = Speeds()
    assert speeds.timeout_s(CLAUDE, "m", 32_000) == pytest.approx(START_S + 32_000 / 60)
    assert speeds.timeout_s(CLAUDE, "m", 100) == MIN_TIMEOUT_S
    for _ in range(20):
        speeds.learn(CLAUDE, "m", Usage(output_tokens=2_000), duration_s=10.0)
    speeds.learn(CLAUDE, "m", Usage(output_tokens=3), duration_s=60.0)
    assert speeds.timeout_s(CLAUDE, "m", 32_000) == pytest.approx(START_S + 160)
    assert Speeds(limit_s=7.0).timeout_s(CLAUDE, "m", 32_000) == 7.0
