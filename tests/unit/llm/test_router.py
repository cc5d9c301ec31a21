"""Which candidates and models the router chooses, and the reasons it gives."""

from collections.abc import Sequence

import pytest

from app.domain.configuration import Routing
from app.domain.model_call import Provider
from app.errors import ModelAuthFailed
from app.llm.circuits import Circuits
from app.llm.client import RoutingRequest
from app.llm.costs import Prices
from app.llm.router import Route, Router, TokenEstimator, VendorModels
from tests.fakes.vendors import MODELS
from tests.unit.llm.harness import ManualClock

CLAUDE, GPT, GEMINI, LOCAL = Provider.CLAUDE, Provider.GPT, Provider.GEMINI, Provider.LOCAL


class Reversed:
    """A learned order that reverses the candidates."""

    async def refresh(self) -> None: ...

    def order(self, kind: str, candidates: Sequence[Provider]) -> tuple[tuple[Provider, ...], str]:
        return tuple(reversed(candidates)), f"learned order for {kind}"


def router(*, models: dict[Provider, VendorModels] | None = None, circuits: Circuits | None = None) -> Router:
    return Router(
        models=MODELS if models is None else models,
        prices=Prices(),
        tokens=TokenEstimator(),
        circuits=circuits or Circuits(ManualClock()),
        learned=Reversed(),
    )


def names(route: Route) -> list[str]:
    return [f"{each.provider}:{each.model}" for each in route.candidates]


def choose(
    task: RoutingRequest, *, text_tokens: int = 1_000, models: dict[Provider, VendorModels] | None = None
) -> Route:
    return router(models=models).route(task, text_tokens=text_tokens, max_output_tokens=16_000)


@pytest.mark.parametrize(
    ("kind", "order"),
    [
        ("review", (CLAUDE, GPT, GEMINI, LOCAL)),
        ("security", (GPT, CLAUDE, GEMINI, LOCAL)),
        ("docs", (GEMINI, CLAUDE, GPT, LOCAL)),
        ("verify", (CLAUDE, GPT, GEMINI, LOCAL)),
    ],
)
def test_the_favorite_comes_first_then_the_order_of_the_contract(
    kind: str, order: Sequence[Provider]
) -> None:
    route = choose(RoutingRequest(kind=kind))
    assert tuple(each.provider for each in route.candidates) == order
    assert route.candidates[0].reason == f"first choice for {kind}"
    assert route.candidates[1].reason == f"fallback 1 for {kind}"


def test_only_providers_that_the_repository_allows_are_asked() -> None:
    route = choose(RoutingRequest(kind="review", allowed=(GEMINI, GPT)))
    assert names(route) == ["gpt:gpt-6.2-sol", "gemini:gemini-3.8-flash"]
    assert route.candidates[0].reason == "next choice for review, as claude is not configured or not allowed"


@pytest.mark.parametrize(
    ("tier", "kind", "model"),
    [
        ("trivial", "review", "claude-haiku-5-5"),
        ("trivial", "security", "gpt-6-luna"),
        ("trivial", "docs", "gemini-3.5-flash-lite"),
        ("lite", "review", "claude-sonnet-5-5"),
        ("lite", "security", "gpt-6.2-sol"),
        ("lite", "docs", "gemini-3.5-flash-lite"),
        ("full", "docs", "gemini-3.8-flash"),
        ("full", "verify", "claude-sonnet-5-5"),
        ("full", "intent", "claude-haiku-5-5"),
    ],
)
def test_the_tier_chooses_the_model_of_the_favorite_vendor(tier: str, kind: str, model: str) -> None:
    assert choose(RoutingRequest(kind=kind, tier=tier)).candidates[0].model == model


def test_the_small_model_is_explained() -> None:
    route = choose(RoutingRequest(kind="review", tier="trivial"))
    assert route.candidates[0].reason == "first choice for review, small model for trivial work"


def test_a_prompt_that_exceeds_a_window_leaves_that_model_out() -> None:
    models = {CLAUDE: VendorModels(large="claude-haiku-4-5", small="claude-haiku-4-5"), GPT: MODELS[GPT]}
    route = choose(RoutingRequest(kind="review"), text_tokens=150_000, models=models)
    assert names(route) == ["gpt:gpt-6.2-sol"]
    assert route.left_out == ("claude: about 202500 tokens do not fit claude-haiku-4-5",)
    assert "do not fit" in route.explain(route.candidates[0])


def test_there_is_no_candidate_if_no_window_fits() -> None:
    assert choose(RoutingRequest(kind="review", allowed=(CLAUDE,)), text_tokens=2_000_000).candidates == ()


def test_a_surcharge_for_length_puts_other_providers_first() -> None:
    route = choose(RoutingRequest(kind="security"), text_tokens=280_000)
    assert names(route)[:2] == ["claude:claude-sonnet-5-5", "gemini:gemini-3.8-flash"]
    (gpt,) = [each for each in route.candidates if each.provider is GPT]
    assert gpt.reason == "first choice for security, surcharge for length"


def test_a_provider_with_an_open_circuit_comes_last_with_the_reason() -> None:
    circuits = Circuits(ManualClock())
    circuits.fail(CLAUDE, "claude-sonnet-5-5", ModelAuthFailed("Anthropic refused the key.", provider=CLAUDE))
    route = router(circuits=circuits).route(
        RoutingRequest(kind="review"), text_tokens=10, max_output_tokens=10
    )
    last = route.candidates[-1]
    assert (last.provider, last.reason) == (
        CLAUDE,
        "first choice for review, last: Anthropic refused the key.",
    )


def test_the_learned_order_is_used_only_if_the_repository_asks_for_it() -> None:
    fixed = choose(RoutingRequest(kind="review"))
    learned = choose(RoutingRequest(kind="review", routing=Routing.LEARNED))
    assert names(learned) == list(reversed(names(fixed)))
    assert learned.candidates[0].reason == "learned order for review"


def test_a_vendor_must_have_a_model() -> None:
    with pytest.raises(ValueError, match="must have a model"):
        VendorModels(large="", small="x")
