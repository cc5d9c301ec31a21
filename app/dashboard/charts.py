"""What the charts draw, as values: a row of moments and a few series over it. Knows nothing of the library that draws."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from app.store.dashboard.overview import CallPoint, Overview

Unit = Literal["count", "usd", "ms", "share"]
PROVIDERS = ("claude", "gpt", "gemini", "local")
NAMES = {"claude": "Claude", "gpt": "GPT", "gemini": "Gemini", "local": "Local", "analyzers": "Analysers"}
STATUSES = ("completed", "running", "queued", "superseded", "cancelled", "failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A line or a layer of bars; `colour` names a colour of the style sheet, None is a gap."""

    label: str
    colour: str
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """One chart; `x` are Unix seconds, `labels` the same moments for people."""

    title: str
    kind: Literal["bars", "lines"]  # bars are stacked
    unit: Unit
    x: tuple[int, ...]
    labels: tuple[str, ...]
    series: tuple[Series, ...]

    @property
    def data(self) -> dict[str, Any]:
        """For the script, as JSON."""
        return asdict(self)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not any(value for series in self.series for value in series.values)


def overview_charts(overview: Overview, buckets: Mapping[str, int]) -> tuple[Chart, ...]:
    """Reviews, cost, latency and success over time; `buckets` names every point of the axis."""
    calls = _by_provider(overview.calls)
    return (
        _chart("Reviews", "bars", "count", buckets, _review_series(overview, buckets)),
        _chart("Cost", "bars", "usd", buckets, _provider_series(calls, buckets, _cost, empty=0.0)),
        _chart("Average latency", "lines", "ms", buckets, _provider_series(calls, buckets, _average_ms)),
        _chart("Success", "lines", "share", buckets, _provider_series(calls, buckets, _success)),
    )


def _chart(
    title: str,
    kind: Literal["bars", "lines"],
    unit: Unit,
    buckets: Mapping[str, int],
    series: Iterable[Series],
) -> Chart:
    return Chart(
        title=title,
        kind=kind,
        unit=unit,
        x=tuple(buckets.values()),
        labels=tuple(name if len(name) == 10 else f"{name}:00" for name in buckets),
        series=tuple(series),
    )


def _review_series(overview: Overview, buckets: Mapping[str, int]) -> Iterable[Series]:
    found: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for point in overview.reviews:
        found[point.status][point.bucket] = point.reviews
    for status in STATUSES:
        if status in found:
            values = tuple(float(found[status].get(name, 0)) for name in buckets)
            yield Series(label=status, colour=f"status-{status}", values=values)


def _by_provider(points: Iterable[CallPoint]) -> dict[str, dict[str, list[CallPoint]]]:
    grouped: dict[str, dict[str, list[CallPoint]]] = {}
    for point in points:
        grouped.setdefault(point.provider, {}).setdefault(point.bucket, []).append(point)
    return grouped


def _provider_series(
    calls: Mapping[str, Mapping[str, Sequence[CallPoint]]],
    buckets: Mapping[str, int],
    figure: Callable[[Sequence[CallPoint]], float | None],
    *,
    empty: float | None = None,
) -> Iterable[Series]:
    for provider in PROVIDERS:
        if provider in calls:
            points = calls[provider]
            values = tuple(figure(points[name]) if name in points else empty for name in buckets)
            yield Series(label=NAMES[provider], colour=provider, values=values)


def _cost(points: Sequence[CallPoint]) -> float:
    return round(sum(point.cost_usd for point in points), 6)


def _average_ms(points: Sequence[CallPoint]) -> float | None:
    calls = sum(point.calls for point in points)
    return round(sum(point.latency_ms for point in points) / calls) if calls else None


def _success(points: Sequence[CallPoint]) -> float | None:
    calls = sum(point.calls for point in points)
    return round(sum(point.succeeded for point in points) / calls, 4) if calls else None
