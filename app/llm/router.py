"""Decides which models to ask, in which order, and why. Never asks.

Candidates are ordered by stage (the favorite first) or by learned results, then by size and health. The tier selects the
model within a vendor, never the vendor. Sizes are token estimates made without network access: characters by language, a
factor by vendor, corrected by the usage that answers report.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from app.domain.configuration import Routing
from app.domain.model_call import Provider
from app.llm.circuits import Circuits
from app.llm.client import RouteCandidate, RoutingRequest
from app.llm.costs import Prices
from app.llm.output_limits import output_limit

CHARACTERS_PER_TOKEN = {
    "python": 4.10,
    "typescript": 4.29,
    "tsx": 4.29,
    "javascript": 3.81,
    "jsx": 3.81,
    "java": 4.92,
    "go": 3.45,
    "yaml": 4.09,
    "json": 3.54,
    "markdown": 3.93,
    "css": 3.32,
    "scss": 3.32,
    "html": 3.90,
}
UNKNOWN_LANGUAGE = 3.0
WIDE = 1.4  # Chinese, Japanese, Korean and other non-alphabetic text

VENDOR_FACTOR = {
    Provider.CLAUDE: 1.35,  # its tokenizer yields more tokens since Opus 4.7
    Provider.GPT: 1.1,
    Provider.GEMINI: 1.1,
}
OTHER_FACTOR = 1.2

_WIDE_RUN = re.compile("[\u2e80-\U0010ffff]+")  # East Asian scripts, then symbols and emoji
_WEIGHT = 0.1  # of the latest answer in the moving average


def estimate_tokens(text: str, *, language: str | None = None) -> int:
    """Estimate a text's tokens before any vendor's factor; `language` is a name from `app.syntax.language_of`.

    Measured with o200k on real files; unknown languages and mixed text use a rate that overestimates.
    """
    wide = 0 if text.isascii() else sum(map(len, _WIDE_RUN.findall(text)))
    rate = CHARACTERS_PER_TOKEN.get(language or "", UNKNOWN_LANGUAGE)
    return round((len(text) - wide) / rate + wide / WIDE)


def _factor(provider: Provider) -> float:
    return VENDOR_FACTOR.get(provider.vendor, OTHER_FACTOR)


class TokenEstimator:
    """Estimates for a vendor's model; learns from each answer's usage. In memory, one per process."""

    def __init__(self) -> None:
        self._correction: dict[tuple[Provider, str], float] = {}

    def estimate(self, text_tokens: int, *, provider: Provider, model: str) -> int:
        """Estimate the vendor's tokens from the result of `estimate_tokens`."""
        return round(text_tokens * _factor(provider) * self._correction.get((provider, model), 1.0))

    def learn(self, text_tokens: int, reported_tokens: int, *, provider: Provider, model: str) -> None:
        """Correct the model's estimates by an answer's usage; ignores implausible values (0, or off by more than 4 times)."""
        expected = text_tokens * _factor(provider)
        ratio = reported_tokens / expected if expected else 0.0
        if 0.25 <= ratio <= 4.0:
            before = self._correction.get((provider, model), 1.0)
            self._correction[provider, model] = before + _WEIGHT * (ratio - before)


ORDER = {
    "review": (Provider.CLAUDE, Provider.GPT, Provider.GEMINI, Provider.LOCAL),
    "security": (Provider.GPT, Provider.CLAUDE, Provider.GEMINI, Provider.LOCAL),
    "docs": (Provider.GEMINI, Provider.CLAUDE, Provider.GPT, Provider.LOCAL),
    "product_question": (Provider.GPT, Provider.CLAUDE, Provider.GEMINI, Provider.LOCAL),
}
DEFAULT_ORDER = ORDER["review"]


def favorites_of(kind: str, providers: Iterable[Provider]) -> tuple[Provider, ...]:
    """Return the order for a kind of question: a named server follows its vendor's own API, other vendors come last."""
    order = ORDER.get(kind, DEFAULT_ORDER)
    places = {vendor: place for place, vendor in enumerate(order)}
    everyone = dict.fromkeys((*order, *providers))
    return tuple(sorted(everyone, key=lambda provider: places.get(provider.vendor, len(order))))


# The kinds of question that the small model answers, by tier.
SMALL_WORK: Mapping[str, frozenset[str]] = {
    "trivial": frozenset(("review", "security", "docs", "verify", "intent", "fixed")),
    "lite": frozenset(("docs", "intent", "fixed")),
    "full": frozenset(("intent", "fixed")),
}

CONTEXT_RESERVE = 0.9  # estimates are not exact


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorModels:
    """A vendor's large and small model."""

    large: str
    small: str

    def __post_init__(self) -> None:
        if not self.large:
            raise ValueError("a vendor must have a model")


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """The candidates in order, and why others were left out."""

    candidates: tuple[RouteCandidate, ...]
    left_out: tuple[str, ...] = ()
    tier: str = "full"

    def explain(self, chosen: RouteCandidate) -> str:
        """Explain the decision in one line, for the report."""
        parts = [f"{chosen.provider}:{chosen.model}: {chosen.reason}", *self.left_out]
        return "; ".join(parts)


class OrderPolicy(Protocol):
    """Orders providers by past results (`app.llm.learned`)."""

    async def refresh(self) -> None:
        """Reload the results if they are stale."""
        ...

    def order(self, kind: str, candidates: Sequence[Provider]) -> tuple[tuple[Provider, ...], str]:
        """Return the candidates, best first, and the reason."""
        ...


class Router:
    """Makes a route from what the operator configured, from sizes and from health."""

    def __init__(
        self,
        *,
        models: Mapping[Provider, VendorModels],
        prices: Prices,
        tokens: TokenEstimator,
        circuits: Circuits,
        learned: OrderPolicy | None = None,
    ) -> None:
        self._models = models
        self._prices = prices
        self._tokens = tokens
        self._circuits = circuits
        self._learned = learned

    def route(self, request: RoutingRequest, *, text_tokens: int, max_output_tokens: int) -> Route:
        """Choose the candidates for a prompt of `text_tokens` (by `estimate_tokens`)."""
        providers, reason = self._order(request)
        left_out: list[str] = []
        ranked: list[tuple[int, RouteCandidate]] = []
        for provider in providers:
            model, why = self._model(provider, request)
            candidate = RouteCandidate(
                provider=provider, model=model, reason=", ".join(filter(None, (reason(provider), why)))
            )
            tokens = self._tokens.estimate(text_tokens, provider=provider, model=model)
            if self._is_too_long(candidate, tokens, max_output_tokens):
                left_out.append(f"{provider}: about {tokens} tokens do not fit {model}")
                continue
            ranked.append(self._rank(candidate, tokens))
        ranked.sort(key=lambda pair: pair[0])  # stable: equal candidates keep their order
        return Route(
            candidates=tuple(candidate for _, candidate in ranked),
            left_out=tuple(left_out),
            tier=request.tier,
        )

    def _order(self, request: RoutingRequest) -> "tuple[Sequence[Provider], _Reason]":
        allowed = tuple(self._models) if request.allowed is None else request.allowed
        favorites = favorites_of(request.kind, self._models)
        providers = [
            provider
            for provider in favorites
            if provider in self._models and provider in allowed and provider.vendor not in request.exclude
        ]
        if request.routing is Routing.LEARNED and self._learned is not None:
            learned, why = self._learned.order(request.kind, providers)
            return learned, lambda _: why
        return providers, lambda provider: _place(provider, providers, favorites, request)

    def _model(self, provider: Provider, request: RoutingRequest) -> tuple[str, str]:
        models = self._models[provider]
        if request.kind in SMALL_WORK.get(request.tier, frozenset()) and models.small != models.large:
            return models.small, f"small model for {request.tier} work"
        return models.large, ""

    def _is_too_long(self, candidate: RouteCandidate, tokens: int, max_output_tokens: int) -> bool:
        window = self._prices.context_tokens(candidate.provider, candidate.model)
        if window is None:
            return False
        allowed = output_limit(candidate.provider, candidate.model, max_output_tokens, context_tokens=window)
        return tokens + allowed > window * CONTEXT_RESERVE

    def _rank(self, candidate: RouteCandidate, tokens: int) -> tuple[int, RouteCandidate]:
        """Rank a candidate: 0 normally, 1 with a surcharge for length, 2 with an open circuit."""
        error = self._circuits.error(candidate.provider, candidate.model)
        if error is not None:
            return 2, replace(candidate, reason=f"{candidate.reason}, last: {error}")
        if self._prices.is_surcharged(candidate.provider, candidate.model, max(tokens, 1_000)):
            return 1, replace(candidate, reason=f"{candidate.reason}, surcharge for length")
        return 0, candidate


class _Reason(Protocol):
    def __call__(self, provider: Provider, /) -> str: ...


def _place(
    provider: Provider, providers: Sequence[Provider], favorites: Sequence[Provider], request: RoutingRequest
) -> str:
    if provider is favorites[0]:
        return f"first choice for {request.kind}"
    if provider is providers[0]:
        return f"next choice for {request.kind}, as {_absent(favorites, provider, request)}"
    return f"fallback {providers.index(provider)} for {request.kind}"


def _absent(favorites: Sequence[Provider], provider: Provider, request: RoutingRequest) -> str:
    before = favorites[: favorites.index(provider)]
    return " and ".join(
        f"{each} {'made the finding' if each.vendor in request.exclude else 'is not configured or not allowed'}"
        for each in before
    )
