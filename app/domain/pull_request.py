"""A pull request, its review threads, and the protocol through which a review reads it. No I/O."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from app.domain.diff import Diff, Side


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequestRef:
    """The name of a pull request: `owner/repo#number`."""

    owner: str
    repo: str
    number: int

    @property
    def repository(self) -> str:
        """`owner/repo`, as GitHub's `full_name`."""
        return f"{self.owner}/{self.repo}"

    def __str__(self) -> str:
        return f"{self.repository}#{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequest:
    """A pull request at the time it was read; field names are GitHub's."""

    ref: PullRequestRef
    title: str
    body: str
    author: str
    author_is_bot: bool
    state: str  # "open" or "closed"
    draft: bool
    labels: tuple[str, ...]
    base_ref: str
    base_sha: str
    head_ref: str
    head_sha: str
    head_repository: str | None  # None: the fork was deleted
    archived: bool = False  # its repository is read-only
    merged: bool = False  # then it is closed, too


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedIssue:
    """An issue that a pull request closes when it is merged, or that its title or description names."""

    number: int
    title: str
    body: str
    closes: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckNote:
    """One annotation of a check run, without its raw details, which are logs."""

    path: str
    line: int
    level: str  # "failure", "warning" or "notice"
    message: str
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedCheck:
    """A check run of another App that failed on the head before the review read it."""

    name: str
    title: str = ""
    notes: tuple[CheckNote, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One comment of a thread."""

    author: str
    author_is_bot: bool
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """A review thread that Quorum opened; `fingerprint` comes from the hidden marker."""

    node_id: str
    comment_id: int  # of its first comment
    fingerprint: str
    path: str
    line: int | None
    is_resolved: bool
    is_outdated: bool
    comment_node_id: str = ""  # of its first comment, which can be minimized
    replies: tuple[Reply, ...] = ()
    thumbs_up: int = 0  # on its first comment
    thumbs_down: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TextMatch:
    """One line of the head's tree that contains a word."""

    path: str
    line: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The first read of a pull request: the change and files of the base.

    `base_files` holds the requested files that exist at the base ref. `threads` and `summary_comment_id` are Quorum's
    own threads and summary comment.
    """

    pull_request: PullRequest | None
    diff: Diff
    base_files: dict[str, bytes]
    threads: tuple[Thread, ...] = ()
    summary_comment_id: int | None = None
    summary_node_id: str = ""  # of the summary comment
    issues: tuple[LinkedIssue, ...] = ()
    failed_checks: tuple[FailedCheck, ...] = ()
    notes: tuple[str, ...] = ()


class EntryKind(StrEnum):
    """What a path of a tree is."""

    FILE = "file"
    FOLDER = "folder"
    LINK = "symbolic link"
    SUBMODULE = "submodule"


@dataclass(frozen=True, slots=True, kw_only=True)
class PastCommit:
    """A commit as look-ups show it: without names."""

    date: str  # YYYY-MM-DD
    subject: str


class CodeTree(Protocol):
    """All code at the head, as git has it, for look-ups."""

    async def entry(self, path: str) -> EntryKind | None:
        """Tell what the path is; None if there is nothing."""
        ...

    async def blob(self, path: str, side: Side) -> bytes | None:
        """Read a file; None if there is none or it is too large."""
        ...

    async def grep(self, word: str, *, limit: int) -> list[TextMatch]:
        """Find lines that contain this whole word."""
        ...

    async def search(self, text: str, *, limit: int) -> list[TextMatch]:
        """Find lines that contain this text, literally."""
        ...

    async def history(self, path: str, lines: tuple[int, int] | None) -> list[PastCommit] | None:
        """The last commits that touched these lines, or the file; None if the history cannot be read."""
        ...


class Source(Protocol):
    """A pull request on GitHub, a range of a local repository, or a patch."""

    async def snapshot(self, base_paths: Sequence[str]) -> Snapshot:
        """Read the change, and those of `base_paths` that exist at the base ref."""
        ...

    async def blob(self, path: str, side: Side) -> bytes | None:
        """Read a file at the head (RIGHT) or at the merge base (LEFT); None if there is none."""
        ...

    async def grep(self, word: str, *, limit: int) -> list[TextMatch]:
        """Find lines of the head's tree that contain this whole word; empty if there is no tree."""
        ...

    def tree(self) -> CodeTree | None:
        """All code at the head; None if only the change can be read. Call `snapshot` first."""
        ...
