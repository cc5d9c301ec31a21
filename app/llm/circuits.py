"""Remembers which providers are out, so that later requests do not pay for finding out again. In memory; never waits.

closed ──a few transient errors in a window, or one that waiting does not mend──▶ open ──after a while──▶ half-open
  ▲                                                                                                          │
  └────────────── the one probe that is let through succeeds ◀──────────────────────────────────────────────┘ (else open again)

What other processes learn comes in by `adopt` and `forget` (`app.llm.shared_circuits`).
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
MENDED_BY_PEOPLE_S = 900.0  # after a refused key, spent quota, an unknown model
LONGEST_OPEN_S = 3600.0

Key = tuple[Provider, str | None]  # None: all models of the provider


@dataclass(slots=True)
class _Line:
    failures: deque[float] = field(default_factory=deque[float])
    opened_at_s: float = 0.0
    open_until_s: float | None = None  # None: closed
    error: ModelError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitTrip:
    """A circuit that is open, in seconds of the monotonic clock."""

    key: Key
    opened_at_s: float
    open_until_s: float
    error: ModelError


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenCircuit:
    """A provider (or one of its models) that is not asked at the moment; `opens_in_s` 0: the next request probes it."""

    provider: Provider
    model: str | None
    opens_in_s: float
    error: str


class Circuits:
    """One line a provider, and one a model that a provider does not know."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lines: dict[Key, _Line] = {}

    def ready_at_s(self, provider: Provider, model: str) -> float:
        """The monotonic second from which on the candidate may be asked; in the past where its circuit is closed."""
        return max(
            (line.open_until_s or 0.0 for _, line in self._of(provider, model)),
            default=0.0,
        )

    def failed_at_s(self, provider: Provider, model: str) -> float:
        """The monotonic second in which the candidate's circuit was opened last; none where it is closed, or the vendor
        has said how long to wait.
        """
        lines = (line for _, line in self._of(provider, model) if line.open_until_s is not None)
        unasked = (line.opened_at_s for line in lines if not (line.error and line.error.retry_after_s))
        return max(unasked, default=float("-inf"))

    def half_open(self, provider: Provider, model: str) -> list[Key]:
        """The candidate's lines of which an attempt now would be the probe."""
        lines = self._of(provider, model)
        return [key for key, line in lines if line.open_until_s is not None]

    def begin(self, provider: Provider, model: str) -> None:
        """An attempt starts; on a half-open circuit it is the probe, and others keep waiting while it runs."""
        for _, line in self._of(provider, model):
            if line.open_until_s is not None:
                line.open_until_s = self._clock.monotonic_s() + OPEN_S

    def succeed(self, provider: Provider, model: str, *, started_at_s: float) -> list[Key]:
        """An attempt was answered: closed. What opened only after it began stays open: the answer says nothing of that.

        Returns:
            Lines that were open.
        """
        lines = [(key, line) for key, line in self._of(provider, model) if line.opened_at_s <= started_at_s]
        for key, _ in lines:
            del self._lines[key]
        return [key for key, line in lines if line.open_until_s is not None]

    def fail(self, provider: Provider, model: str, error: ModelError) -> CircuitTrip | None:
        """An attempt failed with an error that the policy opens a circuit for, at once or after a few; what is open now."""
        effect = policy_for(error).circuit
        key = (provider, model if effect is CircuitEffect.OPEN_MODEL else None)
        line = self._lines.setdefault(key, _Line())
        line.error = error
        now = self._clock.monotonic_s()
        if effect is not CircuitEffect.COUNT:
            line.open_until_s = now + MENDED_BY_PEOPLE_S
        else:
            self._count(line, error, now)
        if line.open_until_s is None:
            return None
        line.opened_at_s = now
        return CircuitTrip(key=key, opened_at_s=now, open_until_s=line.open_until_s, error=error)

    def _count(self, line: _Line, error: ModelError, now: float) -> None:
        line.failures.append(now)
        while line.failures[0] < now - WINDOW_S:
            line.failures.popleft()
        if line.open_until_s is not None or len(line.failures) >= THRESHOLD:
            line.open_until_s = now + OPEN_S
        if error.retry_after_s is not None:
            line.open_until_s = now + min(error.retry_after_s, LONGEST_OPEN_S)

    def adopt(self, opened: CircuitTrip) -> None:
        """Another process has opened it."""
        line = self._lines.setdefault(opened.key, _Line())
        line.opened_at_s, line.open_until_s = opened.opened_at_s, opened.open_until_s
        line.error = opened.error

    def forget(self, key: Key) -> None:
        """Another process has closed it."""
        self._lines.pop(key, None)

    def error(self, provider: Provider, model: str) -> ModelError | None:
        """What opened the candidate's circuit; None where it may be asked."""
        now = self._clock.monotonic_s()
        lines = self._of(provider, model)
        return next((line.error for _, line in lines if (line.open_until_s or 0.0) > now), None)

    def open(self) -> list[OpenCircuit]:
        """Every circuit that is not closed, for people."""
        now = self._clock.monotonic_s()
        return [
            OpenCircuit(
                provider=provider,
                model=model,
                opens_in_s=max(0.0, line.open_until_s - now),
                error=str(line.error or ""),
            )
            for (provider, model), line in self._lines.items()
            if line.open_until_s is not None
        ]

    def _of(self, provider: Provider, model: str) -> list[tuple[Key, _Line]]:
        keys: tuple[Key, Key] = ((provider, None), (provider, model))
        return [(key, self._lines[key]) for key in keys if key in self._lines]
