"""Remembers which providers fail, so that later requests do not wait for them. In memory; never waits.

closed ──several transient errors in a window, or one permanent error──▶ open ──after a while──▶ half-open
  ▲                                                                                                          │
  └────────────── a single probe succeeds ◀──────────────────────────────────────────────┘ (else open again)

`app.llm.shared_circuits` passes on what other processes learn, through `adopt` and `forget`.
"""

from collections import deque
from dataclasses import dataclass, field

from app.clock import Clock
from app.domain.model_call import Provider
from app.errors import ModelError
from app.llm.failures import CircuitEffect, policy_for

THRESHOLD = 3
WINDOW_S = 120.0
OPEN_S = 60.0  # after transient errors
PERMANENT_OPEN_S = 900.0  # after a refused key, an exhausted quota or an unknown model
MAX_OPEN_S = 3600.0

Key = tuple[Provider, str | None]  # None: all models of the provider


@dataclass(slots=True)
class _Breaker:
    failures: deque[float] = field(default_factory=deque[float])
    opened_at_s: float = 0.0
    open_until_s: float | None = None  # None: closed
    error: ModelError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitTrip:
    """An open circuit, in seconds of the monotonic clock."""

    key: Key
    opened_at_s: float
    open_until_s: float
    error: ModelError


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenCircuit:
    """A provider (or one of its models) that is not asked now; if `opens_in_s` is 0, the next request is a probe."""

    provider: Provider
    model: str | None
    opens_in_s: float
    error: str


class Circuits:
    """One circuit breaker for each provider, and one for each model that a provider does not have."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._breakers: dict[Key, _Breaker] = {}

    def ready_at_s(self, provider: Provider, model: str) -> float:
        """Return when the candidate may be asked, by the monotonic clock; in the past if its circuit is closed."""
        return max(
            (breaker.open_until_s or 0.0 for _, breaker in self._of(provider, model)),
            default=0.0,
        )

    def failed_at_s(self, provider: Provider, model: str) -> float:
        """Return when the candidate's circuit opened; -inf if it is closed, or if the vendor said how long to wait."""
        breakers = (breaker for _, breaker in self._of(provider, model) if breaker.open_until_s is not None)
        opened_at_s = (
            breaker.opened_at_s for breaker in breakers if not (breaker.error and breaker.error.retry_after_s)
        )
        return max(opened_at_s, default=float("-inf"))

    def half_open(self, provider: Provider, model: str) -> list[Key]:
        """Return the candidate's circuits that an attempt would probe now."""
        breakers = self._of(provider, model)
        return [key for key, breaker in breakers if breaker.open_until_s is not None]

    def begin(self, provider: Provider, model: str) -> None:
        """Start an attempt; on a half-open circuit it is the probe, and others wait while it runs."""
        for _, breaker in self._of(provider, model):
            if breaker.open_until_s is not None:
                breaker.open_until_s = self._clock.monotonic_s() + OPEN_S

    def succeed(self, provider: Provider, model: str, *, started_at_s: float) -> list[Key]:
        """Close the circuits after an answer, except those that opened after the attempt started.

        Returns:
            The circuits that were open.
        """
        breakers = [
            (key, breaker)
            for key, breaker in self._of(provider, model)
            if breaker.opened_at_s <= started_at_s
        ]
        for key, _ in breakers:
            del self._breakers[key]
        return [key for key, breaker in breakers if breaker.open_until_s is not None]

    def fail(self, provider: Provider, model: str, error: ModelError) -> CircuitTrip | None:
        """Count a failed attempt; returns the circuit if it is open now."""
        effect = policy_for(error).circuit
        key = (provider, model if effect is CircuitEffect.OPEN_MODEL else None)
        breaker = self._breakers.setdefault(key, _Breaker())
        breaker.error = error
        now = self._clock.monotonic_s()
        if effect is not CircuitEffect.COUNT:
            breaker.open_until_s = now + PERMANENT_OPEN_S
        else:
            self._count(breaker, error, now)
        if breaker.open_until_s is None:
            return None
        breaker.opened_at_s = now
        return CircuitTrip(key=key, opened_at_s=now, open_until_s=breaker.open_until_s, error=error)

    def _count(self, breaker: _Breaker, error: ModelError, now: float) -> None:
        breaker.failures.append(now)
        while breaker.failures[0] < now - WINDOW_S:
            breaker.failures.popleft()
        if breaker.open_until_s is not None or len(breaker.failures) >= THRESHOLD:
            breaker.open_until_s = now + OPEN_S
        if error.retry_after_s is not None:
            breaker.open_until_s = now + min(error.retry_after_s, MAX_OPEN_S)

    def adopt(self, trip: CircuitTrip) -> None:
        """Open a circuit that another process opened."""
        breaker = self._breakers.setdefault(trip.key, _Breaker())
        breaker.opened_at_s, breaker.open_until_s = trip.opened_at_s, trip.open_until_s
        breaker.error = trip.error

    def forget(self, key: Key) -> None:
        """Close a circuit that another process closed."""
        self._breakers.pop(key, None)

    def error(self, provider: Provider, model: str) -> ModelError | None:
        """Return the error that opened the candidate's circuit; None if the candidate may be asked."""
        now = self._clock.monotonic_s()
        breakers = self._of(provider, model)
        return next((breaker.error for _, breaker in breakers if (breaker.open_until_s or 0.0) > now), None)

    def open(self) -> list[OpenCircuit]:
        """Return every circuit that is not closed, for display."""
        now = self._clock.monotonic_s()
        return [
            OpenCircuit(
                provider=provider,
                model=model,
                opens_in_s=max(0.0, breaker.open_until_s - now),
                error=str(breaker.error or ""),
            )
            for (provider, model), breaker in self._breakers.items()
            if breaker.open_until_s is not None
        ]

    def _of(self, provider: Provider, model: str) -> list[tuple[Key, _Breaker]]:
        keys: tuple[Key, Key] = ((provider, None), (provider, model))
        return [(key, self._breakers[key]) for key in keys if key in self._breakers]
