"""Runs `quorum setup` against the stand-in for GitHub until a browser registers the App: for the browser tests and the screenshots."""

import asyncio
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.commands.setup import FINAL_PAGE_S, SetupOptions, register
from app.main import Network
from app.settings import Settings
from github_sandbox import GitHubSandbox
from github_sandbox.sample import build_sample_repository
from github_sandbox.sandbox import serve

PAGE_WAIT_S = 300  # only bounds a hang


async def arrives(headers: Mapping[str, str], body: bytes) -> int:
    """A receiver that accepts everything."""
    del headers, body
    return 200


@dataclass(kw_only=True)
class Registering:
    """A run of `quorum setup` in a thread with its own event loop."""

    folder: Path
    github: GitHubSandbox
    loop: asyncio.AbstractEventLoop
    page: str = ""
    exit_code: int | None = None

    @property
    def env_file(self) -> Path:
        """Where the credentials are written."""
        return self.folder / ".env"

    def deliver(self) -> None:
        """Deliver GitHub's webhooks."""
        asyncio.run_coroutine_threadsafe(self.github.deliver_all(arrives), self.loop).result(PAGE_WAIT_S)


@contextmanager
def registering(folder: Path, options: SetupOptions) -> Generator[Registering]:
    """Run `quorum setup` with these options while the block runs, and wait for its end."""
    run = Registering(folder=folder, github=GitHubSandbox(folder / "github"), loop=asyncio.new_event_loop())
    build_sample_repository(run.github, install=False)
    opened, left = threading.Event(), asyncio.Event()

    def open_browser(url: str) -> None:
        run.page = url
        opened.set()

    async def sleep(seconds: float) -> None:
        """Poll the log often, but leave the browser the full time for the final page."""
        await asyncio.sleep(seconds if seconds == FINAL_PAGE_S else 0.02)

    async def work() -> None:
        async with serve(run.github):
            settings = {"github_api_url": run.github.urls.api, "quorum_data_dir": folder / "data"}
            run.exit_code = await register(
                options,
                Settings.model_validate(settings),
                env_file=run.env_file,
                network=Network(),
                open_browser=open_browser,
                sleep=sleep,
            )
            await left.wait()  # GitHub keeps running after `quorum setup` has ended

    thread = threading.Thread(target=lambda: run.loop.run_until_complete(work()))
    thread.start()
    try:
        assert opened.wait(PAGE_WAIT_S)
        yield run
    finally:
        run.loop.call_soon_threadsafe(left.set)
        thread.join(PAGE_WAIT_S)
        run.loop.close()
