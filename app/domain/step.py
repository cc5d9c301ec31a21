"""How a station of the pipeline is run: as a checkpointed step in the App, at once everywhere else."""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

T = TypeVar("T")


class Step(Protocol):
    """Runs one named station and gives back its value.

    In the App a step that finished is not run again after a crash: its value comes from the checkpoint. So values
    are small, typed and redacted: never the text of a diff. `type_` says how to read the checkpoint.
    """

    async def __call__(self, name: str, work: Callable[[], Awaitable[T]], type_: object) -> T:
        """Run `work` under `name`; raises `Superseded` where a newer head has taken this one's place."""
        ...


async def run_at_once(name: str, work: Callable[[], Awaitable[T]], type_: object) -> T:
    """A `Step` without checkpoints: for `quorum review` and the tools of the MCP server."""
    del name, type_
    return await work()
