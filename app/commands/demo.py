"""`quorum demo`: the whole App on the loopback interface against the stand-in for GitHub, and its review of a sample pull request.

This is the production path: a signed webhook over HTTP, the durable engine, SQLite, the real clients. Data goes to a temporary
directory, never to the operator's. Models are used only if their keys are in the environment.
"""

import asyncio
import contextlib
import logging
import socket
import tempfile
from collections.abc import AsyncGenerator
from pathlib import Path

import httpx
import uvicorn
from rich.console import Console

from app.commands.demo_view import ReviewView, show_progress
from app.domain.review import ReviewStatus, StationEvent
from app.errors import ConfigurationError
from app.main import build_program
from app.serving.app import Served, build_served
from app.serving.connections import LimitedConnection, raise_file_limit
from app.settings import Settings, load_settings
from app.store.review_tables import ReviewRow
from app.store.reviews import load_newest_review
from github_sandbox import GitHubSandbox
from github_sandbox.sample import build_sample
from github_sandbox.sandbox import UnsignalledServer, post_to, serve

HOST = "127.0.0.1"
POLL_S = 0.05
TIMEOUT_S = 1_800.0  # leaves time for slow models
FINISHED = frozenset({ReviewStatus.COMPLETED, ReviewStatus.FAILED, ReviewStatus.SUPERSEDED})


def demo(*, once: bool, port: int) -> int:
    """Run the demo and return the exit code."""
    logging.disable(logging.CRITICAL)  # the demo owns the terminal
    console = Console()
    with contextlib.suppress(KeyboardInterrupt), tempfile.TemporaryDirectory(prefix="quorum-demo-") as folder:
        return asyncio.run(_demo(Path(folder), console, once=once, port=port))
    return 0


async def _demo(folder: Path, console: Console, *, once: bool, port: int) -> int:
    sandbox = GitHubSandbox(folder / "github")
    events: asyncio.Queue[StationEvent] = asyncio.Queue()
    async with serve(sandbox):
        program = build_program(_settings(sandbox, folder))
        served = build_served(program, watch=events.put_nowait, open_dashboard=True)
        async with _running(served, port) as app_url:
            pull = build_sample(sandbox)
            console.print(f"{pull.author.login} opens a pull request: [bold]{pull.title}[/]")
            async with httpx.AsyncClient() as client:
                await sandbox.deliver_all(post_to(client, f"{app_url}/webhooks/github"))
            review = await _wait(served, events, console)
            ReviewView(console, pull).show(review, dashboard=f"{app_url}/reviews/{review.id}")
            if not once:
                console.print("The dashboard stays open until you press Ctrl-C.")
                await asyncio.Event().wait()
    return 0 if review.status == ReviewStatus.COMPLETED else 1


def _settings(sandbox: GitHubSandbox, folder: Path) -> Settings:
    """The operator's models; all other settings are the demo's own."""
    own = {
        "github_app_id": str(sandbox.app.id),
        "github_app_private_key": sandbox.app.private_key,
        "github_webhook_secret": sandbox.app.webhook_secret,
        "github_api_url": sandbox.urls.api,
        "quorum_data_dir": folder / "data",
        "quorum_database_url": None,
        "quorum_paused": False,
        "quorum_allowed_owners": (),
    }
    environment = load_settings(env_file=None)
    return Settings.model_validate({**environment.model_dump(), **own})


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
