"""Notices that other connections queued work, so that nothing needs to query the database again and again."""

import time
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Protocol, cast

from psycopg import Connection, Error
from sqlalchemy import PoolProxiedConnection, text
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

CHANNEL = "quorum_jobs"
_NOTIFY = text("SELECT pg_notify(:channel, :delay_s)")  # the release before reads the delay


class Changes(Protocol):
    """Waits for changes, in one thread."""

    def wait(self, timeout_s: float) -> bool:
        """Wait at most `timeout_s`; returns whether anything changed since the last call."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


class SqliteChanges:
    """Compares `PRAGMA data_version`, which changes with every commit of another connection.

    https://www.sqlite.org/pragma.html#pragma_data_version
    """

    def __init__(self, connection: PoolProxiedConnection, *, errors: type[Exception]) -> None:
        self._connection = connection
        self._errors = errors
        self._version: object = None

    def wait(self, timeout_s: float) -> bool:
        """See `Changes`. Nothing wakes it earlier."""
        time.sleep(timeout_s)
        before = self._version
        with suppress(self._errors), closing(self._connection.cursor()) as cursor:
            cursor.execute("PRAGMA data_version")
            self._version = cursor.fetchone()
        return self._version != before

    def close(self) -> None:
        """See `Changes`."""
        self._connection.close()


class PostgresChanges:
    """Listens for the notifications of `announce_job`. After a lost connection it connects again.

    https://www.postgresql.org/docs/current/sql-notify.html
    """

    def __init__(self, connect: Callable[[], PoolProxiedConnection]) -> None:
        self._connect = connect
        self._connection: PoolProxiedConnection | None = None

    def wait(self, timeout_s: float) -> bool:
        """See `Changes`. A new connection may have missed notifications, so it counts as a change."""
        try:
            if self._connection is None:
                self._connection = self._connect()
                _listen(_psycopg(self._connection))
                return True
            found = _psycopg(self._connection).notifies(timeout=timeout_s, stop_after=1)
            return any(found)
        except (Error, SQLAlchemyError):
            self.close()
            time.sleep(timeout_s)
            return False

    def close(self) -> None:
        """See `Changes`."""
        if self._connection:
            with suppress(Error):
                self._connection.close()
        self._connection = None


def _psycopg(connection: PoolProxiedConnection) -> Connection:
    return cast(Connection, connection.dbapi_connection)


def _listen(connection: Connection) -> None:
    connection.autocommit = True
    connection.execute(f"LISTEN {CHANNEL}")


def announce_job(session: Session, *, delay_s: float) -> None:
    """Tell the processes that run jobs, when the transaction commits. SQLite needs no announcement."""
    if session.get_bind().dialect.name == "postgresql":
        session.connection().execute(_NOTIFY, {"channel": CHANNEL, "delay_s": str(delay_s)})
