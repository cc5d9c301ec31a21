"""`quorum demo`: the whole App on the loopback interface against the stand-in for GitHub, and its review of a sample pull request.

This is the production path: a signed webhook over HTTP, the durable engine, SQLite, the real clients. Data goes to a temporary
directory, never to the operator's. Models are used if their keys are in the environment; otherwise, stand-ins for the vendors
replay what readers answered to the sample's requests, over the real SDKs.
"""

import asyncio
import contextlib
import logging
import os
import socket
import tempfile
from collections.abc import AsyncGenerator
from enum import StrEnum
from pathlib import Path

import httpx
import uvicorn
from rich.console import Console

from app.commands.demo_view import ReviewView, show_progress
from app.domain.model_call import Provider
from app.domain.review import ReviewStatus, StationEvent
from app.errors import ConfigurationError
from app.main import Network, build_program, provider_access
from app.serving.app import Served, build_served
from app.serving.connections import LimitedConnection, raise_file_limit
from app.settings import Settings, load_settings
from app.store.model_calls import load_call_lines
from app.store.review_tables import ReviewRow
from app.store.reviews import load_newest_review
from github_sandbox import GitHubSandbox
from github_sandbox.recorded import build_vendors
from github_sandbox.sample import build_sample, load_recording
from github_sandbox.sandbox import UnsignalledServer, post_to, serve

HOST = "127.0.0.1"
KEYS = ("anthropic_api_key", "openai_api_key", "gemini_api_key")
BASE_URLS = ("anthropic_base_url", "openai_base_url", "google_gemini_base_url", "quorum_local_base_url")
NEXT = "Next: `quorum review` on a branch of your own, then `quorum setup` to install the App."
POLL_S = 0.05
TIMEOUT_S = 1_800.0  # leaves time for slow models
FINISHED = frozenset({ReviewStatus.COMPLETED, ReviewStatus.FAILED, ReviewStatus.SUPERSEDED})


class Answers(StrEnum):
    """Who answers the demo's requests; the values are shown."""

    MODELS = "Models answer with your keys."
    RECORDED = "Recorded answers; no key is set. Cost is what the models would have charged for such answers."
    NONE = "Analyzers only: no model is used."


def demo(*, once: bool, port: int, analyzers_only: bool = False) -> int:
    """Run the demo and return the exit code."""
    environment = load_settings(env_file=None)
    answers = Answers.NONE if analyzers_only else _find_answers(environment)
    logging.disable(logging.CRITICAL)  # the demo owns the terminal
    console = Console()
    with contextlib.suppress(KeyboardInterrupt), tempfile.TemporaryDirectory(prefix="quorum-demo-") as folder:
        return asyncio.run(
            _demo(Path(folder), console, settings=environment, answers=answers, once=once, port=port)
        )
    return 0


async def _demo(
    folder: Path, console: Console, *, settings: Settings, answers: Answers, once: bool, port: int
) -> int:
    sandbox = GitHubSandbox(folder / "github")
    events: asyncio.Queue[StationEvent] = asyncio.Queue()
    async with serve(sandbox):
        program = build_program(_settings(sandbox, folder, settings, answers), network=_network(answers))
        served = build_served(program, watch=events.put_nowait, open_dashboard=True, preload=True)
        async with _running(served, port) as app_url:
            pull = build_sample(sandbox)
            for installation in sandbox.installations.values():
                sandbox.accept_permissions(installation, {"contents": "write"})  # for `/fix`
            console.print(f"[yellow]{answers}[/]")
            console.print(f"{pull.author.login} opens a pull request: [bold]{pull.title}[/]")
            async with httpx.AsyncClient() as client:
                await sandbox.deliver_all(post_to(client, f"{app_url}/webhooks/github"))
            review = await _wait(served, events, console)
            view = ReviewView(console, pull)
            calls = await asyncio.to_thread(load_call_lines, program.database, review.id)
            view.show(review, calls, dashboard=f"{app_url}/reviews/{review.id}")
            console.print(answers, style="yellow")
            if not once:
                view.show_page()
                await _keep_delivering(sandbox, f"{app_url}/webhooks/github")
            console.print(NEXT, highlight=False)
    return 0 if review.status == ReviewStatus.COMPLETED else 1


def _find_answers(environment: Settings) -> Answers:
    access = provider_access(environment, os.environ)
    is_set = (
        each.api_key or each.cloud or (name is Provider.LOCAL and each.base_url)
        for name, each in access.items()
    )
    return Answers.MODELS if any(is_set) else Answers.RECORDED


def _settings(sandbox: GitHubSandbox, folder: Path, environment: Settings, answers: Answers) -> Settings:
    """The operator's models, or none, or stand-ins; all other settings are the demo's own."""
    key = {Answers.RECORDED: "recorded-answers", Answers.NONE: None}
    models = dict.fromkeys(KEYS, key[answers]) if answers in key else {}
    own = {
        "github_app_id": str(sandbox.app.id),
        "github_app_private_key": sandbox.app.private_key,
        "github_webhook_secret": sandbox.app.webhook_secret,
        "github_api_url": sandbox.urls.api,
        "quorum_data_dir": folder / "data",
        "quorum_database_url": None,
        "quorum_paused": False,
        "quorum_allowed_owners": (),
        **(dict.fromkeys(BASE_URLS) if models else {}),
        # The answers were recorded for one finder per stage; a second one would repeat the first one's.
        **({"quorum_finders": 1} if answers is Answers.RECORDED else {}),
        **models,
    }
    return Settings.model_validate({**environment.model_dump(), **own})


def _network(answers: Answers) -> Network:
    """The real network, or for recorded answers one on which only the stand-ins for the vendors are."""
    if answers is not Answers.RECORDED:
        return Network()
    import httpx2

    transport = httpx2.ASGITransport(app=build_vendors(load_recording()))
    return Network(models=httpx2.AsyncClient(transport=transport))


async def _keep_delivering(sandbox: GitHubSandbox, url: str) -> None:
    """Send the webhooks of what people do on the stand-in's page."""
    async with httpx.AsyncClient() as client:
        while True:
            await sandbox.deliver_all(post_to(client, url))
            await asyncio.sleep(POLL_S)


def listen(port: int) -> socket.socket:
    """Open a port of the loopback interface.

    Raises:
        ConfigurationError: the port cannot be used.
    """
    try:
        return socket.create_server((HOST, port))
    except OSError as error:
        raise ConfigurationError(f"Port {port} cannot be used: {error.strerror}. Choose another.") from error


@contextlib.asynccontextmanager
async def _running(served: Served, port: int) -> AsyncGenerator[str]:
    """Serve the App on a port of this machine while the block runs, and yield its address."""
    with listen(port) as listener:
        config = uvicorn.Config(
            served.http,
            log_config=None,
            access_log=False,
            http=LimitedConnection,
            limit_concurrency=raise_file_limit(),
        )
        server = UnsignalledServer(config)
        task = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started and not task.done():  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(POLL_S)
        try:
            yield f"http://{HOST}:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task


async def _wait(served: Served, events: "asyncio.Queue[StationEvent]", console: Console) -> ReviewRow:
    """Wait until the review has ended, and show the steps meanwhile."""
    with show_progress(console) as progress:
        async with asyncio.timeout(TIMEOUT_S):
            while True:
                while not events.empty():
                    progress(events.get_nowait())
                review = await asyncio.to_thread(load_newest_review, served.program.database)
                if review is not None and review.status in FINISHED and events.empty():
                    return review
                await asyncio.sleep(POLL_S)
