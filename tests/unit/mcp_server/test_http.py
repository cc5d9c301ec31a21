"""`/mcp` over HTTP, in process: the token, the Host, the Origin, and the tools behind them."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx2
import pytest
from fastapi import FastAPI
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from starlette.routing import Route

from app.mcp_server.http import PATH, McpAccess, McpEndpoint
from app.mcp_server.server import build_mcp_server
from app.mcp_server.service import ToolService

TOKEN = "a-token-of-the-mcp-server"
URL = "http://127.0.0.1:8000/mcp"
PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
ACCEPT = "application/json, text/event-stream"


@asynccontextmanager
async def opened(service: ToolService, *, hosts: tuple[str, ...] = ()) -> AsyncGenerator[FastAPI]:
    endpoint = McpEndpoint(lambda: build_mcp_server(service), McpAccess(token=TOKEN, hosts=hosts))
    app = FastAPI()
    app.router.routes.append(Route(PATH, endpoint))
    running = asyncio.create_task(endpoint.run())
    await asyncio.sleep(0)
    try:
        yield app
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def client_of(app: FastAPI, **headers: str) -> httpx2.AsyncClient:
    given = {"authorization": f"Bearer {TOKEN}", "accept": ACCEPT} | headers
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), headers=given)


async def test_a_tool_answers_over_http(keyless: ToolService) -> None:
    async with (
        opened(keyless) as app,
        client_of(app) as http,
        Client(streamable_http_client(URL, http_client=http)) as client,
    ):
        tools = {tool.name for tool in (await client.list_tools()).tools}
        code = "eval(input())\n"
        answer = await client.call_tool("security_scan", {"code": code, "language": "python"})

    assert "code_review" in tools
    assert answer.structured_content
    assert answer.structured_content["findings"]


@pytest.mark.parametrize(
    "given", ["", "Bearer ", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer ü"]
)
async def test_requests_without_the_token_are_rejected(keyless: ToolService, given: str) -> None:
    async with opened(keyless) as app, client_of(app) as http:
        headers = httpx2.Headers([(b"authorization", given.encode())])
        answer = await http.post(URL, json=PING, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"host": "evil.example"}, 421),
        ({"host": "quorum.example.com"}, 200),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "https://quorum.example.com"}, 200),
    ],
)
async def test_foreign_hosts_and_origins_are_rejected(
    keyless: ToolService, headers: dict[str, str], status: int
) -> None:
    async with opened(keyless, hosts=("quorum.example.com",)) as app, client_of(app, **headers) as http:
        answer = await http.post(URL, json=PING)
    assert answer.status_code == status


async def test_a_body_that_is_too_large_is_not_read(keyless: ToolService) -> None:
    async with opened(keyless) as app, client_of(app) as http:
        answer = await http.post(URL, content=b"x" * (4 * 1024 * 1024 + 1))
    assert answer.status_code == 413


async def test_a_server_that_is_not_running_says_so(keyless: ToolService) -> None:
    endpoint = McpEndpoint(lambda: build_mcp_server(keyless), McpAccess(token=TOKEN))
    app = FastAPI()
    app.router.routes.append(Route(PATH, endpoint))
    async with client_of(app) as http:
        assert (await http.post(URL, json=PING)).status_code == 503
