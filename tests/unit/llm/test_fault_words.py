"""What a vendor's code or words mean beyond its status, and that none of its words are passed on."""

import pytest

from app.domain.model_call import Provider, Usage
from app.errors import (
    ModelAuthFailed,
    ModelContextTooLong,
    ModelError,
    ModelQuotaExhausted,
    ModelRateLimited,
    ModelRefused,
    ModelRequestRejected,
)
from app.llm.adapter import ResponseOutcome
from app.llm.failures import POLICY, VendorFailure, error_from, policy_for


@pytest.mark.parametrize(
    ("status", "code", "said", "kind"),
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
def test_a_vendors_words_tell_what_its_status_does_not(
    status: int, code: str | None, said: str, kind: type[ModelError]
) -> None:
    error = error_from(VendorFailure(provider=Provider.GEMINI, status=status, code=code, text=said))
    assert type(error) is kind
    assert not said or said not in str(error)


@pytest.mark.parametrize(
    "quota", ["GenerateRequestsPerMinute-FreeTier", "generate_content_free_tier_requests PerDay"]
)
def test_a_key_on_the_unpaid_tier_gives_itself_away_when_its_quota_is_reached(quota: str) -> None:
    error = error_from(VendorFailure(provider=Provider.GEMINI, status=429, text=quota))
    assert str(error).endswith(" The key is on the unpaid tier, and what it sends may be trained on.")


@pytest.mark.parametrize("code", ["sk-ant-api03", "AIzaSy0", "key = 1", "<b>", "", None])
def test_a_code_that_looks_like_none_is_not_shown(code: str | None) -> None:
    error = error_from(VendorFailure(provider=Provider.GPT, status=500, code=code))
    assert str(error) == "OpenAI is not available (500)."


def subclasses(kind: type[ModelError]) -> set[type[ModelError]]:
    return {kind, *(each for child in kind.__subclasses__() for each in subclasses(child))}


def test_the_policy_has_a_line_for_every_error_that_an_attempt_can_raise() -> None:
    wanted = {
        each for each in subclasses(ModelError) if each.__name__ not in ("ModelError", "AllModelsFailed")
    }
    assert set(POLICY) == wanted
    assert all(policy_for(kind("")) is POLICY[kind] for kind in wanted)


@pytest.mark.parametrize("text", ["NaN", '{"a": Infinity}', "[" * 100_000, "{} {}", "\ufeff{}"])
def test_only_strict_json_is_an_answer(text: str) -> None:
    ending = ResponseOutcome(provider=Provider.GPT, usage=Usage(), request_id=None)
    with pytest.raises(ModelError, match=r"OpenAI's answer is not JSON\."):
        ending.parse_json(text)
