"""Learns from recorded reviews which provider to ask first: Thompson sampling per stage, with a floor for exploration.

A provider's worth at a stage is the probability that it answers times the probability that its findings are confirmed.
Each is a Beta distribution over the latest calls and findings (a sliding window, to follow a provider that degrades).
Time reduces the worth a little, and so does the cost of a confirmed finding that no other vendor found: a provider that
only repeats others is expensive, whatever its price. https://arxiv.org/abs/1707.02038
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import comb
from random import Random
from typing import Protocol

from app.clock import Clock
from app.domain.model_call import Provider, ProviderRecord

FLOOR = 0.05  # the minimum share of questions for which each candidate is asked first
COST_WEIGHT = (
    0.10  # the candidate with the most expensive finding of its own loses a tenth, the slowest a twentieth
)
TIME_WEIGHT = 0.05
REFRESH_S = 300.0
FAVORITE_PRIOR = 2.0  # confirmed findings assumed for the stage's favorite; others start with 1

_HALVINGS = 20  # to a millionth
_CREDIBLE = (0.025, 0.975)


class RecordStore(Protocol):
    """Loads the records."""

    async def load_records(self) -> Sequence[ProviderRecord]:
        """Load each provider's latest record at each stage."""
        ...


class LearnedOrder:
    """Orders candidates by a sample of each one's worth. `refresh` loads the records; ordering does no I/O."""

    def __init__(self, *, store: RecordStore, clock: Clock, rng: Random) -> None:
        self._store = store
        self._clock = clock
        self._rng = rng
        self._records: dict[tuple[str, Provider], ProviderRecord] = {}
        self._stale_at_s: float | None = None

    async def refresh(self) -> None:
        """Reload the records, at most every five minutes."""
        now = self._clock.monotonic_s()
        if self._stale_at_s is None or now >= self._stale_at_s:
            self._stale_at_s = now + REFRESH_S
            self._records = {(each.stage, each.provider): each for each in await self._store.load_records()}

    def order(self, kind: str, candidates: Sequence[Provider]) -> tuple[tuple[Provider, ...], str]:
        """Return the candidates, best sample first, and the reason; `candidates` start with the favorite."""
        records = [self._record(kind, provider) for provider in candidates]
        if len(candidates) > 1 and self._rng.random() < FLOOR * len(candidates):
            first = self._rng.choice(candidates)
            rest = [provider for provider in candidates if provider is not first]
            return (first, *rest), f"learned order for {kind}, exploring"
        worths = dict(zip(candidates, sample_worths(records, self._rng), strict=True))
        ordered = sorted(candidates, key=lambda provider: worths[provider], reverse=True)
        return tuple(ordered), f"learned order for {kind}"

    def _record(self, kind: str, provider: Provider) -> ProviderRecord:
        return self._records.get((kind, provider)) or ProviderRecord(stage=kind, provider=provider)


def sample_worths(records: Sequence[ProviderRecord], rng: Random) -> list[float]:
    """Sample the worth of each of a stage's candidates, the favorite first."""
    penalties = _penalties(records)
    return [
        rng.betavariate(*_answers(record)) * rng.betavariate(*_holds(record, place)) * (1 - penalty)
        for place, (record, penalty) in enumerate(zip(records, penalties, strict=True))
    ]


def _answers(record: ProviderRecord) -> tuple[float, float]:
    return 1.0 + record.answered, 1.0 + record.calls - record.answered


def _holds(record: ProviderRecord, place: int) -> tuple[float, float]:
    return (FAVORITE_PRIOR if place == 0 else 1.0) + record.held, 1.0 + record.fell


def _penalties(records: Sequence[ProviderRecord]) -> list[float]:
    highest_usd = max(map(_usd_per_own_finding, records), default=0.0)
    slowest = max((record.average_ms for record in records), default=0.0)
    return [
        COST_WEIGHT * (_usd_per_own_finding(record) / highest_usd if highest_usd else 0.0)
        + TIME_WEIGHT * (record.average_ms / slowest if slowest else 0.0)
        for record in records
    ]


def _usd_per_own_finding(record: ProviderRecord) -> float:
    """What the latest calls cost for each finding that held and that no other vendor found; starts with one finding."""
    return record.cost_usd / (1 + record.held_alone)


def _cost_usd(record: ProviderRecord) -> float:
    return record.cost_usd / record.calls if record.calls else 0.0


Interval = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingFigure:
    """A row of `quorum stats --routing` with 95 % credible intervals; the provider with `place` 1 would be asked first."""

    stage: str
    provider: Provider
    place: int
    calls: int
    success_rate: float | None
    success_interval: Interval
    judged: int  # findings that were confirmed or refuted
    held_share: float | None
    held_interval: Interval
    held_alone: int  # confirmed findings that no other vendor found
    average_ms: float
    cost_usd_per_call: float


def routing_figures(
    records: Sequence[ProviderRecord], favorites: Callable[[str, Sequence[Provider]], Sequence[Provider]]
) -> list[RoutingFigure]:
    """Rank every stage's providers by the records, without random sampling."""
    figures: list[RoutingFigure] = []
    for stage in sorted({record.stage for record in records}):
        at_stage = {
            record.provider: record
            for record in records
            if record.stage == stage and record.provider is not Provider.ANALYZERS
        }
        order = favorites(stage, tuple(at_stage))
        figures += _stage_figures([at_stage[provider] for provider in order if provider in at_stage])
    return figures


def _stage_figures(records: Sequence[ProviderRecord]) -> list[RoutingFigure]:
    worths = _expected_worths(records)
    ranked = sorted(range(len(records)), key=lambda index: worths[index], reverse=True)
    return [
        RoutingFigure(
            stage=record.stage,
            provider=record.provider,
            place=place,
            calls=record.calls,
            success_rate=record.answered / record.calls if record.calls else None,
            success_interval=_interval(record.answered, record.calls - record.answered),
            judged=record.held + record.fell,
            held_share=record.held / judged if (judged := record.held + record.fell) else None,
            held_interval=_interval(record.held, record.fell),
            held_alone=record.held_alone,
            average_ms=record.average_ms,
            cost_usd_per_call=_cost_usd(record),
        )
        for place, record in enumerate((records[index] for index in ranked), start=1)
    ]


def _expected_worths(records: Sequence[ProviderRecord]) -> list[float]:
    return [
        _mean(_answers(record)) * _mean(_holds(record, place)) * (1 - penalty)
        for place, (record, penalty) in enumerate(zip(records, _penalties(records), strict=True))
    ]


def _mean(beta: tuple[float, float]) -> float:
    return beta[0] / sum(beta)


def _interval(hits: int, misses: int) -> Interval:
    """Return the 95 % credible interval of the true share: the middle of Beta(1 + hits, 1 + misses)."""
    low, high = (_quantile(share, hits, misses) for share in _CREDIBLE)
    return low, high


def _quantile(share: float, hits: int, misses: int) -> float:
    """Bisect; for integer counts the distribution is a sum of binomial terms. https://dlmf.nist.gov/8.17#E5"""
    trials = hits + misses + 1
    ways = [(k, comb(trials, k)) for k in range(hits + 1, trials + 1)]
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        x = (low + high) / 2
        below = sum(number * x**k * (1 - x) ** (trials - k) for k, number in ways)
        low, high = (x, high) if below < share else (low, x)
    return (low + high) / 2
