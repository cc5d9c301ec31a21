"""The database, SQLite or PostgreSQL: opens and migrates it, and provides short transactions. Contains no queries.

SQLite allows one writer at a time. A transaction that reads and then writes must take the lock before it reads
(`BEGIN IMMEDIATE`); otherwise it fails with "database is locked". Hence the two kinds of session, `read` and `write`.
"""

import fcntl
import os
import time
from collections.abc import Generator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, PoolProxiedConnection, create_engine, event, make_url, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import (
    ArgumentError,
)
from sqlalchemy.pool import ConnectionPoolEntry
from sqlmodel import Session

from app.errors import ConfigurationError, StoreUnavailable
from app.store.changes import Changes, PostgresChanges, SqliteChanges
from app.store.columns import Driver
from app.store.migrations import upgrade
from app.store.read_only import check_place, check_revision, is_missing, read_only_url
from app.store.unavailable import disk_problem, mapped_errors, unavailable, unavailable_errors

BUSY_TIMEOUT_MS = 30_000
CHECK_TIMEOUT_MS = 1_000
CONNECT_TIMEOUT_S = 10
IDLE_TIMEOUT_MS = 20_000  # of an abandoned PostgreSQL transaction
POOL_SIZE = 8  # the number of worker threads; the engine has its own pool
SLOW_S = 0.1  # of one statement; a review needs some hundreds
CACHED_STATEMENTS = 32  # per SQLite connection; the default of 128 takes 2 MiB more in total
IMMEDIATE = "quorum_immediate"
BEGIN_IMMEDIATE = "BEGIN IMMEDIATE"
_LOCK_IN_ORDER = text(
    "SELECT pg_advisory_xact_lock(hashtextextended(name, 0)) FROM unnest(CAST(:names AS text[])) AS name"
)
PRAGMAS = (
    f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}",
    "PRAGMA journal_mode=WAL",  # one fsync per commit instead of four
    "PRAGMA synchronous=FULL",  # with NORMAL, a power failure may lose the last, already acknowledged commits
    "PRAGMA foreign_keys=ON",
)


class Database:
    """A migrated database. Safe to share between threads; several processes may open the same database.

    With `read_only`, nothing is created or migrated, and the caller must not write.

    Raises:
        ConfigurationError: the URL is not supported.
        StoreUnavailable: the database is unreachable, read-only, full or locked; every session may raise it, too.
    """

    def __init__(self, url: str, *, read_only: bool = False) -> None:
        self._url = parse_database_url(url)
        self._is_read_only = read_only
        path = Path(self._url.database or "")
        self.directory = path.parent if self.is_sqlite else None
        if read_only:
            self._engine = self._writing = _create_reading_engine(self._url)
            with mapped_errors(self.directory), self._engine.connect() as connection:
                check_revision(connection)
            return
        if self.is_sqlite:
            _create_private_file(path)
        self._engine = _create_engine(self._url)
        self._writing = self._engine.execution_options(**{IMMEDIATE: True})
        lock = _lock_directory(path.parent) if self.is_sqlite else nullcontext()
        with mapped_errors(self.directory), lock, self._writing.begin() as connection:
            upgrade(connection)

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is a SQLite file."""
        return self._url.get_backend_name() == "sqlite"

    @property
    def url(self) -> str:
        """The URL including its password: for the engine only, never for messages."""
        return self._url.render_as_string(hide_password=False)

    def __repr__(self) -> str:
        return f"Database({self._url!r})"  # SQLAlchemy hides the password

    @contextmanager
    def read(self) -> Generator[Session]:
        """Open a read-only transaction; it sees a consistent state and does not wait for writers."""
        with mapped_errors(self.directory), Session(self._engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def write(self) -> Generator[Session]:
        """Open a transaction that commits at the end, or rolls back if an exception is raised."""
        with (
            mapped_errors(self.directory),
            self._mapped_driver_errors(),
            Session(self._writing, expire_on_commit=False) as session,
            session.begin(),
        ):
            yield session

    @contextmanager
    def driver(self, *, writes: bool) -> Generator[Driver]:
        """Open a transaction on the driver's cursor, for the statements that run with every model call."""
        with mapped_errors(self.directory):
            connection = self._engine.raw_connection()
        try:
            with self._mapped_driver_errors():
                cursor = connection.cursor()
                if writes and self.is_sqlite:  # other drivers begin a transaction by themselves
                    cursor.execute(BEGIN_IMMEDIATE)
                yield Driver(cursor, self._engine.dialect)
                connection.commit()
        finally:
            connection.close()  # the pool rolls back an uncommitted transaction

    @contextmanager
    def _mapped_driver_errors(self) -> Generator[None]:
        try:
            yield
        except unavailable_errors(self._engine.dialect.loaded_dbapi) as error:
            raise unavailable(error, self.directory) from error

    def check(self) -> None:
        """Raise `StoreUnavailable` unless the database accepts writes; wait for another writer for up to a second."""
        if self.directory and (reason := disk_problem(self.directory)):
            raise StoreUnavailable(f"The database is unavailable: {reason}.")
        with self.read() as session:
            if self._is_read_only and self.is_sqlite:
                check_place(Path(self._url.database or ""))
            elif self.is_sqlite:
                _check_sqlite(session.connection())
            elif session.connection().execute(text("SHOW transaction_read_only")).scalar() == "on":
                raise StoreUnavailable("The database is unavailable: it is read-only.")

    def problem(self) -> str | None:
        """Return in a sentence why work on this database is held up: a full or read-only disk, or slow answers.

        Raises:
            StoreUnavailable: the database does not answer at all.
        """
        if self.directory and (reason := disk_problem(self.directory)):
            return f"Nothing can be stored: {reason}."
        with self.driver(writes=False) as driver:
            fastest_s = min(_timed_s(driver) for _ in range(3))
        if fastest_s < SLOW_S:
            return None
        return f"The database is slow: its fastest answer to `SELECT 1` took {fastest_s * 1_000:.0f} ms."

    def watch_changes(self) -> Changes:
        """Watch for queued work, in one thread and with a connection of its own. Close it at the end."""
        if self.is_sqlite:
            return SqliteChanges(self._detached(), errors=self._engine.dialect.loaded_dbapi.Error)
        return PostgresChanges(self._detached)

    def _detached(self) -> PoolProxiedConnection:
        connection = self._engine.raw_connection()
        connection.detach()
        return connection

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()


def driver_of(session: Session) -> Driver:
    """Return a cursor within the session's transaction."""
    connection = session.connection()
    return Driver(connection.connection.cursor(), connection.dialect)


def serialize(session: Session, *names: str) -> None:
    """Hold a lock on each name until the transaction ends. A no-op on SQLite, which has one writer at a time."""
    if session.get_bind().dialect.name == "postgresql":
        session.connection().execute(_LOCK_IN_ORDER, {"names": sorted(set(names))})


def parse_database_url(url: str) -> URL:
    """Parse the URL of a supported database."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ConfigurationError("QUORUM_DATABASE_URL is not a database URL.") from error
    backend = parsed.get_backend_name()
    if backend == "sqlite" and parsed.database:
        return parsed
    if backend in ("postgresql", "postgres"):
        return parsed.set(drivername="postgresql+psycopg")
    raise ConfigurationError("QUORUM_DATABASE_URL must start with sqlite:/// or postgresql://.")


def _create_private_file(path: Path) -> None:
    """Create the file and missing directories, accessible to their owner only; `-wal` and `-shm` inherit its mode.

    An existing file is not opened, because closing it would drop the locks that this process holds on it
    (https://www.sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_).
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        path.chmod(0o600)
    except OSError as error:
        raise StoreUnavailable(f"Cannot open the database {path}: {error.strerror}.") from error


@contextmanager
def _lock_directory(directory: Path) -> Generator[None]:
    """Admit one process at a time: when two switch a new file to WAL together, one fails with "locked" without waiting."""
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
            hide_parameters=True,  # error messages must not contain values of rows
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


def _create_reading_engine(url: URL) -> Engine:
    is_sqlite = url.get_backend_name() == "sqlite"
    if is_sqlite and is_missing(url):
        raise StoreUnavailable(f"There is no database at {url.database} yet.")
    return create_engine(
        read_only_url(url),
        hide_parameters=True,
        connect_args={} if is_sqlite else {"connect_timeout": CONNECT_TIMEOUT_S},
    )


def _prepare_postgres(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    """Release the locks of a suspended or unreachable process after a timeout."""
    cursor = connection.cursor()
    cursor.execute(f"SET idle_in_transaction_session_timeout = {IDLE_TIMEOUT_MS}")
    cursor.close()
    connection.commit()


def _prepare_sqlite(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # `_begin_sqlite` begins transactions, not the driver
    cursor = connection.cursor()
    for pragma in PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    immediate = connection.get_execution_options().get(IMMEDIATE, False)
    connection.exec_driver_sql(BEGIN_IMMEDIATE if immediate else "BEGIN")


def _check_sqlite(connection: Connection) -> None:
    """Acquire the write lock; the caller's session releases it."""
    connection.exec_driver_sql("ROLLBACK")
    connection.exec_driver_sql(f"PRAGMA busy_timeout={CHECK_TIMEOUT_MS}")
    try:
        connection.exec_driver_sql(BEGIN_IMMEDIATE)
    finally:
        connection.exec_driver_sql(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")


def _timed_s(driver: Driver) -> float:
    started_s = time.monotonic()
    driver.rows("SELECT 1", ())
    return time.monotonic() - started_s
