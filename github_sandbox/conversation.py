"""What is said on a pull request: comments, reviews, replies and reactions, each kept, announced and noted.

The verbs are on `Pull`; this is how they are done.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from github_sandbox import events, reviews
from github_sandbox.diffs import FileChange
from github_sandbox.errors import invalid, invalid_field, not_found
from github_sandbox.state import (
    Account,
    Anchor,
    IssueComment,
    Posted,
    Reaction,
    Review,
    ReviewComment,
    ReviewThread,
)
from github_sandbox.threads import open_thread

if TYPE_CHECKING:
    from github_sandbox.pull import Pull

Comment = IssueComment | ReviewComment
REACTIONS = ("+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes")


def add_comment(pull: "Pull", who: Account, body: str) -> IssueComment:
    """A comment in the conversation."""
    reviews.check_body(body, "IssueComment")
    now = pull.hub.clock()
    comment = IssueComment(id=pull.hub.next_id(), user=who, body=body, created_at=now, updated_at=now)
    pull.issue_comments.append(comment)
    _note(pull, "issue_comment", who, comment)
    tell_comment(pull, who, comment, "created")
    return comment


def change_comment(pull: "Pull", who: Account, comment: Comment, body: str) -> None:
    """Another text for a comment; the event tells the one before."""
    reviews.check_body(body, "IssueComment")
    before, comment.body, comment.updated_at = comment.body, body, pull.hub.clock()
    tell_comment(pull, who, comment, "edited", changes={"body": {"from": before}})
    kind = "issue_comment" if isinstance(comment, IssueComment) else "review_comment"
    _note(pull, kind, who, comment, edited=True)


def remove_comment(pull: "Pull", who: Account, comment: Comment) -> None:
    """Delete a comment; a thread without comments goes with it."""
    tell_comment(pull, who, comment, "deleted")
    if isinstance(comment, IssueComment):
        pull.issue_comments.remove(comment)
        return
    thread = pull.thread_of(comment)
    thread.comments.remove(comment)
    if not thread.comments:
        pull.threads.remove(thread)


def tell_comment(pull: "Pull", who: Account, comment: Comment, action: str, **more: object) -> None:
    """The event of a comment."""
    if isinstance(comment, IssueComment):
        payload = events.issue_comment(pull, who, comment, action, **more)
        pull.repository.emit("issue_comment", payload)
    else:
        payload = events.pull_request_review_comment(pull, who, comment, action, **more)
        pull.repository.emit("pull_request_review_comment", payload)


def submit_review(
    pull: "Pull",
    who: Account,
    body: str,
    comments: Sequence[tuple[Anchor, str]],
    *,
    event: str,
    commit: str,
) -> Review:
    """A review with all its comments; with one anchor that does not hold, nothing (422 with strings)."""
    _check_review(pull, who, body, event=event, commit=commit)
    changes = pull.changes(commit)
    wrong = [error for anchor, _ in comments if (error := reviews.anchor_error(changes, anchor))]
    if wrong:
        raise invalid(*dict.fromkeys(wrong), message="Unprocessable Entity")
    review = add_review(pull, who, body, state=reviews.EVENTS[event], commit=commit)
    opened = [open_thread(pull, review, anchor, text, changes) for anchor, text in comments]
    _note(pull, "review", who, review)
    _tell_review(pull, review, [thread.root for thread in opened])
    return review


def _check_review(pull: "Pull", who: Account, body: str, *, event: str, commit: str) -> None:
    reviews.check_body(body, "PullRequestReview", wanted=event != "APPROVE")
    if event not in reviews.EVENTS:
        raise invalid("Variable $event of type PullRequestReviewEvent was provided invalid value")
    if event != "COMMENT" and who is pull.author:
        kind = "approve" if event == "APPROVE" else "request changes on"
        raise invalid(f"Can not {kind} your own pull request", message="Unprocessable Entity")
    check_commit(pull, commit)


def check_commit(pull: "Pull", commit: str) -> None:
    """422 for a commit that the pull request has not."""
    if commit not in pull.commits():
        raise invalid("commit_id is not part of the pull request", message="Unprocessable Entity")


def add_review(pull: "Pull", who: Account, body: str, *, state: str, commit: str) -> Review:
    """Keep a review; says nothing of it."""
    review = Review(
        id=pull.hub.next_id(),
        user=who,
        body=body,
        state=state,
        commit_id=commit,
        submitted_at=pull.hub.clock(),
    )
    pull.reviews.append(review)
    return review


def _tell_review(pull: "Pull", review: Review, comments: Sequence[ReviewComment]) -> None:
    """One event for the review and one for each of its comments."""
    payload = events.pull_request_review(pull, review.user, review, "submitted")
    pull.repository.emit("pull_request_review", payload)
    for comment in comments:
        tell_comment(pull, review.user, comment, "created")


def add_review_comment(
    pull: "Pull", who: Account, anchor: Anchor, body: str, *, commit: str
) -> ReviewComment:
    """A single comment in the diff or on a file: GitHub wraps it into a review of its own."""
    reviews.check_body(body, "PullRequestReviewComment")
    check_commit(pull, commit)
    changes: list[FileChange] = pull.changes(commit)
    wrong = reviews.anchor_error(changes, anchor)
    if wrong:
        field = "pull_request_review_thread.line"
        raise invalid_field("PullRequestReviewComment", field, code="custom", message=wrong)
    review = add_review(pull, who, "", state="COMMENTED", commit=commit)
    comment = open_thread(pull, review, anchor, body, changes).root
    _note(pull, "review_comment", who, comment)
    _tell_review(pull, review, [comment])
    return comment


def answer_comment(pull: "Pull", who: Account, comment: ReviewComment, body: str) -> ReviewComment:
    """A reply; only a thread's first comment can be answered (404 for another)."""
    thread = pull.thread_of(comment)
    if thread.root is not comment:
        raise not_found()
    reviews.check_body(body, "PullRequestReviewComment")
    now = pull.hub.clock()
    review = add_review(pull, who, "", state="COMMENTED", commit=pull.head_sha)
    answer = ReviewComment(
        id=pull.hub.next_id(),
        review_id=review.id,
        user=who,
        body=body,
        anchor=comment.anchor,
        original=comment.original,
        commit_id=comment.commit_id,
        original_commit_id=comment.original_commit_id,
        diff_hunk=comment.diff_hunk,
        created_at=now,
        updated_at=now,
        in_reply_to_id=comment.id,
    )
    thread.comments.append(answer)
    _note(pull, "review_comment", who, answer)
    _tell_review(pull, review, [answer])
    return answer


def add_reaction(pull: "Pull", who: Account, target: "Comment | Pull", content: str) -> tuple[Reaction, bool]:
    """A reaction; a second time is the same one (then False). No event is sent for reactions."""
    if content not in REACTIONS:
        raise invalid(f"{content} is not a reaction")
    for reaction in target.reactions:
        if reaction.user is who and reaction.content == content:
            return reaction, False
    reaction = Reaction(id=pull.hub.next_id(), user=who, content=content, created_at=pull.hub.clock())
    target.reactions.append(reaction)
    if who is pull.hub.bot:
        pull.repository.record(Posted(kind="reaction", id=reaction.id, body=content, target=target))
    return reaction, True


def set_resolved(pull: "Pull", who: Account, thread: ReviewThread, *, resolved: bool) -> None:
    """Resolve a thread or take that back."""
    thread.resolved_by = who if resolved else None
    if who is pull.hub.bot:
        item = Posted(kind="resolved_thread", id=thread.id, body=thread.root.body, target=thread)
        pull.repository.record(item)
    action = "resolved" if resolved else "unresolved"
    payload = events.pull_request_review_thread(pull, who, thread, action)
    pull.repository.emit("pull_request_review_thread", payload)


def hide(pull: "Pull", who: Account, target: Comment | Review, reason: str) -> None:
    """Minimise a comment with a reason: OUTDATED, RESOLVED, …"""
    target.minimized_reason = reason.lower()
    if who is pull.hub.bot:
        item = Posted(kind="minimized_comment", id=target.id, body=target.body, target=target)
        pull.repository.record(item)


def _note(pull: "Pull", kind: str, who: Account, target: Comment | Review, *, edited: bool = False) -> None:
    """Note what the App itself wrote, for tests to take."""
    if who is pull.hub.bot:
        item = Posted(kind=kind, id=target.id, body=target.body, target=target, edited=edited)
        pull.repository.record(item)
