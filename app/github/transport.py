"""How requests to GitHub travel: one pool of connections, through a company's proxy, with one name and one time limit.

Knows no credential and reads no answer.
"""

from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

TIMEOUT_S = 30.0
USER_AGENT = "quorum-review"


class KeptOpenTransport(httpx.AsyncBaseTransport):
    """Shares one connection pool between clients that each close their transport after a request."""

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Sends the request."""
        return await self._transport.handle_async_request(request)

    async def aclose(self) -> None:
        """Nothing; `close` is for the owner."""

    async def close(self) -> None:
        """Closes the connections."""
        await self._transport.aclose()


def open_transport(api_url: str) -> httpx.AsyncBaseTransport:
    """A connection pool, through the environment's proxy where there is one (HTTPS_PROXY, NO_PROXY)."""
    parts = urlsplit(api_url)
    proxy = None if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme)
    return httpx.AsyncHTTPTransport(proxy=proxy, limits=httpx.Limits(max_connections=64, keepalive_expiry=30))
