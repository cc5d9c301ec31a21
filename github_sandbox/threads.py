"""How review threads begin, and how they move or go out of date when the head moves."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from github_sandbox.diffs import FileChange, file_changes, moved_line
from github_sandbox.reviews import anchor_error, diff_hunk
from github_sandbox.state import Anchor, Review, ReviewComment, ReviewThread

if TYPE_CHECKING:
    from github_sandbox.pull import Pull


def open_thread(
    pull: "Pull", review: Review, anchor: Anchor, body: str, changes: Sequence[FileChange]
) -> ReviewThread:
    """A new thread with its first comment; the anchor was checked before."""
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


def follow_head(pull: "Pull", before: str) -> None:
    """Move every thread from the head before to the head now; one whose line was changed is outdated, for good."""
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


def _changes_between(pull: "Pull", before: str) -> list[FileChange]:
    return file_changes(pull.repository.git, before, pull.head_sha, pull.hub.limits)


def _moved(anchor: Anchor, change: FileChange | None) -> Anchor | None:
    """The anchor in the new head. What the base side holds does not move with the head."""
    if change is None or anchor.side == "LEFT" or anchor.line is None:
        return anchor
    line = moved_line(change.hunks, anchor.line)
    start = None if anchor.start_line is None else moved_line(change.hunks, anchor.start_line)
    if line is None or (anchor.start_line is not None and start is None):
        return None
    return replace(anchor, path=change.filename, line=line, start_line=start)
