"""How a job runs its steps, and how they are traced. Protocols, no I/O."""

from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Checkpoint(Generic[T]):
    """The name under which a step's result is stored, and its type, which says how to read it back.

    `T` is invariant, so pyright rejects a step whose work returns something else.
    """

    name: str
    type_: type[T]


class Step(Protocol):
    """Runs one named step and returns its result.

    In the App, a step that finished does not run again after a crash: its result comes from the checkpoint. Keep
    results small, typed, and redacted, and never put the text of a diff in one.
    """

    async def __call__(self, checkpoint: Checkpoint[T], work: Callable[[], Awaitable[T]]) -> T:
        """Run `work`; raises `Superseded` if a newer head has replaced this one."""
        ...


async def run_directly(checkpoint: Checkpoint[T], work: Callable[[], Awaitable[T]]) -> T:
    """A `Step` without checkpoints, for `quorum review` and the MCP server's tools."""
    del checkpoint
    return await work()


Attributes = Mapping[str, str | bool | int | float | None]
"""Attributes of a span; None values are left out."""


class Tracer(Protocol):
    """Records spans. The parent of a span is the enclosing span of the same task, or of the task that started this one."""

    def span(self, name: str, attributes: Attributes) -> AbstractContextManager[None]:
        """Record a span around the block. If the block raises, the span fails and holds only the error's class."""
        ...

    def record_call(
        self, name: str, attributes: Attributes, *, started_at: datetime, duration_ms: int, error: str | None
    ) -> None:
        """Record the span of a finished request to another system; `error` is an error class."""
        ...


class NoTracer:
    """A `Tracer` that records nothing."""

    @contextmanager
    def span(self, name: str, attributes: Attributes) -> Generator[None]:
        """Run the block only."""
        del name, attributes
        yield

    def record_call(
        self, name: str, attributes: Attributes, *, started_at: datetime, duration_ms: int, error: str | None
    ) -> None:
        """Do nothing."""
