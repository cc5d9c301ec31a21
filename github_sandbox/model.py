"""The state of the stand-in: the App, repositories and pull requests, with questions about them but no verbs.

`conversation`, `pull`, `repository` and `hub` extend these classes with what people do. The three classes
refer to each other, so they are in one module, and everything that renders them is above it.
"""

import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path

from github_sandbox.diffs import DiffLimits, FileChange, file_changes
from github_sandbox.errors import not_found
from github_sandbox.git import GitRepository
from github_sandbox.registration import EVENTS, PERMISSIONS, AppRegistration, Hook, rsa_private_key
from github_sandbox.state import (
    Account,
    CheckRun,
    CheckSuite,
    Installation,
    Issue,
    IssueComment,
    Json,
    Posted,
    Reaction,
    RequiredCheck,
    Review,
    ReviewComment,
    ReviewThread,
    Urls,
)

ROLES = ("admin", "maintain", "write", "triage", "read", "none")


class HubState(ABC):
    """Accounts, the registered App, its installations and the repositories they cover."""

    def __init__(
        self,
        root: Path,
        *,
        clock: Callable[[], float],
        limits: DiffLimits,
        urls: Urls,
        app_slug: str,
        webhook_secret: str,
    ) -> None:
        self.root = root
        self.clock = clock
        self.limits = limits
        self.urls = urls
        self._ids = count(3_000_000_001)  # real ids no longer fit 32 bits
        self.accounts: dict[str, Account] = {}
        self.installations: dict[int, Installation] = {}
        self.posted: list[Posted] = []
        self.app = self._register(app_slug, webhook_secret)
        self.hook = Hook(self.app, next_id=self.next_id, clock=clock)

    def _register(self, slug: str, webhook_secret: str) -> AppRegistration:
        self.account(f"{slug}[bot]")
        return AppRegistration(
            id=1_234_567,
            slug=slug,
            name=slug.title(),
            owner=self.account(f"{slug}-owner"),
            client_id="Iv23liSandbox0000001",
            client_secret=secrets.token_hex(20),
            webhook_secret=webhook_secret,
            webhook_url="http://127.0.0.1:8000/webhooks/github",
            external_url=f"{self.urls.html}/apps/{slug}",
            created_at=self.clock(),
            hook_id=self.next_id(),
            permissions=dict(PERMISSIONS),
            events=EVENTS,
            private_key=rsa_private_key(),
        )

    @property
    @abstractmethod
    def repositories(self) -> "Mapping[str, RepositoryState]":
        """Repositories by `owner/name`."""

    @abstractmethod
    def fork(self, repository: "RepositoryState", owner: str) -> "RepositoryState":
        """Return the fork of a repository under another owner, creating it the first time."""

    def next_id(self) -> int:
        """Return a new id; ids grow and are larger than 32 bits."""
        return next(self._ids)

    def account(self, login: str, *, kind: str = "User") -> Account:
        """Return the account with this login, creating it the first time."""
        if login not in self.accounts:
            bot = "Bot" if login.endswith("[bot]") else kind
            self.accounts[login] = Account(id=self.next_id(), login=login, type=bot)
        return self.accounts[login]

    @property
    def bot(self) -> Account:
        """The account under which the App writes."""
        return self.account(self.app.bot_login)

    def installation_on(self, full_name: str) -> Installation | None:
        """The installation that covers a repository."""
        return next((i for i in self.installations.values() if i.covers(full_name)), None)


class RepositoryState(ABC):
    """A repository. Forks share the object store of their parent, as on GitHub."""

    def __init__(
        self, hub: HubState, *, owner: Account, name: str, private: bool, default_branch: str
    ) -> None:
        self.hub = hub
        self.id = hub.next_id()
        self.owner = owner
        self.name = name
        self.private = private
        self.default_branch = default_branch
        self.is_fork = False
        self.archived = False
        self.created_at = hub.clock()
        self.git = GitRepository(hub.root / owner.login / f"{name}.git")
        self.check_runs: dict[int, CheckRun] = {}
        self.check_suites: dict[str, CheckSuite] = {}
        self.issues: dict[int, Issue] = {}
        self.required_checks: list[RequiredCheck] = []
        self.protected: dict[str, bool] = {}  # branch → whether classic protection or a ruleset protects it
        self.roles: dict[str, str] = {}
        self.associations: dict[str, str] = {}
        self.label_ids: dict[str, int] = {}
        self.code_scanning = True
        self.dependency_changes: list[Json] | None = None  # None: dependency review is disabled
        self.posted: list[Posted] = []

    @property
    @abstractmethod
    def pulls(self) -> "Mapping[int, PullState]":
        """Pull requests by number."""

    @property
    def full_name(self) -> str:
        """`owner/name`."""
        return f"{self.owner.login}/{self.name}"

    @property
    def url(self) -> str:
        """Address in the REST API."""
        return f"{self.hub.urls.api}/repos/{self.full_name}"

    @property
    def html_url(self) -> str:
        """Address of its page."""
        return f"{self.hub.urls.html}/{self.full_name}"

    def role(self, login: str) -> str:
        """The role of an account; everyone may read a public repository."""
        if login == self.owner.login:
            return "admin"
        return self.roles.get(login, "none" if self.private else "read")

    def association(self, login: str) -> str:
        """`author_association`, which GitHub gets wrong: it reports members as CONTRIBUTOR or NONE.

        Only the owner is reported correctly; `associations` overrides it for a login. Seen in
        https://github.com/cockroachdb/cockroach/issues/172585.
        """
        if login == self.owner.login:
            return "OWNER"
        return self.associations.get(
            login, "CONTRIBUTOR" if self.role(login) in ("admin", "write") else "NONE"
        )

    def commit(self, ref: str) -> str:
        """The sha of a reachable commit, by branch or sha; 404 if there is none."""
        sha = self.git.resolve(ref.removeprefix("heads/"))
        if sha is None:
            raise not_found()
        return sha

    def changes(self, base: str, head: str) -> list[FileChange]:
        """Files that differ between the merge base of two commits and the second commit."""
        return file_changes(self.git, self.git.merge_base(base, head) or base, head, self.hub.limits)

    def suite_of(self, sha: str, *, branch: str | None = None, before: str | None = None) -> CheckSuite:
        """The App's check suite on a commit; for a commit of a fork it has no branch."""
        if sha not in self.check_suites:
            own = [p.head_ref for p in self.pulls.values() if p.head_sha == sha and not p.is_from_fork]
            self.check_suites[sha] = CheckSuite(
                id=self.hub.next_id(),
                head_sha=sha,
                head_branch=branch or next(iter(own), None),
                before=before,
                created_at=self.hub.clock(),
            )
        return self.check_suites[sha]

    def emit(self, event: str, payload: Json) -> None:
        """Queue a webhook of this repository."""
        self.hub.hook.emit(event, payload, self.hub.installation_on(self.full_name))

    def record(self, item: Posted) -> None:
        """Keep what the App posted until a test takes it; an edit replaces the earlier text."""
        self.hub.posted.append(item)
        self.posted = [p for p in self.posted if (p.kind, p.id) != (item.kind, item.id)] + [item]


class PullState:
    """A pull request: its branches, and what was written on it."""

    def __init__(
        self,
        repository: RepositoryState,
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
        self.head_repository: RepositoryState | None = (
            self.hub.fork(repository, fork_owner) if fork_owner else repository
        )
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
        """Address in the REST API."""
        return f"{self.repository.url}/pulls/{self.number}"

    @property
    def html_url(self) -> str:
        """Address of its page."""
        return f"{self.repository.html_url}/pull/{self.number}"

    def changes(self, head: str | None = None) -> list[FileChange]:
        """Changed files, from the merge base with the base branch to the head (or to one of its commits)."""
        git = self.repository.git
        top = head or self.head_sha
        base = git.merge_base(self.base_sha, top) or self.base_sha
        return file_changes(git, base, top, self.hub.limits)

    def commits(self) -> list[str]:
        """Its commits, oldest first."""
        return self.repository.git.commits_between(self.base_sha, self.head_sha)

    def thread_of(self, comment: ReviewComment) -> ReviewThread:
        """The thread that contains a comment."""
        return next(thread for thread in self.threads if comment in thread.comments)

    def review_comments(self) -> list[ReviewComment]:
        """All comments in the diff, oldest first."""
        return sorted((c for thread in self.threads for c in thread.comments), key=lambda c: c.id)
