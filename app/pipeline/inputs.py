"""The inputs of the pipeline: the shared services, the options of one review, and the timer of its stations."""

import time
from collections.abc import Collection, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from app.domain.configuration import Budget, Finders
from app.domain.finding import Finding, Stage
from app.domain.lookup import LookupRounds
from app.domain.review import (
    Coverage,
    ReviewRequest,
    StageResult,
    StationEvent,
    StationState,
    StationTime,
    Watch,
    ignore_events,
)
from app.domain.step import Attributes, NoTracer, Tracer
from app.gather import TierThresholds
from app.llm.client import CallScope
from app.llm.models import Models
from app.prompting.prompts import Prompts
from app.redaction import Redactor

REVIEW_SPAN = "pull_request_review"  # the parent span of all stations


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The parts that all reviews share. `app.main` builds them once."""

    models: Models
    prompts: Prompts
    redactor: Redactor
    secret: bytes = field(repr=False)  # for the fences around untrusted text
    thresholds: TierThresholds = field(default_factory=TierThresholds)
    stage_deadline_s: float = 600.0
    finders: Finders = "auto"  # unless the repository sets them
    lookup_rounds: LookupRounds = field(default_factory=LookupRounds)
    chunk_tokens: int = 40_000
    budget: Budget = field(default_factory=Budget)  # the operator's; a repository may only lower it
    tracer: Tracer = field(default_factory=NoTracer)


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineOptions:
    """The scope of one review.

    `seen` has the keys of the hunks that earlier reviews of this pull request read, and `earlier` their findings.
    `full` reviews everything again. `dependencies_only` limits the review to manifests and lock files. `remembered` has
    the team's instructions. `finders` replaces the configuration's.
    """

    scope: CallScope
    stages: tuple[Stage, ...] = tuple(Stage)
    full: bool = False
    seen: Collection[str] = ()
    earlier: Sequence[Finding] = ()
    dependencies_only: bool = False
    remembered: Sequence[str] = ()
    finders: int | None = None


def review_attributes(request: ReviewRequest) -> Attributes:
    """Attributes that identify the span of a review: https://opentelemetry.io/docs/specs/semconv/registry/attributes/vcs/"""
    return {
        "vcs.owner.name": request.ref.owner,
        "vcs.repository.name": request.ref.repo,
        "vcs.change.id": str(request.ref.number),
        "quorum.review.id": request.review_id,
        "quorum.trigger": request.trigger,
    }


class WhenAnswered(Protocol):
    """Hears the result of each stage, with its findings as the model and the analyzers gave them, not yet checked."""

    def __call__(self, result: StageResult, *, coverage: Coverage) -> None:
        """Must not block."""
        ...


def ignore_answers(result: StageResult, *, coverage: Coverage) -> None:
    """A `WhenAnswered` that does nothing."""
    del result, coverage


class Stations:
    """Times the stations of one review, reports their progress, and opens their spans."""

    def __init__(self, review_id: str, watch: Watch = ignore_events, *, tracer: Tracer | None = None) -> None:
        self._review_id = review_id
        self._watch = watch
        self._tracer = tracer or NoTracer()
        self._started_s = time.monotonic()
        self.times: list[StationTime] = []

    @property
    def elapsed_ms(self) -> int:
        """Time since the review started in this process."""
        return round((time.monotonic() - self._started_s) * 1_000)

    @contextmanager
    def timed(self, name: str) -> Generator[None]:
        """Time the station that runs inside, trace it, and report its progress."""
        started_ms = self.elapsed_ms
        self._watch(StationEvent(review_id=self._review_id, station=name, state=StationState.STARTED))
        state = StationState.FAILED
        try:
            with self._tracer.span(f"station {name}", {"quorum.station": name}):
                yield
            state = StationState.FINISHED
        finally:
            duration_ms = self.elapsed_ms - started_ms
            self.times.append(StationTime(station=name, started_ms=started_ms, duration_ms=duration_ms))
            self._watch(
                StationEvent(review_id=self._review_id, station=name, state=state, duration_ms=duration_ms)
            )
