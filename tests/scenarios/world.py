"""The whole App in one process, with GitHub, the vendors and the database within reach; the harness of all scenario tests.

Webhooks arrive as signed bytes. The App reaches GitHub through the guard, which checks every request and every response
against GitHub's own description, and the vendors through their real SDKs. `close` fails a scenario for posts that it did not
expect, for errors in the log, for violations of the contract and for faults that did not happen.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from sqlmodel import select

from app.clock import SystemClock
from app.domain.model_call import Provider
from app.main import Network, build_program
from app.serving.app import Served, build_served
from app.settings import Settings
from app.store.call_tables import ModelCallRow
from app.store.database import Database
from app.store.review_tables import FindingRow, ReviewRow
from github_sandbox import Delivery, GitHubSandbox, Pull, Repository
from github_sandbox.git import FileContent
from github_sandbox.registration import sign
from github_sandbox.sandbox import serve
from tests.contracts.guard import OpenApiGuard
from tests.databases import prepare
from tests.fakes.error_log import ErrorLog
from tests.fakes.vendors import BASE_URLS, KEYS, MODELS
from tests.scenarios.vendors import Vendors

REPOSITORY = "octo/shop"
SHOP = "acme/shop"
FILES: dict[str, FileContent] = {
    "cart.py": "def total(items):\n    return sum(item.price for item in items)\n",
    "README.md": "# Shop\n",
}
DASHBOARD_TOKEN = "a-token-of-the-dashboard"
WEBHOOK = "/webhooks/github"
POLL_S = 0.03  # each look costs milliseconds of the processor that the jobs need
ALL = (Provider.CLAUDE, Provider.GPT, Provider.GEMINI)


class World:
    """See `open_world`. People's other verbs are the stand-in's: what `create_repository` and `open_pull` return has them."""

    def __init__(self, github: GitHubSandbox, files: Mapping[str, FileContent] | None) -> None:
        self.github = github
        self.vendors = Vendors()
        self.guard = OpenApiGuard(raises=False)
        self.log = ErrorLog()
        self.is_stopped = False
        self.repository: Repository
        if files is not None:
            known = github.repositories.get(REPOSITORY)
            self.repository = known or github.create_repository(REPOSITORY, files)
            self.repository.set_role("alice", "write")
        self.served: Served
        self.client: httpx.AsyncClient

    @property
    def database(self) -> Database:
        return self.served.program.database

    def create_repository(
        self, files: Mapping[str, FileContent] | None = None, name: str = SHOP
    ) -> Repository:
        """Create a repository to which Alice may write; Mallory may only read it."""
        repository = self.github.create_repository(name, {"README.md": "A shop.\n", **(files or {})})
        repository.set_role("alice", "write")
        repository.set_role("mallory", "read")
        return repository

    def open_pull(self, files: Mapping[str, FileContent], **how: Any) -> Pull:
        """Open a pull request with these changes; the next `settle` sends its webhook."""
        return self.repository.open_pull(files, **how)

    async def comment(self, pull: Pull, text: str, *, author: str = "alice") -> str:
        """Comment in the conversation; return the App's answer there, or an empty text."""
        before = set(map(id, pull.issue_comments))
        pull.comment(author, text)
        await self.settle()
        new = [c for c in pull.issue_comments if id(c) not in before and c.user is self.github.bot]
        return "\n".join(comment.body for comment in new)

    async def reply(self, pull: Pull, text: str, *, author: str = "alice") -> str:
        """Reply in the only thread; return the App's answer there, or an empty text."""
        [thread] = pull.threads
        pull.reply(author, thread.root, text)
        await self.settle()
        last = thread.comments[-1]
        return last.body if last.user is self.github.bot else ""

    async def stop(self) -> None:
        """Stop the App immediately, in the middle of its jobs; open another world in the same folder to restart it."""
        self.is_stopped = True
        await self.served.engine.stop(timeout_s=0.0)

    async def post(self, headers: Mapping[str, str], body: bytes) -> httpx.Response:
        """Post these bytes to the receiver and return its response."""
        return await self.client.post(WEBHOOK, headers=dict(headers), content=body)

    async def send(self, event: str, body: bytes, **headers: str) -> httpx.Response:
        """Post signed bytes as a delivery of this event."""
        own = {
            "x-github-event": event,
            "x-github-delivery": f"scenario-{event}",
            "x-hub-signature-256": sign(self.github.app.webhook_secret, body),
        }
        return await self.post(own | {name.replace("_", "-"): value for name, value in headers.items()}, body)

    async def deliver(self) -> list[Delivery]:
        """Send all queued webhooks without waiting for their jobs."""

        async def send(headers: Mapping[str, str], body: bytes) -> int:
            return (await self.post(headers, body)).status_code

        return await self.github.deliver_all(send)

    async def settle(self) -> None:
        """Send queued webhooks until none is left and no job is left; pytest's own timeout ends a hang."""
        while True:
            await self.deliver()
            while any((await self.served.engine.depth()).values()):  # noqa: ASYNC110 - threads write the rows
                await asyncio.sleep(POLL_S)
            if not self.github.hook.queue:
                return

    async def until_asked(self, times: int) -> None:
        """Send queued webhooks and wait until the vendors have received this many requests."""
        await self.deliver()
        await self.vendors.wait_for_requests(times)

    def rows(self, table: type[Any]) -> list[Any]:
        """All rows of a table."""
        with self.database.read() as session:
            return list(session.exec(select(table)).all())

    def reviews(self) -> list[ReviewRow]:
        """All reviews, oldest first."""
        return sorted(self.rows(ReviewRow), key=lambda row: row.created_at)

    def calls(self, stage: str | None = None) -> list[tuple[str, str]]:
        """(provider, outcome) of each row of `model_calls`, oldest first."""
        rows: list[ModelCallRow] = sorted(self.rows(ModelCallRow), key=lambda row: row.started_at)
        return [(row.provider, row.outcome) for row in rows if stage in (None, row.stage)]

    def findings(self) -> list[FindingRow]:
        """All findings, oldest first."""
        return sorted(self.rows(FindingRow), key=lambda row: row.created_at)

    def outcomes(self) -> dict[str, str | None]:
        """Title → outcome of the newest finding with that title."""
        return {row.title: row.outcome for row in self.findings()}

    def github_calls(self) -> list[str]:
        """Method, path and GraphQL operation of every request to GitHub."""
        return [f"{call.method} {call.path} {call.operation or ''}".strip() for call in self.github.requests]

    def answered(self) -> dict[str, ModelCallRow]:
        """The row of each stage's successful call, if there was one per stage."""
        rows: list[ModelCallRow] = [row for row in self.rows(ModelCallRow) if row.outcome == "ok"]
        assert len(rows) == len({row.stage for row in rows})
        return {row.stage: row for row in rows}

    def close(self, *, posts_are_taken: bool) -> None:
        """Fail for anything unexpected."""
        assert not self.guard.violations, self.guard.violations
        assert not self.log.messages, self.log.messages
        unread = [f"{item.kind}: {item.body[:200]}" for item in self.github.unread()]
        assert not (unread and posts_are_taken), unread
        assert not self.github.faults.left, "a requested fault did not happen"


@asynccontextmanager
async def open_world(
    folder: Path,
    *,
    providers: tuple[Provider, ...] = ALL,
    files: Mapping[str, FileContent] | None = FILES,
    config: str = "",
    github: GitHubSandbox | None = None,
    notifications: httpx.AsyncBaseTransport | None = None,
    git: bool = True,
    posts_are_taken: bool = True,
    **settings: Any,
) -> AsyncGenerator[World]:
    """Run the App while the block runs; the next world in the same folder with the same `github` is its restart.

    `config` is `.github/quorum.yml` of the base branch; `files` None creates no repository; `notifications` answers
    notification requests; `git` serves git over HTTP; `posts_are_taken` fails the test for posts that it did not take;
    `settings` are Quorum's.
    """
    github = github or GitHubSandbox(folder / "github")
    base = None if files is None else {**files, **({".github/quorum.yml": config} if config else {})}
    world = World(github, base)
    async with AsyncExitStack() as stack:
        if git:  # only for git: the API is reached through the guard
            await stack.enter_async_context(serve(github))
        network = Network(
            github=world.guard.wrap(github.transport()),
            models=world.vendors.fake.http_client(),
            notifications=notifications,
            clock=ShortClock(),
        )
        prepare(folder / "data" / "quorum.db")
        given = app_settings(github, folder / "data", providers) | settings
        program = build_program(Settings.model_validate(given), network=network)
        world.served = build_served(program, network=network)
        stack.enter_context(world.log)
        await stack.enter_async_context(world.served.http.router.lifespan_context(world.served.http))
        transport = httpx.ASGITransport(app=world.served.http)
        world.client = await stack.enter_async_context(
            httpx.AsyncClient(transport=transport, base_url="http://quorum.test")
        )
        try:
            yield world
        finally:
            world.vendors.release()
        if not (world.is_stopped or world.served.program.settings.quorum_paused):
            await world.settle()
    world.close(posts_are_taken=posts_are_taken)


def open_shop(
    folder: Path, *, git: bool = False, github: GitHubSandbox | None = None, **settings: Any
) -> AbstractAsyncContextManager[World]:
    """Open a world without a repository, for tests that look at the pull request instead of taking the App's posts."""
    return open_world(folder, files=None, git=git, github=github, posts_are_taken=False, **settings)


def app_settings(github: GitHubSandbox, data: Path, providers: tuple[Provider, ...]) -> dict[str, Any]:
    """The operator's settings: the App's registration and a key for each provider."""
    names = {Provider.CLAUDE: "anthropic", Provider.GPT: "openai", Provider.GEMINI: "gemini"}
    addresses = {Provider.GEMINI: "google_gemini_base_url"}
    models = {
        f"quorum_{provider}{size}_model": getattr(MODELS[provider], name)
        for provider in ALL
        for size, name in (("", "large"), ("_small", "small"))
    }
    keys = {f"{names[provider]}_api_key": KEYS[provider] for provider in providers}
    urls = {addresses.get(p, f"{names[p]}_base_url"): BASE_URLS[p] for p in providers}
    return {
        "github_app_id": str(github.app.id),
        "github_app_private_key": github.app.private_key,
        "github_webhook_secret": github.app.webhook_secret,
        "github_api_url": github.urls.api,
        "quorum_data_dir": data,
        "quorum_dashboard_token": DASHBOARD_TOKEN,
        "quorum_debounce_s": 0.0,
        "quorum_finders": 1,  # scenarios count calls; those of several finders say so in the configuration
        **models,
        **keys,
        **urls,
    }


class ShortClock(SystemClock):
    """The machine's time, but sleeping passes immediately."""

    def __init__(self) -> None:
        self._skipped_s = 0.0

    def monotonic_s(self) -> float:
        return super().monotonic_s() + self._skipped_s

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self._skipped_s)

    async def sleep(self, seconds: float) -> None:
        self._skipped_s += seconds
        await asyncio.sleep(0)
