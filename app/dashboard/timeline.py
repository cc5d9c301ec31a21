"""The stations and model calls of a review as bars on one axis of time. Pure; every bar lies within the axis."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.dashboard.formats import ticks
from app.dashboard.live import Seen
from app.domain.review import StationState
from app.store.call_tables import ModelCallRow
from app.store.review_tables import ReviewRow

LEAST_PERCENT = 0.5  # a bar that can be seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar; `call` is set where it is a model's, otherwise it is a station's. Times from the review's beginning."""

    name: str
    started_ms: int
    duration_ms: int
    left_percent: float
    width_percent: float
    call: ModelCallRow | None = None
    is_running: bool = False
    has_failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A round moment on the axis."""

    ms: float
    left_percent: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """Bars in the order in which they are drawn: each station, then the calls that it made."""

    bars: tuple[Bar, ...]
    total_ms: int
    ticks: tuple[Tick, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Span:
    name: str
    started_ms: int
    duration_ms: int
    call: ModelCallRow | None = None
    is_running: bool = False
    has_failed: bool = False


def build_timeline(
    review: ReviewRow, calls: Sequence[ModelCallRow], progress: Sequence[Seen], *, now: datetime
) -> Timeline:
    """From what the finished review stored, or from what the running one has told so far."""
    zero = _zero(review, calls, progress)
    stations = [_stored(station) for station in review.stations] or _told(progress, zero, now)
    spans = list(_interleave(sorted(stations, key=_start), [_call(call, zero) for call in calls]))
    total_ms = max([span.started_ms + span.duration_ms for span in spans], default=0)
    return Timeline(
        bars=tuple(_bar(span, total_ms) for span in spans),
        total_ms=total_ms,
        ticks=tuple(Tick(ms=ms, left_percent=_percent(ms, total_ms)) for ms in ticks(total_ms)),
    )


def _zero(review: ReviewRow, calls: Sequence[ModelCallRow], progress: Sequence[Seen]) -> datetime:
    """Where the axis begins: a review that was interrupted has calls before its last beginning."""
    begun = [review.started_at or review.created_at, *(call.started_at for call in calls)]
    return min([*begun, *(seen.at for seen in progress)])


def _stored(station: dict[str, Any]) -> _Span:
    return _Span(
        name=str(station["station"]),
        started_ms=int(station["started_ms"]),
        duration_ms=int(station["duration_ms"]),
    )


def _told(progress: Sequence[Seen], zero: datetime, now: datetime) -> list[_Span]:
    """The last run of every station that was told of."""
    spans: dict[str, _Span] = {}
    for seen in progress:
        event = seen.event
        started_ms = _milliseconds(zero, seen.at) - (event.duration_ms or 0)
        running = event.state is StationState.STARTED
        spans[event.station] = _Span(
            name=event.station,
            started_ms=max(0, started_ms),
            duration_ms=_milliseconds(seen.at, now) if running else event.duration_ms or 0,
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


def _bar(span: _Span, total_ms: int) -> Bar:
    left = min(_percent(span.started_ms, total_ms), 100 - LEAST_PERCENT)
    width = max(_percent(span.duration_ms, total_ms), LEAST_PERCENT)
    return Bar(
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
