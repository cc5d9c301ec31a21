"""The stand-in on a port of this machine, and a sender of its webhooks over HTTP: what `quorum demo` runs."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

import httpx
import uvicorn

from app.errors import ConfigurationError
from app.sandbox.hooks import Send
from app.sandbox.rendering import Urls

if TYPE_CHECKING:
    from app.sandbox.hub import GitHubSandbox


class UnsignalledServer(uvicorn.Server):
    """Leaves signals to the program that it runs in."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Capture none."""
        yield


@asynccontextmanager
async def serve(sandbox: "GitHubSandbox", *, port: int = 0) -> AsyncGenerator[str]:
    """Serve on loopback while the block runs; gives the address, below which GitHub Enterprise's paths are.

    `GITHUB_API_URL` is the address with `/api/v3`; `sandbox.urls` says the same afterwards. Port 0: any free one.

    Raises:
        ConfigurationError: the port is taken.
    """
    try:
        listener = socket.create_server(("127.0.0.1", port))
    except OSError as error:
        raise ConfigurationError(f"Port {port} cannot be used: {error.strerror}. Choose another.") from error
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
