"""Asks one candidate after the other until one answers, the deadline is reached, or nobody is left. Knows no vendor.

This is the one owner of retry: the SDKs' own are off, the engine does not repeat model calls.
"""

import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Generic, TypeVar

from app.clock import Clock
from app.errors import AllModelsFailed, ModelError, ModelFormatUnsupported, ModelInvalidOutput
from app.llm.circuits import OPEN_S
from app.llm.client import RouteCandidate
from app.llm.failures import MAX_ATTEMPTS, MAX_REASKS, RetryDecision, policy_for, wait_s
from app.llm.shared_circuits import SharedCircuits

PATIENCE_S = OPEN_S  # a vendor that has been down this long is no longer waited for
LOOK_S = 2.0  # how often those who wait for somebody else's probe look how it went

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt to make: whom, the how-manieth of this question, for how long, and what was wrong with the last answer.

    `timeout_s` is the attempt's time on the wire, `left_s` all that the stage has, waiting for a turn included.
    """

    candidate: RouteCandidate
    number: int
    timeout_s: float
    left_s: float
    complaint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Won(Generic[T]):
    """The first good answer, and every failure before it."""

    value: T
    candidate: RouteCandidate
    failures: tuple[ModelError, ...]


@dataclass(slots=True)
class _Turn:
    candidate: RouteCandidate
    order: int
    begun_at_s: float
    ready_at_s: float = 0.0
    failures: int = 0
    reasks: int = 0
    complaint: str | None = None


class Fallback:
    """Takes turns among candidates; a transient failure sends a candidate to the back of the queue, for a while."""

    def __init__(self, *, circuits: SharedCircuits, clock: Clock, rng: Random, call_timeout_s: float) -> None:
        self._circuits = circuits
        self._clock = clock
        self._rng = rng
        self._call_timeout_s = call_timeout_s

    async def ask(
        self,
        candidates: Sequence[RouteCandidate],
        *,
        deadline_at_s: float,
        attempt: Callable[[Attempt], Awaitable[T]],
    ) -> Won[T]:
        """The first good answer.

        Raises:
            AllModelsFailed: with every attempt's error and those of the circuits that kept a candidate from being asked.
            ModelOverBudget: a budget does not allow the call.
        """
        begun_at_s = self._clock.monotonic_s()
        turns = [_Turn(candidate, order, begun_at_s) for order, candidate in enumerate(candidates)]
        failures: list[ModelError] = []
        while turns:
            turn = min(turns, key=self._next)
            ready_at_s = self._ready_at_s(turn)
            wait_for_s = ready_at_s - self._clock.monotonic_s()
            if max(wait_for_s, 0.0) >= deadline_at_s - self._clock.monotonic_s():
                break
            if wait_for_s > 0:
                await self._clock.sleep(
                    min(wait_for_s, LOOK_S) if ready_at_s > turn.ready_at_s else wait_for_s
                )
                await self._circuits.refresh()
                continue  # somebody else may be ready by now, or the probe of a half-open circuit be taken
            if not await self._circuits.begin(turn.candidate.provider, turn.candidate.model):
                continue
            try:
                value = await self._attempt(turn, len(failures) + 1, deadline_at_s, attempt)
            except ModelError as error:
                failures.append(error)
                self._judge(turn, error, turns)
            else:
                return Won(value=value, candidate=turn.candidate, failures=(*failures, *self._unasked(turns)))
        raise AllModelsFailed([*failures, *self._unasked(turns)])

    def _next(self, turn: _Turn) -> tuple[float, int]:
        return max(self._ready_at_s(turn), self._clock.monotonic_s()), turn.order

    def _ready_at_s(self, turn: _Turn) -> float:
        """Never, where it is still down after all this question's patience."""
        circuits, candidate = self._circuits.local, turn.candidate
        closed_at_s = circuits.ready_at_s(candidate.provider, candidate.model)
        failed_at_s = circuits.failed_at_s(candidate.provider, candidate.model)
        if closed_at_s > self._clock.monotonic_s() and failed_at_s >= turn.begun_at_s + PATIENCE_S:
            return math.inf
        return max(turn.ready_at_s, closed_at_s)

    async def _attempt(
        self, turn: _Turn, number: int, deadline_at_s: float, attempt: Callable[[Attempt], Awaitable[T]]
    ) -> T:
        candidate = turn.candidate
        begun_at_s = self._clock.monotonic_s()
        left_s = deadline_at_s - begun_at_s
        try:
            value = await attempt(
                Attempt(
                    candidate=candidate,
                    number=number,
                    timeout_s=min(self._call_timeout_s, left_s),
                    left_s=left_s,
                    complaint=turn.complaint,
                )
            )
        except ModelError as error:
            await self._circuits.fail(candidate.provider, candidate.model, error, begun_at_s=begun_at_s)
            raise
        await self._circuits.succeed(candidate.provider, candidate.model, begun_at_s=begun_at_s)
        return value

    def _judge(self, turn: _Turn, error: ModelError, turns: list[_Turn]) -> None:
        turn.failures += 1
        match policy_for(error).then:
            case RetryDecision.GIVE_UP:
                raise error
            case RetryDecision.DROP:
                turns.remove(turn)
            case RetryDecision.COME_BACK:
                turn.ready_at_s = self._clock.monotonic_s() + wait_s(error, turn.failures, self._rng)
                if turn.failures >= MAX_ATTEMPTS:
                    turns.remove(turn)
            case RetryDecision.ASK_AGAIN:
                self._ask_again(turn, error, turns)

    def _ask_again(self, turn: _Turn, error: ModelError, turns: list[_Turn]) -> None:
        if isinstance(error, ModelFormatUnsupported):
            return
        turn.complaint = str(error.__cause__ or error) if isinstance(error, ModelInvalidOutput) else None
        turn.reasks += 1
        if turn.reasks > MAX_REASKS:
            turns.remove(turn)

    def _unasked(self, turns: list[_Turn]) -> list[ModelError]:
        """Why candidates were passed over without an attempt: what had opened their circuits."""
        candidates = [turn.candidate for turn in turns if not turn.failures]
        errors = [self._circuits.local.error(each.provider, each.model) for each in candidates]
        return [error for error in errors if error]
