"""The stand-in on a port of this machine, and a sender of its webhooks over HTTP: what `quorum demo` runs."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

import httpx
import uvicorn

from github_sandbox.hooks import Send
from github_sandbox.rendering import Urls

if TYPE_CHECKING:
    from github_sandbox.hub import GitHubSandbox


class UnsignalledServer(uvicorn.Server):
    """Leaves signals to the program that it runs in."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Capture none."""
        yield


@asynccontextmanager
async def serve(sandbox: "GitHubSandbox", listener: socket.socket | None = None) -> AsyncGenerator[str]:
    """Serve the stand-in while the block runs, and yield its address; by default on a free port of the loopback interface.

    Paths are those of GitHub Enterprise Server: the REST API is at the address plus `/api/v3`, as `sandbox.urls` says.
    """
    listener = listener or socket.create_server(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    sandbox.urls = Urls(api=f"{address}/api/v3", html=address)
    config = uvicorn.Config(sandbox.asgi, log_level="warning", access_log=False, lifespan="off")
    server = UnsignalledServer(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield address
    finally:
        server.should_exit = True
        await task


def post_to(client: httpx.AsyncClient, url: str) -> Send:
    """A sender that posts deliveries to a receiver's address."""

    async def send(headers: Mapping[str, str], body: bytes) -> int:
        try:
            answer = await client.post(url, headers=dict(headers), content=body)
        except httpx.TimeoutException as error:
            raise TimeoutError from error
        except httpx.TransportError as error:
            raise ConnectionError(str(error)) from error
        return answer.status_code

    return send
