"""A pull request with the verbs of its people: open, push, review, merge, close. Each verb sends GitHub's webhooks.

The REST and GraphQL endpoints call the same verbs with the App's bot as the user.
"""

from collections.abc import Mapping

from github_sandbox import events
from github_sandbox.conversation import Conversation
from github_sandbox.git import FileContent
from github_sandbox.model import RepositoryState
from github_sandbox.reviews import follow_head
from github_sandbox.state import Account

NO_COMMIT = "0" * 40


class PullLifecycle(Conversation):
    """A pull request with the verbs that move it. `user` is a login or an account."""

    def open(self, files: Mapping[str, FileContent], *, message: str, head_sha: str | None = None) -> None:
        """Create the first commit, unless `head_sha` names one, and announce `opened`."""
        self.base_sha = self.repository.commit(self.base_ref)
        if head_sha:
            self.head_sha = head_sha
            self.repository.git.point(f"refs/pull/{self.number}/head", head_sha)
        else:
            self._commit(files, parent=self.base_sha, message=message, author=self.author.login)
        if not self.is_from_fork:
            self._announce_push(NO_COMMIT, self.author.login, forced=False)
        self._announce("opened", self.author)

    def push(
        self, files: Mapping[str, FileContent], *, author: str | None = None, message: str = "More"
    ) -> str:
        """Add a commit and announce `synchronize`; return the new head."""
        return self._move(files, parent=self.head_sha, author=author, message=message, forced=False)

    def force_push(
        self,
        files: Mapping[str, FileContent],
        *,
        author: str | None = None,
        message: str = "Change, rewritten",
        keep_before: bool = False,
    ) -> str:
        """Replace all commits with one on the tip of the base branch. The old head becomes unreachable: 404.

        GitHub keeps such commits for a while: `keep_before` does too.
        """
        if keep_before:
            self.repository.git.point(f"refs/keep/{self.head_sha}", self.head_sha)
        self.repository.git.forgotten.add(self.head_sha)
        tip = self.repository.commit(self.base_ref)
        return self._move(files, parent=tip, author=author, message=message, forced=True)

    def _move(
        self, files: Mapping[str, FileContent], *, parent: str, author: str | None, message: str, forced: bool
    ) -> str:
        before, login = self.head_sha, author or self.author.login
        self._commit(files, parent=parent, message=message, author=login)
        self.base_sha = self.repository.commit(self.base_ref)
        follow_head(self, before)
        if not self.is_from_fork:
            self._announce_push(before, login, forced=forced)
        self._announce("synchronize", self.as_account(login), before=before, after=self.head_sha)
        return self.head_sha

    def follow_branch(self, sha: str, user: str) -> None:
        """Take the new head of its branch."""
        before, self.head_sha = self.head_sha, sha
        self.repository.git.point(f"refs/pull/{self.number}/head", sha)
        self.base_sha = self.repository.commit(self.base_ref)
        follow_head(self, before)
        self._announce("synchronize", self.as_account(user), before=before, after=sha)

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

    def _announce(self, action: str, sender: Account, **more: object) -> None:
        self.updated_at = self.hub.clock()
        self.repository.emit("pull_request", events.pull_request(self, sender, action, **more))

    def _announce_push(self, before: str, author: str, *, forced: bool) -> None:
        ref = f"refs/heads/{self.head_ref}"
        announce_push(self.repository, ref, before, self.head_sha, author=author, forced=forced)

    def close(self, user: str = "alice") -> None:
        """Close it without merging."""
        self.state, self.closed_at = "closed", self.hub.clock()
        self._announce("closed", self.as_account(user))

    def reopen(self, user: str = "alice") -> None:
        """Reopen it."""
        self.state, self.closed_at = "open", None
        self._announce("reopened", self.as_account(user))

    def merge(self, user: str = "alice") -> str:
        """Merge it with a merge commit and return that commit's sha."""
        repo = self.repository
        base = repo.commit(self.base_ref)
        self.merge_commit_sha = repo.git.commit(
            self.files(),
            ref=f"refs/heads/{self.base_ref}",
            parents=[base, self.head_sha],
            message=f"Merge pull request #{self.number}",
            author=user,
            at=self.hub.clock(),
        )
        self.merged = True
        self.close(user)
        return self.merge_commit_sha

    def files(self) -> dict[str, FileContent]:
        """The content of every changed file at the head; None for a deleted one."""
        git = self.repository.git
        return {change.filename: git.file(self.head_sha, change.filename) for change in self.changes()}

    def mark_ready(self, user: str = "alice") -> None:
        """Mark a draft as ready for review."""
        self.draft = False
        self._announce("ready_for_review", self.as_account(user))

    def convert_to_draft(self, user: str = "alice") -> None:
        """Convert it to a draft."""
        self.draft = True
        self._announce("converted_to_draft", self.as_account(user))

    def edit(self, *, title: str | None = None, body: str | None = None, user: str = "alice") -> None:
        """Change its title or body."""
        changes: dict[str, dict[str, str]] = {}
        if title is not None:
            changes["title"], self.title = {"from": self.title}, title
        if body is not None:
            changes["body"], self.body = {"from": self.body}, body
        self._announce("edited", self.as_account(user), changes=changes)

    def retarget(self, base: str, user: str = "alice") -> None:
        """Change its base branch."""
        before = {"ref": {"from": self.base_ref}, "sha": {"from": self.base_sha}}
        self.base_ref, self.base_sha = base, self.repository.commit(base)
        self._announce("edited", self.as_account(user), changes={"base": before})

    def add_label(self, name: str, user: str = "alice") -> None:
        """Add a label."""
        self.labels.append(name)
        self._announce("labeled", self.as_account(user), label=name)

    def remove_label(self, name: str, user: str = "alice") -> None:
        """Remove a label."""
        self.labels.remove(name)
        self._announce("unlabeled", self.as_account(user), label=name)

    def delete_head_repository(self) -> None:
        """Delete the fork: `head.repo` is null from now on. GitHub sends no event."""
        self.head_repository = None


def announce_push(
    repository: RepositoryState, ref: str, before: str, after: str, *, author: str, forced: bool
) -> None:
    """Send what GitHub sends after a push: `push`, and a requested check suite."""
    sender = repository.hub.account(author)
    payload = events.push(repository, sender, ref=ref, before=before, after=after, forced=forced)
    repository.emit("push", payload)
    suite = repository.suite_of(after, branch=ref.removeprefix("refs/heads/"), before=before)
    repository.emit("check_suite", events.check_suite(repository, sender, suite, "requested"))
