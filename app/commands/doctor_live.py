"""`quorum doctor --live`: four paid requests to each configured model, with the schema and the prompts of a review.

It shows what no free check can: that the vendor accepts the schema, reads the whole request, serves its cache and streams.
"""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass

import httpx2

from app.clock import utc_now
from app.commands.doctor_checks import Check, failure, ok, warning
from app.domain.model_call import ModelCall, Provider, Rung, Usage
from app.errors import ModelInvalidOutput, QuorumError
from app.llm.build import (
    ModelEnvironment,
    ModelSettings,
    ModelStores,
    VendorAccess,
    build_models,
    build_prices,
)
from app.llm.calls import MemoryCalls
from app.llm.client import CallScope, ModelRequest, RoutingRequest
from app.llm.models import Models
from app.prompting.answers import answer_schema
from app.prompting.prompts import Prompts
from app.stages.asking import system_prompt

DEADLINE_S = 600.0
MATERIAL_LINES = 700  # long enough for every vendor's cache
EXPECTED = Usage(input_tokens=9_000, output_tokens=1_000)  # of one request, more rather than less

_DEFECT = "def average(prices):\n    return sum(prices) / len(prices)  # fails for an empty list\n"
_FINDINGS = "Report the one defect in `average` as a finding with path `shop.py`; leave the other arrays empty and `summary` null."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trial:
    name: str
    question: str
    max_output_tokens: int = 8_000


_TRIALS = (
    _Trial(name="schema", question=_FINDINGS),
    _Trial(name="cached repeat", question=f"Once more. {_FINDINGS}"),
    _Trial(
        name="streamed answer",
        question="Leave the arrays empty, except for one document with the title `shop.py` that explains each function in a sentence.",
        max_output_tokens=32_000,
    ),
    _Trial(
        name="verification",
        question="Claim c1: `average` in `shop.py` divides by zero for an empty list. Answer with one verdict on c1; leave the "
        "other arrays empty and `summary` null.",
    ),
)


def estimate_usd(access: Mapping[Provider, VendorAccess]) -> float:
    """Return about what `run_trials` costs."""
    prices, at = build_prices(access), utc_now()
    return sum(
        len(_TRIALS) * prices.budgeted_usd(provider, model, EXPECTED, at=at)
        for provider, each in access.items()
        if each.is_usable(provider)
        for model in _models_of(each)
    )


async def run_trials(
    access: Mapping[Provider, VendorAccess],
    *,
    http_client: httpx2.AsyncClient | None = None,
    call_timeout_s: float | None = None,
) -> AsyncGenerator[Check]:
    """Send every trial to every model, one after the other; one line for each."""
    calls = MemoryCalls()
    models = build_models(
        ModelSettings(access=access, call_timeout_s=call_timeout_s),
        ModelEnvironment(stores=ModelStores(calls=calls), http_client=http_client),
    )
    try:
        for provider in models.providers:
            for model in _models_of(access[provider]):
                tier = "full" if model == access[provider].models.large else "trivial"
                for trial in _TRIALS:
                    yield await _try(models, calls, provider, model, trial, tier=tier)
    finally:
        await models.aclose()


def _models_of(access: VendorAccess) -> list[str]:
    return list(dict.fromkeys((access.models.large, access.models.small)))


async def _try(
    models: Models, calls: MemoryCalls, provider: Provider, model: str, trial: _Trial, *, tier: str
) -> Check:
    subject = f"{provider} live"
    before = len(calls.calls)
    routing = RoutingRequest(kind="review", tier=tier, allowed=(provider,), deadline_s=DEADLINE_S)
    try:
        await models.ask(
            routing, _request(trial), scope=CallScope(stage="doctor", bypass_cache=True), parse=_parse
        )
    except QuorumError as error:
        return failure(subject, f"{model}, {trial.name}: {error}", "see docs/providers.md")
    rows = calls.calls[before:]
    rungs = [state.rung for state in await models.rungs() if state.name.model == model]
    message = f"{model}, {trial.name}: {_describe(rows, rungs[0] if rungs else Rung.SCHEMA)}"
    failures = [row.error for row in rows[:-1] if row.error]
    return (
        warning(subject, message, f"before that: {' '.join(failures)}") if failures else ok(subject, message)
    )


def _request(trial: _Trial) -> ModelRequest:
    lines = "".join(
        f"def price_{n}(item):\n    return item.prices[{n}]\n\n" for n in range(MATERIAL_LINES // 3)
    )
    return ModelRequest(
        model="",
        system=system_prompt(Prompts()).text,
        material=f"shop.py:\n\n{lines}{_DEFECT}",
        question=trial.question,
        schema=answer_schema(),
        prompt_id="doctor/live",
        prompt_version="1",
        prefix_reused=True,
        cache_scope="quorum-doctor",
        max_output_tokens=trial.max_output_tokens,
    )


def _parse(value: object) -> object:
    if not isinstance(value, dict):
        raise ModelInvalidOutput("The answer is not a JSON object.")
    return value  # pyright: ignore[reportUnknownVariableType]


def _describe(rows: list[ModelCall], rung: Rung) -> str:
    row = rows[-1]
    usage = row.usage
    share = usage.cached_input_tokens / usage.input_tokens if usage.input_tokens else 0.0
    cost_usd = sum(each.cost_usd or 0.0 for each in rows)
    is_priced = all(each.cost_usd is not None for each in rows)
    first = (
        f", first token after {row.first_token_ms / 1_000:.1f} s" if row.first_token_ms is not None else ""
    )
    return (
        f"{rung.value}, {usage.input_tokens:,} input tokens ({share:.0%} cached), {usage.output_tokens:,} output tokens, "
        f"{f'{cost_usd:.4f} USD' if is_priced else 'price unknown'}, {row.latency_ms / 1_000:.1f} s{first}"
    )
