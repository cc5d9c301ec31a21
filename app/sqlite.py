"""Makes sure that SQLite is new enough for the engine, before SQLAlchemy picks it. Opens no database.

DBOS calls `unixepoch('subsec')`, which came with SQLite 3.42 (https://sqlite.org/lang_datefunc.html); Debian 12 has
3.40. The wheel `pysqlite3` brings a newer one and is put in the place of the standard module.
"""

import sqlite3
import sys
from importlib import import_module

from app.errors import ConfigurationError

NEEDED = (3, 42, 0)


def ensure_sqlite(*, found: tuple[int, ...] = sqlite3.sqlite_version_info) -> None:
    """Put `pysqlite3` in the place of `sqlite3` where that is older than 3.42; cheap when repeated.

    Raises:
        ConfigurationError: neither is new enough.
    """
    if found >= NEEDED or sys.modules["sqlite3"].__name__ == "pysqlite3":
        return
    version = ".".join(map(str, found))
    try:
        newer = import_module("pysqlite3")
    except ImportError as error:
        raise ConfigurationError(
            f"SQLite {version} is too old (3.42 is needed) and pysqlite3 is not installed."
        ) from error
    if newer.sqlite_version_info < NEEDED:
        raise ConfigurationError(
            f"SQLite {version} and pysqlite3's {newer.sqlite_version} are too old: 3.42 is needed."
        )
    sys.modules["sqlite3"] = newer
    sys.modules["sqlite3.dbapi2"] = import_module("pysqlite3.dbapi2")
