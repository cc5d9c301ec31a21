"""Remembers which providers are out, so that later requests do not pay for finding out again. In memory, per process.

closed ──a few transient errors in a window, or one that waiting does not mend──▶ open ──after a while──▶ half-open
  ▲                                                                                                          │
  └────────────── the one probe that is let through succeeds ◀──────────────────────────────────────────────┘ (else open again)
"""

from collections import deque
from dataclasses import dataclass, field

from app.domain.model_call import Provider
from app.errors import ModelError
from app.llm.clock import Clock
from app.llm.policy import Circuit, rule_for

THRESHOLD = 3
WINDOW_S = 120.0
OPEN_S = 60.0  # after transient errors
MENDED_BY_PEOPLE_S = 900.0  # after a refused key, spent quota, an unknown model
LONGEST_OPEN_S = 3600.0


@dataclass(slots=True)
class _Line:
    failures: deque[float] = field(default_factory=deque[float])
    open_until_s: float | None = None  # None: closed
    error: ModelError | None = None


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
        self._lines: dict[tuple[Provider, str | None], _Line] = {}

    def ready_at_s(self, provider: Provider, model: str) -> float:
        """The monotonic second from which on the candidate may be asked; in the past where its circuit is closed."""
        return max(
            (line.open_until_s or 0.0 for line in self._of(provider, model)),
            default=0.0,
        )

    def begin(self, provider: Provider, model: str) -> None:
        """An attempt starts; on a half-open circuit it is the probe, and others keep waiting while it runs."""
        for line in self._of(provider, model):
            if line.open_until_s is not None:
                line.open_until_s = self._clock.monotonic_s() + OPEN_S

    def succeed(self, provider: Provider, model: str) -> None:
        """An attempt was answered: closed."""
        self._lines.pop((provider, None), None)
        self._lines.pop((provider, model), None)

    def fail(self, provider: Provider, model: str, error: ModelError) -> None:
        """An attempt failed: count it, open, or leave it at that, as the policy says."""
        effect = rule_for(error).circuit
        if effect is Circuit.LEAVE:
            return
        if effect is Circuit.CLOSE:
            self.succeed(provider, model)
            return
        line = self._lines.setdefault((provider, model if effect is Circuit.OPEN_MODEL else None), _Line())
        line.error = error
        now = self._clock.monotonic_s()
        if effect is not Circuit.COUNT:
            line.open_until_s = now + MENDED_BY_PEOPLE_S
            return
        line.failures.append(now)
        while line.failures[0] < now - WINDOW_S:
            line.failures.popleft()
        if line.open_until_s is not None or len(line.failures) >= THRESHOLD:
            line.open_until_s = now + OPEN_S
        if error.retry_after_s is not None:
            line.open_until_s = now + min(error.retry_after_s, LONGEST_OPEN_S)

    def error(self, provider: Provider, model: str) -> ModelError | None:
        """What opened the candidate's circuit; None where it may be asked."""
        now = self._clock.monotonic_s()
        lines = self._of(provider, model)
        return next((line.error for line in lines if (line.open_until_s or 0.0) > now), None)

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

    def _of(self, provider: Provider, model: str) -> list[_Line]:
        lines = (self._lines.get((provider, None)), self._lines.get((provider, model)))
        return [line for line in lines if line is not None]
