"""The whole App over the stand-in GitHub and the stand-in vendors, driven by what people do; not a test."""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr
from sqlmodel import col, select

from app.domain.model_call import Provider
from app.main import Network, build_program
from app.serving.app import Served, build_served
from app.settings import Settings
from app.store import deliveries
from app.store.call_tables import ModelCallRow
from app.store.database import Database
from app.store.review_tables import FindingRow, ReviewRow
from github_sandbox import GitHubSandbox
from github_sandbox.git import FileContent
from github_sandbox.repository import Pull, Repository
from github_sandbox.sandbox import serve
from github_sandbox.state import IssueComment, ReviewComment
from tests.databases import prepare
from tests.fakes.vendor_wire import Asked
from tests.fakes.vendors import BASE_URLS, KEYS, FakeVendors, emptiest

SETTLED_S = 60.0  # the first review of a process imports the SDKs
POLL_S = 0.01
BUG = "total = sum(prices) / len(prices)"
_NUMBERED = re.compile(r"^(\d+)[+|](.*)$", re.MULTILINE)


class App:
    """People, their pull requests, and what the App makes of them."""

    def __init__(self, sandbox: GitHubSandbox, vendors: FakeVendors, served: Served) -> None:
        self.sandbox = sandbox
        self.vendors = vendors
        self.served = served
        transport = httpx.ASGITransport(app=served.http)
        self._client = httpx.AsyncClient(transport=transport, base_url="http://quorum.test")

    @property
    def database(self) -> Database:
        return self.served.program.database

    def repository(
        self, files: Mapping[str, FileContent] | None = None, name: str = "acme/shop"
    ) -> Repository:
        repository = self.sandbox.create_repository(name, {"README.md": "A shop.\n", **(files or {})})
        repository.set_role("alice", "write")
        repository.set_role("mallory", "read")
        return repository

    async def send(self, headers: Mapping[str, str], body: bytes) -> int:
        answer = await self._client.post("/webhooks/github", headers=dict(headers), content=body)
        return answer.status_code

    async def deliver(self) -> None:
        """Send every webhook that waits."""
        await self.sandbox.deliver_all(self.send)

    async def settle(self) -> None:
        """Send every webhook, also those that the App's own writes cause, until nothing is left to do."""
        async with asyncio.timeout(SETTLED_S):
            while True:
                await self.deliver()
                depth = await asyncio.to_thread(deliveries.load_queue_depth, self.database)
                if not any(depth.values()) and not self.sandbox.hook.queue:
                    return
                await asyncio.sleep(POLL_S)

    def github_calls(self) -> list[str]:
        return [f"{call.method} {call.path} {call.operation or ''}".strip() for call in self.sandbox.requests]

    def reviews(self) -> list[ReviewRow]:
        with self.database.read() as session:
            return list(session.exec(select(ReviewRow).order_by(col(ReviewRow.created_at))))

    def findings(self) -> list[FindingRow]:
        with self.database.read() as session:
            return list(session.exec(select(FindingRow).order_by(col(FindingRow.created_at))))

    def outcomes(self) -> dict[str, str | None]:
        """Title → outcome, of the newest row."""
        return {row.title: row.outcome for row in self.findings()}

    def model_calls(self) -> list[ModelCallRow]:
        with self.database.read() as session:
            return list(session.exec(select(ModelCallRow)))

    async def close(self) -> None:
        await self._client.aclose()


@asynccontextmanager
async def running(
    folder: Path,
    *,
    debounce_s: float = 0.0,
    keyless: bool = False,
    on_loopback: bool = False,
    sandbox: GitHubSandbox | None = None,
    **settings: Any,
) -> AsyncGenerator[App]:
    """The App from its start to its stop; git can fetch only `on_loopback`.

    In the same folder, with the `sandbox` of before, it is the next start of the same App.
    """
    sandbox = sandbox or GitHubSandbox(folder / "github")
    async with AsyncExitStack() as stack:
        if on_loopback:
            await stack.enter_async_context(serve(sandbox))
        settings |= {"quorum_debounce_s": debounce_s}
        yield await stack.enter_async_context(_app(folder, sandbox, settings, keyless=keyless))


@asynccontextmanager
async def _app(
    folder: Path, sandbox: GitHubSandbox, given: Mapping[str, Any], *, keyless: bool
) -> AsyncGenerator[App]:
    vendors = FakeVendors()
    own: dict[str, Any] = {
        "github_app_id": str(sandbox.app.id),
        "github_app_private_key": SecretStr(sandbox.app.private_key),
        "github_webhook_secret": SecretStr(sandbox.app.webhook_secret),
        "github_api_url": sandbox.urls.api,
        "quorum_data_dir": folder / "data",
        "quorum_dashboard_token": SecretStr("dashboard-token"),
    }
    keys = {
        "anthropic_api_key": SecretStr(KEYS[Provider.CLAUDE]),
        "anthropic_base_url": BASE_URLS[Provider.CLAUDE],
        "openai_api_key": SecretStr(KEYS[Provider.GPT]),
        "openai_base_url": BASE_URLS[Provider.GPT],
        "gemini_api_key": SecretStr(KEYS[Provider.GEMINI]),
        "google_gemini_base_url": BASE_URLS[Provider.GEMINI],
    }
    prepare(folder / "data" / "quorum.db")
    settings = Settings.model_validate(own | ({} if keyless else keys) | dict(given))
    network = Network(github=sandbox.transport(), models=vendors.http_client())
    served = build_served(build_program(settings, network=network), network=network)
    app = App(sandbox, vendors, served)
    async with served.http.router.lifespan_context(served.http):
        yield app
    await app.close()


def a_finding(**given: Any) -> dict[str, Any]:
    """A finding as a model answers it."""
    return {
        "path": "shop.py",
        "line": 1,
        "quote": BUG,
        "evidence": "prices may be empty",
        "rule_id": "other",
        "severity": "high",
        "title": "An empty cart crashes, because the number of prices is the divisor",
        "explanation": "With no prices the division fails.",
        "suggestion": None,
        "pre_existing": False,
    } | given


class Reviewers:
    """The vendors as they are: Claude reports what `bugs` names wherever it is shown it, GPT confirms, Gemini documents."""

    def __init__(self, vendors: FakeVendors, bugs: Mapping[str, dict[str, Any]] | None = None) -> None:
        self.bugs = dict(bugs if bugs is not None else {BUG: {}})
        self.fixed = "refuted"  # what the check says of changed code
        self.intent = "general"
        self.answer = "It is so."
        self.withdraws = False
        self.worth = 8
        for provider in (Provider.CLAUDE, Provider.GPT, Provider.GEMINI):
            vendors.answers[provider] = self.say

    def say(self, asked: Asked) -> Any:
        value: dict[str, Any] = emptiest(asked)
        if "intent" in value:
            return value | {"intent": self.intent}
        if "withdraws" in value:
            return value | {"answer": self.answer, "withdraws": self.withdraws}
        if "answer" in value:
            return value | {"answer": self.answer}
        value["summary"] = "It changes the shop."
        if "# Task: is it still wrong" in asked.text:
            value["verdicts"] = self._verdicts(asked, self.fixed)
        elif "# Task: refute" in asked.text:
            value["verdicts"] = self._verdicts(asked, "confirmed")
        elif "# Task: correctness" in asked.text:
            value["findings"] = list(self._found(asked))
        return value

    def _found(self, asked: Asked) -> list[dict[str, Any]]:
        diff = asked.text.partition("# Task")[0]
        files = re.split(r"^=== (\S+) \(", diff, flags=re.MULTILINE)[1:]
        found: list[dict[str, Any]] = []
        for path, text in zip(files[::2], files[1::2], strict=True):
            for number, line in _NUMBERED.findall(text):
                found += [
                    a_finding(path=path, line=int(number), quote=quote) | more
                    for quote, more in self.bugs.items()
                    if quote in line
                ]
        return found

    def _verdicts(self, asked: Asked, verdict: str) -> list[dict[str, Any]]:
        ids = re.findall(r'"id": "(c\d+)"', asked.text)
        return [
            {"id": id_, "evidence": "The code says so.", "verdict": verdict, "worth": self.worth}
            for id_ in dict.fromkeys(ids)
        ]


def texts(pull: Pull) -> str:
    """Everything that is said on a pull request."""
    said = [comment.body for comment in pull.issue_comments]
    said += [review.body for review in pull.reviews]
    said += [comment.body for comment in pull.review_comments()]
    return json.dumps(said, ensure_ascii=False)


def own_comments(app: App, pull: Pull) -> list[str]:
    """The bodies of the App's own inline comments, in threads and replies."""
    return [comment.body for comment in pull.review_comments() if comment.user is app.sandbox.bot]


async def says(app: App, pull: Pull, text: str, *, who: str = "alice") -> str:
    """The App's answer in the conversation; empty where it gave none."""
    before = set(map(id, pull.issue_comments))
    pull.comment(who, text)
    await app.settle()
    return "\n".join(c.body for c in pull.issue_comments if id(c) not in before and c.user is app.sandbox.bot)


async def replies(app: App, pull: Pull, text: str, *, who: str = "alice") -> str:
    """The App's answer in the thread of its finding."""
    [thread] = pull.threads
    pull.reply(who, thread.root, text)
    await app.settle()
    last = thread.comments[-1]
    return last.body if last.user is app.sandbox.bot else ""


def emojis(app: App, comment: IssueComment | ReviewComment) -> list[str]:
    """How the App reacted to a comment."""
    return [reaction.content for reaction in comment.reactions if reaction.user is app.sandbox.bot]
