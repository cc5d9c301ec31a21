"""The GitHub sandbox with one repository, and the App's clients for it, in process."""

from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest

from app.domain.pull_request import PullRequestRef
from app.github.app import GitHubApp
from app.github.auth import FixedToken
from app.github.client import RepositoryClient
from app.github.git_objects import GitObjects
from app.github.reader import PullRequestSource
from app.github.writer import PullRequestWriter
from github_sandbox import GitHubSandbox, Pull, Repository
from github_sandbox.git import FileContent
from tests.contracts.guard import OpenApiGuard

NOW = 1_800_000_000.0


class GitHubHarness:
    """A GitHub sandbox with the repository `octo/shop`, and Quorum's clients. `now` is the shared time."""

    def __init__(self, root: Path) -> None:
        self.now = NOW
        self.root = root
        self.github = GitHubSandbox(root / "github", clock=lambda: self.now)
        self.repository: Repository = self.github.create_repository(
            "octo/shop", {"pay.py": "one\ntwo\nthree\n", "AGENTS.md": "Be kind.\n"}, private=True
        )
        self.app = GitHubApp(
            self.github.app.id,
            self.github.app.private_key,
            transport=self.transport(),
            clock=lambda: self.now,
        )

    def transport(self) -> httpx.AsyncBaseTransport:
        """A transport to the sandbox that checks each request and response against GitHub's API description."""
        return OpenApiGuard().wrap(self.github.transport())

    @property
    def installation_id(self) -> int:
        installation = self.github.installation_on("octo/shop")
        assert installation is not None
        return installation.id

    @property
    def client(self) -> RepositoryClient:
        return self.app.installation(self.installation_id, "octo/shop")

    def open_pull(self, files: Mapping[str, FileContent], **how: str | bool) -> Pull:
        return self.repository.open_pull(files, **how)  # pyright: ignore[reportArgumentType]

    def ref(self, number: int = 1) -> PullRequestRef:
        return PullRequestRef(owner="octo", repo="shop", number=number)

    def source(self, number: int = 1, *, git: GitObjects | None = None) -> PullRequestSource:
        return PullRequestSource(self.client, self.ref(number), git=git)

    def writer(self, number: int = 1) -> PullRequestWriter:
        return PullRequestWriter(self.client, self.ref(number))

    def git(self) -> GitObjects:
        """Git objects, fetched directly from the sandbox's repository without a server."""

        return GitObjects(
            self.root / "objects",
            url=f"file://{self.repository.git.path}",
            credential=FixedToken(""),
            protocols=("file",),
        )

    def requests(self) -> list[str]:
        """Return the requests so far, as text."""
        return [f"{request.method} {request.operation or request.path}" for request in self.github.requests]


@pytest.fixture
def world(tmp_path: Path) -> GitHubHarness:
    return GitHubHarness(tmp_path)
