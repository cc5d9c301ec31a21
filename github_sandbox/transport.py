"""An httpx transport into the stand-in, without a socket. Whatever host a client asks for, it gets this GitHub."""

import httpx
from starlette.types import ASGIApp

from github_sandbox.limits import NoAnswer


class SandboxTransport(httpx.AsyncBaseTransport):
    """Like `httpx.ASGITransport`, and a request without an answer becomes a read timeout at once."""

    def __init__(self, app: ASGIApp) -> None:
        self._inner = httpx.ASGITransport(app=app)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        request.headers["x-sandbox-in-process"] = "1"
        try:
            return await self._inner.handle_async_request(request)
        except NoAnswer as error:
            raise httpx.ReadTimeout("the server did not answer", request=request) from error
