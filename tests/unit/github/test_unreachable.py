"""Real connections that fail: the message says why, and what to do."""

import asyncio
import socket
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.errors import GitHubUnavailable
from app.github.client import token_client


def self_signed(folder: Path) -> ssl.SSLContext:
    """A server that shows a certificate of its own for 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    no_password = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, no_password)
    (folder / "server.pem").write_bytes(pem + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return context


@asynccontextmanager
async def listening(context: ssl.SSLContext | None) -> AsyncGenerator[int]:
    """Yield the port of a server that closes each connection."""

    async def close(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(close, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


def unresolved(request: httpx.Request) -> httpx.Response:
    """What httpx raises for a name without an address; tests reach no name server."""
    error = httpx.ConnectError("[Errno -2]", request=request)
    error.__cause__ = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    raise error


async def failure_at(api_url: str, transport: httpx.AsyncBaseTransport | None = None) -> GitHubUnavailable:
    client = token_client("token", "octo/shop", api_url=api_url, transport=transport)
    with pytest.raises(GitHubUnavailable) as caught:
        await client.fetch(client.rest.pulls.async_get("octo", "shop", 1), to="read octo/shop#1")
    return caught.value


async def test_a_name_without_an_address_is_a_problem_of_dns() -> None:
    failure = await failure_at("https://github.invalid/api/v3", httpx.MockTransport(unresolved))
    assert "the name github.invalid cannot be resolved" in str(failure)
    assert failure.cause == "name"


async def test_a_replaced_certificate_is_named(tmp_path: Path) -> None:
    async with listening(self_signed(tmp_path)) as port:
        failure = await failure_at(f"https://127.0.0.1:{port}/api/v3")
    assert "the certificate of 127.0.0.1 is not trusted (self-signed certificate)" in str(failure)
    assert failure.cause == "certificate"


async def test_a_server_without_tls_and_a_closed_port_are_told_apart() -> None:
    async with listening(None) as port:
        assert "127.0.0.1 does not speak TLS here" in str(
            await failure_at(f"https://127.0.0.1:{port}/api/v3")
        )
    assert "127.0.0.1 refuses the connection" in str(await failure_at(f"https://127.0.0.1:{port}/api/v3"))
