"""The App as a real process, with stand-ins for GitHub and the three vendors on loopback, each with a fixed latency.

    async with deploy_locally(github_s=0.1, models_s=2.0) as deployment:
        pull = deployment.open_pull(1)
        await deployment.deliver()
        await deployment.until_reviewed(pull)

The stand-ins run in this process, the App in its own. Nothing leaves the machine.
"""

import asyncio
import os
import secrets
import socket
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

import httpx
import uvicorn

from app.domain.model_call import Provider
from github_sandbox import GitHubSandbox, Pull, RateLimits
from github_sandbox.sandbox import UnsignalledServer, post_to, serve
from tests.fakes.vendor_wire import VendorRequest
from tests.fakes.vendors import KEYS, FakeVendors

VENDORS = (Provider.CLAUDE, Provider.GPT, Provider.GEMINI)
NOTHING: dict[str, Any] = {
    "findings": [], "verdicts": [], "summary": None, "files": [], "edges": [], "documents": [],
}  # fmt: skip
FILES = {
    "shop/__init__.py": '"""A shop."""\n',
    "shop/cart.py": '"""The cart."""\n\n\ndef total(items: list[int]) -> int:\n    """The sum."""\n    return sum(items)\n',
    "shop/search.py": '"""Looks things up."""\n',
    ".github/quorum.yml": "max_inline: 20\n",
    "AGENTS.md": "# House rules\nPrices are whole cents. Every query is parametrised.\n",
    "README.md": "# Shop\n",
}
QUOTE = "    return sum(items) / len(items)"
FINDING: dict[str, Any] = {
    "path": "shop/cart.py", "line": 11, "quote": QUOTE, "evidence": "An empty cart has no items.",
    "rule_id": "division-by-zero", "severity": "high", "title": "The mean of an empty cart raises",
    "explanation": "`len(items)` is 0 for an empty cart.", "suggestion": None, "pre_existing": False,
}  # fmt: skip
OWNERS = 10
MCP_TOKEN = secrets.token_urlsafe()
POLL_S = 0.01
LONGEST_S = 480.0


@dataclass(slots=True, kw_only=True)
class Interval:
    """When a vendor was working, in seconds of the monotonic clock."""

    started_s: float
    ended_s: float


@dataclass(kw_only=True)
class LocalDeployment:
    """The stand-ins, and the App's process with its URL."""

    github: GitHubSandbox
    vendors: FakeVendors
    client: httpx.AsyncClient
    app_url: str = ""
    process: asyncio.subprocess.Process
    log: Path
    ready_s: float = 0.0
    thinking: list[Interval] = field(default_factory=list[Interval])

    def open_pull(self, number: int) -> Pull:
        """Open a small pull request of three files in its own repository; `deliver` sends its webhook."""
        repository = self.github.create_repository(f"bench-{number % OWNERS}/shop-{number}", FILES)
        return repository.open_pull(small_change(number), title=f"Add the mean and the search, {number}")

    async def deliver(self) -> list[float]:
        """Send all queued webhooks one after the other; return the seconds from each to its response."""
        times: list[float] = []
        post = post_to(self.client, f"{self.app_url}/webhooks/github")

        async def send(headers: Mapping[str, str], body: bytes) -> int:
            started_s = time.monotonic()
            status = await post(headers, body)
            times.append(time.monotonic() - started_s)
            return status

        for delivery in await self.github.deliver_all(send):
            assert delivery.status_code in (200, 202), delivery.status_code
        return times

    async def until_reviewed(self, pull: Pull) -> float:
        """Wait until the three check runs are completed; return the time of the monotonic clock."""
        return await self.until_completed(pull, runs=3)

    async def until_completed(self, pull: Pull, *, runs: int) -> float:
        """Wait until so many check runs are completed; return the time of the monotonic clock."""
        async with asyncio.timeout(LONGEST_S):
            while sum(bool(run.conclusion) for run in list(pull.repository.check_runs.values())) < runs:  # noqa: ASYNC110 - the stand-in has no event for it
                await asyncio.sleep(POLL_S)
        return time.monotonic()


def small_change(number: int) -> dict[str, str]:
    """Three files, about sixty lines; `number` makes changes differ."""
    fields = "\n".join(f'    "field_{index}": "column_{number}_{index}",' for index in range(24))
    return {
        "shop/cart.py": f"{FILES['shop/cart.py']}\n\ndef mean(items: list[int]) -> float:\n"
        f'    """The mean price, {number}."""\n{QUOTE}\n',
        "shop/search.py": f'"""Looks things up by field."""\n\nFIELDS = {{\n{fields}\n}}\n\n\n'
        'def column(name: str) -> str:\n    """The column of a field."""\n    return FIELDS[name]\n',
        "tests/test_search.py": f'from shop.search import column\n\n\ndef test_column() -> None:\n    assert column("field_1") == "column_{number}_1"\n',
    }


def answer(request: VendorRequest) -> dict[str, Any]:
    """Claude finds one thing and the verifier confirms it, so that a review is a chain of two model calls."""
    if "# Task: refute" in request.text:
        return NOTHING | {
            "verdicts": [_confirm(line) for line in request.text.splitlines() if line.startswith('{"id": ')]
        }
    if "# Task: correctness" in request.text:
        return NOTHING | {"findings": [FINDING]}
    return NOTHING | {"summary": "Adds a mean and a search by field."}


def _confirm(claim: str) -> dict[str, Any]:
    identifier = claim.split('"')[3]
    return {"id": identifier, "verdict": "confirmed", "evidence": "An empty list reaches it.", "worth": 8}


@asynccontextmanager
async def deploy_locally(
    *, github_s: float = 0.0, models_s: float = 0.0, vendors: tuple[Provider, ...] = VENDORS
) -> AsyncGenerator[LocalDeployment]:
    """Run the App over the stand-ins while the block runs, with keys for `vendors`."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="quorum-bench-")))
        github = GitHubSandbox(folder / "github", rate_limits=RateLimits(primary_per_hour=1_000_000))
        thinking: list[Interval] = []
        fake = FakeVendors(sleep=_keep_intervals(thinking))
        fake.delay_s = dict.fromkeys(VENDORS, models_s)
        fake.answers = dict.fromkeys(VENDORS, answer)
        await stack.enter_async_context(serve(github))
        vendors_url = await stack.enter_async_context(_serve_vendors(fake))
        client = await stack.enter_async_context(httpx.AsyncClient(timeout=60))
        port = _free_port()
        environment = app_environment(github, folder / "data", vendors_url, vendors)
        started_s = time.monotonic()
        log = stack.enter_context((folder / "app.log").open("wb"))
        process = await _start(environment, port, log)
        stack.push_async_callback(_end, process)
        deployment = LocalDeployment(
            github=github, vendors=fake, client=client, process=process, thinking=thinking,
            log=folder / "app.log",
            app_url=f"http://127.0.0.1:{port}",
        )  # fmt: skip
        deployment.ready_s = await _until_ready(deployment) - started_s
        github.faults.latency_s = github_s
        yield deployment


def app_environment(
    github: GitHubSandbox, data: Path, vendors_url: str, vendors: tuple[Provider, ...]
) -> dict[str, str]:
    """The environment an operator would set, and nothing of this process's."""
    keys = {
        Provider.CLAUDE: {"ANTHROPIC_API_KEY": KEYS[Provider.CLAUDE], "ANTHROPIC_BASE_URL": vendors_url},
        Provider.GPT: {"OPENAI_API_KEY": KEYS[Provider.GPT], "OPENAI_BASE_URL": f"{vendors_url}/v1"},
        Provider.GEMINI: {
            "GEMINI_API_KEY": KEYS[Provider.GEMINI], "GOOGLE_GEMINI_BASE_URL": vendors_url,
        },
    }  # fmt: skip
    own = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "GITHUB_APP_ID": str(github.app.id),
        "GITHUB_APP_PRIVATE_KEY": github.app.private_key,
        "GITHUB_WEBHOOK_SECRET": github.app.webhook_secret,
        "GITHUB_API_URL": github.urls.api,
        "QUORUM_DATA_DIR": str(data),
        "QUORUM_DASHBOARD_TOKEN": secrets.token_urlsafe(),
        "QUORUM_MCP_TOKEN": MCP_TOKEN,
    }
    return own | {name: value for vendor in vendors for name, value in keys[vendor].items()}


def _keep_intervals(kept: list[Interval]) -> Callable[[float], Awaitable[None]]:
    async def think(time_s: float) -> None:
        started_s = time.monotonic()
        await asyncio.sleep(time_s)
        kept.append(Interval(started_s=started_s, ended_s=time.monotonic()))

    return think


@asynccontextmanager
async def _serve_vendors(fake: FakeVendors) -> AsyncGenerator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(fake.app, log_level="warning", access_log=False, lifespan="off")
        server = UnsignalledServer(config)
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task


async def _start(environment: Mapping[str, str], port: int, log: IO[bytes]) -> asyncio.subprocess.Process:
    quorum = Path(sys.executable).with_name("quorum")
    return await asyncio.create_subprocess_exec(
        quorum, "serve", "--port", str(port),
        env=dict(environment),
        cwd=Path(environment["QUORUM_DATA_DIR"]).parent,
        stdout=log,
        stderr=log,
    )  # fmt: skip


async def _until_ready(deployment: LocalDeployment) -> float:
    async with asyncio.timeout(LONGEST_S):
        while True:
            if deployment.process.returncode is not None:
                raise RuntimeError(f"quorum serve ended: {deployment.log.read_text()}")
            try:
                if (await deployment.client.get(f"{deployment.app_url}/readyz")).status_code == 200:
                    return time.monotonic()
            except httpx.TransportError:
                await asyncio.sleep(POLL_S)


def cpu_s(pid: int) -> float:
    """CPU seconds of a process and its children so far; more reliable than wall time on a busy machine. Linux only."""
    own, ended = _cpu_s(pid)
    children = [
        child for tasks in Path(f"/proc/{pid}/task").glob("*/children") for child in tasks.read_text().split()
    ]
    return own + ended + sum(sum(_cpu_s(int(child))) for child in children)


def _cpu_s(pid: int) -> tuple[float, float]:
    """CPU seconds of a process, and of its finished children; https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html"""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:  # the process has ended
        return 0.0, 0.0
    own, ended = (int(fields[11]) + int(fields[12]), int(fields[13]) + int(fields[14]))
    return own / os.sysconf("SC_CLK_TCK"), ended / os.sysconf("SC_CLK_TCK")


def machine_s() -> float:
    """CPU seconds of all processes of the machine so far; https://man7.org/linux/man-pages/man5/proc_stat.5.html"""
    user, nice, system, _, _, irq, softirq = Path("/proc/stat").read_text().split(maxsplit=8)[1:8]
    return sum(map(int, (user, nice, system, irq, softirq))) / os.sysconf("SC_CLK_TCK")


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
    await process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
