"""Charts and timelines as values: series over time, and the bars of a review. Independent of the drawing library."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from app.dashboard.formats import ticks
from app.dashboard.live import TimedEvent
from app.domain.review import StationState
from app.store.call_tables import ModelCallRow
from app.store.dashboard.overview import CallPoint, Overview
from app.store.review_tables import ReviewRow

Unit = Literal["count", "usd", "ms", "share"]
PROVIDERS = ("claude", "gpt", "gemini", "local")
PROVIDER_NAMES = {
    "claude": "Claude",
    "gpt": "GPT",
    "gemini": "Gemini",
    "local": "Local",
    "analyzers": "Analyzers",
}
STATUSES = ("completed", "running", "queued", "superseded", "cancelled", "failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A line or a layer of bars; `color` is a name in the style sheet, None in `values` is a gap."""

    label: str
    color: str
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart; `x` are Unix times, `labels` the same times for people."""

    title: str
    kind: Literal["bars", "lines"]  # bars are stacked
    unit: Unit
    x: tuple[int, ...]
    labels: tuple[str, ...]
    series: tuple[Series, ...]

    @property
    def data(self) -> dict[str, Any]:
        """The chart as JSON for the script."""
        return asdict(self)

    @property
    def is_empty(self) -> bool:
        """Whether every value is zero or missing."""
        return not any(value for series in self.series for value in series.values)


def overview_charts(overview: Overview, buckets: Mapping[str, int]) -> tuple[Chart, ...]:
    """Return the charts of reviews, cost, latency, and success; `buckets` are the points of the axis."""
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
            yield Series(label=status, color=f"status-{status}", values=values)


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
            yield Series(label=PROVIDER_NAMES[provider], color=provider, values=values)


def _cost(points: Sequence[CallPoint]) -> float:
    return round(sum(point.cost_usd for point in points), 6)


def _average_ms(points: Sequence[CallPoint]) -> float | None:
    calls = sum(point.calls for point in points)
    return round(sum(point.latency_ms for point in points) / calls) if calls else None


def _success(points: Sequence[CallPoint]) -> float | None:
    calls = sum(point.calls for point in points)
    return round(sum(point.succeeded for point in points) / calls, 4) if calls else None


MIN_WIDTH_PERCENT = 0.5  # keeps short bars visible


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineBar:
    """A station, or a model call if `call` is set. Times are relative to the start of the review."""

    name: str
    started_ms: int
    duration_ms: int
    left_percent: float
    width_percent: float
    call: ModelCallRow | None = None
    is_running: bool = False
    has_failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineTick:
    """A round time on the axis."""

    ms: float
    left_percent: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """Bars in display order: each station, followed by its model calls. Every bar lies within the axis."""

    bars: tuple[TimelineBar, ...]
    total_ms: int
    ticks: tuple[TimelineTick, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Span:
    name: str
    started_ms: int
    duration_ms: int
    call: ModelCallRow | None = None
    is_running: bool = False
    has_failed: bool = False


def build_timeline(
    review: ReviewRow, calls: Sequence[ModelCallRow], progress: Sequence[TimedEvent], *, now: datetime
) -> Timeline:
    """Build the timeline from the stored stations of a finished review, or the events of a running one."""
    zero = _start_of_axis(review, calls, progress)
    stations = [_stored(station) for station in review.stations] or _running(progress, zero, now)
    spans = list(_interleave(sorted(stations, key=_start), [_call(call, zero) for call in calls]))
    total_ms = max([span.started_ms + span.duration_ms for span in spans], default=0)
    return Timeline(
        bars=tuple(_bar(span, total_ms) for span in spans),
        total_ms=total_ms,
        ticks=tuple(TimelineTick(ms=ms, left_percent=_percent(ms, total_ms)) for ms in ticks(total_ms)),
    )


def _start_of_axis(
    review: ReviewRow, calls: Sequence[ModelCallRow], progress: Sequence[TimedEvent]
) -> datetime:
    """Return the earliest time: an interrupted review has calls from before its last start."""
    times = [review.started_at or review.created_at, *(call.started_at for call in calls)]
    return min([*times, *(each.at for each in progress)])


def _stored(station: dict[str, Any]) -> _Span:
    return _Span(
        name=str(station["station"]),
        started_ms=int(station["started_ms"]),
        duration_ms=int(station["duration_ms"]),
    )


def _running(progress: Sequence[TimedEvent], zero: datetime, now: datetime) -> list[_Span]:
    """Return the last run of every station in the events."""
    spans: dict[str, _Span] = {}
    for each in progress:
        event = each.event
        started_ms = _milliseconds(zero, each.at) - (event.duration_ms or 0)
        running = event.state is StationState.STARTED
        spans[event.station] = _Span(
            name=event.station,
            started_ms=max(0, started_ms),
            duration_ms=_milliseconds(each.at, now) if running else event.duration_ms or 0,
            is_running=running,
            has_failed=event.state is StationState.FAILED,
        )
    return list(spans.values())


def _call(call: ModelCallRow, zero: datetime) -> _Span:
    return _Span(
        name=call.stage,
        started_ms=_milliseconds(zero, call.started_at),
        duration_ms=call.latency_ms,
        call=call,
        has_failed=call.outcome not in ("ok", "cache_hit"),
    )


def _interleave(stations: Sequence[_Span], calls: Sequence[_Span]) -> Iterable[_Span]:
    for station in stations:
        yield station
        yield from (call for call in calls if call.name == station.name)
    named = {station.name for station in stations}
    yield from (call for call in calls if call.name not in named)


def _bar(span: _Span, total_ms: int) -> TimelineBar:
    left = min(_percent(span.started_ms, total_ms), 100 - MIN_WIDTH_PERCENT)
    width = max(_percent(span.duration_ms, total_ms), MIN_WIDTH_PERCENT)
    return TimelineBar(
        name=span.name,
        started_ms=span.started_ms,
        duration_ms=span.duration_ms,
        left_percent=left,
        width_percent=min(width, 100 - left),
        call=span.call,
        is_running=span.is_running,
        has_failed=span.has_failed,
    )


def _percent(part_ms: float, total_ms: int) -> float:
    return round(100 * part_ms / total_ms, 3) if total_ms else 0.0


def _start(span: _Span) -> int:
    return span.started_ms


def _milliseconds(start: datetime, end: datetime) -> int:
    return max(0, round((end - start).total_seconds() * 1_000))
