"""What calls cost, to the cent, by model and by day; unknown stays unknown."""

from contextlib import suppress
from datetime import UTC, datetime

import genai_prices
import pytest
from genai_prices.data_snapshot import get_snapshot
from hypothesis import given
from hypothesis import strategies as st

from app.domain.model_call import Provider, Usage
from app.llm.costs import Prices
from app.llm.price_table import MOST_EXPENSIVE, OVERRIDES

NOVEMBER = datetime(2026, 11, 22, tzinfo=UTC)
DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)
CLAUDE, GPT, GEMINI = Provider.CLAUDE, Provider.GPT, Provider.GEMINI
USAGE = Usage(input_tokens=100_000, cached_input_tokens=50_000, output_tokens=10_000)


@pytest.mark.parametrize(
    ("provider", "model", "at", "usd"),
    [
        (CLAUDE, "claude-sonnet-5-5", NOVEMBER, 0.205),
        (CLAUDE, "claude-opus-4-7", NOVEMBER, 0.525),
        (CLAUDE, "claude-haiku-5-5", NOVEMBER, 0.0105),
        (GPT, "gpt-5.5", NOVEMBER, 0.575),
        (GPT, "gpt-5.5-2026-04-23", NOVEMBER, 0.575),
        (GPT, "gpt-6.2-sol", NOVEMBER, 0.205),
        (GPT, "gpt-6.2-sol-2026-11-17", NOVEMBER, 0.205),
        (GPT, "gpt-6.2-astra", NOVEMBER, 1.20),
        (GPT, "gpt-6-luna", NOVEMBER, 0.0105),
        (GEMINI, "gemini-3.8-flash", NOVEMBER, 0.07875),
        (GEMINI, "gemini-2.5-pro", NOVEMBER, 0.16875),
        (GEMINI, "gemini-2.5-pro", DECEMBER, 0.07875),  # then served by its successor
        (GEMINI, "gemini-2.5-flash", DECEMBER, 0.0415),
        (GEMINI, "gemini-2.5-flash-lite", DECEMBER, 0.0095),
        (GEMINI, "gemini-4-argon", NOVEMBER, 0.205),
        (GEMINI, "gemini-4-argon", DECEMBER, 0.41),
        (GEMINI, "gemini-4-carbon", NOVEMBER, 0.205),
        (GEMINI, "gemini-4-carbon", DECEMBER, 0.41),
        (GEMINI, "gemini-4-hydrogen", NOVEMBER, 0.225),
        (Provider.LOCAL, "anything", NOVEMBER, 0.0),
    ],
)
def test_a_call_costs_the_list_price_of_its_day(
    provider: Provider, model: str, at: datetime, usd: float
) -> None:
    assert Prices().cost_usd(provider, model, USAGE, at=at) == pytest.approx(usd)


def test_long_requests_pay_the_surcharge_on_all_tokens() -> None:
    long = Usage(input_tokens=300_000, output_tokens=1_000)
    assert Prices().cost_usd(GPT, "gpt-6.2-sol", long, at=NOVEMBER) == pytest.approx(0.3 * 4 + 0.001 * 15)


def test_writing_the_cache_costs_more_than_reading_it() -> None:
    prices = Prices()
    written = Usage(input_tokens=100_000, cache_write_tokens=100_000)
    read = Usage(input_tokens=100_000, cached_input_tokens=100_000)
    assert prices.cost_usd(CLAUDE, "claude-sonnet-5-5", written, at=NOVEMBER) == pytest.approx(0.25)
    assert prices.cost_usd(CLAUDE, "claude-sonnet-5-5", read, at=NOVEMBER) == pytest.approx(0.01)


@pytest.mark.parametrize("provider", [CLAUDE, GPT, GEMINI])
def test_an_unknown_price_stays_unknown_and_is_budgeted_as_the_most_expensive(provider: Provider) -> None:
    prices = Prices()
    assert prices.cost_usd(provider, "model-of-next-month", USAGE, at=NOVEMBER) is None
    assert prices.budgeted_usd(provider, "model-of-next-month", USAGE, at=NOVEMBER) == pytest.approx(
        MOST_EXPENSIVE[provider].cost_usd(USAGE)
    )


@given(
    fresh=st.integers(0, 10**6),
    cached=st.integers(0, 10**6),
    output=st.integers(0, 10**5),
    model=st.sampled_from(
        ("claude-sonnet-5-5", "claude-opus-5-5", "claude-fable-5-1", "claude-haiku-5-5", "claude-opus-4-7")
    ),
)
def test_no_current_claude_costs_more_than_the_most_expensive_row(
    fresh: int, cached: int, output: int, model: str
) -> None:
    usage = Usage(input_tokens=fresh + cached, cached_input_tokens=cached, output_tokens=output)
    known = Prices().cost_usd(CLAUDE, model, usage, at=NOVEMBER)
    assert known is not None
    assert 0 <= known <= MOST_EXPENSIVE[CLAUDE].cost_usd(usage) + 1e-9


def listed_models() -> list[tuple[str, str]]:
    """Return every (list, model) that has a price per token and is found under its own name."""
    models: list[tuple[str, str]] = []
    for provider in get_snapshot().providers:
        for model in (
            provider.models if provider.id in ("anthropic", "openai", "google", "aws", "azure") else ()
        ):
            prices = model.get_prices(NOVEMBER)
            if None not in (prices.input_mtok, prices.output_mtok) and provider.find_model(model.id) is model:
                models.append((provider.id, model.id))
    return models


@given(
    listed=st.sampled_from(listed_models()),
    fresh=st.integers(0, 10**6),
    cached=st.integers(0, 10**6),
    written=st.integers(0, 10**6),
    output=st.integers(0, 10**5),
)
def test_a_listed_price_is_calculated_as_the_library_does(
    listed: tuple[str, str], fresh: int, cached: int, written: int, output: int
) -> None:
    price_list, model = listed
    usage = Usage(
        input_tokens=fresh + cached + written,
        cached_input_tokens=cached,
        cache_write_tokens=written,
        output_tokens=output,
    )
    expected = genai_prices.calc_price(
        genai_prices.Usage(
            input_tokens=usage.input_tokens,
            cache_read_tokens=cached,
            cache_write_tokens=written,
            output_tokens=output,
        ),
        model,
        provider_id=price_list,
        genai_request_timestamp=NOVEMBER,
    )
    found = Prices(lists={GPT: price_list}).cost_usd(GPT, model, usage, at=NOVEMBER)
    assert found == pytest.approx(float(expected.total_price), abs=1e-9)


def test_contradictory_counts_have_no_price() -> None:
    usage = Usage(input_tokens=10, cached_input_tokens=11)
    assert Prices().cost_usd(CLAUDE, "claude-sonnet-5-5", usage, at=NOVEMBER) is None


def test_claude_on_bedrock_has_the_clouds_price() -> None:
    prices = Prices(lists={CLAUDE: "aws"})
    cost = prices.cost_usd(CLAUDE, "us.anthropic.claude-sonnet-5-5-v1:0", USAGE, at=NOVEMBER)
    assert cost == pytest.approx(0.2255)


@pytest.mark.parametrize(
    ("provider", "model", "tokens"),
    [
        (CLAUDE, "claude-sonnet-5-5", 1_000_000),
        (CLAUDE, "claude-haiku-4-5", 200_000),
        (GPT, "gpt-6.2-sol", 1_050_000),
        (GEMINI, "gemini-4-carbon", 1_048_576),
        (GPT, "model-of-next-month", None),
        (Provider.LOCAL, "qwen3-coder", None),
    ],
)
def test_the_window_of_a_model_is_known_or_unlimited(
    provider: Provider, model: str, tokens: int | None
) -> None:
    assert Prices().context_tokens(provider, model) == tokens


@pytest.mark.parametrize(
    ("model", "tokens", "surcharged"),
    [
        ("gpt-6.2-sol", 300_000, True),
        ("gpt-6.2-sol", 200_000, False),
        ("gpt-5.5", 300_000, True),
        ("model-of-next-month", 300_000, False),
    ],
)
def test_a_surcharge_for_length_is_detected(model: str, tokens: int, surcharged: bool) -> None:
    assert Prices().is_surcharged(GPT, model, tokens) is surcharged


def test_gpts_cache_reads_and_writes_have_their_own_prices() -> None:
    usage = Usage(input_tokens=3_000_000, cached_input_tokens=1_000_000, cache_write_tokens=1_000_000)
    short = Usage(input_tokens=3_000, cached_input_tokens=1_000, cache_write_tokens=1_000)
    at = datetime(2026, 11, 30, tzinfo=UTC)
    assert Prices().cost_usd(Provider.GPT, "gpt-6.2-sol", short, at=at) == pytest.approx(
        (2 + 0.1 + 2.5) / 1_000
    )
    assert Prices().cost_usd(Provider.GPT, "gpt-6.2-sol", usage, at=at) == pytest.approx(2 * (2 + 0.1 + 2.5))


def test_gemini_3_8_flash_doubles_in_january() -> None:
    usage = Usage(input_tokens=1_000, output_tokens=1_000)
    november, january = (
        Prices().cost_usd(Provider.GEMINI, "gemini-3.8-flash", usage, at=at)
        for at in (datetime(2026, 11, 30, tzinfo=UTC), datetime(2027, 1, 2, tzinfo=UTC))
    )
    assert november == pytest.approx(0.0045)
    assert january == pytest.approx(2 * 0.0045)


def test_an_override_is_newer_than_the_price_list_or_the_list_does_not_know_the_model() -> None:
    """gemini-2.5-* are billed as their successors from December 1, which genai-prices 0.2.3 does not know."""
    snapshot = get_snapshot()
    listed: set[str] = set()
    for price in OVERRIDES:
        vendor = "openai" if price.model.startswith("gpt") else "google"
        with suppress(LookupError):
            snapshot.find_provider_model(price.model, None, vendor, None)
            listed.add(price.model)
    assert listed == {"gemini-2.5-pro", "gemini-2.5-flash"}
