"""GitHub with one App: accounts, repositories, installations, tokens and limits, with the verbs of account owners."""

import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from github_sandbox import events
from github_sandbox.diffs import DiffLimits
from github_sandbox.errors import not_found
from github_sandbox.git import FileContent
from github_sandbox.limits import Faults, RateLimits, Throttle
from github_sandbox.model import HubState, RepositoryState
from github_sandbox.registration import Send
from github_sandbox.repository import Repository
from github_sandbox.state import Account, Delivery, Installation, Json, Posted, RequestRecord, Urls
from github_sandbox.tokens import Tokens


class Hub(HubState):
    """Everything behind the endpoints; `GitHubSandbox` adds the ways in."""

    def __init__(
        self,
        root: Path,
        *,
        clock: Callable[[], float] = time.time,
        limits: DiffLimits | None = None,
        rate_limits: RateLimits | None = None,
        urls: Urls | None = None,
        app_slug: str = "quorum",
        webhook_secret: str = "sandbox-webhook-secret",  # noqa: S107 - signs deliveries between this object and a test
    ) -> None:
        super().__init__(
            root,
            clock=clock,
            limits=limits or DiffLimits(),
            urls=urls or Urls(),
            app_slug=app_slug,
            webhook_secret=webhook_secret,
        )
        self._repositories: dict[str, Repository] = {}
        self.requests: list[RequestRecord] = []
        self.throttle = Throttle(rate_limits or RateLimits(), clock)
        self.faults = Faults()
        self.advisories: list[tuple[str, Json]] = []  # (package@version, GitHub's advisory)
        self.tokens = Tokens(self)
        self.manifests: dict[str, tuple[Json, float]] = {}

    @property
    def repositories(self) -> dict[str, Repository]:
        """Repositories by `owner/name`."""
        return self._repositories

    def create_repository(
        self,
        full_name: str,
        files: Mapping[str, FileContent],
        *,
        private: bool = False,
        default_branch: str = "main",
        install: bool = True,
    ) -> Repository:
        """Create a repository with one commit, and install the App on the owner's account unless `install` is False."""
        owner, name = full_name.split("/")
        repository = Repository(
            self,
            owner=self.account(owner, kind="Organization"),
            name=name,
            private=private,
            default_branch=default_branch,
        )
        self._repositories[full_name] = repository
        repository.push(files, message="Initial commit", announce=False)
        if install and self.installation_on(full_name) is None:
            self.install(owner)
        return repository

    def repository(self, full_name: str) -> Repository:
        """A repository by `owner/name`, ignoring case; 404 if there is none."""
        for name, repository in self._repositories.items():
            if name.lower() == full_name.lower():
                return repository
        raise not_found()

    def fork(self, repository: RepositoryState, owner: str) -> Repository:
        """Return the fork of a repository under another owner, creating it the first time."""
        name = f"{owner}/{repository.name}"
        if name not in self._repositories:
            fork = Repository(
                self,
                owner=self.account(owner),
                name=repository.name,
                private=repository.private,
                default_branch=repository.default_branch,
            )
            fork.is_fork = True
            fork.git = repository.git
            self._repositories[name] = fork
        return self._repositories[name]

    def install(
        self,
        owner: str,
        *,
        permissions: Mapping[str, str] | None = None,
        repositories: Iterable[str] | None = None,
        announce: bool = False,
    ) -> Installation:
        """Install the App on an account; `announce` also sends `installation.created`."""
        installation = Installation(
            id=self.next_id(),
            account=self.account(owner, kind="Organization"),
            permissions=dict(permissions or self.app.permissions),
            events=self.app.events,
            created_at=self.clock(),
            repositories=None if repositories is None else set(repositories),
        )
        self.installations[installation.id] = installation
        if announce:
            self._announce(installation, "created")
        return installation

    def _announce(self, installation: Installation, action: str) -> None:
        self.hook.emit("installation", events.installation(self, installation, action), installation)

    def suspend(self, installation: Installation) -> None:
        """Suspend an installation: its tokens are rejected from now on, and this is its last event."""
        installation.suspended_at = self.clock()
        self._announce(installation, "suspend")

    def unsuspend(self, installation: Installation) -> None:
        """Unsuspend an installation."""
        installation.suspended_at = None
        self._announce(installation, "unsuspend")

    def uninstall(self, installation: Installation) -> None:
        """Uninstall the App from an account."""
        installation.deleted = True
        self._announce(installation, "deleted")

    def accept_permissions(self, installation: Installation, permissions: Mapping[str, str]) -> None:
        """Accept new permissions that the App requests."""
        installation.permissions |= dict(permissions)
        self._announce(installation, "new_permissions_accepted")

    def select_repositories(self, installation: Installation, full_names: Iterable[str]) -> None:
        """Change which repositories an installation covers."""
        before = {name for name in self._repositories if installation.covers(name)}
        installation.repositories = set(full_names)
        after = {name for name in self._repositories if installation.covers(name)}
        for action, names in (("added", after - before), ("removed", before - after)):
            if names:
                payload = events.installation_repositories(self, installation, action, sorted(names))
                self.hook.emit("installation_repositories", payload, installation)

    def rename(self, repository: Repository, name: str) -> None:
        """Rename a repository."""
        before = repository.name
        self._move(repository, repository.owner.login, name)
        repository.emit("repository", events.renamed(repository, before))

    def transfer(self, repository: Repository, owner: str) -> None:
        """Transfer a repository to another account; the App's installation there receives the event."""
        before: Account = repository.owner
        self._move(repository, owner, repository.name)
        repository.emit("repository", events.transferred(repository, before))

    def delete(self, repository: Repository) -> None:
        """Delete a repository: from now on it is a 404."""
        payload, installed = events.deleted(repository), self.installation_on(repository.full_name)
        del self._repositories[repository.full_name]
        self.hook.emit("repository", payload, installed)

    def archive(self, repository: Repository) -> None:
        """Make a repository read-only."""
        repository.archived = True
        repository.emit("repository", events.archived(repository))

    def _move(self, repository: Repository, owner: str, name: str) -> None:
        del self._repositories[repository.full_name]
        repository.owner, repository.name = self.account(owner, kind="Organization"), name
        self._repositories[repository.full_name] = repository

    def ping(self) -> Delivery | None:
        """Send the ping of a new hook."""
        return self.hook.emit("ping", events.ping(self), None)

    async def deliver_all(self, send: Send) -> list[Delivery]:
        """Send each queued webhook once: see `Hook.deliver_all`."""
        return await self.hook.deliver_all(send)

    def unread(self) -> list[Posted]:
        """Everything that the App posted and no test has taken; assert at the end of a test that it is empty."""
        return [item for repository in self._repositories.values() for item in repository.posted]
