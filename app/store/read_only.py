"""Where a database is, and whether it could be written, found out without changing anything.

Opening a SQLite file of WAL mode creates files next to it, even with `mode=ro`, unless it is opened as immutable. That is
safe only while nobody writes, and then there is no `-wal` file: https://www.sqlite.org/wal.html#read_only_databases
"""

import os
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import URL, Connection, inspect, select

from app.errors import StoreOutdated, StoreUnavailable
from app.store.migrations import NEWEST, REVISIONS, VERSION


def is_missing(url: URL) -> bool:
    """Whether the file of a SQLite database does not exist or is empty. Other databases are never missing."""
    path = Path(url.database or "")
    return url.get_backend_name() == "sqlite" and not (path.is_file() and path.stat().st_size)


def read_only_url(url: URL) -> URL:
    """The URL that opens a SQLite file without writing; other URLs stay as they are."""
    if url.get_backend_name() != "sqlite":
        return url
    path = Path(url.database or "").absolute()
    in_use = Path(f"{path}-wal").exists()
    options = {"mode": "ro"} if in_use else {"mode": "ro", "immutable": "1"}
    return url.set(database=f"file:{quote(str(path))}", query={**options, "uri": "true"})


def check_place(path: Path) -> None:
    """Raise `StoreUnavailable` unless a SQLite file could be written, or created with its missing directories."""
    place = next(each for each in (path, *path.absolute().parents) if each.exists())
    if not os.access(place, os.W_OK) or not os.access(path.parent if path.exists() else place, os.W_OK):
        raise StoreUnavailable(f"Cannot write the database {path}: permission denied.")
    if os.statvfs(place).f_bavail == 0:
        raise StoreUnavailable(f"Cannot write the database {path}: no space is left on the device.")


def check_revision(connection: Connection) -> None:
    """Raise `StoreUnavailable` unless the tables are those of this release, or of a later one."""
    has_version = inspect(connection).has_table(VERSION.name)
    revision = connection.execute(select(VERSION.c.version_num)).scalar() if has_version else None
    if revision in (None, *REVISIONS[: REVISIONS.index(NEWEST)]):
        raise StoreOutdated(
            "The tables are of an earlier release. `quorum serve` and `quorum review` update theirs when they start."
        )
