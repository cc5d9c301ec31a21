"""The MCP Inspector's command line, the protocol's own tool, as a stranger to our SDK. Needs Node.js and `npm install --global
@modelcontextprotocol/inspector`; skipped where it is not at hand, because `make test` needs no npm.

https://modelcontextprotocol.io/docs/tools/inspector
"""

import asyncio
import json
import shutil
import socket
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from app.mcp_server.service import ToolService
from tests.unit.mcp_server.test_http import PATH, TOKEN, opened

INSPECTOR = shutil.which("mcp-inspector")
QUORUM = str(Path(sys.executable).parent / "quorum")
SINK = "import os\n\n\ndef run():\n    os.system('ls ' + input())\n"

pytestmark = pytest.mark.skipif(
    INSPECTOR is None, reason="the MCP Inspector is not installed: npm i -g @modelcontextprotocol/inspector"
)


async def inspect(folder: Path, target: list[str], method: str, *more: str) -> dict[str, Any]:
    """What the Inspector prints; it ends with an error where an answer breaks the protocol."""
    assert INSPECTOR
    process = await asyncio.create_subprocess_exec(
        *(INSPECTOR, "--cli", *target, "--method", method, *more),
        cwd=folder,
        env={"PATH": f"{Path(INSPECTOR).parent}:/usr/bin:/bin", "HOME": str(folder)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, complained = await process.communicate()
    assert process.returncode == 0, complained.decode()
    return json.loads(said)


@pytest.fixture
async def over_http(keyless: ToolService) -> AsyncGenerator[list[str]]:
    """The endpoint on a port of this machine, and how the Inspector gets there with the token."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with opened(keyless) as app:
            server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
            task = asyncio.create_task(server.serve(sockets=[listener]))
            url = f"http://127.0.0.1:{listener.getsockname()[1]}{PATH}"
            yield [url, "--transport", "http", "--header", f"Authorization: Bearer {TOKEN}"]
            server.should_exit = True
            await task


async def check(folder: Path, target: list[str]) -> None:
    tools = await inspect(folder, target, "tools/list")
    assert {"code_review", "security_scan", "doc_generator", "review_pipeline"} <= {
        tool["name"] for tool in tools["tools"]
    }
    given = ("--tool-name", "security_scan", "--tool-arg", f"code={SINK}", "--tool-arg", "language=python")
    scan = await inspect(folder, target, "tools/call", *given)
    assert scan["structuredContent"]["findings"]
    resources = await inspect(folder, target, "resources/list")
    assert "quorum://configuration/schema" in {each["uri"] for each in resources["resources"]}
    prompts = await inspect(folder, target, "prompts/list")
    assert {"review", "security", "docs"} == {each["name"] for each in prompts["prompts"]}


async def test_the_inspector_works_over_stdio(tmp_path: Path) -> None:
    await check(tmp_path, [QUORUM, "mcp"])


async def test_the_inspector_works_over_http_with_the_token(tmp_path: Path, over_http: list[str]) -> None:
    await check(tmp_path, over_http)


async def test_the_inspector_is_rejected_without_the_token(tmp_path: Path, over_http: list[str]) -> None:
    with pytest.raises(AssertionError):
        await inspect(tmp_path, over_http[:3], "tools/list")
