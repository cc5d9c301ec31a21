"""A pull request with the verbs of its people: push, comment, review, close. Each tells the App by webhook.

The REST and GraphQL routes call the same verbs with the App's bot as the user.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from github_sandbox import conversation, events
from github_sandbox.conversation import Comment
from github_sandbox.diffs import FileChange, file_changes
from github_sandbox.git import FileContent
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
from github_sandbox.threads import follow_head

if TYPE_CHECKING:
    from github_sandbox.repository import Repository

NO_COMMIT = "0" * 40


class Pull:
    """A pull request. `user` is a login or an account everywhere."""

    def __init__(
        self,
        repository: "Repository",
        *,
        number: int,
        title: str,
        body: str,
        author: Account,
        base_ref: str,
        head_ref: str,
        fork_owner: str | None,
        draft: bool,
        labels: list[str],
    ) -> None:
        self.repository = repository
        self.hub = repository.hub
        self.id = self.hub.next_id()
        self.number = number
        self.title = title
        self.body = body
        self.author = author
        self.base_ref = base_ref
        self.head_ref = head_ref
        self.head_owner = fork_owner or repository.owner.login
        self.is_from_fork = fork_owner is not None
        self.head_repository: Repository | None = repository.fork(fork_owner) if fork_owner else repository
        self.draft = draft
        self.labels = labels
        self.state = "open"
        self.merged = False
        self.merge_commit_sha: str | None = None
        self.created_at = self.updated_at = self.hub.clock()
        self.closed_at: float | None = None
        self.base_sha = self.head_sha = ""
        self.issue_comments: list[IssueComment] = []
        self.reviews: list[Review] = []
        self.threads: list[ReviewThread] = []
        self.reactions: list[Reaction] = []

    @property
    def node_id(self) -> str:
        """Global id."""
        return f"PR_kwDO{self.id}"

    @property
    def url(self) -> str:
        """Its REST address."""
        return f"{self.repository.url}/pulls/{self.number}"

    @property
    def html_url(self) -> str:
        """Its page."""
        return f"{self.repository.html_url}/pull/{self.number}"

    def changes(self, head: str | None = None) -> list[FileChange]:
        """The files of the pull request: from the merge base with the base branch to the head (or to a commit of it)."""
        git = self.repository.git
        top = head or self.head_sha
        base = git.merge_base(self.base_sha, top) or self.base_sha
        return file_changes(git, base, top, self.hub.limits)

    def commits(self) -> list[str]:
        """Its commits, oldest first."""
        return self.repository.git.commits_between(self.base_sha, self.head_sha)

    def _account(self, user: str | Account) -> Account:
        return self.hub.account(user) if isinstance(user, str) else user

    def _emit(self, action: str, sender: Account, **more: object) -> None:
        self.updated_at = self.hub.clock()
        self.repository.emit("pull_request", events.pull_request(self, sender, action, **more))

    def open(self, files: Mapping[str, FileContent], *, message: str, head_sha: str | None = None) -> None:
        """Make the first commit, unless it is there, and say `opened`; `Repository.open_pull` calls it."""
        self.base_sha = self.repository.commit(self.base_ref)
        if head_sha:
            self.head_sha = head_sha
            self.repository.git.point(f"refs/pull/{self.number}/head", head_sha)
        else:
            self._commit(files, parent=self.base_sha, message=message, author=self.author.login)
        if not self.is_from_fork:
            ref, who = f"refs/heads/{self.head_ref}", self.author.login
            self.repository.announce_push(ref, NO_COMMIT, self.head_sha, who, forced=False)
        self._emit("opened", self.author)

    def _commit(self, files: Mapping[str, FileContent], *, parent: str, message: str, author: str) -> None:
        git = self.repository.git
        self.head_sha = git.commit(
            files,
            ref=f"refs/pull/{self.number}/head",
            parents=[parent],
            message=message,
            author=author,
            at=self.hub.clock(),
        )
        if not self.is_from_fork:
            git.point(f"refs/heads/{self.head_ref}", self.head_sha)

    def push(
        self, files: Mapping[str, FileContent], *, author: str | None = None, message: str = "More"
    ) -> str:
        """Add a commit; says `synchronize` with before and after. Returns the new head."""
        return self._move(files, parent=self.head_sha, author=author, message=message, forced=False)

    def force_push(
        self,
        files: Mapping[str, FileContent],
        *,
        author: str | None = None,
        message: str = "Change, rewritten",
        keep_before: bool = False,
    ) -> str:
        """Replace all commits by one on top of the base's tip. The old head is unreachable afterwards: 404.

        GitHub keeps such commits for a while: `keep_before` does.
        """
        if keep_before:
            self.repository.git.point(f"refs/keep/{self.head_sha}", self.head_sha)
        self.repository.git.forgotten.add(self.head_sha)
        tip = self.repository.commit(self.base_ref)
        return self._move(files, parent=tip, author=author, message=message, forced=True)

    def _move(
        self, files: Mapping[str, FileContent], *, parent: str, author: str | None, message: str, forced: bool
    ) -> str:
        before, who = self.head_sha, author or self.author.login
        self._commit(files, parent=parent, message=message, author=who)
        self.base_sha = self.repository.commit(self.base_ref)
        follow_head(self, before)
        if not self.is_from_fork:
            self.repository.announce_push(
                f"refs/heads/{self.head_ref}", before, self.head_sha, who, forced=forced
            )
        self._emit("synchronize", self._account(who), before=before, after=self.head_sha)
        return self.head_sha

    def close(self, user: str = "alice") -> None:
        """Close it without merging."""
        self.state, self.closed_at = "closed", self.hub.clock()
        self._emit("closed", self._account(user))

    def reopen(self, user: str = "alice") -> None:
        """Open it again."""
        self.state, self.closed_at = "open", None
        self._emit("reopened", self._account(user))

    def merge(self, user: str = "alice") -> str:
        """Merge it into its base by a merge commit, whose sha is returned."""
        repo = self.repository
        base = repo.commit(self.base_ref)
        files: dict[str, FileContent] = {
            change.filename: repo.git.file(self.head_sha, change.filename) for change in self.changes()
        }
        self.merge_commit_sha = repo.git.commit(
            files,
            ref=f"refs/heads/{self.base_ref}",
            parents=[base, self.head_sha],
            message=f"Merge pull request #{self.number}",
            author=user,
            at=self.hub.clock(),
        )
        self.merged = True
        self.close(user)
        return self.merge_commit_sha

    def mark_ready(self, user: str = "alice") -> None:
        """Draft no more."""
        self.draft = False
        self._emit("ready_for_review", self._account(user))

    def convert_to_draft(self, user: str = "alice") -> None:
        """A draft again."""
        self.draft = True
        self._emit("converted_to_draft", self._account(user))

    def edit(self, *, title: str | None = None, body: str | None = None, user: str = "alice") -> None:
        """Change title or body."""
        changes: dict[str, dict[str, str]] = {}
        if title is not None:
            changes["title"], self.title = {"from": self.title}, title
        if body is not None:
            changes["body"], self.body = {"from": self.body}, body
        self._emit("edited", self._account(user), changes=changes)

    def add_label(self, name: str, user: str = "alice") -> None:
        """Put a label on it."""
        self.labels.append(name)
        self._emit("labeled", self._account(user), label=name)

    def delete_head_repository(self) -> None:
        """The fork goes away: `head.repo` is null from now on, without an event."""
        self.head_repository = None

    def comment(self, user: str | Account, body: str) -> IssueComment:
        """Write into the conversation."""
        return conversation.add_comment(self, self._account(user), body)

    def edit_comment(self, user: str | Account, comment: Comment, body: str) -> None:
        """Change a comment."""
        conversation.change_comment(self, self._account(user), comment, body)

    def delete_comment(self, user: str | Account, comment: Comment) -> None:
        """Remove a comment."""
        conversation.remove_comment(self, self._account(user), comment)

    def review(
        self,
        user: str | Account,
        body: str,
        comments: Sequence[tuple[Anchor, str]] = (),
        *,
        event: str = "COMMENT",
        commit_id: str | None = None,
    ) -> Review:
        """Submit a review: all of it or nothing. `event` is COMMENT, APPROVE or REQUEST_CHANGES."""
        who, commit = self._account(user), commit_id or self.head_sha
        return conversation.submit_review(self, who, body, comments, event=event, commit=commit)

    def review_comment(
        self, user: str | Account, anchor: Anchor, body: str, *, commit_id: str | None = None
    ) -> ReviewComment:
        """Write a single comment into the diff, or on a file."""
        who, commit = self._account(user), commit_id or self.head_sha
        return conversation.add_review_comment(self, who, anchor, body, commit=commit)

    def reply(self, user: str | Account, comment: ReviewComment, body: str) -> ReviewComment:
        """Answer the first comment of a thread."""
        return conversation.answer_comment(self, self._account(user), comment, body)

    def react(self, user: str | Account, target: "Comment | Pull", content: str) -> tuple[Reaction, bool]:
        """React to a comment or to the pull request; False: the reaction was there."""
        return conversation.add_reaction(self, self._account(user), target, content)

    def resolve(self, user: str | Account, thread: ReviewThread, *, resolved: bool = True) -> None:
        """Resolve a thread, or take that back."""
        conversation.set_resolved(self, self._account(user), thread, resolved=resolved)

    def minimize(self, user: str | Account, target: Comment | Review, reason: str) -> None:
        """Hide a comment with a reason: OUTDATED, RESOLVED, …"""
        conversation.hide(self, self._account(user), target, reason)

    def unminimize(self, target: Comment | Review) -> None:
        """Show a hidden comment again."""
        target.minimized_reason = None

    def thread_of(self, comment: ReviewComment) -> ReviewThread:
        """The thread that holds a comment."""
        return next(thread for thread in self.threads if comment in thread.comments)

    def review_comments(self) -> list[ReviewComment]:
        """All comments in the diff, in the order of their making."""
        return sorted((c for thread in self.threads for c in thread.comments), key=lambda c: c.id)

    def _is_mine(self, item: Posted) -> bool:
        target = item.target
        mine = [*self.issue_comments, *self.reviews, *self.review_comments(), *self.threads, self]
        if item.kind == "sarif":
            return target["ref"] == f"refs/pull/{self.number}/head"
        if item.kind == "check_run":
            return target.head_sha in (self.head_sha, *self.commits())
        return any(target is one for one in mine)

    def unread(self, kind: str | None = None) -> list[Posted]:
        """What the App posted on this pull request and no test took, oldest first."""
        return [p for p in self.repository.posted if kind in (None, p.kind) and self._is_mine(p)]

    def take(self, kind: str) -> Posted:
        """The oldest untaken post of a kind; LookupError where there is none."""
        for item in self.unread(kind):
            self.repository.posted.remove(item)
            return item
        raise LookupError(f"the App posted no {kind} (untaken: {[p.kind for p in self.unread()]})")

    def take_all(self, kind: str | None = None) -> list[Posted]:
        """All untaken posts, of one kind or of all."""
        items = self.unread(kind)
        self.repository.posted = [p for p in self.repository.posted if p not in items]
        return items
