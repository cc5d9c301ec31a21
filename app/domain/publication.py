"""What Quorum writes on a pull request, and the protocol that writes it. Values and a protocol; builds no sentences."""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Protocol

from app.domain.diff import Side
from app.domain.pull_request import PullRequest

MAX_BODY_CHARACTERS = 65_536  # of a review, a comment
MAX_CHECK_TEXT_CHARACTERS = 65_535  # of `summary` and of `text`
MAX_ANNOTATION_BYTES = 65_536  # of `message`
MAX_CHECK_ACTIONS = 3

CommentKind = Literal["issue_comment", "review_comment"]
Reaction = Literal["+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes"]


class Conclusion(StrEnum):
    """The conclusions that Quorum gives its check runs; a conclusion completes the run."""

    SUCCESS = "success"
    NEUTRAL = "neutral"
    FAILURE = "failure"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequiredChecks:
    """The names of the checks without which GitHub merges nothing into a branch."""

    names: frozenset[str] = frozenset()
    refusal: str = ""  # why some of the branch's rules could not be read


class AnnotationLevel(StrEnum):
    """GitHub's `annotation_level`."""

    NOTICE = "notice"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewComment:
    """An inline comment; `start_line..line` (or `line` alone) lie in one hunk of `path` on `side`."""

    path: str
    line: int
    body: str
    side: Side = Side.RIGHT
    start_line: int | None = None  # None: a single line; otherwise less than `line`


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckAnnotation:
    """An annotation of a check run on lines of a file at the head."""

    path: str
    start_line: int
    end_line: int
    level: AnnotationLevel
    title: str  # ≤ 255 characters
    message: str  # ≤ MAX_ANNOTATION_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckAction:
    """A button of a completed check run; a click comes back as `check_run.requested_action`."""

    label: str  # ≤ 20 characters
    description: str  # ≤ 40
    identifier: str  # ≤ 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadAnswer:
    """The answer to one review thread: an optional reply, and whether the thread is settled."""

    thread_node_id: str
    comment_node_id: str  # of its first comment, which is minimized if the App may not resolve the thread
    body: str | None
    settled: bool = True  # True: resolve the thread; False: reopen it
    is_resolved: bool = False  # whether the thread is resolved now


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentEdit:
    """The new text of one of Quorum's comments in the conversation."""

    node_id: str
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadsDone:
    """How many threads were resolved, and how many comments were minimized instead."""

    resolved: int = 0
    minimized: int = 0
    edited: bool = False  # whether the `CommentEdit` succeeded


class Writer(Protocol):
    """Writes to one pull request, and lookups that find earlier writes.

    The numbers are GitHub's ids. Lookups find only what Quorum wrote. All methods raise `app.errors.GitHub*`. After
    `GitHubUnavailable`, GitHub may have processed the write: look it up before writing again.
    """

    async def create_check_run(
        self,
        *,
        head_sha: str,
        name: str,
        external_id: str,
        title: str,
        summary: str,
        details_url: str | None = None,
    ) -> int:
        """Start a check run (`in_progress`); returns its id."""
        ...

    async def update_check_run(
        self,
        check_run_id: int,
        *,
        title: str,
        summary: str,
        text: str = "",
        conclusion: Conclusion | None = None,
        annotations: Sequence[CheckAnnotation] = (),
        actions: Sequence[CheckAction] = (),
        resume: bool = False,
    ) -> None:
        """Replace the texts, append the annotations, and complete the run if `conclusion` is set.

        With `resume`, annotations that an earlier attempt appended are not sent again.
        """
        ...

    async def find_check_run(self, *, head_sha: str, name: str, external_id: str) -> int | None:
        """Find the newest uncompleted check run with this name and external id; a completed one is an older review's."""
        ...

    async def create_review(self, *, head_sha: str, body: str, comments: Sequence[ReviewComment]) -> int:
        """Post one review (COMMENT) with all of its comments; `GitHubRejected` if GitHub rejects a comment's location."""
        ...

    async def find_review(self, marker: str) -> int | None:
        """Find Quorum's review whose body contains `marker`."""
        ...

    async def create_file_comment(self, *, head_sha: str, path: str, body: str) -> int:
        """Post a comment on a changed file as a whole."""
        ...

    async def find_review_comment(self, marker: str) -> int | None:
        """Find Quorum's inline or file comment whose body contains `marker`."""
        ...

    async def create_issue_comment(self, body: str) -> int:
        """Post a comment in the conversation."""
        ...

    async def update_issue_comment(self, comment_id: int, body: str) -> None:
        """Replace the text of one of Quorum's comments in the conversation."""
        ...

    async def find_issue_comment(self, marker: str) -> int | None:
        """Find Quorum's comment in the conversation whose body contains `marker`."""
        ...

    async def reply_to_review_comment(self, comment_id: int, body: str) -> int:
        """Reply in the thread that starts with this comment."""
        ...

    async def react(self, kind: CommentKind, comment_id: int, content: Reaction) -> None:
        """Add a reaction to a comment; doing it again changes nothing."""
        ...

    async def permission(self, login: str) -> str:
        """Return `admin`, `write`, `read` or `none`; `none` unless GitHub clearly grants more."""
        ...

    async def head_sha(self) -> str:
        """Read the pull request's current head."""
        ...


class ThreadWriter(Writer, Protocol):
    """A writer that also answers threads, and reads how the pull request changed since its snapshot."""

    async def pull_request(self) -> PullRequest:
        """Read the pull request as it is now."""
        ...

    async def answer_threads(
        self, answers: Sequence[ThreadAnswer], *, edit: CommentEdit | None = None
    ) -> ThreadsDone:
        """Send all replies and resolutions, and the edit of a comment, in one request.

        If the App may not resolve threads, their comments are minimized instead.
        """
        ...


class WriteLedger(Protocol):
    """The record of one job's writes to GitHub; each write happens at most once, even across restarts."""

    async def write_once(
        self, key: str, *, find: Callable[[], Awaitable[int | None]], write: Callable[[], Awaitable[int]]
    ) -> int:
        """Write under `key` unless that happened before; returns the id of what was written.

        `find` is called only if an earlier attempt started and did not finish, because GitHub may have its result.
        """
        ...


MARKER_PREFIX = "<!-- quorum:"
_KEY = re.compile(r"[\w./#@:+-]{1,300}")
_LAST_LINE = re.compile(r"<!-- quorum:(?P<kind>[a-z]+):(?P<key>[\w./#@:+-]+) -->\s*\Z")


class MarkerKind(StrEnum):
    """The kind of a body, in the hidden last line that Quorum writes.

    Only the last line of a body counts, and only in Quorum's own comments; text further up can be someone else's.
    """

    REVIEW = "review"
    FINDING = "finding"
    FILE = "file"
    SUMMARY = "summary"
    REPLY = "reply"


def marker(kind: MarkerKind, key: str) -> str:
    """Build the marker of a body, such as `<!-- quorum:finding:3f2a… -->`; raises ValueError for an unsafe key."""
    if not _KEY.fullmatch(key):
        raise ValueError(f"not a valid marker key: {key!r}")
    return f"{MARKER_PREFIX}{kind}:{key} -->"


def parse_marker(body: str) -> tuple[MarkerKind, str] | None:
    """Parse kind and key from the last line of a body; None if it has no marker."""
    found = _LAST_LINE.search(body)
    if not found or found["kind"] not in list(MarkerKind):
        return None
    return MarkerKind(found["kind"]), found["key"]
