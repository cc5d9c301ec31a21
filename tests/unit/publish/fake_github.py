"""A strict pull request in memory and a ledger, for the publisher's tests: refuses what GitHub refuses."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from app.domain.diff import Diff
from app.domain.publication import (
    MAX_BODY_CHARACTERS,
    CheckAction,
    CheckAnnotation,
    CommentKind,
    Conclusion,
    Reaction,
    ReviewComment,
)
from app.errors import GitHubNotFound, GitHubRejected, GitHubUnavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """A review as it stands."""

    body: str
    comments: tuple[ReviewComment, ...]


@dataclass(slots=True)
class CheckRun:
    """A check run as it stands; annotations are appended."""

    title: str
    summary: str
    text: str = ""
    conclusion: Conclusion | None = None
    annotations: list[CheckAnnotation] = field(default_factory=list[CheckAnnotation])


class FakePullRequest:
    """A `Writer` that keeps what is written. `refused` are paths where no inline comment is taken."""

    def __init__(
        self,
        diff: Diff,
        *,
        refused: Sequence[str] = (),
        refused_files: Sequence[str] = (),
        refuses_reviews: bool = False,
    ) -> None:
        self.reviews: dict[int, Review] = {}
        self.file_comments: dict[int, tuple[str, str]] = {}
        self.issue_comments: dict[int, str] = {}
        self.checks: dict[int, CheckRun] = {}
        self.calls: list[str] = []
        self.broken_after: set[str] = set()  # calls that are carried out and then answered with 502, once
        self._diff = diff
        self._refused = refused
        self._refused_files = refused_files
        self._refuses_reviews = refuses_reviews
        self._last_id = 100

    def _written(self, call: str) -> int:
        self._last_id += 1
        self.calls.append(call)
        return self._last_id

    def _answered(self, call: str) -> None:
        if call in self.broken_after:
            self.broken_after.remove(call)
            raise GitHubUnavailable("502", status=502)

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
        check_run_id = self._written(f"create_check_run {name} {external_id}")
        self.checks[check_run_id] = CheckRun(title, summary)
        return check_run_id

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
        self._written("update_check_run")
        check = self.checks.setdefault(check_run_id, CheckRun("", ""))
        check.title, check.summary, check.text, check.conclusion = title, summary, text, conclusion
        check.annotations += annotations[len(check.annotations) if resume else 0 :]
        self._answered("update_check_run")

    async def find_check_run(self, *, head_sha: str, name: str, external_id: str) -> int | None:
        self._written("find_check_run")
        return next(iter(self.checks), None)

    async def create_review(self, *, head_sha: str, body: str, comments: Sequence[ReviewComment]) -> int:
        review_id = self._written("create_review")
        fits = 0 < len(body) <= MAX_BODY_CHARACTERS and all(map(self._takes, comments))
        if self._refuses_reviews or not fits:
            raise GitHubRejected("Line could not be resolved", status=422)
        self.reviews[review_id] = Review(body=body, comments=tuple(comments))
        self._answered("create_review")
        return review_id

    def _takes(self, comment: ReviewComment) -> bool:
        file = self._diff.file(comment.path)
        if file is None or comment.path in self._refused or len(comment.body) > MAX_BODY_CHARACTERS:
            return False
        wanted = {comment.line, comment.start_line or comment.line}
        if comment.start_line is not None and comment.start_line >= comment.line:
            return False
        sides = (
            {line.new_line if comment.side == "RIGHT" else line.old_line for line in hunk.lines}
            for hunk in file.hunks
        )
        return any(wanted <= numbers for numbers in sides)

    async def find_review(self, marker: str) -> int | None:
        self._written("find_review")
        return next((number for number, review in self.reviews.items() if review.body.endswith(marker)), None)

    async def create_file_comment(self, *, head_sha: str, path: str, body: str) -> int:
        comment_id = self._written("create_file_comment")
        if self._diff.file(path) is None or path in self._refused_files:
            raise GitHubRejected("Path could not be resolved", status=422)
        self.file_comments[comment_id] = (path, body)
        self._answered("create_file_comment")
        return comment_id

    async def find_review_comment(self, marker: str) -> int | None:
        self._written("find_review_comment")
        return next(
            (number for number, (_, body) in self.file_comments.items() if body.endswith(marker)), None
        )

    async def create_issue_comment(self, body: str) -> int:
        comment_id = self._written("create_issue_comment")
        self.issue_comments[comment_id] = body
        self._answered("create_issue_comment")
        return comment_id

    async def update_issue_comment(self, comment_id: int, body: str) -> None:
        self._written("update_issue_comment")
        if comment_id not in self.issue_comments:
            raise GitHubNotFound("Not Found", status=404)
        self.issue_comments[comment_id] = body

    async def find_issue_comment(self, marker: str) -> int | None:
        self._written("find_issue_comment")
        return next((number for number, body in self.issue_comments.items() if body.endswith(marker)), None)

    async def reply_to_review_comment(self, comment_id: int, body: str) -> int:
        raise AssertionError("the publisher replies to nobody")

    async def react(self, kind: CommentKind, comment_id: int, content: Reaction) -> None:
        raise AssertionError("the publisher reacts to nothing")

    async def permission(self, login: str) -> str:
        raise AssertionError("the publisher asks nobody's rights")

    async def head_sha(self) -> str:
        raise AssertionError("the pipeline re-reads the head")


class FakeLedger:
    """A `WriteLedger` that remembers, over restarts, what was begun and what was finished."""

    def __init__(self) -> None:
        self.begun: set[str] = set()
        self.finished: dict[str, int] = {}

    async def write_once(
        self, key: str, *, find: Callable[[], Awaitable[int | None]], write: Callable[[], Awaitable[int]]
    ) -> int:
        if key in self.finished:
            return self.finished[key]
        found = await find() if key in self.begun else None
        self.begun.add(key)
        self.finished[key] = await write() if found is None else found
        return self.finished[key]
