"""Dynamic testing with the real schemathesis against a real API on this machine: it finds what is broken, and calls what it may."""

import asyncio
import json
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from app.mcp_server.scans import DastPolicy, scan_running_api


@dataclass
class Target:
    """An API with one operation that breaks, and what was asked of it."""

    app: FastAPI
    asked: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    address: str = ""

    @property
    def policy(self) -> DastPolicy:
        return DastPolicy(targets=(self.address,))

    def description(self) -> str:
        return json.dumps(self.app.openapi() | {"servers": [{"url": f"http://{self.address}"}]})


def build_target() -> Target:
    app = FastAPI(title="shop", version="1")
    target = Target(app)

    @app.middleware("http")
    async def note(  # pyright: ignore[reportUnusedFunction]
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        target.asked.append((request.method, request.url.path))
        return await call_next(request)

    @app.get("/orders/{number}")
    def order(number: int) -> Response:  # pyright: ignore[reportUnusedFunction]
        return JSONResponse({"number": number}, status_code=500 if number % 2 else 200)

    @app.get("/health")
    def health() -> dict[str, str]:  # pyright: ignore[reportUnusedFunction]
        return {"status": "up"}

    @app.delete("/orders/{number}")
    def delete(number: int) -> dict[str, int]:  # pyright: ignore[reportUnusedFunction]
        return {"deleted": number}

    return target


@asynccontextmanager
async def running() -> AsyncGenerator[Target]:
    target = build_target()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        target.address = f"127.0.0.1:{listener.getsockname()[1]}"
        server = uvicorn.Server(uvicorn.Config(target.app, log_config=None, lifespan="off"))
        task = asyncio.create_task(server.serve(sockets=[listener]))
        yield target
        server.should_exit = True
        await task


async def test_a_failing_operation_is_found_and_nothing_is_deleted() -> None:
    async with running() as target:
        said = await scan_running_api(target.description(), target.policy, duration_s=4)

    assert said.status == "checked", said.notes
    assert any(f.severity == "critical" and f.path == "GET /orders/{number}" for f in said.findings)
    assert {method for method, _ in target.asked} <= {"GET", "HEAD"}
    assert {path.split("/")[1] for _, path in target.asked} >= {"orders", "health"}


async def test_nothing_is_sent_if_the_operator_allows_no_target() -> None:
    async with running() as target:
        said = await scan_running_api(target.description(), DastPolicy())

    assert said.status == "not_applicable"
    assert target.asked == []
