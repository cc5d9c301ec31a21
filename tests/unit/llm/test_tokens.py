"""Token estimates are never far too low, and are corrected by reported usage."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.model_call import Provider
from app.llm.router import TokenEstimator, estimate_tokens

CODE = (
    "def total(items: list[Item]) -> Decimal:\n    return sum((item.price for item in items), Decimal())\n"
    * 20
)


@pytest.mark.parametrize(
    ("text", "language", "tokens"),
    [
        ("", None, 0),
        ("x" * 300, None, 100),
        ("x" * 410, "python", 100),
        ("x" * 492, "java", 100),
        ("漢" * 140, None, 100),
        ("x" * 30 + "漢" * 14, None, 20),
    ],
)
def test_characters_become_tokens_by_language(text: str, language: str | None, tokens: int) -> None:
    assert estimate_tokens(text, language=language) == tokens


@given(first=st.text(max_size=200), second=st.text(max_size=200))
def test_more_text_is_never_fewer_tokens(first: str, second: str) -> None:
    assert estimate_tokens(first + second) >= max(estimate_tokens(first), estimate_tokens(second))


def test_claude_counts_more_tokens_than_the_others() -> None:
    tokens = TokenEstimator()
    by = {
        provider: tokens.estimate(1_000, provider=provider, model="m")
        for provider in (Provider.CLAUDE, Provider.GPT, Provider.GEMINI)
    }
    assert by == {Provider.CLAUDE: 1_350, Provider.GPT: 1_100, Provider.GEMINI: 1_100}


def test_answers_correct_only_the_estimates_of_their_model() -> None:
    tokens = TokenEstimator()
    for _ in range(100):
        tokens.learn(1_000, 880, provider=Provider.GPT, model="m")
    assert tokens.estimate(1_000, provider=Provider.GPT, model="m") == pytest.approx(880, rel=0.01)
    assert tokens.estimate(1_000, provider=Provider.GPT, model="other") == 1_100


@pytest.mark.parametrize("reported", [0, 10, 1_000_000])
def test_implausible_usage_is_ignored(reported: int) -> None:
    tokens = TokenEstimator()
    tokens.learn(1_000, reported, provider=Provider.GPT, model="m")
    tokens.learn(0, reported, provider=Provider.GPT, model="m")
    assert tokens.estimate(1_000, provider=Provider.GPT, model="m") == 1_100
