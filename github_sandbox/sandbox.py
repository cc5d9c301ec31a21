"""The ways into the stand-in: as an ASGI application, as an httpx transport, and on a port of this machine."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from functools import cached_property

import httpx
import uvicorn
from starlette.types import ASGIApp

from github_sandbox.asgi import SandboxTransport, build_asgi
from github_sandbox.hub import Hub
from github_sandbox.registration import Send
from github_sandbox.state import Urls


class GitHubSandbox(Hub):
    """A small, strict GitHub with one App, kept in memory and in bare git repositories under `root`."""

    @cached_property
    def asgi(self) -> ASGIApp:
        """REST at `/` and `/api/v3`, GraphQL at `/graphql` and `/api/graphql`, git at `/owner/repo.git`."""
        return build_asgi(self)

    def transport(self) -> SandboxTransport:
        """Return an httpx transport to this GitHub that accepts any host name."""
        return SandboxTransport(self.asgi)


class UnsignalledServer(uvicorn.Server):
    """A server that leaves signals to the program around it."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Capture no signals."""
        yield


@asynccontextmanager
async def serve(sandbox: GitHubSandbox, listener: socket.socket | None = None) -> AsyncGenerator[str]:
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
    """Return a sender for `deliver_all` that posts deliveries to a URL."""

    async def send(headers: Mapping[str, str], body: bytes) -> int:
        try:
            answer = await client.post(url, headers=dict(headers), content=body)
        except httpx.TimeoutException as error:
            raise TimeoutError from error
        except httpx.TransportError as error:
            raise ConnectionError(str(error)) from error
        return answer.status_code

    return send
