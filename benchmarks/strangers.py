"""Clients without the secret, over raw sockets: large bodies, idle connections, and headers that arrive byte by byte.

Parts of `benchmarks.forged`.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

LARGE_BYTES = 24 * 1024 * 1024
PART = b"x" * 65_536
WRONG_SIGNATURE = b"X-Hub-Signature-256: sha256=" + b"0" * 64 + b"\r\n"
HALF_A_HEADER = b"POST /webhooks/github HTTP/1.1\r\nHost: quorum\r\nX-Half"
ANSWER_S = 30.0


async def post_large_bodies(port: int, *, clients: int, header: bytes) -> Counter[str]:
    """Post from all clients at the same time; count the statuses."""
    return Counter(await asyncio.gather(*(_post_large(port, header) for _ in range(clients))))


async def _post_large(port: int, header: bytes) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        b"POST /webhooks/github HTTP/1.1\r\nHost: quorum\r\nX-GitHub-Event: push\r\nX-GitHub-Delivery: 1\r\n"
        + header
        + f"Content-Length: {LARGE_BYTES}\r\n\r\n".encode()
    )
    sending = asyncio.create_task(_send_body(writer))
    try:
        async with asyncio.timeout(ANSWER_S):
            return (await reader.readline()).decode().partition(" ")[2][:3] or "closed"
    except ConnectionError:
        return "reset"
    except TimeoutError:
        return "silent"
    finally:
        sending.cancel()
        writer.close()


async def _send_body(writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        for _ in range(LARGE_BYTES // len(PART)):
            writer.write(PART)
            await writer.drain()


@asynccontextmanager
async def idle_connections(port: int, *, count: int) -> AsyncGenerator[list[asyncio.StreamReader]]:
    """Hold connections that send half a header and then nothing."""
    async with AsyncExitStack() as stack:
        readers: list[asyncio.StreamReader] = []
        for _ in range(count):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            stack.callback(writer.close)
            writer.write(HALF_A_HEADER)
            readers.append(reader)
        yield readers


async def drip_header_s(port: int) -> float:
    """Send a header with one byte a second; return after how many seconds the server closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    started_s = time.monotonic()
    ended = asyncio.create_task(reader.read())
    for byte in HALF_A_HEADER:
        writer.write(bytes([byte]))
        await asyncio.wait([ended], timeout=1.0)
        if ended.done():
            break
    writer.close()
    with suppress(ConnectionError):
        await ended
    return time.monotonic() - started_s
