"""What GitHub accepts for reviews and review comments, and how review threads start and move with the head.

https://docs.github.com/en/rest/pulls/reviews and https://docs.github.com/en/rest/pulls/comments
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from github_sandbox.diffs import FileChange, Hunk, file_changes, moved_line
from github_sandbox.errors import ApiError, invalid, invalid_field
from github_sandbox.model import PullState
from github_sandbox.state import Anchor, Json, Review, ReviewComment, ReviewThread

BODY_LIMIT = 65_536
EVENTS = {"COMMENT": "COMMENTED", "APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED"}
REVIEW_KEYS = ("commit_id", "body", "event", "comments")
COMMENT_KEYS = ("path", "position", "body", "line", "side", "start_line", "start_side")
SIDES = ("LEFT", "RIGHT")
_NO_LINE = "Line could not be resolved"
_NO_PATH = "Path could not be resolved"


def check_body(body: object, resource: str, *, required: bool = True) -> str:
    """Check a text of at most 65,536 characters; it may be empty only if it is not required."""
    if body is not None and not isinstance(body, str):
        raise invalid_field(resource, "body")
    if required and not (body or "").strip():
        raise invalid_field(resource, "body", code="missing_field", message="body can't be blank")
    if len(body or "") > BODY_LIMIT:
        raise invalid_field(
            resource, "body", code="custom", message=f"body is too long (maximum is {BODY_LIMIT} characters)"
        )
    return body or ""


def check_review_keys(request: Json) -> None:
    """Reject undocumented keys in the review and in its comments; `subject_type` is not allowed there."""
    extra = [key for key in request if key not in REVIEW_KEYS]
    comments: Any = request.get("comments") or []
    for comment in comments:
        extra += [key for key in comment if key not in COMMENT_KEYS]
    if extra:
        raise ApiError(422, f'Invalid request.\n\n"{extra[0]}" is not a permitted key.', errors=())


def parse_review_comment(request: Json) -> tuple[Anchor, str]:
    """Parse a comment of a review: location and text. `side` defaults to RIGHT."""
    path = request.get("path")
    body = check_body(request.get("body"), "PullRequestReviewComment")
    if not isinstance(path, str):
        raise invalid_field("PullRequestReviewComment", "path", code="missing_field")
    if request.get("position") is not None and request.get("line") is None:
        raise invalid("position is closing down; the stand-in wants line and side")
    side = request.get("side") or "RIGHT"
    start_side = request.get("start_side") if request.get("start_line") is not None else None
    for given in (side, start_side or "RIGHT"):
        if given not in SIDES:
            raise invalid_field("PullRequestReviewComment", "side")
    return (
        Anchor(
            path=path,
            side=side,
            line=request.get("line"),
            start_line=request.get("start_line"),
            start_side=start_side,
        ),
        body,
    )


def anchor_error(changes: Sequence[FileChange], anchor: Anchor) -> str | None:
    """Why a comment cannot be placed there, in GitHub's words; None if it can."""
    change = next((c for c in changes if c.filename == anchor.path), None)
    if change is None:
        return _NO_PATH
    if anchor.subject_type == "file":
        return None
    if not isinstance(anchor.line, int) or isinstance(anchor.line, bool):
        return _NO_LINE
    hunk = change.hunk_with(anchor.side, anchor.line)
    if hunk is None:
        return _NO_LINE
    return _range_error(hunk, anchor)


def _range_error(hunk: Hunk, anchor: Anchor) -> str | None:
    if anchor.start_line is None:
        return None
    if anchor.start_side is None:
        return "Start side must be given with start line"
    if not hunk.has(anchor.start_side, anchor.start_line):
        return "Start line must be part of the same hunk as the line."
    rows = [_row_of(hunk, anchor.start_side, anchor.start_line), _row_of(hunk, anchor.side, anchor.line or 0)]
    return None if rows[0] < rows[1] else "Start line must precede the end line."


def _row_of(hunk: Hunk, side: str, line: int) -> int:
    column = 2 if side == "RIGHT" else 1
    other = "-" if side == "RIGHT" else "+"
    return next(i for i, row in enumerate(hunk.rows) if row[column] == line and row[0] != other)


def diff_hunk(changes: Sequence[FileChange], anchor: Anchor) -> str:
    """The part of the patch above the comment."""
    change = next(c for c in changes if c.filename == anchor.path)
    if anchor.line is None:
        return change.patch or ""
    hunk = change.hunk_with(anchor.side, anchor.line)
    return hunk.until(anchor.side, anchor.line) if hunk else ""


def open_thread(
    pull: PullState, review: Review, anchor: Anchor, body: str, changes: Sequence[FileChange]
) -> ReviewThread:
    """Open a thread with its first comment; the caller has checked the anchor."""
    now = pull.hub.clock()
    comment = ReviewComment(
        id=pull.hub.next_id(),
        review_id=review.id,
        user=review.user,
        body=body,
        anchor=anchor,
        original=anchor,
        commit_id=review.commit_id,
        original_commit_id=review.commit_id,
        diff_hunk=diff_hunk(changes, anchor),
        created_at=now,
        updated_at=now,
    )
    thread = ReviewThread(id=pull.hub.next_id(), comments=[comment])
    pull.threads.append(thread)
    return thread


def follow_head(pull: PullState, before: str) -> None:
    """Move every thread from the head `before` to the present head; a thread whose line changed becomes outdated for good."""
    between = {c.previous_filename or c.filename: c for c in _changes_between(pull, before)}
    now = pull.changes()
    for thread in pull.threads:
        root = thread.root
        if thread.is_outdated or root.anchor.subject_type == "file":
            continue
        moved = _moved(root.anchor, between.get(root.anchor.path))
        if moved is None or anchor_error(now, moved):
            thread.is_outdated = True
            moved = replace(root.anchor, line=None, start_line=None)
        for comment in thread.comments:
            comment.anchor = moved
            comment.commit_id = comment.commit_id if thread.is_outdated else pull.head_sha


def _changes_between(pull: PullState, before: str) -> list[FileChange]:
    return file_changes(pull.repository.git, before, pull.head_sha, pull.hub.limits)


def _moved(anchor: Anchor, change: FileChange | None) -> Anchor | None:
    """The anchor at the new head. Lines of the base side do not move with the head."""
    if change is None or anchor.side == "LEFT" or anchor.line is None:
        return anchor
    line = moved_line(change.hunks, anchor.line)
    start = None if anchor.start_line is None else moved_line(change.hunks, anchor.start_line)
    if line is None or (anchor.start_line is not None and start is None):
        return None
    return replace(anchor, path=change.filename, line=line, start_line=start)
