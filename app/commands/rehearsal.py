"""`quorum demo --github`: only the stand-in for GitHub, to try `quorum setup` and `quorum serve` before you register an App.

Once the App is installed, the stand-in opens a pull request, sends its webhook and shows what the App posts. It sends nothing to
other machines: such deliveries are only logged, and `quorum serve --poll` reads them from the log.
"""

import asyncio
import contextlib
import logging
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from rich.console import Console

from app.commands.demo import listen
from app.commands.demo_view import ReviewView
from github_sandbox import GitHubSandbox, Pull
from github_sandbox.sample import build_sample_repository, open_sample_pull
from github_sandbox.sandbox import post_to, serve

POLL_S = 0.2
GREETING = """\
A stand-in for GitHub runs until you press Ctrl-C. In another terminal:
  mkdir -p rehearsal && cd rehearsal    # its credentials stay apart from yours
  export GITHUB_API_URL={api}
  ../.venv/bin/quorum setup
  ../.venv/bin/quorum serve --poll
Afterwards: cd .. && rm -r rehearsal && unset GITHUB_API_URL"""
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def rehearse(*, port: int) -> int:
    """Serve the stand-in until Ctrl-C."""
    logging.disable(logging.CRITICAL)  # the rehearsal owns the terminal
    with (
        contextlib.suppress(KeyboardInterrupt),
        tempfile.TemporaryDirectory(prefix="quorum-github-") as folder,
    ):
        asyncio.run(_rehearse(Path(folder), Console(), port=port))
    return 0


async def _rehearse(folder: Path, console: Console, *, port: int) -> None:
    sandbox = GitHubSandbox(folder)
    repository = build_sample_repository(sandbox, install=False)
    async with serve(sandbox, listen(port)), httpx.AsyncClient() as client:
        console.print(GREETING.format(api=sandbox.urls.api), highlight=False)
        sender = _WebhookSender(sandbox, client)
        await sender.run_until(lambda: sandbox.installation_on(repository.full_name) is not None)
        pull = open_sample_pull(repository)
        console.print(f"{pull.author.login} opens a pull request: [bold]{pull.title}[/]")
        console.print(f"Its page: {pull.html_url}", highlight=False)
        await sender.run_until(lambda: _is_reviewed(pull))
        ReviewView(console, pull).show_posted()
        await sender.run_until(lambda: False)


class _WebhookSender:
    """Sends webhooks to the hook's URL; deliveries to other machines fail and are logged."""

    def __init__(self, sandbox: GitHubSandbox, client: httpx.AsyncClient) -> None:
        self._sandbox = sandbox
        self._client = client

    async def run_until(self, is_done: Callable[[], bool]) -> None:
        while not is_done():
            await self._sandbox.deliver_all(self._send)
            await asyncio.sleep(POLL_S)

    async def _send(self, headers: Mapping[str, str], body: bytes) -> int:
        url = self._sandbox.app.webhook_url
        if urlsplit(url).hostname not in LOOPBACK:
            raise ConnectionError(f"{url} is not on this machine")
        return await post_to(self._client, url)(headers, body)


def _is_reviewed(pull: Pull) -> bool:
    """Whether every check run of the pull request has ended."""
    runs = pull.repository.check_runs.values()
    return bool(runs) and all(run.conclusion for run in runs)
