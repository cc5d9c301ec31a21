"""The stand-in itself: accounts, repositories, the registered App and its installations. Front door for tests and demo.

Never reaches the network: webhooks go through a function that the caller gives.
"""

import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from github_sandbox import events
from github_sandbox.diffs import DiffLimits
from github_sandbox.errors import not_found
from github_sandbox.git import FileContent
from github_sandbox.hooks import Hook, Send
from github_sandbox.limits import Faults, RateLimits, Throttle
from github_sandbox.rendering import Urls
from github_sandbox.repository import Repository
from github_sandbox.state import Account, Delivery, Installation, Json, Posted, RequestRecord
from github_sandbox.tokens import Tokens

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from github_sandbox.transport import SandboxTransport

PERMISSIONS = {
    "metadata": "read",
    "contents": "read",
    "pull_requests": "write",
    "issues": "write",
    "checks": "write",
}
EVENTS = (
    "pull_request",
    "issue_comment",
    "pull_request_review_comment",
    "pull_request_review",
    "pull_request_review_thread",
    "check_run",
    "check_suite",
    "merge_group",
    "repository",
)


@cache
def _key_pair() -> str:
    """One RSA key a process: making one costs 100 ms. https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app"""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    return (
        rsa.generate_private_key(public_exponent=65537, key_size=2048)
        .private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
        .decode()
    )


@dataclass(slots=True, kw_only=True)
class AppRegistration:
    """The registered App. `permissions` and `events` are what it asks for; an installation keeps what was granted."""

    id: int
    slug: str
    name: str
    owner: Account
    client_id: str
    client_secret: str
    webhook_secret: str
    webhook_url: str
    external_url: str
    created_at: float
    hook_id: int
    permissions: dict[str, str]
    events: tuple[str, ...]
    private_key: str = field(repr=False)

    @property
    def bot_login(self) -> str:
        """The login of what the App writes."""
        return f"{self.slug}[bot]"


class GitHubSandbox:
    """A small, strict GitHub with one App, kept in memory and in bare git repositories under `root`."""

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
        self.root = root
        self.clock = clock
        self.limits = limits or DiffLimits()
        self.urls = urls or Urls()
        self._ids = count(3_000_000_001)  # real ids no longer fit 32 bits
        self.accounts: dict[str, Account] = {}
        self.repositories: dict[str, Repository] = {}
        self.installations: dict[int, Installation] = {}
        self.requests: list[RequestRecord] = []
        self.posted: list[Posted] = []
        self.throttle = Throttle(rate_limits or RateLimits(), clock)
        self.faults = Faults()
        self.advisories: list[tuple[str, Json]] = []  # (package@version, GitHub's advisory)
        self.hook = Hook(self)
        self.app = self._register(app_slug, webhook_secret)
        self.tokens = Tokens(self)
        self.manifests: dict[str, tuple[Json, float]] = {}

    def _register(self, slug: str, webhook_secret: str) -> AppRegistration:
        bot = f"{slug}[bot]"
        self.accounts[bot] = Account(id=self.next_id(), login=bot, type="Bot")
        return AppRegistration(
            id=1_234_567,
            slug=slug,
            name=slug.title(),
            owner=self.account("quorum-owner"),
            client_id="Iv23liSandbox0000001",
            client_secret=secrets.token_hex(20),
            webhook_secret=webhook_secret,
            webhook_url="http://127.0.0.1:8000/webhooks/github",
            external_url=f"{self.urls.html}/apps/{slug}",
            created_at=self.clock(),
            hook_id=self.next_id(),
            permissions=dict(PERMISSIONS),
            events=EVENTS,
            private_key=_key_pair(),
        )

    def next_id(self) -> int:
        """A fresh id; ids grow and are larger than 32 bits."""
        return next(self._ids)

    @property
    def bot(self) -> Account:
        """Who the App's writings are by."""
        return self.account(self.app.bot_login)

    @cached_property
    def asgi(self) -> "ASGIApp":
        """REST under `/` and `/api/v3`, GraphQL at `/graphql` and `/api/graphql`, git at `/owner/repo.git`."""
        from github_sandbox.asgi import build_asgi

        return build_asgi(self)

    def transport(self) -> "SandboxTransport":
        """An httpx transport into this GitHub, whatever the host name."""
        from github_sandbox.transport import SandboxTransport

        return SandboxTransport(self.asgi)

    def account(self, login: str, *, kind: str = "User") -> Account:
        """The account of that name, made when first spoken of."""
        if login not in self.accounts:
            bot = "Bot" if login.endswith("[bot]") else kind
            self.accounts[login] = Account(id=self.next_id(), login=login, type=bot)
        return self.accounts[login]

    def create_repository(
        self,
        full_name: str,
        files: Mapping[str, FileContent],
        *,
        private: bool = False,
        default_branch: str = "main",
        install: bool = True,
    ) -> Repository:
        """A repository with one commit; the App is installed on the owner's account unless `install` is False."""
        owner, name = full_name.split("/")
        repository = Repository(
            self,
            owner=self.account(owner, kind="Organization"),
            name=name,
            private=private,
            default_branch=default_branch,
        )
        self.repositories[full_name] = repository
        repository.push(files, message="Initial commit", announce=False)
        if install and self.installation_on(full_name) is None:
            self.install(owner)
        return repository

    def repository(self, full_name: str) -> Repository:
        """A repository by `owner/name` in any case; 404 for one that is not there."""
        for name, repository in self.repositories.items():
            if name.lower() == full_name.lower():
                return repository
        raise not_found()

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
            self.hook.emit("installation", events.installation(self, installation, "created"), installation)
        return installation

    def installation_on(self, full_name: str) -> Installation | None:
        """The installation that covers a repository."""
        return next((i for i in self.installations.values() if i.covers(full_name)), None)

    def suspend(self, installation: Installation) -> None:
        """Suspend an installation: its tokens are refused from now on, and only this event is still sent."""
        installation.suspended_at = self.clock()
        self.hook.emit("installation", events.installation(self, installation, "suspend"), installation)

    def unsuspend(self, installation: Installation) -> None:
        """Take the suspension back."""
        installation.suspended_at = None
        self.hook.emit("installation", events.installation(self, installation, "unsuspend"), installation)

    def uninstall(self, installation: Installation) -> None:
        """Remove the App from an account."""
        installation.deleted = True
        self.hook.emit("installation", events.installation(self, installation, "deleted"), installation)

    def accept_permissions(self, installation: Installation, permissions: Mapping[str, str]) -> None:
        """An owner accepts what the App asks for anew."""
        installation.permissions |= dict(permissions)
        payload = events.installation(self, installation, "new_permissions_accepted")
        self.hook.emit("installation", payload, installation)

    def select_repositories(self, installation: Installation, full_names: Iterable[str]) -> None:
        """Change which repositories an installation covers, and say so."""
        before = {name for name in self.repositories if installation.covers(name)}
        installation.repositories = set(full_names)
        after = {name for name in self.repositories if installation.covers(name)}
        for action, names in (("added", after - before), ("removed", before - after)):
            if names:
                payload = events.installation_repositories(self, installation, action, sorted(names))
                self.hook.emit("installation_repositories", payload, installation)

    def rename(self, repository: Repository, name: str) -> None:
        """Give a repository another name."""
        before = repository.name
        self._move(repository, repository.owner.login, name)
        repository.emit("repository", events.renamed(repository, before))

    def transfer(self, repository: Repository, owner: str) -> None:
        """Give a repository to another account; the App hears of it by its installation there."""
        before = repository.owner
        self._move(repository, owner, repository.name)
        repository.emit("repository", events.transferred(repository, before))

    def _move(self, repository: Repository, owner: str, name: str) -> None:
        del self.repositories[repository.full_name]
        repository.owner, repository.name = self.account(owner, kind="Organization"), name
        self.repositories[repository.full_name] = repository

    def ping(self) -> Delivery | None:
        """Send the ping of a new hook."""
        return self.hook.emit("ping", events.ping(self), None)

    async def deliver_all(self, send: Send) -> list[Delivery]:
        """Send all queued webhooks, each once: see `Hook.deliver_all`."""
        return await self.hook.deliver_all(send)

    def unread(self) -> list[Posted]:
        """All that the App posted and no test took: a scenario fails on it at its end."""
        return [item for repository in self.repositories.values() for item in repository.posted]
