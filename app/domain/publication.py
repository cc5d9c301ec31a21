"""What Quorum writes on a pull request, and the protocol that writes it. Values and a protocol; builds no sentences."""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Protocol

from app.domain.diff import Side

MAX_BODY_CHARACTERS = 65_536  # of a review, a comment
MAX_CHECK_TEXT_CHARACTERS = 65_535  # of `summary` and of `text`
MAX_ANNOTATION_BYTES = 65_536  # of `message`
MAX_CHECK_ACTIONS = 3

CommentKind = Literal["issue_comment", "review_comment"]
Reaction = Literal["+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes"]


class Conclusion(StrEnum):
    """The conclusions of a check run that Quorum gives; with one the run is completed."""

    SUCCESS = "success"
    NEUTRAL = "neutral"
    FAILURE = "failure"
    CANCELLED = "cancelled"


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
    start_line: int | None = None  # None: the one line; otherwise less than `line`


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckAnnotation:
    """A mark of a check run on lines of the head's file."""

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
    """What is done with one review thread: a reply, if there is something to say, and whether it is settled now."""

    thread_node_id: str
    comment_node_id: str  # of its first comment: folded away where the App may not resolve
    body: str | None
    settled: bool = True  # resolve the thread; False: open it again
    is_resolved: bool = False  # as it stands


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentEdit:
    """The new text of an own comment in the conversation."""

    node_id: str
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadsDone:
    """How many threads were resolved, and how many comments folded away instead."""

    resolved: int = 0
    folded: int = 0
    edited: bool = False  # the comment that was to be edited with them


class Writer(Protocol):
    """Every write on one pull request, and the look-ups that tell whether one has happened.

    The numbers are GitHub's ids. Look-ups see Quorum's own things alone. All methods raise `app.errors.GitHub*`;
    after `GitHubUnavailable` a write may have been carried out all the same: look before writing again.
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
        """Starts a check run (`in_progress`)."""
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
        """Replaces the texts, appends the annotations, and completes the run where there is a conclusion.

        `resume`: an earlier attempt may have appended some; those that the run has are not sent again.
        """
        ...

    async def find_check_run(self, *, head_sha: str, name: str, external_id: str) -> int | None:
        """The newest check run with this name and external id that nobody has completed: an older review's is not ours."""
        ...

    async def create_review(self, *, head_sha: str, body: str, comments: Sequence[ReviewComment]) -> int:
        """Posts one review (COMMENT), all or nothing; `GitHubRejected` where a comment's place is refused."""
        ...

    async def find_review(self, marker: str) -> int | None:
        """The own review whose body holds `marker`."""
        ...

    async def create_file_comment(self, *, head_sha: str, path: str, body: str) -> int:
        """Posts a comment on a changed file as a whole."""
        ...

    async def find_review_comment(self, marker: str) -> int | None:
        """The own inline or file comment whose body holds `marker`."""
        ...

    async def create_issue_comment(self, body: str) -> int:
        """Posts a comment in the conversation."""
        ...

    async def update_issue_comment(self, comment_id: int, body: str) -> None:
        """Replaces the text of an own comment in the conversation."""
        ...

    async def find_issue_comment(self, marker: str) -> int | None:
        """The own comment of the conversation whose body holds `marker`."""
        ...

    async def reply_to_review_comment(self, comment_id: int, body: str) -> int:
        """Answers in the thread that begins with this comment."""
        ...

    async def react(self, kind: CommentKind, comment_id: int, content: Reaction) -> None:
        """Puts a reaction on a comment; a second time changes nothing."""
        ...

    async def permission(self, login: str) -> str:
        """`admin`, `write`, `read` or `none`; `none` whenever GitHub does not clearly say more."""
        ...

    async def head_sha(self) -> str:
        """The pull request's head now, freshly read."""
        ...


class ThreadWriter(Writer, Protocol):
    """A writer that also answers threads."""

    async def answer_threads(
        self, answers: Sequence[ThreadAnswer], *, edit: CommentEdit | None = None
    ) -> ThreadsDone:
        """All replies and resolutions, and the edit of a comment, in one request.

        Where threads may not be resolved, comments fold instead.
        """
        ...


class WriteLedger(Protocol):
    """The record of one job's writes to GitHub: each write happens at most once, also across restarts."""

    async def write_once(
        self, key: str, *, find: Callable[[], Awaitable[int | None]], write: Callable[[], Awaitable[int]]
    ) -> int:
        """The id of what was written under `key`, now or earlier.

        `find` is called only when an earlier attempt started and did not finish: GitHub may have the result.
        """
        ...


MARKER_PREFIX = "<!-- quorum:"
_KEY = re.compile(r"[\w./#@:+-]{1,300}")
_LAST_LINE = re.compile(r"<!-- quorum:(?P<kind>[a-z]+):(?P<key>[\w./#@:+-]+) -->\s*\Z")


class MarkerKind(StrEnum):
    """The kind of a body, in the hidden last line that Quorum writes.

    Only the last line of a body counts, and only in comments of our own App: text further up can be someone else's.
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
