"""Asks one candidate after another until one answers, the deadline is reached, or none is left.

All retries of model calls happen here: those of the SDKs are off, and the engine does not repeat model calls.
"""

import math
from dataclasses import dataclass, replace
from random import Random
from typing import TypeVar

from app.clock import Clock
from app.domain.model_call import Rung
from app.errors import (
    AllModelsFailed,
    ModelContextTooLong,
    ModelError,
    ModelInvalidOutput,
    ModelReadPart,
    ModelTruncated,
)
from app.llm.attempt import Attempt, Attempts, CallPlan
from app.llm.circuits import OPEN_S
from app.llm.client import Completion, RouteCandidate
from app.llm.failures import MAX_ATTEMPTS, MAX_REASKS, RetryDecision, policy_for, wait_s
from app.llm.ladder import ALL, Rungs, rung_below
from app.llm.output_limits import output_limit
from app.llm.shared_circuits import SharedCircuits
from app.llm.speeds import Speeds

PATIENCE_S = OPEN_S  # do not wait for a vendor that has been down this long
POLL_PROBE_S = 2.0  # how often to look at another question's probe of a half-open circuit

TOO_MUCH = (ModelTruncated, ModelContextTooLong, ModelReadPart)  # half of it may work

T = TypeVar("T")


@dataclass(slots=True)
class _CandidateState:
    """What one question knows about one candidate."""

    candidate: RouteCandidate
    order: int
    question_started_at_s: float
    rung: Rung
    format_error: ModelError | None = None  # why a better rung failed
    ready_at_s: float = 0.0
    failures: int = 0
    reasks: int = 0
    complaint: str | None = None


class Fallback:
    """Alternates between candidates; a transient failure moves a candidate to the back of the queue for a while."""

    def __init__(
        self,
        *,
        attempts: Attempts,
        circuits: SharedCircuits,
        rungs: Rungs,
        clock: Clock,
        rng: Random,
        speeds: Speeds,
    ) -> None:
        self._attempts = attempts
        self._circuits = circuits
        self._rungs = rungs
        self._clock = clock
        self._rng = rng
        self._speeds = speeds

    async def ask(self, plan: CallPlan[T]) -> Completion[T]:
        """Return the first valid answer.

        Raises:
            AllModelsFailed: has the errors of all attempts, and of the open circuits that prevented an attempt.
            ModelOverBudget: a budget does not allow the call.
            ModelTruncated, ModelContextTooLong, ModelReadPart: the caller can ask about two halves.
            Cancelled, Superseded: nobody wants the answer any more.
        """
        now_s = self._clock.monotonic_s()
        await self._rungs.refresh()
        states = [
            _CandidateState(
                candidate,
                order,
                now_s,
                self._rungs.rung(candidate.provider, candidate.model, plan.request.schema),
            )
            for order, candidate in enumerate(plan.route.candidates)
        ]
        failures: list[ModelError] = []
        while state := await self._wait_for_candidate(states, plan):
            candidate, started_at_s = state.candidate, self._clock.monotonic_s()
            attempt = self._attempt(state, plan, len(failures) + 1, plan.deadline_at_s - started_at_s)
            try:
                completion = await self._attempts.make(plan, attempt)
            except ModelError as error:
                failures.append(error)
                if await self._step_down(plan, state, error):
                    await self._circuits.succeed(
                        candidate.provider, candidate.model, started_at_s=started_at_s
                    )
                    continue
                await self._circuits.fail(
                    candidate.provider, candidate.model, error, started_at_s=started_at_s
                )
                if plan.can_split and isinstance(error, TOO_MUCH):
                    raise
                self._apply_policy(state, error, states)
            else:
                await self._circuits.succeed(candidate.provider, candidate.model, started_at_s=started_at_s)
                await self._remember_rung(plan, state)
                self._learn_speed(completion, duration_s=self._clock.monotonic_s() - started_at_s)
                all_failures = map(str, (*failures, *self._skipped(states)))
                return replace(completion, failures=tuple(dict.fromkeys(all_failures)))
        raise AllModelsFailed([*failures, *self._skipped(states)])

    async def _wait_for_candidate(
        self, states: list[_CandidateState], plan: CallPlan[T]
    ) -> _CandidateState | None:
        """Wait until a candidate may be asked; None if there is none before the deadline."""
        while states:
            state = min(states, key=self._next)
            ready_at_s = self._ready_at_s(state)
            wait_for_s = ready_at_s - self._clock.monotonic_s()
            if max(wait_for_s, 0.0) >= plan.deadline_at_s - self._clock.monotonic_s():
                return None
            if wait_for_s > 0:
                is_open = ready_at_s > state.ready_at_s
                await self._clock.sleep(min(wait_for_s, POLL_PROBE_S) if is_open else wait_for_s)
                await self._circuits.refresh()  # another candidate may be ready now, or the probe taken
                continue
            await plan.scope.check()  # before the candidate's circuit counts an attempt
            if await self._circuits.begin(state.candidate.provider, state.candidate.model):
                return state
        return None

    def _next(self, state: _CandidateState) -> tuple[float, int]:
        return max(self._ready_at_s(state), self._clock.monotonic_s()), state.order

    def _ready_at_s(self, state: _CandidateState) -> float:
        """Return when the candidate may be asked; infinity if it is still failing after `PATIENCE_S`."""
        circuits, candidate = self._circuits.local, state.candidate
        closed_at_s = circuits.ready_at_s(candidate.provider, candidate.model)
        failed_at_s = circuits.failed_at_s(candidate.provider, candidate.model)
        has_run_out = failed_at_s >= state.question_started_at_s + PATIENCE_S
        if closed_at_s > self._clock.monotonic_s() and has_run_out:
            return math.inf
        return max(state.ready_at_s, closed_at_s)

    def _attempt(self, state: _CandidateState, plan: CallPlan[T], number: int, remaining_s: float) -> Attempt:
        provider, model = state.candidate.provider, state.candidate.model
        output_tokens = output_limit(provider, model, plan.request.max_output_tokens)
        return Attempt(
            candidate=state.candidate,
            number=number,
            timeout_s=min(self._speeds.timeout_s(provider, model, output_tokens), remaining_s),
            remaining_s=remaining_s,
            complaint=state.complaint,
            rung=lambda: self._current_rung(plan, state),
        )

    def _learn_speed(self, completion: Completion[T], *, duration_s: float) -> None:
        response = completion.response
        self._speeds.learn(response.provider, response.model, response.usage, duration_s=duration_s)

    def _current_rung(self, plan: CallPlan[T], state: _CandidateState) -> Rung:
        """Return the rung of this question, or a lower one that another question took meanwhile."""
        known = self._rungs.rung(state.candidate.provider, state.candidate.model, plan.request.schema)
        state.rung = max(state.rung, known, key=ALL.index)
        return state.rung

    async def _step_down(self, plan: CallPlan[T], state: _CandidateState, error: ModelError) -> bool:
        """Continue on the next rung if this one is to blame; False if it is not, or is the last.

        A refusal that names the format is remembered at once, for the questions that are asked meanwhile.
        """
        below = rung_below(state.candidate.provider, state.rung, error)
        if below is None:
            return False
        state.rung, state.format_error = below, error
        if not error.may_be_format:
            await self._remember_rung(plan, state)
        return True

    async def _remember_rung(self, plan: CallPlan[T], state: _CandidateState) -> None:
        if state.format_error is not None:
            candidate, schema = state.candidate, plan.request.schema
            await self._rungs.remember(
                candidate.provider, candidate.model, schema, rung=state.rung, error=state.format_error
            )

    def _apply_policy(self, state: _CandidateState, error: ModelError, states: list[_CandidateState]) -> None:
        state.failures += 1
        match policy_for(error).decision:
            case RetryDecision.GIVE_UP:
                raise error
            case RetryDecision.DROP:
                states.remove(state)
            case RetryDecision.RETRY_LATER:
                state.ready_at_s = self._clock.monotonic_s() + wait_s(error, state.failures, self._rng)
                if state.failures >= MAX_ATTEMPTS:
                    states.remove(state)
            case RetryDecision.RETRY_NOW:
                self._prepare_reask(state, error, states)

    def _prepare_reask(
        self, state: _CandidateState, error: ModelError, states: list[_CandidateState]
    ) -> None:
        state.complaint = str(error.__cause__ or error) if isinstance(error, ModelInvalidOutput) else None
        state.reasks += 1
        if state.reasks > MAX_REASKS:
            states.remove(state)

    def _skipped(self, states: list[_CandidateState]) -> list[ModelError]:
        """Return why candidates were skipped without an attempt: the errors that opened their circuits."""
        candidates = [state.candidate for state in states if not state.failures]
        errors = [self._circuits.local.error(each.provider, each.model) for each in candidates]
        return [error for error in errors if error]
