"""Raw sockets against uvicorn with our limits."""

import asyncio
import resource
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from app.serving.connections import ConnectionTimeouts, LimitedConnection, raise_file_limit
from github_sandbox.sandbox import UnsignalledServer

HALF = b"GET / HTTP/1.1\r\nHost: quorum\r\nX-Half"
REQUEST = b"GET / HTTP/1.1\r\nHost: quorum\r\n\r\n"

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class ShortLived(LimitedConnection):
    timeouts = ConnectionTimeouts(waiting_s=0.2, refused_s=0.2, stalled_s=0.2, sending_s=0.2)


class Patient(LimitedConnection):
    timeouts = ConnectionTimeouts(waiting_s=60, refused_s=60, stalled_s=60, sending_s=60)


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer at once, after the body, never, or with a lot."""
    path = scope["path"]
    if path == "/read":
        while (await receive()).get("more_body"):
            pass
    if path == "/never":
        await asyncio.Event().wait()
    body = b"x" * (50_000_000 if path == "/large" else 2)
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class Server:
    """The server, and the connections to it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._writers: list[asyncio.StreamWriter] = []

    async def open(self, data: bytes) -> Streams:
        """Open a connection and send the data."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._writers.append(writer)
        writer.write(data)
        await asyncio.sleep(0.01)
        return reader, writer

    async def close(self) -> None:
        """Close the connections that are still open."""
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.sleep(0.01)


@asynccontextmanager
async def served(protocol: type[LimitedConnection], *, connections: int = 10) -> AsyncGenerator[Server]:
    """Serve on a port of this machine."""
    config = uvicorn.Config(
        answer, http=protocol, limit_concurrency=connections + 1, lifespan="off", log_config=None,
        timeout_graceful_shutdown=0,
    )  # fmt: skip
    server = UnsignalledServer(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        clients = Server(listener.getsockname()[1])
        task = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
        yield clients
        await clients.close()
        server.should_exit = True
        await task


async def is_closed(streams: Streams) -> bool:
    """Whether the server closes the connection."""
    try:
        await streams[0].read()
    except ConnectionError:
        return True
    return True


async def status_of(streams: Streams) -> bytes:
    return (await streams[0].readline()).split()[1]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        HALF,
        b"POST /read HTTP/1.1\r\nHost: quorum\r\nContent-Length: 100\r\n\r\nx",
        b"POST / HTTP/1.1\r\nHost: quorum\r\nContent-Length: 100\r\n\r\nx",  # answered before its body arrived
        REQUEST + HALF,
    ],
    ids=["nothing", "half a header", "half a body", "half an unread body", "half a second header"],
)
async def test_a_request_that_does_not_arrive_is_cut_off(data: bytes) -> None:
    async with served(ShortLived) as server:
        assert await is_closed(await server.open(data))


async def test_a_header_that_arrives_byte_by_byte_is_cut_off() -> None:
    async with served(ShortLived) as server:
        reader, writer = await server.open(b"")
        ended = asyncio.create_task(is_closed((reader, writer)))
        for byte in HALF * 10:
            writer.write(bytes([byte]))
            await asyncio.wait([ended], timeout=0.02)
            if ended.done():
                break
        assert ended.done()


async def test_a_client_that_does_not_read_its_response_is_cut_off() -> None:
    async with served(ShortLived) as server:
        _, writer = await server.open(b"GET /large HTTP/1.1\r\nHost: quorum\r\n\r\n")
        while not writer.is_closing():
            writer.write(REQUEST)
            await asyncio.sleep(0.05)


async def test_work_of_the_app_is_not_cut_off() -> None:
    async with served(ShortLived) as server:
        reader, _ = await server.open(b"GET /never HTTP/1.1\r\nHost: quorum\r\n\r\n")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(), 0.6)


async def test_beside_many_idle_connections_a_request_is_answered() -> None:
    async with served(Patient, connections=10) as server:
        idle = [await server.open(HALF) for _ in range(25)]
        assert await status_of(await server.open(REQUEST)) == b"200"
        assert await is_closed(idle[0])


async def test_idle_connections_give_way_before_bodies_that_arrive() -> None:
    async with served(Patient, connections=4) as server:
        body = b"POST /read HTTP/1.1\r\nHost: quorum\r\nContent-Length: 2\r\n\r\n"
        sending = [await server.open(body) for _ in range(2)]
        for _ in range(10):
            await server.open(HALF)
        for streams in sending:
            streams[1].write(b"xx")
            assert await status_of(streams) == b"200"


async def test_bodies_that_do_not_end_give_way_to_a_new_request() -> None:
    async with served(Patient, connections=4) as server:
        body = b"POST /read HTTP/1.1\r\nHost: quorum\r\nContent-Length: 9\r\n\r\nx"
        for _ in range(10):
            await server.open(body)
        assert await status_of(await server.open(REQUEST)) == b"200"


async def test_when_every_connection_works_a_new_one_is_answered_503() -> None:
    async with served(Patient, connections=2) as server:
        for _ in range(2):
            await server.open(b"GET /never HTTP/1.1\r\nHost: quorum\r\n\r\n")
        assert await status_of(await server.open(REQUEST)) == b"503"


def test_a_low_limit_of_open_files_is_raised() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
        connections = raise_file_limit()
        assert connections < resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        assert 256 < resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
