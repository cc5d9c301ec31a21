"""GitHub and the three vendors as servers in this process, for Apps in other processes. Not a test."""

import asyncio
import re
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from app.domain.model_call import Provider
from github_sandbox import GitHubSandbox, Pull, RateLimits
from github_sandbox.sandbox import UnsignalledServer, serve
from tests.fakes.vendor_wire import VendorRequest
from tests.fakes.vendors import KEYS, FakeVendors

NOTHING: dict[str, Any] = {
    "lookups": [], "findings": [], "verdicts": [], "summary": None, "files": [], "edges": [], "documents": [],
}  # fmt: skip
FILES = {
    "shop/__init__.py": '"""A shop."""\n',
    "shop/cart.py": '"""The cart."""\n\n\ndef total(items: list[int]) -> int:\n    """The sum."""\n    return sum(items)\n',
}
_FAULT = re.compile(r"return sum\(items\) / (\d+) / len\(items\)")
_CLAIM = re.compile(r'^\{"id": "([^"]+)"', re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class StandIns:
    """The servers that the Apps call, and a client that calls the Apps."""

    folder: Path
    github: GitHubSandbox
    vendors: FakeVendors
    vendors_url: str
    client: httpx.AsyncClient

    def environment(self, *, data: str, database_url: str | None = None, **more: str) -> dict[str, str]:
        """An operator's environment, without this process's. `data` names the data directory."""
        own = {
            "GITHUB_APP_ID": str(self.github.app.id),
            "GITHUB_APP_PRIVATE_KEY": self.github.app.private_key,
            "GITHUB_WEBHOOK_SECRET": self.github.app.webhook_secret,
            "GITHUB_API_URL": self.github.urls.api,
            "ANTHROPIC_API_KEY": KEYS[Provider.CLAUDE],
            "ANTHROPIC_BASE_URL": self.vendors_url,
            "OPENAI_API_KEY": KEYS[Provider.GPT],
            "OPENAI_BASE_URL": f"{self.vendors_url}/v1",
            "GEMINI_API_KEY": KEYS[Provider.GEMINI],
            "GOOGLE_GEMINI_BASE_URL": self.vendors_url,
            "QUORUM_DATA_DIR": str(self.folder / data),
            "QUORUM_DEBOUNCE_S": "0.2",
            "QUORUM_DASHBOARD_TOKEN": "a-token-of-the-dashboard",
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.folder),
        }
        return own | ({"QUORUM_DATABASE_URL": database_url} if database_url else {}) | more


@asynccontextmanager
async def stand_ins(
    folder: Path, *, github_s: float = 0.0, models_s: float = 0.0, limits: RateLimits | None = None
) -> AsyncGenerator[StandIns]:
    """Run the stand-ins while the block runs; the arguments say how long an answer takes."""
    github = GitHubSandbox(
        folder / "github",
        rate_limits=limits
        or RateLimits(
            primary_per_hour=10**6,
            content_per_minute=10**6,
            content_per_hour=10**6,
            points_per_minute=10**6,
        ),
    )
    vendors = FakeVendors()
    vendors.delay_s = dict.fromkeys(Provider, models_s)
    vendors.answers = dict.fromkeys(Provider, find_every_fault)
    github.faults.latency_s = github_s
    async with (
        serve(github),
        _served(vendors) as url,
        httpx.AsyncClient(timeout=600, trust_env=False) as client,
    ):
        yield StandIns(folder=folder, github=github, vendors=vendors, vendors_url=url, client=client)


def faulty_file(number: int) -> dict[str, str]:
    """A new file with a fault that a model finds; another `number` is another fault."""
    text = f"def mean(items):\n    return sum(items) / {number} / len(items)\n"
    return {f"shop/mean_{number}.py": text}


def find_every_fault(sent: VendorRequest) -> dict[str, Any]:
    """Reviewers find the faults of `faulty_file`, and verifiers confirm them."""
    if "# Task: refute" in sent.text:
        verdict = {"verdict": "confirmed", "evidence": "An empty list reaches it.", "worth": 8}
        return NOTHING | {"verdicts": [{"id": claim, **verdict} for claim in _CLAIM.findall(sent.text)]}
    if "# Task: correctness" in sent.text:
        numbers = sorted(set(_FAULT.findall(sent.text)))
        return NOTHING | {"findings": [_finding(number) for number in numbers]}
    return NOTHING | {"summary": "Adds a mean."}


def _finding(number: str) -> dict[str, Any]:
    return {
        "path": f"shop/mean_{number}.py",
        "line": 2,
        "quote": f"    return sum(items) / {number} / len(items)",
        "evidence": "An empty list has no items.",
        "rule_id": "division-by-zero",
        "severity": "high",
        "title": f"The mean {number} of nothing raises",
        "explanation": "`len(items)` is 0 for an empty list.",
        "suggestion": None,
        "pre_existing": False,
    }


@asynccontextmanager
async def _served(vendors: FakeVendors) -> AsyncGenerator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(vendors.app, log_level="warning", access_log=False, lifespan="off")
        server = UnsignalledServer(config)
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = server.force_exit = True  # no client waits for an answer
            await task


def pulls_of(github: GitHubSandbox) -> list[Pull]:
    """Every pull request of every repository."""
    return [pull for repository in github.repositories.values() for pull in repository.pulls.values()]
