"""Rows, log lines and metrics agree, and none of them contains prompts or answers."""

import logging

import pytest
from inline_snapshot import snapshot
from prometheus_client import CollectorRegistry, generate_latest

from app.domain.model_call import Provider
from app.llm.build import ModelEnvironment, ModelSettings, ModelStores, build_models
from app.llm.calls import MemoryCalls, total_of
from app.llm.client import RoutingRequest
from tests.fakes.vendors import KEYS, FakeVendors, Fault
from tests.unit.llm.harness import SCOPE, LlmHarness, ManualClock, parse, request


async def test_a_log_line_has_ids_and_numbers_but_no_content(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="quorum.llm")
    world = LlmHarness()
    world.vendors.answers[Provider.CLAUDE] = lambda _: {"findings": ["the answer"]}
    await world.ask(parent_id="p1")
    (record,) = [each for each in caplog.records if each.name == "quorum.llm"]
    assert record.__dict__["repository"] == "octo/shop"
    assert record.__dict__["gen_ai.provider.name"] == "anthropic"
    assert record.__dict__["gen_ai.usage.input_tokens"] == world.rows[0].usage.input_tokens
    assert (record.__dict__["outcome"], record.__dict__["parent_id"]) == ("ok", "p1")
    everything = str(record.__dict__)
    for secret in ("the diff", "What is wrong?", "You review code.", "the answer", *KEYS.values()):
        assert secret not in everything


async def test_failures_are_warnings(caplog: pytest.LogCaptureFixture) -> None:
    world = LlmHarness()
    world.vendors.fail(Provider.CLAUDE, Fault.OVERLOADED)
    await world.ask()
    levels = {
        each.__dict__["outcome"]: each.levelname for each in caplog.records if each.name == "quorum.llm"
    }
    assert levels["unavailable"] == "WARNING"


async def test_the_metrics_count_calls_tokens_cost_and_time() -> None:
    vendors, registry = FakeVendors(), CollectorRegistry()
    vendors.fail(Provider.CLAUDE, Fault.OVERLOADED, times=1)
    models = build_models(
        ModelSettings(access=vendors.access(Provider.CLAUDE)),
        ModelEnvironment(registry=registry, clock=ManualClock(), http_client=vendors.http_client()),
    )
    for _ in range(2):
        await models.ask(RoutingRequest(kind="review"), request(), scope=SCOPE, parse=parse)
    lines = generate_latest(registry).decode().splitlines()
    samples = [line for line in lines if line[0] != "#" and "_created" not in line and "_bucket" not in line]
    assert sorted(samples) == snapshot(
        [
            'gen_ai_client_operation_duration_seconds_count{gen_ai_provider_name="anthropic",gen_ai_request_model="claude-sonnet-5-5",stage="review"} 2.0',
            'gen_ai_client_operation_duration_seconds_sum{gen_ai_provider_name="anthropic",gen_ai_request_model="claude-sonnet-5-5",stage="review"} 0.0',
            'gen_ai_client_token_usage_total{gen_ai_provider_name="anthropic",gen_ai_request_model="claude-sonnet-5-5",gen_ai_token_type="cached_input",stage="review"} 0.0',
            'gen_ai_client_token_usage_total{gen_ai_provider_name="anthropic",gen_ai_request_model="claude-sonnet-5-5",gen_ai_token_type="input",stage="review"} 47.0',
            'gen_ai_client_token_usage_total{gen_ai_provider_name="anthropic",gen_ai_request_model="claude-sonnet-5-5",gen_ai_token_type="output",stage="review"} 4.0',
            'quorum_model_calls_total{gen_ai_provider_name="anthropic",gen_ai_request_model="claude-sonnet-5-5",outcome="cache_hit",stage="review"} 1.0',
            'quorum_model_calls_total{gen_ai_provider_name="anthropic",gen_ai_request_model="claude-sonnet-5-5",outcome="ok",stage="review"} 1.0',
            'quorum_model_calls_total{gen_ai_provider_name="anthropic",gen_ai_request_model="claude-sonnet-5-5",outcome="unavailable",stage="review"} 1.0',
            'quorum_model_cost_usd_total{gen_ai_provider_name="anthropic",gen_ai_request_model="claude-sonnet-5-5",stage="review"} 0.000134',
        ]
    )


async def test_usage_counts_only_attempts() -> None:
    world = LlmHarness()
    world.vendors.fail(Provider.CLAUDE, Fault.REFUSED, times=1)
    await world.ask()
    await world.ask()
    total = total_of(world.rows)
    assert (len(world.rows), total.calls) == (3, 2)
    assert total.cost_usd == pytest.approx(sum(row.cost_usd or 0.0 for row in world.rows))
    assert await world.models.usage("r1") == total


async def test_memory_keeps_the_rows_of_the_last_reviews() -> None:
    calls = MemoryCalls(reviews=2)
    vendors = FakeVendors()
    models = build_models(
        ModelSettings(access=vendors.access(), cache_ttl_s=0),
        ModelEnvironment(stores=ModelStores(calls=calls), http_client=vendors.http_client()),
    )
    for review in ("a", "b", "c"):
        scope = type(SCOPE)(review_id=review, stage="review")
        await models.ask(RoutingRequest(kind="review"), request(), scope=scope, parse=parse)
    assert [row.review_id for row in calls.calls] == ["b", "c"]
