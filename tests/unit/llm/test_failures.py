"""How a vendor's failure becomes an error, and how an error decides about retries."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.model_call import Provider, Usage
from app.errors import (
    ModelAuthFailed,
    ModelContextTooLong,
    ModelError,
    ModelQuotaExhausted,
    ModelRateLimited,
    ModelRefused,
    ModelRequestRejected,
    ModelUnavailable,
)
from app.llm.adapter import ResponseOutcome
from app.llm.failures import (
    FIRST_WAIT_S,
    MAX_WAIT_S,
    POLICY,
    policy_for,
    wait_s,
)
from app.llm.vendor_errors import VendorFailure, error_from


@pytest.mark.parametrize(
    ("status", "code", "message", "kind"),
    [
        (400, "INVALID_ARGUMENT", "API key not valid. reason: API_KEY_INVALID", ModelAuthFailed),
        (400, "INVALID_ARGUMENT", "The input token count exceeds the maximum", ModelContextTooLong),
        (400, None, "Your credit balance is too low", ModelQuotaExhausted),
        (
            400,
            "invalid_request_error",
            "You have reached your specified API spend limits",
            ModelQuotaExhausted,
        ),
        (400, "content_filter", "blocked by Azure", ModelRefused),
        (400, "invalid_prompt", "flagged", ModelRefused),
        (400, "unknown_parameter", "reasoning", ModelRequestRejected),
        (422, None, "", ModelRequestRejected),
        (429, "RESOURCE_EXHAUSTED", "GenerateRequestsPerDayPerProjectPerModel", ModelQuotaExhausted),
        (429, "enforced_spend_limit_reached", "", ModelQuotaExhausted),
        (429, "RESOURCE_EXHAUSTED", "GenerateRequestsPerMinute", ModelRateLimited),
        (
            429,
            "RESOURCE_EXHAUSTED",
            "check your plan and billing details GenerateRequestsPerMinutePerProjectPerModel-FreeTier",
            ModelRateLimited,
        ),
        (
            429,
            "RESOURCE_EXHAUSTED",
            "GenerateRequestsPerMinutePerProject-FreeTier GenerateRequestsPerDayPerProject-FreeTier",
            ModelQuotaExhausted,
        ),
    ],
)
def test_a_vendors_code_or_message_refines_its_status(
    status: int, code: str | None, message: str, kind: type[ModelError]
) -> None:
    error = error_from(VendorFailure(provider=Provider.GEMINI, status=status, code=code, text=message))
    assert type(error) is kind
    assert not message or message not in str(error)


@pytest.mark.parametrize(
    "quota", ["GenerateRequestsPerMinute-FreeTier", "generate_content_free_tier_requests PerDay"]
)
def test_a_key_on_the_unpaid_tier_is_recognized_when_its_quota_is_exhausted(quota: str) -> None:
    error = error_from(VendorFailure(provider=Provider.GEMINI, status=429, text=quota))
    assert str(error).endswith(" The key is on the unpaid tier, so its requests may be used for training.")


@pytest.mark.parametrize("code", ["sk-ant-api03", "AIzaSy0", "key = 1", "<b>", "", None])
def test_text_that_does_not_look_like_a_code_is_not_shown(code: str | None) -> None:
    error = error_from(VendorFailure(provider=Provider.GPT, status=500, code=code))
    assert str(error) == "OpenAI is not available (500)."


def subclasses(kind: type[ModelError]) -> set[type[ModelError]]:
    return {kind, *(each for child in kind.__subclasses__() for each in subclasses(child))}


def test_the_policy_has_a_row_for_every_error_of_an_attempt() -> None:
    expected = {
        each for each in subclasses(ModelError) if each.__name__ not in ("ModelError", "AllModelsFailed")
    }
    assert set(POLICY) == expected
    assert all(policy_for(kind("")) is POLICY[kind] for kind in expected)


@pytest.mark.parametrize("text", ["NaN", '{"a": Infinity}', "[" * 100_000, "{} {}", "\ufeff{}"])
def test_only_strict_json_is_an_answer(text: str) -> None:
    ending = ResponseOutcome(provider=Provider.GPT, usage=Usage(), request_id=None)
    with pytest.raises(ModelError, match=r"OpenAI's answer is not JSON\."):
        ending.parse_json(text)


@given(failures=st.integers(1, 200), seed=st.integers())
def test_the_wait_doubles_up_to_a_limit_with_a_quarter_of_jitter(failures: int, seed: int) -> None:
    middle_s = min(FIRST_WAIT_S * 2.0 ** (failures - 1), MAX_WAIT_S)
    waited_s = wait_s(ModelUnavailable("out"), failures, Random(seed))
    assert 0.75 * middle_s <= waited_s <= 1.25 * middle_s


def test_calls_that_fail_together_are_not_retried_together() -> None:
    rng = Random(0)
    assert len({wait_s(ModelUnavailable("out"), 3, rng) for _ in range(50)}) == 50


def test_a_retry_after_is_used_unchanged() -> None:
    assert wait_s(ModelRateLimited("slower", retry_after_s=3_600.0), 1, Random(0)) == 3_600.0
