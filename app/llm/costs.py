"""The cost of calls, and the budgets that limit it.

Prices, in USD per million tokens, come from a dated table of overrides, then from genai-prices; any other is unknown, never
zero. The library's hourly download is off: https://github.com/pydantic/genai-prices

A budget reserves an estimate before a call and corrects it after the call, so a crash in between charges the estimate.
Reserving in several accounts is one atomic operation of the store, so calls cannot overspend a limit together.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from app.clock import Clock, utc_now
from app.domain.model_call import Booking, Provider, Usage
from app.domain.notification import BudgetName, BudgetReached, Notify, drop_notification
from app.errors import ModelOverBudget
from app.llm.calls import CallStore
from app.llm.client import CallScope
from app.llm.price_table import MILLION, MOST_EXPENSIVE, OVERRIDES, Price

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, TieredPrices

    _Listed = Decimal | TieredPrices

MIN_SURCHARGED_TOKENS = 64_000  # no surcharge starts below


_LIST = {Provider.CLAUDE: "anthropic", Provider.GPT: "openai", Provider.GEMINI: "google"}


class Prices:
    """Prices by provider and model.

    `lists` names another price list of the library, such as `aws` for Claude on Bedrock. `own` and `windows` are the prices
    and context windows of the operator's servers; None if unknown.
    """

    def __init__(
        self,
        *,
        lists: Mapping[Provider, str] | None = None,
        own: Mapping[Provider, Price | None] | None = None,
        windows: Mapping[Provider, int | None] | None = None,
    ) -> None:
        self._lists = {**_LIST, **(lists or {})}
        self._own = own or {}
        self._windows = windows or {}

    def cost_usd(self, provider: Provider, model: str, usage: Usage, *, at: datetime) -> float | None:
        """Return the cost of a call; None if the price is unknown. `local` and the analyzers cost nothing."""
        if provider in self._own:
            price = self._own[provider]
            return price.cost_usd(usage) if price else None
        if provider not in self._lists:
            return 0.0
        override = _override(model, at.date())
        if override is not None:
            return override.cost_usd(usage)
        return _listed_cost_usd(self._lists[provider], model, usage, at)

    def budgeted_usd(self, provider: Provider, model: str, usage: Usage, *, at: datetime) -> float:
        """Return what budgets are charged for a call: its cost, or, if unknown, that of the vendor's most expensive model."""
        cost_usd = self.cost_usd(provider, model, usage, at=at)
        return self.highest_usd(provider, usage) if cost_usd is None else cost_usd

    def highest_usd(self, provider: Provider, usage: Usage) -> float:
        """Return what the vendor's most expensive model would cost; for another vendor, the most expensive of all."""
        known = MOST_EXPENSIVE.get(provider.vendor)
        return max(price.cost_usd(usage) for price in ([known] if known else MOST_EXPENSIVE.values()))

    def is_surcharged(self, provider: Provider, model: str, input_tokens: int) -> bool:
        """Whether each token of a request of about this length costs more than in a short one."""
        if input_tokens < MIN_SURCHARGED_TOKENS:
            return False
        at = utc_now()
        short = self.cost_usd(provider, model, Usage(input_tokens=1_000), at=at)
        long = self.cost_usd(provider, model, Usage(input_tokens=input_tokens), at=at)
        return bool(short and long and long / input_tokens > 1.01 * short / 1_000)

    def context_tokens(self, provider: Provider, model: str) -> int | None:
        """Return the model's context window for input and output together; None if unknown."""
        if provider.is_server:
            return self._windows.get(provider)
        known = [p.context_tokens for p in OVERRIDES if p.context_tokens and model.startswith(p.model)]
        if known or provider not in self._lists:
            return known[0] if known else None
        return _listed_context_tokens(self._lists[provider], model)


def _override(model: str, day: date) -> Price | None:
    """Return the newest row in effect; `gemini-2.5-flash` does not apply to `gemini-2.5-flash-lite`."""
    rows = [price for price in OVERRIDES if _is_form_of(model, price.model) and price.starts_on <= day]
    return max(rows, key=lambda price: price.starts_on, default=None)


def _is_form_of(model: str, name: str) -> bool:
    """Whether `model` is `name` or a dated or numbered form of it, such as `name-2026-04-23`."""
    rest = model.removeprefix(name)
    return rest == "" or (rest != model and rest[:1] in "-@" and rest[1:2].isdigit())


def _listed_cost_usd(price_list: str, model: str, usage: Usage, at: datetime) -> float | None:
    """Use the library's prices but not its calculation, which takes as long as the rest of recording a call."""
    found = _listed(price_list, model)
    if found is None:
        return None
    prices = found.get_prices(at)
    fresh = usage.input_tokens - usage.cached_input_tokens - usage.cache_write_tokens
    if prices.input_mtok is None or prices.output_mtok is None or fresh < 0:
        return None
    charged = (
        (fresh, prices.input_mtok),
        (usage.cached_input_tokens, _first(prices.cache_read_mtok, prices.input_mtok)),
        (usage.cache_write_tokens, _first(prices.cache_write_mtok, prices.input_mtok)),
        (usage.output_tokens, prices.output_mtok),
    )
    return sum(tokens * _rate(price, usage.input_tokens) for tokens, price in charged) / MILLION


def _first(price: "_Listed | None", default: "_Listed") -> "_Listed":
    return default if price is None else price


def _rate(price: "_Listed", input_tokens: int) -> float:
    """Return the price per million tokens; in a tiered price, the length of the whole request selects the tier."""
    if isinstance(price, Decimal):
        return float(price)
    reached = [tier.price for tier in price.tiers if input_tokens > tier.start]
    return float(reached[-1] if reached else price.base)


def _listed_context_tokens(price_list: str, model: str) -> int | None:
    found = _listed(price_list, model)
    return found.context_window if found else None


def _listed(price_list: str, model: str) -> "ModelInfo | None":
    from genai_prices import data_snapshot  # takes a third of a second, and not every command asks a model

    try:
        return data_snapshot.get_snapshot().find_provider_model(model, None, price_list, None)[1]
    except LookupError:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetLimits:
    """The operator's limits in USD; None means unlimited."""

    review_usd: float | None = None
    pull_request_day_usd: float | None = None
    repository_month_usd: float | None = None
    installation_month_usd: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """The amount reserved for one call."""

    accounts: Mapping[str, float | None]
    amount_usd: float

    def settled(self, cost_usd: float) -> Booking | None:
        """Return the booking that corrects the accounts once the cost is known; None if they are correct."""
        difference_usd = cost_usd - self.amount_usd
        return (
            Booking(accounts=tuple(self.accounts), difference_usd=difference_usd) if difference_usd else None
        )


class Budgets:
    """The operator's and the repository's limits; the lower one applies."""

    def __init__(
        self, *, limits: BudgetLimits, store: CallStore, clock: Clock, notify: Notify = drop_notification
    ) -> None:
        self._limits = limits
        self._store = store
        self._clock = clock
        self._notify = notify

    async def reserve(self, scope: CallScope, estimate_usd: Callable[[], float]) -> Reservation:
        """Reserve budget for a call; calls `estimate_usd` only if there is a limit.

        Raises:
            ModelOverBudget: the message names the budget and its limit.
        """
        accounts = _accounts(scope, self._limits, self._clock.now())
        if all(limit_usd is None for limit_usd in accounts.values()):
            return Reservation(accounts=accounts, amount_usd=0.0)  # nothing to reserve; booked when settled
        amount_usd = estimate_usd()
        over = await self._store.reserve(accounts, amount_usd)
        if over is not None:
            kind, limit_usd = over.partition(":")[0], accounts[over] or 0.0
            await self._notify(
                BudgetReached(
                    budget=_BUDGETS[kind],
                    account=over,
                    limit_usd=limit_usd,
                    repository=scope.repository or None,
                    pull_request=scope.pull_request,
                    review_id=scope.review_id,
                )
            )
            raise ModelOverBudget(
                f"The budget of this {_NAMES[kind]} ({limit_usd:.4g} USD) does not allow this call."
            )
        return Reservation(accounts=accounts, amount_usd=amount_usd)


_NAMES = {
    "review": "review",
    "pull": "pull request and day",
    "repository": "repository and month",
    "installation": "installation and month",
}
_BUDGETS: dict[str, BudgetName] = {
    "review": "review",
    "pull": "pull_request_day",
    "repository": "repository_month",
    "installation": "installation_month",
}


def _accounts(scope: CallScope, limits: BudgetLimits, now: datetime) -> dict[str, float | None]:
    """Map accounts to limits. Each call is booked on every account, so that a limit set later includes past spending."""
    own = scope.budget
    tenant = f"{scope.installation_id}:{scope.repository}"
    day, month = now.strftime("%Y-%m-%d"), now.strftime("%Y-%m")
    accounts: dict[str, float | None] = {}
    if scope.review_id is not None:
        accounts[f"review:{scope.review_id}"] = _lower(limits.review_usd, own.review_usd)
    if scope.pull_request is not None:
        accounts[f"pull:{tenant}#{scope.pull_request}:{day}"] = _lower(
            limits.pull_request_day_usd, own.pull_request_day_usd
        )
    if scope.repository:
        accounts[f"repository:{tenant}:{month}"] = _lower(
            limits.repository_month_usd, own.repository_month_usd
        )
    accounts[f"installation:{scope.installation_id}:{month}"] = limits.installation_month_usd
    return accounts


def _lower(operator: float | None, repository: float | None) -> float | None:
    return min((limit for limit in (operator, repository) if limit is not None), default=None)
