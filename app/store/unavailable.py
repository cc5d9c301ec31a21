"""Why the database is unavailable: maps the drivers' errors to one, and names a full or read-only disk."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.engine.interfaces import DBAPIModule
from sqlalchemy.exc import DBAPIError, InterfaceError, InternalError, OperationalError, TimeoutError

from app.errors import StoreUnavailable

MIN_FREE_BYTES = 1 << 20  # SQLite needs room for its log and for the file of shared memory


def disk_problem(directory: Path) -> str | None:
    """Return in a clause why nothing can be written to the directory; None if something can."""
    try:
        disk = os.statvfs(directory)
    except OSError as error:
        return f"{directory} cannot be read ({error.strerror})"
    if disk.f_flag & os.ST_RDONLY or not os.access(directory, os.W_OK | os.X_OK):
        return f"{directory} is read-only"
    if disk.f_bavail * disk.f_frsize < MIN_FREE_BYTES:
        return f"the disk of {directory} is full"
    return None


def unavailable_errors(dbapi: DBAPIModule) -> tuple[type[Exception], ...]:
    """Return the driver's errors for an unavailable database; a read-only PostgreSQL raises `InternalError`."""
    return dbapi.OperationalError, dbapi.InterfaceError, dbapi.InternalError


@contextmanager
def mapped_errors(directory: Path | None = None) -> Generator[None]:
    """Raise `StoreUnavailable` for the drivers' errors about an unavailable database."""
    try:
        yield
    except (OperationalError, InterfaceError, InternalError, TimeoutError) as error:
        raise unavailable(error.orig if isinstance(error, DBAPIError) else error, directory) from error


def unavailable(error: BaseException | None, directory: Path | None) -> StoreUnavailable:
    """Build the error; `directory` is that of SQLite's file."""
    message = str(error).split("\n", 1)[0] or type(error).__name__
    reason = disk_problem(directory) if directory else None  # SQLite often says only "disk I/O error"
    return StoreUnavailable(f"The database is unavailable: {f'{reason}.' if reason else message}")
