"""Makes one attempt on the wire and accounts for it: waits for a slot, reserves budget, parses the answer, records the call."""

import asyncio
import uuid
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from app.clock import Clock
from app.domain.model_call import Booking, CachedAnswer, CallEntry, ModelCall, Outcome, Provider, Slot, Usage
from app.errors import ModelError, ModelInvalidOutput, ModelOverBudget, ModelTimeout
from app.llm.calls import AnswerCache, CallStore
from app.llm.client import CallScope, ModelClient, ModelRequest, ModelResponse, RouteCandidate
from app.llm.costs import Budgets, Prices, Reservation
from app.llm.failures import VENDOR, within
from app.llm.fallback import Attempt
from app.llm.recorder import Recorder
from app.llm.router import TokenEstimator

MOST_AT_ONCE = 32  # calls to one provider
LOOK_AGAIN_S = 0.25


class Slots:
    """The slots of each provider."""

    def __init__(self, *, limits: Mapping[Provider, int], store: CallStore, clock: Clock) -> None:
        self._limits = limits
        self._store = store
        self._clock = clock
        self._queues = {provider: asyncio.Semaphore(limit) for provider, limit in limits.items()}

    @asynccontextmanager
    async def slot(self, provider: Provider) -> AsyncGenerator[None]:
        """One of the slots, from when the provider may be asked for as long as the question lasts."""
        async with self._queues[provider]:
            slot = await self._take(provider)
            try:
                yield
            finally:
                self._store.let_go(slot)

    async def _take(self, provider: Provider) -> Slot:
        while (slot := await self._store.take_slot(provider, most=self._limits[provider])) is None:
            await self._clock.sleep(LOOK_AGAIN_S)
        return slot


MAX_COMPLAINT = 500  # characters of what was wrong with an answer, told to its model alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question on its way: what stays the same over its attempts."""

    request: ModelRequest
    scope: CallScope
    tier: str
    text_tokens: int  # by `estimate_tokens`
    keys: Mapping[RouteCandidate, str]  # of the answers in the cache
    parent_id: str | None
    parse: Callable[[Any], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A good attempt: what `parse` made of the answer, the answer, and the id of its row."""

    value: Any
    response: ModelResponse
    call_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Begun:
    at: datetime
    at_s: float


class Attempts:
    """Makes attempts and accounts for them."""

    def __init__(
        self,
        *,
        clients: Mapping[Provider, ModelClient],
        cache: AnswerCache,
        budgets: Budgets,
        prices: Prices,
        tokens: TokenEstimator,
        recorder: Recorder,
        slots: Slots,
        clock: Clock,
    ) -> None:
        self._clients = clients
        self._slots = slots
        self._cache = cache
        self._budgets = budgets
        self._prices = prices
        self._tokens = tokens
        self._recorder = recorder
        self._clock = clock

    async def make(self, asked: Asked, attempt: Attempt) -> Made:
        """Ask once, when a slot is free; raises a `ModelError` after its row is written."""
        begun = _Begun(at=self._clock.now(), at_s=self._clock.monotonic_s())
        candidate = attempt.candidate
        try:
            reservation = await self._reserve(asked, candidate)
        except ModelOverBudget as error:
            await self._record(asked, attempt, begun, error=error, cost_usd=0.0)
            raise
        try:
            async with (
                within(candidate.provider, attempt.left_s),
                self._slots.slot(candidate.provider),
            ):
                response = await self._clients[candidate.provider].generate(_request(asked.request, attempt))
            value = _parse(asked, response)
        except ModelError as error:
            await self._fail(asked, attempt, begun, error, reservation)
            raise
        except asyncio.CancelledError:  # it was sent and may be charged: the reservation stays
            stopped = ModelTimeout("The review was stopped meanwhile.", provider=candidate.provider)
            await asyncio.shield(self._record(asked, attempt, begun, error=stopped, cost_usd=None))
            raise
        call_id = await self._succeed(asked, attempt, begun, response, reservation)
        return Made(value=value, response=response, call_id=call_id)

    async def record_hit(self, asked: Asked, candidate: RouteCandidate, begun_at: datetime) -> str:
        """The row of an answer that was found in the cache; its id."""
        begun = _Begun(at=begun_at, at_s=self._clock.monotonic_s())
        attempt = Attempt(candidate=candidate, number=0, timeout_s=0.0, left_s=0.0)
        return await self._record(asked, attempt, begun, cost_usd=0.0, outcome=Outcome.CACHE_HIT)

    async def _reserve(self, asked: Asked, candidate: RouteCandidate) -> Reservation:
        provider, model = candidate.provider, candidate.model

        def estimate_usd() -> float:
            tokens = self._tokens.estimate(asked.text_tokens, provider=provider, model=model)
            most = Usage(input_tokens=tokens, output_tokens=asked.request.max_output_tokens)
            return self._prices.budgeted_usd(provider, model, most, at=self._clock.now())

        return await self._budgets.reserve(asked.scope, estimate_usd)

    async def _succeed(
        self,
        asked: Asked,
        attempt: Attempt,
        begun: _Begun,
        response: ModelResponse,
        reservation: Reservation,
    ) -> str:
        candidate = attempt.candidate
        if not asked.request.images:
            self._tokens.learn(
                asked.text_tokens,
                response.usage.input_tokens,
                provider=candidate.provider,
                model=candidate.model,
            )
        cost_usd, booking = self._settle(candidate, response.usage, reservation, answered_by=response.model)
        return await self._record(
            asked,
            attempt,
            begun,
            cost_usd=cost_usd,
            booking=booking,
            answer=self._cache.entry(asked.scope, asked.keys[candidate], asked.request, response),
            usage=response.usage,
            request_id=response.request_id,
            answered_by=response.model,
        )

    async def _fail(
        self, asked: Asked, attempt: Attempt, begun: _Begun, error: ModelError, reservation: Reservation
    ) -> None:
        """A refusal inside an answer is charged; a status is not; after a time-out nobody knows: the reservation stays."""
        cost_usd = booking = None
        if error.usage is not None or not isinstance(error, ModelTimeout):
            cost_usd, booking = self._settle(attempt.candidate, error.usage or Usage(), reservation)
        await self._record(asked, attempt, begun, error=error, cost_usd=cost_usd, booking=booking)

    def _settle(
        self, candidate: RouteCandidate, usage: Usage, reservation: Reservation, *, answered_by: str = ""
    ) -> tuple[float | None, Booking | None]:
        """What the usage cost, None where the price is unknown, and how it is booked.

        Where only the answer names the model, e.g. behind a deployment's name, its price counts.
        """
        provider, now = candidate.provider, self._clock.now()
        cost_usd = (
            self._prices.cost_usd(provider, candidate.model, usage, at=now) if usage != Usage() else 0.0
        )
        if cost_usd is None and answered_by:
            cost_usd = self._prices.cost_usd(provider, answered_by, usage, at=now)
        charged_usd = self._prices.dearest_usd(provider, usage) if cost_usd is None else cost_usd
        return cost_usd, reservation.settled(charged_usd)

    async def _record(
        self,
        asked: Asked,
        attempt: Attempt,
        begun: _Begun,
        *,
        cost_usd: float | None,
        outcome: Outcome = Outcome.OK,
        error: ModelError | None = None,
        usage: Usage | None = None,
        request_id: str | None = None,
        booking: Booking | None = None,
        answer: CachedAnswer | None = None,
        answered_by: str | None = None,
    ) -> str:
        scope, candidate = asked.scope, attempt.candidate
        call = ModelCall(
            id=uuid.uuid4().hex,
            review_id=scope.review_id,
            installation_id=scope.installation_id,
            repository=scope.repository,
            pull_request=scope.pull_request,
            stage=scope.stage,
            provider=candidate.provider,
            model=candidate.model,
            prompt_id=asked.request.prompt_id,
            prompt_version=asked.request.prompt_version,
            attempt=attempt.number,
            parent_id=asked.parent_id,
            outcome=error.outcome if error else outcome,
            latency_ms=round((self._clock.monotonic_s() - begun.at_s) * 1_000),
            usage=(error.usage if error else usage) or Usage(),
            cost_usd=cost_usd,
            started_at=begun.at,
            tier=asked.tier,
            reason=candidate.reason,
            error=str(error) if error else None,
            request_id=error.request_id if error else request_id,
        )
        await self._recorder.record(
            CallEntry(call=call, booking=booking, answer=answer, answered_by=answered_by)
        )
        return call.id


def _request(request: ModelRequest, attempt: Attempt) -> ModelRequest:
    question = request.question
    if attempt.complaint is not None:
        question += (
            f"\n\nAn earlier answer could not be used: {attempt.complaint[:MAX_COMPLAINT]}\n"
            "Answer again, exactly in the form that was asked for."
        )
    return replace(request, model=attempt.candidate.model, question=question, timeout_s=attempt.timeout_s)


def _parse(asked: Asked, response: ModelResponse) -> Any:  # noqa: ANN401 - what the caller's `parse` returns
    try:
        return asked.parse(response.parsed)
    except (ModelInvalidOutput, ValueError) as error:
        raise ModelInvalidOutput(
            f"{VENDOR[response.provider]}'s answer does not fit the schema.",
            provider=response.provider,
            usage=response.usage,
            request_id=response.request_id,
        ) from error
