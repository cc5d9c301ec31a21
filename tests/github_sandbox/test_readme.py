"""The examples and the command of the package's page work."""

import inspect
import re
import sys
from asyncio import create_subprocess_exec, subprocess
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

import github_sandbox
from github_sandbox import GitHubSandbox
from github_sandbox.__main__ import main
from github_sandbox.registration import sign
from github_sandbox.sandbox import serve

PAGE = Path(github_sandbox.__file__).with_name("README.md")


def _tests_on_the_page() -> dict[str, Callable[..., Any]]:
    found: dict[str, Callable[..., Any]] = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL):
        names: dict[str, Any] = {}
        exec(compile(block, str(PAGE), "exec"), names)
        found |= {name: value for name, value in names.items() if name.startswith("test_")}
    return found


EXAMPLES = _tests_on_the_page()


@pytest.mark.parametrize("name", EXAMPLES)
async def test_the_examples_of_the_page_pass(name: str, tmp_path: Path) -> None:
    result = EXAMPLES[name](tmp_path)
    if inspect.isawaitable(result):
        await result


def test_every_python_block_of_the_page_is_one_test() -> None:
    assert len(EXAMPLES) == PAGE.read_text().count("```python")


async def test_the_command_sends_the_webhooks_of_a_sample_pull_request(tmp_path: Path) -> None:
    received: list[Request] = []

    async def receive(request: Request) -> Response:
        await request.body()
        received.append(request)
        return Response(status_code=202)

    class Receiver(GitHubSandbox):
        @cached_property
        def asgi(self) -> ASGIApp:
            return Starlette(routes=[Route("/hook", receive, methods=["POST"])])

    async with AsyncExitStack() as stack:
        address = await stack.enter_async_context(serve(Receiver(tmp_path)))
        command = [sys.executable, "-m", "github_sandbox", "--webhook", f"{address}/hook"]
        process = await create_subprocess_exec(*command, stdout=subprocess.PIPE)
        stack.push_async_callback(process.wait)
        stack.callback(process.terminate)
        assert process.stdout
        lines: list[str] = []
        while not any("webhook pull_request opened: OK (202)" in line for line in lines):
            lines.append((await process.stdout.readline()).decode())
        secret = next(line.split()[-1] for line in lines if line.startswith("webhook secret"))
        api = next(line.split()[-1] for line in lines if line.startswith("REST API"))
        async with httpx.AsyncClient() as client:
            assert (await client.get(f"{api}/repos/acme/payments/pulls/1")).status_code == 200
    body = await received[0].body()
    assert received[0].headers["x-hub-signature-256"] == sign(secret, body)


def test_the_command_requires_a_webhook_url(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([])
    assert "--webhook" in capsys.readouterr().err
