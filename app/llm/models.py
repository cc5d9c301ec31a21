"""The only way to ask a model: route → cache → one candidate after another → completion.

Every attempt, every cache hit and every refusal by a budget leaves a row.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from app.clock import Clock
from app.domain.configuration import Routing
from app.domain.model_call import CachedAnswer, Provider, RungState, Usage
from app.domain.review import UsageTotal
from app.errors import ModelError, ModelInvalidOutput
from app.llm.attempt import Attempts, CallPlan
from app.llm.calls import AnswerCache, answer_keys
from app.llm.circuits import OpenCircuit
from app.llm.client import (
    CallScope,
    Completion,
    ModelClient,
    ModelRequest,
    ModelResponse,
    PreloadableClient,
    RoutingRequest,
)
from app.llm.fallback import Fallback
from app.llm.ladder import Rungs
from app.llm.recorder import Recorder
from app.llm.router import OrderPolicy, Router, VendorModels, estimate_tokens
from app.llm.shared_circuits import SharedCircuits

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelComponents:
    """The parts of `Models`; `app.llm.build` assembles them."""

    clients: Mapping[Provider, ModelClient]
    models: Mapping[Provider, VendorModels]
    router: Router
    learned: OrderPolicy | None
    cache: AnswerCache
    attempts: Attempts
    fallback: Fallback
    circuits: SharedCircuits
    rungs: Rungs
    recorder: Recorder
    clock: Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCheck:
    """Whether a provider has one of the configured models; `error` is None if it does."""

    provider: Provider
    model: str
    error: ModelError | None


async def _check(client: ModelClient, model: str) -> ModelError | None:
    try:
        await client.check(model)
    except ModelError as error:
        return error
    return None


class Models:
    """All configured providers as one."""

    def __init__(self, components: ModelComponents) -> None:
        self._components = components

    @property
    def providers(self) -> tuple[Provider, ...]:
        """The configured providers."""
        return tuple(self._components.clients)

    @property
    def is_keyless(self) -> bool:
        """Whether no provider is configured, so that only the analyzers review."""
        return not self._components.clients

    async def open_circuits(self) -> list[OpenCircuit]:
        """Return the providers that are not asked now, and why; includes what other processes know."""
        await self._components.circuits.refresh()
        return self._components.circuits.local.open()

    async def rungs(self) -> list[RungState]:
        """Return the models that are asked for JSON in a weaker way than the full schema, and why."""
        return await self._components.rungs.current()

    async def usage(self, review_id: str) -> UsageTotal:
        """Return what a review has used so far."""
        return await self._components.recorder.usage(review_id)

    async def check(self) -> list[ModelCheck]:
        """Check that each provider accepts the key and has both models; costs nothing."""
        return [
            ModelCheck(
                provider=provider, model=model, error=await _check(self._components.clients[provider], model)
            )
            for provider, models in self._components.models.items()
            for model in dict.fromkeys((models.large, models.small))
        ]

    async def preload(self) -> None:
        """Load the vendors' SDKs one after the other, so that no review waits for them."""
        for client in self._components.clients.values():
            if isinstance(client, PreloadableClient):
                await client.preload()

    async def aclose(self) -> None:
        """Close all connections."""
        for client in self._components.clients.values():
            await client.aclose()
        await self._components.recorder.aclose()

    async def order(self, routing: RoutingRequest) -> tuple[Provider, ...]:
        """Return the providers in the order in which a question would go to them now, whatever its length."""
        components = self._components
        if routing.routing is Routing.LEARNED and components.learned is not None:
            await components.learned.refresh()
        await components.circuits.refresh()
        route = components.router.route(routing, text_tokens=0, max_output_tokens=0)
        return tuple(candidate.provider for candidate in route.candidates)

    async def ask(
        self,
        routing: RoutingRequest,
        request: ModelRequest,
        *,
        scope: CallScope,
        parse: Callable[[object], T],
        parent_id: str | None = None,
    ) -> Completion[T]:
        """Return the first valid answer among the candidates; `value` is what `parse` returned for its JSON.

        `parse` raises `ModelInvalidOutput` or `ValueError` for an answer that does not fit the schema; its model is then
        asked once more. `parent_id` is the call whose answer is passed on, such as the finder's to the verifier.

        Raises:
            AllModelsFailed: has the errors of all attempts.
            ModelOverBudget: a budget does not allow a call.
            ModelTruncated, ModelContextTooLong, ModelReadPart: with `can_split`, ask about two halves.
        """
        plan = await self._plan(routing, request, scope=scope, parse=parse, parent_id=parent_id)
        if scope.bypass_cache or not plan.cache_keys:
            return await self._components.fallback.ask(plan)
        async with self._components.cache.flight(plan.cache_keys[plan.route.candidates[0]]):
            return await self._load(plan) or await self._components.fallback.ask(plan)

    async def _plan(
        self,
        routing: RoutingRequest,
        request: ModelRequest,
        *,
        scope: CallScope,
        parse: Callable[[object], T],
        parent_id: str | None,
    ) -> CallPlan[T]:
        components = self._components
        deadline_at_s = components.clock.monotonic_s() + routing.deadline_s
        if routing.routing is Routing.LEARNED and components.learned is not None:
            await components.learned.refresh()
        await components.circuits.refresh()
        text_tokens = sum(map(estimate_tokens, request.texts))
        route = components.router.route(
            routing, text_tokens=text_tokens, max_output_tokens=request.max_output_tokens
        )
        return CallPlan(
            request=request,
            scope=scope,
            route=route,
            text_tokens=text_tokens,
            cache_keys=answer_keys(route.candidates, request, scope),
            parse=parse,
            parent_id=parent_id,
            deadline_at_s=deadline_at_s,
            can_split=routing.can_split,
        )

    async def _load(self, plan: CallPlan[T]) -> Completion[T] | None:
        started_at = self._components.clock.now()
        found = await self._components.cache.load(plan.scope, tuple(plan.cache_keys.values()))
        if found is None:
            return None
        try:
            value = plan.parse(found.value)
        except (ModelInvalidOutput, ValueError):  # an older version stored it and parsed it differently
            return None
        candidate = next(each for each, key in plan.cache_keys.items() if key == found.key)
        return Completion(
            value=value,
            response=_response(found),
            call_id=await self._components.attempts.record_hit(plan, candidate, started_at),
            route=f"{plan.route.explain(candidate)}; from the cache",
        )


def _response(found: CachedAnswer) -> ModelResponse:
    """Convert a cached answer to a response that used no tokens."""
    return ModelResponse(
        provider=found.provider,
        model=found.model,
        text=json.dumps(found.value),
        parsed=found.value,
        usage=Usage(),
    )
