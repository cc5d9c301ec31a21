"""`python -m github_sandbox`: serve a GitHub with a sample repository, and send its webhooks to an App under development."""

import argparse
import asyncio
import contextlib
import socket
import sys
import tempfile
from pathlib import Path

import httpx

from github_sandbox.sample import build_sample
from github_sandbox.sandbox import GitHubSandbox, post_to, serve
from github_sandbox.state import Posted

POLL_S = 0.2
SETTINGS = """\
REST API        {api}
pages           {html}
App id          {id}
private key     {key}
webhook secret  {secret}
"""


def main(arguments: list[str] | None = None) -> None:
    """Run until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m github_sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port on the loopback interface (default: any)")
    parser.add_argument("--webhook", required=True, metavar="URL", help="where to send the webhooks")
    options = parser.parse_args(arguments)
    with contextlib.suppress(KeyboardInterrupt), tempfile.TemporaryDirectory(prefix="github-") as folder:
        asyncio.run(_run(Path(folder), socket.create_server(("127.0.0.1", options.port)), options.webhook))


async def _run(folder: Path, listener: socket.socket, webhook: str) -> None:
    sandbox = GitHubSandbox(folder / "github")
    sandbox.app.webhook_url = webhook
    key = folder / "private-key.pem"
    key.write_text(sandbox.app.private_key)
    async with serve(sandbox, listener), httpx.AsyncClient() as client:
        app = sandbox.app
        _print(
            SETTINGS.format(
                api=sandbox.urls.api,
                html=sandbox.urls.html,
                id=app.id,
                key=key,
                secret=app.webhook_secret,
            )
        )
        pull = build_sample(sandbox)
        _print(f"{pull.author.login} opens {pull.html_url}: {pull.title}\n")
        while True:
            for sent in await sandbox.deliver_all(post_to(client, webhook)):
                _print(f"webhook {sent.event} {sent.action or ''}: {sent.status} ({sent.status_code})\n")
            for item in pull.take_all():
                _print(_describe(item))
            await asyncio.sleep(POLL_S)


def _describe(item: Posted) -> str:
    verb = "edited" if item.edited else "posted"
    return f"the App {verb} {item.kind} {item.id}: {item.body}\n"


def _print(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
