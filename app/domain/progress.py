"""What a review is doing just now, for those who watch: the demo, the command line, the dashboard. Values only."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class StationState(StrEnum):
    """Where a station stands."""

    STARTED = "started"
    FINISHED = "finished"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class StationEvent:
    """A station began or ended; `duration_ms` is set when it ended, `detail` is a few words for people."""

    review_id: str
    station: str
    state: StationState
    duration_ms: int | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StationTime:
    """How long a station of a finished review took, and when it began, from the review's start."""

    station: str
    started_ms: int
    duration_ms: int


Watch = Callable[[StationEvent], None]


def nobody_watches(event: StationEvent) -> None:
    """A `Watch` that drops every event."""
    del event
