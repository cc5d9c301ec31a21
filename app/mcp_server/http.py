"""The MCP server over HTTP at `/mcp`, with its own bearer token and checks of Host and Origin.

Loading the SDK takes a second and 25 MB, so it is loaded for the first authorized caller, who waits. Never logs a token.
"""

import asyncio
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

if TYPE_CHECKING:
    from mcp.server import MCPServer

PATH = "/mcp"
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


@dataclass(frozen=True, slots=True, kw_only=True)
class McpAccess:
    """Controls who may call: the token, and the public hosts in addition to loopback (`host` or `host:port`)."""

    token: str = field(repr=False)
    hosts: tuple[str, ...] = ()

    def allows(self, headers: Headers) -> bool:
        """Whether the request has the token, compared in constant time."""
        scheme, _, given = headers.get("authorization", "").partition(" ")
        same = hmac.compare_digest(given.strip().encode("utf-8", "replace"), self.token.encode())
        return scheme.lower() == "bearer" and same


class McpEndpoint:
    """The ASGI application of the route `PATH`; `run` opens the server behind it on the first call, until cancelled."""

    def __init__(self, build: "Callable[[], MCPServer]", access: McpAccess) -> None:
        self._build = build
        self._access = access
        self._called = asyncio.Event()
        self._opened: asyncio.Future[ASGIApp] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401 without the token and 503 if the server is not running; the SDK answers everything else."""
        if not self._access.allows(Headers(scope=scope)):
            refused = JSONResponse(
                {"error": "The token is missing or wrong."}, 401, {"WWW-Authenticate": "Bearer"}
            )
            return await refused(scope, receive, send)
        if self._opened is None:
            return await JSONResponse({"error": "The MCP server is not running."}, 503)(scope, receive, send)
        self._called.set()
        app = await asyncio.shield(self._opened)
        return await app(scope, receive, send)

    async def run(self) -> None:
        """Load the SDK on the first call, then keep its session manager open."""
        self._opened = asyncio.get_running_loop().create_future()
        try:
            await self._called.wait()
            server = await asyncio.to_thread(self._build)
            app = _http_app(server, self._access.hosts)
            async with server.session_manager.run():
                self._opened.set_result(app)
                await asyncio.Event().wait()
        finally:
            if not self._opened.done():
                self._opened.cancel()
            self._opened = None


def _http_app(server: "MCPServer", hosts: Sequence[str]) -> ASGIApp:
    from mcp.server.transport_security import TransportSecuritySettings

    known = [*LOOPBACK, *hosts]
    security = TransportSecuritySettings(
        allowed_hosts=[*known, *(f"{host}:*" for host in known)],
        allowed_origins=[
            *(f"http://{host}{port}" for host in LOOPBACK for port in ("", ":*")),
            *(f"https://{host}" for host in hosts),
        ],
    )
    return server.streamable_http_app(
        streamable_http_path=PATH, stateless_http=True, json_response=False, transport_security=security
    )
