"""The prices that Quorum knows better than genai-prices: a dated table, and the most expensive model of each vendor."""

import math
from dataclasses import dataclass
from datetime import date

from app.domain.model_call import Provider, Usage

MILLION = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """The prices of a model from `starts_on`. If `cached` or `written` is None, that costs as much as fresh input.

    A request with more than `surcharge_above` input tokens pays `surcharge` (input, output) times the price of all tokens.
    """

    model: str  # a model id, or the prefix of its dated forms
    starts_on: date = date.min
    input: float
    cached: float | None = None
    written: float | None = None
    output: float
    context_tokens: int | None = None
    surcharge_above: int | None = None
    surcharge: tuple[float, float] = (1.0, 1.0)

    def cost_usd(self, usage: Usage) -> float:
        """Return the cost of one call."""
        is_long = usage.input_tokens > (self.surcharge_above or math.inf)
        input_factor, output_factor = self.surcharge if is_long else (1.0, 1.0)
        fresh = usage.input_tokens - usage.cached_input_tokens - usage.cache_write_tokens
        written_usd = usage.cache_write_tokens * (self.written or self.input)
        cached_usd = usage.cached_input_tokens * (self.input if self.cached is None else self.cached)
        in_usd = (fresh * self.input + cached_usd + written_usd) * input_factor
        return (in_usd + usage.output_tokens * self.output * output_factor) / MILLION


def _long_gpt(
    model: str,
    *,
    input_usd: float,
    output_usd: float,
    cached_usd: float | None = None,
    written_usd: float | None = None,
) -> Price:
    return Price(
        model=model,
        input=input_usd,
        cached=cached_usd,
        written=written_usd,
        output=output_usd,
        context_tokens=1_050_000,
        surcharge_above=272_000,
        surcharge=(2.0, 1.5),
    )


# As of 2026-11-30; a later row of a model applies from its date on.
OVERRIDES = (
    _long_gpt("gpt-6.2-sol", input_usd=2, cached_usd=0.1, written_usd=2.5, output_usd=10),
    _long_gpt("gpt-6.2-astra", input_usd=8, output_usd=40),
    Price(model="gemini-4-carbon", input=2, cached=0.1, output=10, context_tokens=1_048_576),
    Price(model="gemini-4-carbon", starts_on=date(2026, 12, 1), input=4, cached=0.2, output=20),
    Price(model="gemini-4-hydrogen", input=1.5, output=7.5, context_tokens=1_048_576),
    # Shut down on that day, then served and billed as their successors.
    Price(model="gemini-2.5-pro", starts_on=date(2026, 12, 1), input=0.75, cached=0.075, output=3.75),
    Price(model="gemini-2.5-flash", starts_on=date(2026, 12, 1), input=0.3, cached=0.03, output=2.5),
)

# Only for budgets, if a model's own price is unknown: the most expensive model of the vendor.
MOST_EXPENSIVE = {
    Provider.CLAUDE: Price(model="claude-fable-5-1", input=12.5, cached=12.5, output=50),  # as cache writes
    Provider.GPT: Price(model="gpt-5.5-pro", input=30, cached=30, output=180),
    Provider.GEMINI: Price(model="gemini-4-argon", input=4, cached=4, output=20),
}
