"""Times the stations of one review, reports their progress to watchers, and opens their spans."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from app.domain.review import ReviewRequest, StationEvent, StationState, StationTime, Watch, ignore_events
from app.domain.step import Attributes, NoTracer, Tracer

REVIEW_SPAN = "pull_request_review"  # round the stations


def review_attributes(request: ReviewRequest) -> Attributes:
    """What tells the span of one review from others: https://opentelemetry.io/docs/specs/semconv/registry/attributes/vcs/"""
    return {
        "vcs.owner.name": request.ref.owner,
        "vcs.repository.name": request.ref.repo,
        "vcs.change.id": str(request.ref.number),
        "quorum.review.id": request.review_id,
        "quorum.trigger": request.trigger,
    }


class Stations:
    """The clock of one review."""

    def __init__(self, review_id: str, watch: Watch = ignore_events, *, tracer: Tracer | None = None) -> None:
        self._review_id = review_id
        self._watch = watch
        self._tracer = tracer or NoTracer()
        self._begun_s = time.monotonic()
        self.times: list[StationTime] = []

    @property
    def elapsed_ms(self) -> int:
        """Since the review began in this process."""
        return round((time.monotonic() - self._begun_s) * 1_000)

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Time the station that runs inside, trace it, and tell those who watch."""
        started_ms = self.elapsed_ms
        self._tell(StationEvent(review_id=self._review_id, station=name, state=StationState.STARTED))
        state = StationState.FAILED
        try:
            with self._tracer.span(f"station {name}", {"quorum.station": name}):
                yield
            state = StationState.FINISHED
        finally:
            duration_ms = self.elapsed_ms - started_ms
            self.times.append(StationTime(station=name, started_ms=started_ms, duration_ms=duration_ms))
            self._tell(
                StationEvent(review_id=self._review_id, station=name, state=state, duration_ms=duration_ms)
            )

    def _tell(self, event: StationEvent) -> None:
        self._watch(event)
