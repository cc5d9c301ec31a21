"""Everything a review may ask about one change, whichever door it came through. A protocol only."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from app.domain.diff import Diff, Side
from app.domain.pull_request import PullRequest
from app.domain.thread import Thread


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """One line of the head's tree in which a word stands."""

    path: str
    line: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What one read brings: the change and what the base ref says of it.

    `base_files` holds the files of the base ref that were asked for and exist there; `threads` are Quorum's own on
    the pull request, `summary_comment_id` its one summary comment.
    """

    pull_request: PullRequest | None
    diff: Diff
    base_files: dict[str, bytes]
    threads: tuple[Thread, ...] = ()
    summary_comment_id: int | None = None
    summary_node_id: str = ""  # of the same comment
    notes: tuple[str, ...] = ()


class Source(Protocol):
    """A pull request on GitHub, a range of a local repository, or a patch."""

    async def snapshot(self, base_paths: Sequence[str]) -> Snapshot:
        """The change, with those of `base_paths` that the base ref has."""
        ...

    async def blob(self, path: str, side: Side) -> bytes | None:
        """A file at the head (RIGHT) or at the merge base (LEFT); None where there is none to be had."""
        ...

    async def grep(self, word: str, *, limit: int) -> list[Match]:
        """Lines of the head's tree with this whole word; empty where there is no tree."""
        ...
