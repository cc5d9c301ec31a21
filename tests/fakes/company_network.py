"""A company's network on loopback: a proxy that accepts CONNECT, and behind it every host with a certificate from a private CA.

    async with company_network(vendors.app, hosts=("api.openai.com",), folder=tmp_path) as network:
        network.environment  # what a company sets on its machines
        network.connected    # the names of the hosts that clients connected to

TLS is real, names are the vendors' own; nothing is looked up and nothing leaves the machine.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from starlette.types import ASGIApp

from github_sandbox.sandbox import UnsignalledServer


@dataclass(kw_only=True)
class CompanyNetwork:
    """The proxy's address, the CA's certificate, and the hosts that clients connected to."""

    proxy: str
    authority: Path
    connected: list[str] = field(default_factory=list[str])

    @property
    def environment(self) -> dict[str, str]:
        """The variables of a machine; `REQUESTS_CA_BUNDLE` is for Google's sign-in, which has its own HTTP client."""
        return {
            "HTTPS_PROXY": self.proxy,
            "SSL_CERT_FILE": str(self.authority),
            "REQUESTS_CA_BUNDLE": str(self.authority),
        }


@asynccontextmanager
async def company_network(
    app: ASGIApp, *, hosts: Sequence[str], folder: Path
) -> AsyncGenerator[CompanyNetwork]:
    """Run the network during the block; every host is `app`."""
    authority, certificate = issue(hosts, folder)
    async with _serve(app, certificate) as port:
        network = CompanyNetwork(proxy="", authority=authority)

        async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            request = await reader.readuntil(b"\r\n\r\n")
            method, target, _ = request.split(b" ", 2)
            assert method == b"CONNECT"
            network.connected.append(target.decode().removesuffix(":443"))
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))

        proxy = await asyncio.start_server(tunnel, "127.0.0.1", 0)
        network.proxy = f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}"
        try:
            yield network
        finally:
            proxy.close()
            await proxy.wait_closed()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while chunk := await reader.read(65_536):
            writer.write(chunk)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def _serve(app: ASGIApp, certificate: Path) -> AsyncGenerator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(
            app,
            log_level="critical",
            lifespan="off",
            ssl_certfile=certificate,
            ssl_version=ssl.PROTOCOL_TLS_SERVER,
        )
        server = UnsignalledServer(config)
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            await task


def issue(hosts: Sequence[str], folder: Path) -> tuple[Path, Path]:
    """Return the authority's certificate, and the hosts' key and certificate, as PEM files."""
    ca_key, host_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "The company's authority")])
    ca = (
        _builder(ca_name, ca_name, ca_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key()), critical=False)
        .add_extension(_USE, critical=True)
        .sign(ca_key, hashes.SHA256())
    )
    host = (
        _builder(x509.Name([]), ca_name, host_key.public_key())
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in hosts]), critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False
        )
        .sign(ca_key, hashes.SHA256())
    )
    authority, certificate = folder / "authority.pem", folder / "hosts.pem"
    authority.write_bytes(ca.public_bytes(Encoding.PEM))
    key = host_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    certificate.write_bytes(key + host.public_bytes(Encoding.PEM))
    return authority, certificate


_USE = x509.KeyUsage(
    digital_signature=True,
    key_cert_sign=True,
    crl_sign=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    encipher_only=False,
    decipher_only=False,
)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
    )
