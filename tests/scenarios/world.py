"""The whole App in one process, with everything round it in reach: GitHub, the vendors, the database. Not a test.

Webhooks go in as signed bytes; the App reaches GitHub through the guard, which holds every request and every answer
against GitHub's own description, and the vendors through their real SDKs. `close` fails a scenario for whatever was posted
and not looked at, for errors in the log, for violations of the contract and for accidents that did not happen.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

import httpx
from sqlmodel import select

from app.clock import SystemClock
from app.domain.model_call import Provider
from app.main import Network, build_program
from app.serving.app import Served, build_served
from app.settings import Settings
from app.store.call_tables import ModelCallRow
from app.store.database import Database
from app.store.review_tables import ReviewRow
from github_sandbox import Delivery, GitHubSandbox, Posted, Pull
from github_sandbox.git import FileContent
from github_sandbox.registration import sign
from github_sandbox.sandbox import serve
from github_sandbox.state import CheckRun, IssueComment, Review, ReviewComment
from tests.contracts.guard import OpenApiGuard
from tests.databases import prepare
from tests.fakes.vendors import BASE_URLS, KEYS, MODELS
from tests.scenarios.vendors import Vendors

REPOSITORY = "octo/shop"
FILES: dict[str, FileContent] = {
    "cart.py": "def total(items):\n    return sum(item.price for item in items)\n",
    "README.md": "# Shop\n",
}
DASHBOARD_TOKEN = "a-token-of-the-dashboard"
WEBHOOK = "/webhooks/github"
POLL_S = 0.01
LONGEST_S = 60.0  # of one wait; an ordinary scenario takes one second
ALL = (Provider.CLAUDE, Provider.GPT, Provider.GEMINI)


class World:
    """See `open_world`. Users' verbs are the stand-in's (`repository`, and what `open_pull` returns)."""

    def __init__(self, github: GitHubSandbox, files: Mapping[str, FileContent]) -> None:
        self.github = github
        self.vendors = Vendors()
        self.guard = OpenApiGuard(raises=False)
        self.log = _ErrorLog()
        known = github.repositories.get(REPOSITORY)
        self.repository = known or github.create_repository(REPOSITORY, files)
        self.repository.set_role("alice", "write")
        self.served: Served
        self.client: httpx.AsyncClient

    @property
    def database(self) -> Database:
        return self.served.program.database

    def open_pull(self, files: Mapping[str, FileContent], **how: Any) -> Pull:
        """Somebody opens a pull request with these changes; the webhook goes out with the next `settle`."""
        return self.repository.open_pull(files, **how)

    async def post(self, headers: Mapping[str, str], body: bytes) -> httpx.Response:
        """What the receiver answers to these bytes."""
        return await self.client.post(WEBHOOK, headers=dict(headers), content=body)

    async def send(self, event: str, body: bytes, **headers: str) -> httpx.Response:
        """Bytes of a scenario's own, rightly signed, as a delivery of this event."""
        own = {
            "x-github-event": event,
            "x-github-delivery": f"scenario-{event}",
            "x-hub-signature-256": sign(self.github.app.webhook_secret, body),
        }
        return await self.post(own | {name.replace("_", "-"): value for name, value in headers.items()}, body)

    async def deliver(self) -> list[Delivery]:
        """Send all webhooks that wait; the jobs they ask for are not waited for."""

        async def send(headers: Mapping[str, str], body: bytes) -> int:
            return (await self.post(headers, body)).status_code

        return await self.github.deliver_all(send)

    async def settle(self) -> None:
        """Send what waits, until nothing waits and no job is left."""
        async with asyncio.timeout(LONGEST_S):
            while True:
                await self.deliver()
                while any((await self.served.engine.depth()).values()):  # noqa: ASYNC110 - threads write the rows
                    await asyncio.sleep(POLL_S)
                if not self.github.hook.queue:
                    return

    async def until_asked(self, times: int) -> None:
        """Send what waits, and wait until the vendors were asked so often altogether."""
        await self.deliver()
        async with asyncio.timeout(LONGEST_S):
            await self.vendors.are_asked(times)

    def rows(self, table: type[Any]) -> list[Any]:
        """All rows of a table."""
        with self.database.read() as session:
            return list(session.exec(select(table)).all())

    def reviews(self) -> list[ReviewRow]:
        """All reviews, oldest first."""
        return sorted(self.rows(ReviewRow), key=lambda row: row.created_at)

    def calls(self, stage: str | None = None) -> list[tuple[str, str]]:
        """(provider, outcome) of each row of `model_calls`, in the order of their making."""
        rows: list[ModelCallRow] = sorted(self.rows(ModelCallRow), key=lambda row: row.started_at)
        return [(row.provider, row.outcome) for row in rows if stage in (None, row.stage)]

    def answered(self) -> dict[str, ModelCallRow]:
        """The row of each stage's good answer, where there was one call a stage."""
        rows: list[ModelCallRow] = [row for row in self.rows(ModelCallRow) if row.outcome == "ok"]
        assert len(rows) == len({row.stage for row in rows})
        return {row.stage: row for row in rows}

    def close(self) -> None:
        """Fail for what nobody looked at."""
        assert not self.guard.violations, self.guard.violations
        assert not self.log.messages, self.log.messages
        unread = [f"{item.kind}: {item.body[:200]}" for item in self.github.unread()]
        assert not unread, unread
        assert not self.github.faults.left, "an accident that was ordered did not happen"


def take_review(pull: Pull) -> Review:
    """The review that the App posted; there is exactly one."""
    return _only(pull, "review")


def take_summary(pull: Pull) -> IssueComment:
    """The one comment in the conversation, new or edited."""
    return _only(pull, "issue_comment")


def take_file_comments(pull: Pull) -> list[ReviewComment]:
    """Comments on files or lines that came without a review."""
    return [item.target for item in pull.take_all("review_comment")]


def take_reactions(pull: Pull) -> list[str]:
    """The contents of the App's reactions."""
    return [item.body for item in pull.take_all("reaction")]


def take_checks(pull: Pull) -> dict[str, CheckRun]:
    """Name → check run, of all that were created or changed."""
    runs: list[Posted] = pull.take_all("check_run")
    return {item.target.name: item.target for item in runs}


def conclusions(checks: Mapping[str, CheckRun]) -> dict[str, str | None]:
    """Name → conclusion."""
    return {name.removeprefix("quorum/"): run.conclusion for name, run in checks.items()}


def inline_comments(pull: Pull) -> list[ReviewComment]:
    """What the App wrote into the diff, in order."""
    bot = pull.hub.bot
    return [comment for comment in pull.review_comments() if comment.user is bot]


def _only(pull: Pull, kind: str) -> Any:
    items = pull.take_all(kind)
    assert len(items) == 1, [item.body for item in items]
    return items[0].target


@asynccontextmanager
async def open_world(
    folder: Path,
    *,
    providers: tuple[Provider, ...] = ALL,
    files: Mapping[str, FileContent] = FILES,
    config: str = "",
    github: GitHubSandbox | None = None,
    notifications: httpx.AsyncBaseTransport | None = None,
    **settings: Any,
) -> AsyncGenerator[World]:
    """A world while the block runs; the next one in the same folder finds its database.

    `config` is `.github/quorum.yml` of the base branch; `github` one that was there before; `notifications` answers where
    notifications go; `settings` are Quorum's.
    """
    github = github or GitHubSandbox(folder / "github")
    world = World(github, {**files, **({".github/quorum.yml": config} if config else {})})
    async with serve(github):  # for git alone: the API is reached through the guard
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
        app = world.served.http
        with world.log:
            async with (
                app.router.lifespan_context(app),
                httpx.AsyncClient(
                    transport=httpx.ASGITransport(app=app), base_url="http://quorum.test"
                ) as client,
            ):
                world.client = client
                try:
                    yield world
                finally:
                    world.vendors.release()
                if not world.served.program.settings.quorum_paused:
                    await world.settle()
    world.close()


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
        **models,
        **keys,
        **urls,
    }


class ShortClock(SystemClock):
    """The machine's time, but what anybody waits for passes at once."""

    def __init__(self) -> None:
        self._skipped_s = 0.0

    def monotonic_s(self) -> float:
        return super().monotonic_s() + self._skipped_s

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self._skipped_s)

    async def sleep(self, seconds: float) -> None:
        self._skipped_s += seconds
        await asyncio.sleep(0)


class _ErrorLog(logging.Handler):
    """Keeps errors of the log while it is entered; a scenario that expects one takes it."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(
            f"{record.name}: {record.getMessage()} {record.exc_info and record.exc_info[1]!r}"
        )

    def take(self, text: str) -> str:
        """The oldest message that holds the text."""
        found = next(message for message in self.messages if text in message)
        self.messages.remove(found)
        return found

    def __enter__(self) -> Self:
        logging.getLogger().addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger().removeHandler(self)
