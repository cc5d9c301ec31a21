"""The examples in deploy/proxy/ run in the real programs, in front of the real receiver."""

import asyncio
import hashlib
import hmac
import os
import re
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn
from fastapi import FastAPI, Request, Response
from starlette.requests import ClientDisconnect

from tests.unit.repository.files import read

SECRET = b"a webhook secret for the proxies"
UNUSUAL = b'{"a": "\xf0\x9f\x9a\x80 \\u0000",\r\n\t"b":  "\xe2\x80\xa8" }\n' + bytes(range(32, 256)) * 40_000


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def application() -> FastAPI:
    """An application that answers 202 if the signature matches the bytes that arrived, else 401."""
    app = FastAPI()

    @app.post("/webhooks/github")
    async def receive(request: Request) -> Response:  # pyright: ignore[reportUnusedFunction]
        try:
            body = await request.body()
        except ClientDisconnect:  # the proxy stopped at its limit
            return Response(status_code=400)
        digest = hmac.new(SECRET, body, hashlib.sha256).hexdigest()
        return Response(
            status_code=202 if request.headers["x-hub-signature-256"] == f"sha256={digest}" else 401
        )

    @app.get("/healthz")
    async def healthz() -> Response:  # pyright: ignore[reportUnusedFunction]
        return Response()

    return app


def nginx(folder: Path, *, port: int, upstream: int) -> list[str]:
    """Write the example as a complete configuration without TLS, and return the command."""
    server = re.sub(r"(?m)^ *ssl_certificate.*\n", "", read("deploy/proxy/nginx.conf"))
    server = server.replace("443 ssl", f"127.0.0.1:{port}").replace("127.0.0.1:8000", f"127.0.0.1:{upstream}")
    paths = "".join(
        f"{name}_temp_path {folder / name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;" if os.geteuid() == 0 else ""  # else a worker of nginx could not write to this folder
    (folder / "nginx.conf").write_text(
        f"{user} daemon off; pid {folder / 'pid'}; error_log stderr; events {{}} http {{ access_log off; {paths} {server} }}",
        encoding="utf-8",
    )
    return ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")]


def caddy(folder: Path, *, port: int, upstream: int) -> list[str]:
    """Write the example for a plain address, and return the command."""
    text = read("deploy/proxy/Caddyfile").replace("quorum.example.com", f"http://127.0.0.1:{port}")
    text = "{\n\tadmin off\n}\n" + text.replace("127.0.0.1:8000", f"127.0.0.1:{upstream}")
    (folder / "Caddyfile").write_text(text, encoding="utf-8")
    return ["caddy", "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


@contextmanager
def running(command: list[str], folder: Path) -> Generator[None]:
    environment = os.environ | {
        "HOME": str(folder),
        "XDG_DATA_HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder),
    }
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


async def until_up(client: httpx.AsyncClient) -> None:
    """Wait until the proxy reaches the application; the test's own time limit bounds it."""
    while True:
        try:
            if (await client.get("/healthz")).status_code == 200:
                return
        except httpx.TransportError:
            pass
        await asyncio.sleep(0.05)


async def statuses(url: str) -> list[int]:
    """The answers to a signed body, the same body in chunks, a changed body, and a body over GitHub's limit."""

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(UNUSUAL), 100_000):
            yield UNUSUAL[start : start + 100_000]

    signature = "sha256=" + hmac.new(SECRET, UNUSUAL, hashlib.sha256).hexdigest()
    headers = {"x-hub-signature-256": signature, "content-type": "application/json"}
    async with httpx.AsyncClient(base_url=url, timeout=600) as client:
        await until_up(client)
        bodies = (UNUSUAL, chunks(), UNUSUAL + b" ", bytes(26 * 1024 * 1024))
        answers = [await client.post("/webhooks/github", content=body, headers=headers) for body in bodies]
    return [answer.status_code for answer in answers]


@pytest.mark.parametrize(("program", "proxy"), [("nginx", nginx), ("caddy", caddy)])
async def test_a_proxy_passes_the_body_on_byte_for_byte_up_to_githubs_limit(
    program: str, proxy: Callable[..., list[str]], tmp_path: Path
) -> None:
    if not shutil.which(program):
        pytest.skip(f"{program} is not installed; Debian has a package of that name")
    port, upstream = free_port(), free_port()
    server = uvicorn.Server(uvicorn.Config(application(), port=upstream, log_config=None, lifespan="off"))
    task = asyncio.create_task(server.serve())
    try:
        with running(proxy(tmp_path, port=port, upstream=upstream), tmp_path):
            *answers, oversized = await statuses(f"http://127.0.0.1:{port}")
            assert answers == [202, 202, 401]
            assert oversized in {413, 502}  # Caddy before 2.7 answers 502
    finally:
        server.should_exit = True
        await task
