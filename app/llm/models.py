"""The one way to ask a model: route → cache → one candidate after the other → answer. Knows no vendor, no price.

Every attempt on the wire, every cache hit and every refusal by budget leaves a row. Nothing is raised but `AllModelsFailed` and
`ModelOverBudget`.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from app.clock import Clock
from app.domain.configuration import Routing
from app.domain.model_call import CachedAnswer, Provider, Usage
from app.domain.review import UsageTotal
from app.errors import ModelError, ModelInvalidOutput
from app.llm.attempt import Asked, Attempts, Made
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
from app.llm.fallback import Attempt, Fallback
from app.llm.recorder import Recorder
from app.llm.router import OrderPolicy, Route, Router, VendorModels, estimate_tokens
from app.llm.shared_circuits import SharedCircuits

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelComponents:
    """What `Models` is made of; `app.llm.build` puts it together."""

    clients: Mapping[Provider, ModelClient]
    models: Mapping[Provider, VendorModels]
    router: Router
    learned: OrderPolicy | None
    cache: AnswerCache
    fallback: Fallback
    attempts: Attempts
    circuits: SharedCircuits
    recorder: Recorder
    clock: Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCheck:
    """What a provider says of one of the configured models; `error` None: it is there."""

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

    def __init__(self, parts: ModelComponents) -> None:
        self._parts = parts

    @property
    def providers(self) -> tuple[Provider, ...]:
        """Who is configured."""
        return tuple(self._parts.clients)

    @property
    def is_keyless(self) -> bool:
        """Whether nobody is configured: the analysers are the reviewer."""
        return not self._parts.clients

    @property
    def learns(self) -> bool:
        """Whether `routing: learned` has records to go by; without them it orders as `fixed`."""
        return self._parts.learned is not None

    async def open_circuits(self) -> list[OpenCircuit]:
        """Who is not asked at the moment, and why, as far as any process knows."""
        await self._parts.circuits.refresh()
        return self._parts.circuits.local.open()

    async def usage(self, review_id: str) -> UsageTotal:
        """What a review took up to now."""
        return await self._parts.recorder.usage(review_id)

    async def check(self) -> list[ModelCheck]:
        """Whether each provider takes the key and has both models; costs nothing."""
        return [
            ModelCheck(
                provider=provider, model=model, error=await _check(self._parts.clients[provider], model)
            )
            for provider, models in self._parts.models.items()
            for model in dict.fromkeys((models.large, models.small))
        ]

    async def open(self) -> None:
        """Load the vendors' SDKs now, one after the other, so that no review waits for them."""
        for client in self._parts.clients.values():
            if isinstance(client, PreloadableClient):
                await client.open()

    async def aclose(self) -> None:
        """Close all connections."""
        for client in self._parts.clients.values():
            await client.aclose()
        await self._parts.recorder.aclose()

    async def ask(
        self,
        task: RoutingRequest,
        request: ModelRequest,
        *,
        scope: CallScope,
        parse: Callable[[Any], T],
        parent_id: str | None = None,
    ) -> Completion:
        """The first good answer among the task's candidates; `value` is what `parse` made of its JSON.

        `parse` raises `ModelInvalidOutput` or `ValueError` for an answer that is off the schema: its model is asked once more.
        `parent_id` is the call whose answer is handed on, such as the finder's to the verifier.

        Raises:
            AllModelsFailed: with every attempt's error.
            ModelOverBudget: a budget does not allow a call.
        """
        deadline_at_s = self._parts.clock.monotonic_s() + task.deadline_s
        if task.routing is Routing.LEARNED and self._parts.learned is not None:
            await self._parts.learned.refresh()
        await self._parts.circuits.refresh()
        texts = (request.system, request.material, request.question)
        text_tokens = max(task.prompt_tokens, sum(map(estimate_tokens, texts)))
        route = self._parts.router.route(
            task, text_tokens=text_tokens, max_output_tokens=request.max_output_tokens
        )
        asked = Asked(
            request=request,
            scope=scope,
            tier=task.tier,
            text_tokens=text_tokens,
            keys=answer_keys(route.candidates, request, scope),
            parent_id=parent_id,
            parse=parse,
        )
        if scope.bypass_cache or not asked.keys:
            return await self._ask(asked, route, deadline_at_s)
        async with self._parts.cache.flight(asked.keys[route.candidates[0]]):
            hit = await self._load(asked, route)
            return hit or await self._ask(asked, route, deadline_at_s)

    async def _load(self, asked: Asked, route: Route) -> Completion | None:
        begun_at = self._parts.clock.now()
        found = await self._parts.cache.load(asked.scope, tuple(asked.keys.values()))
        if found is None:
            return None
        try:
            value = asked.parse(found.value)
        except (ModelInvalidOutput, ValueError):  # kept by an older version that read it otherwise: ask again
            return None
        candidate = next(each for each, key in asked.keys.items() if key == found.key)
        return Completion(
            value=value,
            response=_response(found),
            call_id=await self._parts.attempts.record_hit(asked, candidate, begun_at),
            route=f"{route.explain(candidate)}; from the cache",
        )

    async def _ask(self, asked: Asked, route: Route, deadline_at_s: float) -> Completion:
        async def attempt(each: Attempt) -> Made:
            return await self._parts.attempts.make(asked, each)

        won = await self._parts.fallback.ask(route.candidates, deadline_at_s=deadline_at_s, attempt=attempt)
        made = won.value
        return Completion(
            value=made.value,
            response=made.response,
            call_id=made.call_id,
            route=route.explain(won.candidate),
            failures=tuple(dict.fromkeys(map(str, won.failures))),
        )


def _response(found: CachedAnswer) -> ModelResponse:
    """A kept answer as if it had just come, for nothing."""
    return ModelResponse(
        provider=found.provider,
        model=found.model,
        text=json.dumps(found.value),
        parsed=found.value,
        usage=Usage(),
    )
