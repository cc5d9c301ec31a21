"""Spans of a review, for whoever collects traces. Values and a protocol; names and figures alone, never content."""

from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import Protocol

Attributes = Mapping[str, str | bool | int | float | None]
"""Of a span; what is None is left out."""


class Tracer(Protocol):
    """What keeps spans. A span's parent is the one round it in the same task, or in the task that began this one."""

    def span(self, name: str, attributes: Attributes) -> AbstractContextManager[None]:
        """A span while the block runs; it has failed when the block raises, with the error's class alone."""
        ...

    def record_call(
        self, name: str, attributes: Attributes, *, started_at: datetime, duration_ms: int, error: str | None
    ) -> None:
        """A span of a request to another system that has ended; `error` is its class."""
        ...


class NoTracer:
    """A `Tracer` that keeps nothing."""

    @contextmanager
    def span(self, name: str, attributes: Attributes) -> Generator[None]:
        """Nothing but the block."""
        del name, attributes
        yield

    def record_call(
        self, name: str, attributes: Attributes, *, started_at: datetime, duration_ms: int, error: str | None
    ) -> None:
        """Nothing."""
