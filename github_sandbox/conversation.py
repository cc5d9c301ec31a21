"""What people and Apps write on a pull request: comments, reviews, replies and reactions. Each is stored, announced and recorded."""

from collections.abc import Sequence

from github_sandbox import events, reviews
from github_sandbox.errors import invalid, invalid_field, not_found
from github_sandbox.model import PullState
from github_sandbox.reviews import open_thread
from github_sandbox.state import (
    Account,
    Anchor,
    Comment,
    IssueComment,
    Posted,
    Reaction,
    Review,
    ReviewComment,
    ReviewThread,
)

REACTIONS = ("+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes")


class Conversation(PullState):
    """A pull request with the verbs of its conversation. `user` is a login or an account."""

    def as_account(self, user: str | Account) -> Account:
        """The account of a login."""
        return self.hub.account(user) if isinstance(user, str) else user

    def comment(self, user: str | Account, body: str) -> IssueComment:
        """Comment in the conversation."""
        reviews.check_body(body, "IssueComment")
        account, now = self.as_account(user), self.hub.clock()
        comment = IssueComment(id=self.hub.next_id(), user=account, body=body, created_at=now, updated_at=now)
        self.issue_comments.append(comment)
        self._record("issue_comment", account, comment)
        self._announce_comment(account, comment, "created")
        return comment

    def edit_comment(self, user: str | Account, comment: Comment, body: str) -> None:
        """Edit a comment; the event contains the previous text."""
        reviews.check_body(body, "IssueComment")
        account = self.as_account(user)
        before, comment.body, comment.updated_at = comment.body, body, self.hub.clock()
        self._announce_comment(account, comment, "edited", changes={"body": {"from": before}})
        kind = "issue_comment" if isinstance(comment, IssueComment) else "review_comment"
        self._record(kind, account, comment, edited=True)

    def delete_comment(self, user: str | Account, comment: Comment) -> None:
        """Delete a comment; a thread without comments is deleted with it."""
        self._announce_comment(self.as_account(user), comment, "deleted")
        if isinstance(comment, IssueComment):
            self.issue_comments.remove(comment)
            return
        thread = self.thread_of(comment)
        thread.comments.remove(comment)
        if not thread.comments:
            self.threads.remove(thread)

    def _announce_comment(self, account: Account, comment: Comment, action: str, **more: object) -> None:
        if isinstance(comment, IssueComment):
            payload = events.issue_comment(self, account, comment, action, **more)
            self.repository.emit("issue_comment", payload)
        else:
            payload = events.pull_request_review_comment(self, account, comment, action, **more)
            self.repository.emit("pull_request_review_comment", payload)

    def review(
        self,
        user: str | Account,
        body: str,
        comments: Sequence[tuple[Anchor, str]] = (),
        *,
        event: str = "COMMENT",
        commit_id: str | None = None,
    ) -> Review:
        """Submit a review. `event` is COMMENT, APPROVE or REQUEST_CHANGES.

        If one comment cannot be placed, nothing is posted (422 with strings).
        """
        account, commit = self.as_account(user), commit_id or self.head_sha
        self._check_review(account, body, event=event, commit=commit)
        changes = self.changes(commit)
        wrong = [error for anchor, _ in comments if (error := reviews.anchor_error(changes, anchor))]
        if wrong:
            raise invalid(*dict.fromkeys(wrong), message="Unprocessable Entity")
        review = self.add_review(account, body, state=reviews.EVENTS[event], commit=commit)
        opened = [open_thread(self, review, anchor, text, changes) for anchor, text in comments]
        self._record("review", account, review)
        self._announce_review(review, [thread.root for thread in opened])
        return review

    def _check_review(self, account: Account, body: str, *, event: str, commit: str) -> None:
        reviews.check_body(body, "PullRequestReview", required=event != "APPROVE")
        if event not in reviews.EVENTS:
            raise invalid("Variable $event of type PullRequestReviewEvent was provided invalid value")
        if event != "COMMENT" and account is self.author:
            kind = "approve" if event == "APPROVE" else "request changes on"
            raise invalid(f"Can not {kind} your own pull request", message="Unprocessable Entity")
        self._check_commit(commit)

    def _check_commit(self, commit: str) -> None:
        if commit not in self.commits():
            raise invalid("commit_id is not part of the pull request", message="Unprocessable Entity")

    def add_review(self, account: Account, body: str, *, state: str, commit: str) -> Review:
        """Store a review without announcing it."""
        review = Review(
            id=self.hub.next_id(),
            user=account,
            body=body,
            state=state,
            commit_id=commit,
            submitted_at=self.hub.clock(),
        )
        self.reviews.append(review)
        return review

    def _announce_review(self, review: Review, comments: Sequence[ReviewComment]) -> None:
        """Send one event for the review and one for each of its comments."""
        payload = events.pull_request_review(self, review.user, review, "submitted")
        self.repository.emit("pull_request_review", payload)
        for comment in comments:
            self._announce_comment(review.user, comment, "created")

    def review_comment(
        self, user: str | Account, anchor: Anchor, body: str, *, commit_id: str | None = None
    ) -> ReviewComment:
        """Post a single comment in the diff or on a file; GitHub wraps it in a review of its own."""
        account, commit = self.as_account(user), commit_id or self.head_sha
        reviews.check_body(body, "PullRequestReviewComment")
        self._check_commit(commit)
        changes = self.changes(commit)
        wrong = reviews.anchor_error(changes, anchor)
        if wrong:
            field = "pull_request_review_thread.line"
            raise invalid_field("PullRequestReviewComment", field, code="custom", message=wrong)
        review = self.add_review(account, "", state="COMMENTED", commit=commit)
        comment = open_thread(self, review, anchor, body, changes).root
        self._record("review_comment", account, comment)
        self._announce_review(review, [comment])
        return comment

    def reply(self, user: str | Account, comment: ReviewComment, body: str) -> ReviewComment:
        """Reply to the first comment of a thread; 404 for any other comment."""
        account, thread = self.as_account(user), self.thread_of(comment)
        if thread.root is not comment:
            raise not_found()
        reviews.check_body(body, "PullRequestReviewComment")
        now = self.hub.clock()
        review = self.add_review(account, "", state="COMMENTED", commit=self.head_sha)
        reply = ReviewComment(
            id=self.hub.next_id(),
            review_id=review.id,
            user=account,
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
        thread.comments.append(reply)
        self._record("review_comment", account, reply)
        self._announce_review(review, [reply])
        return reply

    def react(
        self, user: str | Account, target: "Comment | PullState", content: str
    ) -> tuple[Reaction, bool]:
        """React to a comment or to the pull request; False if the reaction exists. GitHub sends no event for reactions."""
        account = self.as_account(user)
        if content not in REACTIONS:
            raise invalid(f"{content} is not a reaction")
        for reaction in target.reactions:
            if reaction.user is account and reaction.content == content:
                return reaction, False
        reaction = Reaction(id=self.hub.next_id(), user=account, content=content, created_at=self.hub.clock())
        target.reactions.append(reaction)
        if account is self.hub.bot:
            item = Posted(kind="reaction", id=reaction.id, body=content, target=target)
            self.repository.record(item)
        return reaction, True

    def resolve(self, user: str | Account, thread: ReviewThread, *, resolved: bool = True) -> None:
        """Resolve or unresolve a thread."""
        account = self.as_account(user)
        thread.resolved_by = account if resolved else None
        if account is self.hub.bot:
            item = Posted(kind="resolved_thread", id=thread.id, body=thread.root.body, target=thread)
            self.repository.record(item)
        action = "resolved" if resolved else "unresolved"
        payload = events.pull_request_review_thread(self, account, thread, action)
        self.repository.emit("pull_request_review_thread", payload)

    def minimize(self, user: str | Account, target: Comment | Review, reason: str) -> None:
        """Hide a comment with a reason: OUTDATED, RESOLVED, …"""
        target.minimized_reason = reason.lower()
        if self.as_account(user) is self.hub.bot:
            item = Posted(kind="minimized_comment", id=target.id, body=target.body, target=target)
            self.repository.record(item)

    def unminimize(self, target: Comment | Review) -> None:
        """Show a hidden comment again."""
        target.minimized_reason = None

    def _record(self, kind: str, account: Account, target: Comment | Review, *, edited: bool = False) -> None:
        """Record what the App itself wrote, for tests to take."""
        if account is self.hub.bot:
            item = Posted(kind=kind, id=target.id, body=target.body, target=target, edited=edited)
            self.repository.record(item)
