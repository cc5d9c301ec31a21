"""A TCP proxy in front of a real PostgreSQL that delays each statement. Not a test."""

import socket
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import make_url

RECEIVE_BYTES = 65_536


@dataclass(slots=True)
class SlowProxy:
    """The database's URL through the proxy; `delay_s` may change at any time."""

    url: str
    delay_s: float = 0.0


@contextmanager
def slow_proxy(url: str) -> Generator[SlowProxy]:
    """Run the proxy during the block."""
    parts = conninfo_to_dict(url)
    host, port = str(parts.get("host") or "localhost"), int(str(parts.get("port") or 5432))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        through = make_url(url).set(host="127.0.0.1", port=listener.getsockname()[1], query={})
        proxy = SlowProxy(url=through.render_as_string(hide_password=False))

        def accept() -> None:
            with suppress(OSError):  # the listener is closed
                while True:
                    client, _ = listener.accept()
                    server = _connect(host, port)
                    for one, other, is_slow in ((client, server, True), (server, client, False)):
                        threading.Thread(
                            target=_forward, args=(one, other, proxy, is_slow), daemon=True
                        ).start()

        threading.Thread(target=accept, daemon=True).start()
        yield proxy
        listener.shutdown(socket.SHUT_RDWR)


def _connect(host: str, port: int) -> socket.socket:
    if not host.startswith("/"):
        return socket.create_connection((host, port))
    server = socket.socket(socket.AF_UNIX)
    server.connect(f"{host}/.s.PGSQL.{port}")
    return server


def _forward(one: socket.socket, other: socket.socket, proxy: SlowProxy, is_slow: bool) -> None:
    with one, other, suppress(OSError):
        while data := one.recv(RECEIVE_BYTES):
            if is_slow:
                time.sleep(proxy.delay_s)
            other.sendall(data)
        other.shutdown(socket.SHUT_RDWR)
