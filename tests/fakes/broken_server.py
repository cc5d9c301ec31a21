"""A server on loopback whose connections break as real ones do: on a socket, in the middle of a response.

async with broken_server(Break.CUTS_BODY) as address:  # http://127.0.0.1:PORT
"""

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from enum import StrEnum

HALF = b'{"id": "x", "type": "message", "content": [{"type": "text", "te'
LENGTH = re.compile(rb"(?i)content-length: (\d+)")


class Break(StrEnum):
    """Where the connection breaks, after the whole request was read."""

    DROPS_CONNECTION = "drops the connection"  # closed without a byte of an answer
    RESETS_CONNECTION = "resets the connection"
    CUTS_BODY = "cuts the body"  # less than Content-Length says
    CUTS_CHUNKS = "cuts the body's chunks"  # no last chunk
    STOPS_HALFWAY = "stops halfway"  # and keeps the connection


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
SAID = {
    Break.CUTS_BODY: HEAD + b"Content-Length: 4096\r\n\r\n" + HALF,
    Break.CUTS_CHUNKS: HEAD + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n" % (len(HALF), HALF),
    Break.STOPS_HALFWAY: HEAD + b"Content-Length: 4096\r\n\r\n" + HALF,
}


@asynccontextmanager
async def broken_server(how: Break) -> AsyncGenerator[str]:
    """Run the server; yields its address."""
    done = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = LENGTH.search(head)
        await reader.readexactly(int(length[1]) if length else 0)
        writer.write(SAID.get(how, b""))
        await writer.drain()
        if how is Break.STOPS_HALFWAY:
            await done.wait()
        if how is Break.RESETS_CONNECTION:
            writer.transport.abort()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        done.set()
        server.close()
        await server.wait_closed()
