"""The one database, SQLite or PostgreSQL: opened, migrated, and handed out as short transactions. Holds no queries.

SQLite takes one writer at a time: a transaction that reads and then writes must take the lock before it reads
(`BEGIN IMMEDIATE`), otherwise it fails with "database is locked". Hence two kinds of session, `read` and `write`.
"""

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPIModule
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    InterfaceError,
    InternalError,
    OperationalError,
    TimeoutError,
)
from sqlalchemy.pool import ConnectionPoolEntry
from sqlmodel import Session

from app.errors import ConfigurationError, StoreUnavailable
from app.store.driver import Driver
from app.store.migrate import upgrade

BUSY_TIMEOUT_MS = 30_000
CHECK_TIMEOUT_MS = 1_000
CONNECT_TIMEOUT_S = 10
IDLE_TIMEOUT_MS = 20_000  # of a PostgreSQL transaction that nobody continues
POOL_SIZE = 8  # as many as worker threads; the engine has a pool of its own
CACHED_STATEMENTS = 32  # of each SQLite connection; 128, the default, are 2 MiB more for all of them
IMMEDIATE = "quorum_immediate"
BEGIN_IMMEDIATE = "BEGIN IMMEDIATE"
_LOCK_IN_ORDER = text(
    "SELECT pg_advisory_xact_lock(hashtextextended(name, 0)) FROM unnest(CAST(:names AS text[])) AS name"
)
PRAGMAS = (
    f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}",
    "PRAGMA journal_mode=WAL",  # one fsync a commit instead of four
    "PRAGMA synchronous=FULL",  # with NORMAL a power cut may take the last commits, and they were acknowledged
    "PRAGMA foreign_keys=ON",
)


class Database:
    """A migrated database. Safe to share between threads; several processes may open the same one.

    Raises:
        ConfigurationError: the address is none that can be used.
        StoreUnavailable: it does not answer, is read-only, full or locked; also from every session.
    """

    def __init__(self, url: str) -> None:
        self._url = _parse_url(url)
        path = Path(self._url.database or "")
        if self.is_sqlite:
            _create_private_file(path)
        self._engine = _create_engine(self._url)
        self._writing = self._engine.execution_options(**{IMMEDIATE: True})
        alone = _alone_in(path.parent) if self.is_sqlite else nullcontext()
        with mapped_errors(), alone, self._writing.begin() as connection:
            upgrade(connection)

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file of this machine."""
        return self._url.get_backend_name() == "sqlite"

    @property
    def url(self) -> str:
        """The address with its password: for the engine alone, never for a message."""
        return self._url.render_as_string(hide_password=False)

    def __repr__(self) -> str:
        return f"Database({self._url!r})"  # SQLAlchemy hides the password

    @contextmanager
    def read(self) -> Generator[Session]:
        """A transaction that only reads; it sees one state and waits for no writer."""
        with mapped_errors(), Session(self._engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def write(self) -> Generator[Session]:
        """A transaction that is committed at the end, or leaves nothing when it raises."""
        with mapped_errors(), Session(self._writing, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def driver(self, *, writes: bool) -> Generator[Driver]:
        """`read` or `write` on the driver's own cursor, for what every model call does (`app.store.driver`)."""
        dialect = self._engine.dialect
        with mapped_errors():
            connection = self._engine.raw_connection()
        try:
            cursor = connection.cursor()
            if writes and self.is_sqlite:  # the others begin by themselves
                cursor.execute(BEGIN_IMMEDIATE)
            yield Driver(cursor, dialect)
            connection.commit()
        except _refusals(dialect.loaded_dbapi) as error:
            raise _unavailable(error) from error
        finally:
            connection.close()  # the pool undoes what was not committed

    def check(self) -> None:
        """Raise `StoreUnavailable`, which says why, unless it takes writes; waits for a writer no longer than a second."""
        with self.read() as session:
            if self.is_sqlite:
                _check_sqlite(session.connection())
            elif session.connection().execute(text("SHOW transaction_read_only")).scalar() == "on":
                raise StoreUnavailable("The database cannot be used now: it is read-only.")

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()


def serialise(session: Session, *names: str) -> None:
    """Let only one transaction at a time hold any of these names, until it ends. SQLite's writers are in line anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.connection().execute(_LOCK_IN_ORDER, {"names": sorted(set(names))})


def _parse_url(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ConfigurationError("QUORUM_DATABASE_URL is no database address.") from error
    backend = parsed.get_backend_name()
    if backend == "sqlite" and parsed.database:
        return parsed
    if backend in ("postgresql", "postgres"):
        return parsed.set(drivername="postgresql+psycopg")
    raise ConfigurationError("QUORUM_DATABASE_URL must begin with sqlite:/// or postgresql://.")


def _create_private_file(path: Path) -> None:
    """The file and the directories that are missing, for their owner alone; `-wal` and `-shm` follow the file.

    A file that is there is not opened: to close it again would drop the locks that this process holds on it
    (https://www.sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_).
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        path.chmod(0o600)
    except OSError as error:
        raise StoreUnavailable(f"The database {path} cannot be opened: {error.strerror}.") from error


@contextmanager
def _alone_in(directory: Path) -> Generator[None]:
    """One process at a time: of two that switch a new file to WAL at once, one is told "locked" without any wait."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _create_engine(url: URL) -> Engine:
    if url.get_backend_name() != "sqlite":
        engine = create_engine(
            url,
            pool_size=POOL_SIZE,
            pool_pre_ping=True,
            hide_parameters=True,  # an error's text holds no value of a row
            connect_args={"connect_timeout": CONNECT_TIMEOUT_S},
        )
        event.listen(engine, "connect", _prepare_postgres)
        return engine
    engine = create_engine(
        url,
        pool_size=POOL_SIZE,
        hide_parameters=True,
        connect_args={"cached_statements": CACHED_STATEMENTS},
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_postgres(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    """A process that stands still, or whose machine is gone, must not keep its locks from the others."""
    cursor = connection.cursor()
    cursor.execute(f"SET idle_in_transaction_session_timeout = {IDLE_TIMEOUT_MS}")
    cursor.close()
    connection.commit()


def _prepare_sqlite(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # the driver begins nothing: `_begin_sqlite` does
    cursor = connection.cursor()
    for pragma in PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    immediate = connection.get_execution_options().get(IMMEDIATE, False)
    connection.exec_driver_sql(BEGIN_IMMEDIATE if immediate else "BEGIN")


def _check_sqlite(connection: Connection) -> None:
    """Take the writer's lock, and give it back."""
    connection.exec_driver_sql("ROLLBACK")
    connection.exec_driver_sql(f"PRAGMA busy_timeout={CHECK_TIMEOUT_MS}")
    try:
        connection.exec_driver_sql(BEGIN_IMMEDIATE)
    finally:
        connection.exec_driver_sql(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")


def _refusals(dbapi: DBAPIModule) -> tuple[type[Exception], ...]:
    """A read-only PostgreSQL raises an `InternalError`."""
    return dbapi.OperationalError, dbapi.InterfaceError, dbapi.InternalError


@contextmanager
def mapped_errors() -> Generator[None]:
    """What the drivers say of a database that is away becomes `StoreUnavailable`."""
    try:
        yield
    except (OperationalError, InterfaceError, InternalError, TimeoutError) as error:
        raise _unavailable(error.orig if isinstance(error, DBAPIError) else error) from error


def _unavailable(error: BaseException | None) -> StoreUnavailable:
    said = next(iter(str(error).splitlines()), type(error).__name__)
    return StoreUnavailable(f"The database cannot be used now: {said}")
