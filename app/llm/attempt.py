"""Makes one attempt and accounts for it: reserves budget, waits for a slot, parses the answer, records the call.

Never retries.
"""

import asyncio
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Generic, TypeVar

from app.clock import Clock
from app.domain.model_call import (
    Booking,
    CachedAnswer,
    CallEntry,
    ModelCall,
    Outcome,
    Provider,
    Rung,
    Usage,
)
from app.errors import ModelError, ModelInvalidOutput, ModelOverBudget, ModelTimeout
from app.llm.calls import AnswerCache
from app.llm.client import CallScope, Completion, ModelClient, ModelRequest, ModelResponse, RouteCandidate
from app.llm.costs import Budgets, Prices, Reservation
from app.llm.failures import name_of, within
from app.llm.ladder import on_rung
from app.llm.output_limits import output_limit
from app.llm.read_part import check_read
from app.llm.recorder import Recorder
from app.llm.router import Route, TokenEstimator
from app.llm.slots import Slots

MAX_COMPLAINT = 500  # characters of an invalid answer's problem, sent only to the model that gave it

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class CallPlan(Generic[T]):
    """What all attempts of one question share."""

    request: ModelRequest
    scope: CallScope
    route: Route
    text_tokens: int  # by `estimate_tokens`
    cache_keys: Mapping[RouteCandidate, str]
    parse: Callable[[object], T]
    parent_id: str | None
    deadline_at_s: float
    can_split: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt to make; `number` counts the attempts of one question from 1.

    `timeout_s` limits the call itself; `remaining_s` limits the call and the wait for a slot. `complaint` says what was
    wrong with this candidate's previous answer.
    """

    candidate: RouteCandidate
    number: int
    timeout_s: float
    remaining_s: float
    complaint: str | None = None
    rung: Callable[[], Rung] = lambda: (
        Rung.SCHEMA
    )  # asked when a slot is free: others may have learned meanwhile


@dataclass(frozen=True, slots=True, kw_only=True)
class _AttemptStart:
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
        self._cache = cache
        self._budgets = budgets
        self._prices = prices
        self._tokens = tokens
        self._recorder = recorder
        self._slots = slots
        self._clock = clock

    async def make(self, plan: CallPlan[T], attempt: Attempt) -> Completion[T]:
        """Send the request once, when a slot is free; raises a `ModelError` after recording it."""
        start = _AttemptStart(at=self._clock.now(), at_s=self._clock.monotonic_s())
        candidate = attempt.candidate
        try:
            reservation = await self._reserve(plan, candidate)
        except ModelOverBudget as error:
            await self._record(plan, attempt, start, error=error, cost_usd=0.0)
            raise
        try:
            async with within(candidate.provider, attempt.remaining_s), self._slots.slot(candidate.provider):
                response = await self._clients[candidate.provider].generate(_request(plan.request, attempt))
            check_read(plan.request, response)
            value = _parse(plan, response)
        except ModelError as error:
            await self._fail(plan, attempt, start, error, reservation)
            raise
        except asyncio.CancelledError:  # the vendor may still charge for it: keep the reservation
            stopped = ModelTimeout("The call was canceled.", provider=candidate.provider)
            await asyncio.shield(self._record(plan, attempt, start, error=stopped, cost_usd=None))
            raise
        call_id = await self._succeed(plan, attempt, start, response, reservation)
        return Completion(
            value=value, response=response, call_id=call_id, route=plan.route.explain(candidate)
        )

    async def record_hit(self, plan: CallPlan[T], candidate: RouteCandidate, started_at: datetime) -> str:
        """Record an answer from the cache; returns the call's id."""
        start = _AttemptStart(at=started_at, at_s=self._clock.monotonic_s())
        attempt = Attempt(candidate=candidate, number=0, timeout_s=0.0, remaining_s=0.0)
        return await self._record(plan, attempt, start, cost_usd=0.0, outcome=Outcome.CACHE_HIT)

    async def _reserve(self, plan: CallPlan[T], candidate: RouteCandidate) -> Reservation:
        provider, model = candidate.provider, candidate.model

        def estimate_usd() -> float:
            tokens = self._tokens.estimate(plan.text_tokens, provider=provider, model=model)
            allowed = output_limit(provider, model, plan.request.max_output_tokens)
            highest = Usage(input_tokens=tokens, output_tokens=allowed)
            return self._prices.budgeted_usd(provider, model, highest, at=self._clock.now())

        return await self._budgets.reserve(plan.scope, estimate_usd)

    async def _succeed(
        self,
        plan: CallPlan[T],
        attempt: Attempt,
        start: _AttemptStart,
        response: ModelResponse,
        reservation: Reservation,
    ) -> str:
        candidate = attempt.candidate
        if not plan.request.images:
            self._tokens.learn(
                plan.text_tokens,
                response.usage.input_tokens,
                provider=candidate.provider,
                model=candidate.model,
            )
        cost_usd, booking = self._settle(candidate, response.usage, reservation, answered_by=response.model)
        return await self._record(
            plan,
            attempt,
            start,
            cost_usd=cost_usd,
            booking=booking,
            answer=self._cache.entry(plan.scope, plan.cache_keys[candidate], plan.request, response),
            usage=response.usage,
            request_id=response.request_id,
            answered_by=response.model,
            first_token_ms=response.first_token_ms,
        )

    async def _fail(
        self,
        plan: CallPlan[T],
        attempt: Attempt,
        start: _AttemptStart,
        error: ModelError,
        reservation: Reservation,
    ) -> None:
        """Record a failed attempt and settle its reservation.

        Vendors charge for an answer that is a refusal, but not for an error status. After a timeout, the cost is unknown,
        so the reservation stays.
        """
        cost_usd = booking = None
        if error.usage is not None or not isinstance(error, ModelTimeout):
            cost_usd, booking = self._settle(attempt.candidate, error.usage or Usage(), reservation)
        await self._record(plan, attempt, start, error=error, cost_usd=cost_usd, booking=booking)

    def _settle(
        self, candidate: RouteCandidate, usage: Usage, reservation: Reservation, *, answered_by: str = ""
    ) -> tuple[float | None, Booking | None]:
        """Return the cost of the usage (None if the price is unknown) and its booking.

        If the candidate's model has no known price, such as the name of a deployment, the model that the answer names counts.
        """
        provider, now = candidate.provider, self._clock.now()
        cost_usd = (
            self._prices.cost_usd(provider, candidate.model, usage, at=now) if usage != Usage() else 0.0
        )
        if cost_usd is None and answered_by:
            cost_usd = self._prices.cost_usd(provider, answered_by, usage, at=now)
        charged_usd = self._prices.highest_usd(provider, usage) if cost_usd is None else cost_usd
        return cost_usd, reservation.settled(charged_usd)

    async def _record(
        self,
        plan: CallPlan[T],
        attempt: Attempt,
        start: _AttemptStart,
        *,
        cost_usd: float | None,
        outcome: Outcome = Outcome.OK,
        error: ModelError | None = None,
        usage: Usage | None = None,
        request_id: str | None = None,
        booking: Booking | None = None,
        answer: CachedAnswer | None = None,
        answered_by: str | None = None,
        first_token_ms: int | None = None,
    ) -> str:
        scope, candidate = plan.scope, attempt.candidate
        call = ModelCall(
            id=uuid.uuid4().hex,
            review_id=scope.review_id,
            installation_id=scope.installation_id,
            repository=scope.repository,
            pull_request=scope.pull_request,
            stage=scope.stage,
            provider=candidate.provider,
            model=candidate.model,
            prompt_id=plan.request.prompt_id,
            prompt_version=plan.request.prompt_version,
            attempt=attempt.number,
            parent_id=plan.parent_id,
            outcome=error.outcome if error else outcome,
            latency_ms=round((self._clock.monotonic_s() - start.at_s) * 1_000),
            usage=(error.usage if error else usage) or Usage(),
            cost_usd=cost_usd,
            started_at=start.at,
            tier=plan.route.tier,
            reason=candidate.reason,
            error=str(error) if error else None,
            request_id=error.request_id if error else request_id,
            first_token_ms=first_token_ms,
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
    candidate = attempt.candidate
    asked = replace(
        request,
        model=candidate.model,
        question=question,
        timeout_s=attempt.timeout_s,
        max_output_tokens=output_limit(candidate.provider, candidate.model, request.max_output_tokens),
    )
    return on_rung(asked, attempt.rung())


def _parse(plan: CallPlan[T], response: ModelResponse) -> T:
    try:
        return plan.parse(response.parsed)
    except (ModelInvalidOutput, ValueError) as error:
        raise ModelInvalidOutput(
            f"{name_of(response.provider)}'s answer does not fit the schema.",
            provider=response.provider,
            usage=response.usage,
            request_id=response.request_id,
        ) from error
