"""Every fault of every vendor, through the real SDKs: the recorded outcome, the next provider, and what is never shown.

Connections that break are in `test_broken_connections`: they need a socket.
"""

import logging
from dataclasses import dataclass

import pytest

from app.domain.model_call import Outcome, Provider
from app.errors import AllModelsFailed
from tests.fakes.vendors import KEYS, Fault
from tests.unit.llm.harness import LlmHarness

VENDORS = (Provider.CLAUDE, Provider.GPT, Provider.GEMINI, Provider.LOCAL)


@dataclass(frozen=True, kw_only=True)
class Case:
    """A fault, the outcome in the row, and whether the same provider is tried again before the next one."""

    fault: Fault
    outcome: Outcome
    asked_again: bool = False


CASES = (
    Case(fault=Fault.BAD_KEY, outcome=Outcome.AUTH_FAILED),
    Case(fault=Fault.UNPAID, outcome=Outcome.RATE_LIMITED),
    Case(fault=Fault.FORBIDDEN, outcome=Outcome.AUTH_FAILED),
    Case(fault=Fault.UNKNOWN_MODEL, outcome=Outcome.UNAVAILABLE),
    Case(fault=Fault.TOO_LARGE, outcome=Outcome.CONTEXT_TOO_LONG),
    Case(fault=Fault.RATE_LIMITED, outcome=Outcome.RATE_LIMITED),
    Case(fault=Fault.RATE_LIMITED_ONE_HOUR, outcome=Outcome.RATE_LIMITED),
    Case(fault=Fault.QUOTA_SPENT, outcome=Outcome.RATE_LIMITED),
    Case(fault=Fault.CONTEXT_TOO_LONG, outcome=Outcome.CONTEXT_TOO_LONG),
    Case(fault=Fault.SERVER_ERROR, outcome=Outcome.UNAVAILABLE),
    Case(fault=Fault.OVERLOADED, outcome=Outcome.UNAVAILABLE),
    Case(fault=Fault.HANGS, outcome=Outcome.TIMEOUT),
    Case(fault=Fault.READ_TIMEOUT, outcome=Outcome.TIMEOUT),
    Case(fault=Fault.REFUSES_CONNECTION, outcome=Outcome.UNAVAILABLE),
    Case(fault=Fault.DROPS_CONNECTION, outcome=Outcome.UNAVAILABLE),
    Case(fault=Fault.HTML, outcome=Outcome.UNAVAILABLE),
    Case(fault=Fault.BROKEN_JSON, outcome=Outcome.UNAVAILABLE),
    Case(fault=Fault.WRONG_SHAPE, outcome=Outcome.UNAVAILABLE),
    Case(fault=Fault.TRUNCATED, outcome=Outcome.TRUNCATED),
    Case(fault=Fault.NOT_JSON, outcome=Outcome.INVALID_OUTPUT, asked_again=True),
    Case(fault=Fault.OFF_SCHEMA, outcome=Outcome.INVALID_OUTPUT, asked_again=True),
    Case(fault=Fault.EMPTY, outcome=Outcome.INVALID_OUTPUT, asked_again=True),
    Case(fault=Fault.REFUSED, outcome=Outcome.REFUSED),
    Case(fault=Fault.FILTERED, outcome=Outcome.REFUSED),
    Case(fault=Fault.FAILED, outcome=Outcome.UNAVAILABLE),
    Case(fault=Fault.UNKNOWN_ENDING, outcome=Outcome.UNAVAILABLE),
)


def next_of(provider: Provider) -> Provider:
    return Provider.GPT if provider is Provider.CLAUDE else Provider.CLAUDE


def world_where(provider: Provider, fault: Fault) -> LlmHarness:
    """Set up two providers, the faulty one first; tasks of any kind fall back to the other."""
    world = LlmHarness(*VENDORS, call_timeout_s=2.0 if fault is Fault.HANGS else 30.0)
    world.vendors.fail(provider, fault)
    return world


KINDS = {
    Provider.CLAUDE: "review",
    Provider.GPT: "security",
    Provider.GEMINI: "docs",
    Provider.LOCAL: "review",
}


@pytest.mark.filterwarnings(
    "ignore:A_NEW_REASON is not a valid FinishReason:UserWarning"
)  # google-genai says so
@pytest.mark.parametrize("provider", VENDORS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.fault)
async def test_a_fault_is_recorded_and_the_next_provider_answers(
    case: Case, provider: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    world = world_where(provider, case.fault)
    if provider is Provider.LOCAL:  # it comes last, so there is no fallback
        with pytest.raises(AllModelsFailed) as failed:
            await world.ask(allowed=(Provider.LOCAL,), deadline_s=30.0)
        message = str(failed.value)
        assert {row.outcome for row in world.rows} == {case.outcome}
    else:
        second = next_of(provider)
        answer = await world.ask(KINDS[provider], allowed=(provider, second))
        message = " ".join(answer.failures)
        failures = [case.outcome] * (2 if case.asked_again else 1)
        assert [(row.provider, row.outcome) for row in world.rows] == [
            *((provider, outcome) for outcome in failures),
            (second, Outcome.OK),
        ]
        assert answer.response.provider is second
        assert answer.failures
        assert world.rows[0].error in answer.failures
    texts = [message, caplog.text, *(f"{row.error} {row.reason}" for row in world.rows)]
    texts += [str(vars(record)) for record in caplog.records if record.name.startswith("quorum")]
    for text in texts:
        assert not any(key in text for key in KEYS.values())
        assert "the diff" not in text


@pytest.mark.parametrize("provider", [Provider.CLAUDE, Provider.GPT, Provider.GEMINI])
@pytest.mark.parametrize("fault", [Fault.BAD_KEY, Fault.UNPAID, Fault.QUOTA_SPENT, Fault.FORBIDDEN])
async def test_a_permanent_error_opens_the_circuit_immediately(provider: Provider, fault: Fault) -> None:
    world = world_where(provider, fault)
    await world.ask(KINDS[provider], question="first")
    await world.ask(KINDS[provider], question="second")
    assert len(world.vendors.requests_to(provider)) == 1
    (circuit,) = await world.models.open_circuits()
    assert circuit.provider is provider


async def test_a_request_that_a_vendor_rejects_goes_to_the_next() -> None:
    world = world_where(Provider.CLAUDE, Fault.BAD_REQUEST)
    answer = await world.ask()
    assert world.outcomes == ["claude: unavailable", "gpt: ok"]
    assert answer.failures == ("Anthropic rejected the request (400 invalid_value).",)


async def test_a_refusal_is_charged() -> None:
    world = world_where(Provider.CLAUDE, Fault.REFUSED)
    await world.ask()
    refused = world.rows[0]
    assert refused.usage.input_tokens > 0
    assert refused.cost_usd is not None
    assert refused.cost_usd > 0
