"""How a job runs its steps: checkpointed in the App, immediately everywhere else."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
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


async def run_at_once(checkpoint: Checkpoint[T], work: Callable[[], Awaitable[T]]) -> T:
    """A `Step` without checkpoints, for `quorum review` and the MCP server's tools."""
    del checkpoint
    return await work()
