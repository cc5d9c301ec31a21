"""A stand-in with one repository and one pull request, and a guarded client that sends requests as the App's installation."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from github_sandbox import GitHubSandbox, Pull, Repository
from tests.contracts.guard import OpenApiGuard

BASE = {
    "pay.py": "".join(f"line {n}\n" for n in range(1, 41)),
    "old.py": "a\nb\nc\nd\ne\n",
    "README.md": "# Pay\n",
    ".github/quorum.yml": "gate: high\n",
}
HEAD = {
    "pay.py": "".join(f"line {n}\n" if n not in (5, 30) else f"changed {n}\n" for n in range(1, 41)),
    "new.py": "one\ntwo\nthree\n",
    "old.py": None,
}


class Clock:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class SandboxHarness:
    """The stand-in and a client, for a test."""

    sandbox: GitHubSandbox
    repository: Repository
    pull: Pull
    clock: Clock
    http: httpx.AsyncClient
    guard: OpenApiGuard

    @property
    def installation_id(self) -> int:
        return next(iter(self.sandbox.installations))

    def token(self, permissions: Mapping[str, str] | None = None) -> str:
        return self.sandbox.tokens.create(self.installation_id, permissions=permissions)[0]

    async def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = None,
        accept: str = "application/vnd.github+json",
        params: Mapping[str, Any] | None = None,
    ) -> httpx.Response:
        """Send a request; a path that begins with `/` is relative to the repository, others to the root."""
        url = f"/repos/acme/payments{path}" if path.startswith("/") else f"/{path}"
        headers = {"authorization": f"Bearer {token or self.token()}", "accept": accept}
        return await self.http.request(method, url, json=body, headers=headers, params=params)

    async def query(self, text: str, variables: Mapping[str, Any] | None = None, **more: Any) -> Any:
        """Send a GraphQL document and return the whole response."""
        body = {"query": text, "variables": dict(variables or {})}
        return (await self.request("POST", "graphql", body, **more)).json()

    def review(self, *comments: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        """The body of a review."""
        return {"body": "A review", "event": "COMMENT", "comments": list(comments), **more}


def comment(path: str = "pay.py", line: int = 5, **more: Any) -> dict[str, Any]:
    """A comment of a review."""
    return {"path": path, "line": line, "side": "RIGHT", "body": "Look here", **more}


@pytest.fixture
def make_sandbox(tmp_path: Path) -> Callable[..., GitHubSandbox]:
    def make(**given: Any) -> GitHubSandbox:
        return GitHubSandbox(tmp_path, **given)

    return make


@pytest.fixture
async def world(make_sandbox: Callable[..., GitHubSandbox]) -> AsyncIterator[SandboxHarness]:
    clock = Clock()
    sandbox = make_sandbox(clock=clock)
    repository = sandbox.create_repository("acme/payments", BASE)
    pull = repository.open_pull(HEAD, title="Change payments", body="Why", author="alice")
    guard = OpenApiGuard()
    transport = guard.wrap(sandbox.transport())
    async with httpx.AsyncClient(transport=transport, base_url="https://api.github.com") as http:
        yield SandboxHarness(sandbox, repository, pull, clock, http, guard)
