"""Everything Quorum stores: tables, migrations, and queries in short transactions. Imports neither GitHub nor model code.

Importing this package ensures that SQLite is recent enough, before SQLAlchemy imports it. DBOS calls `unixepoch('subsec')`,
added in SQLite 3.42 (https://sqlite.org/lang_datefunc.html); Debian 12 ships 3.40. The `pysqlite3` wheel bundles a newer
version and replaces the standard module.
"""

import sqlite3
import sys
from importlib import import_module

from app.errors import ConfigurationError

REQUIRED_SQLITE = (3, 42, 0)


def ensure_sqlite(*, version: tuple[int, ...] = sqlite3.sqlite_version_info) -> None:
    """Replace `sqlite3` with `pysqlite3` if it is older than 3.42. Safe to call more than once.

    Raises:
        ConfigurationError: neither module is recent enough.
    """
    if version >= REQUIRED_SQLITE or sys.modules["sqlite3"].__name__ == "pysqlite3":
        return
    standard = ".".join(map(str, version))
    try:
        replacement = import_module("pysqlite3")
    except ImportError as error:
        raise ConfigurationError(
            f"SQLite {standard} is too old: 3.42 or later is required, and pysqlite3, which contains one, is not installed. "
            "It has no wheel for this platform. Use a newer system, such as Debian 13, or the container image."
        ) from error
    if replacement.sqlite_version_info < REQUIRED_SQLITE:
        raise ConfigurationError(
            f"SQLite {standard} and pysqlite3's {replacement.sqlite_version} are too old: 3.42 or later is required."
        )
    sys.modules["sqlite3"] = replacement
    sys.modules["sqlite3.dbapi2"] = import_module("pysqlite3.dbapi2")


ensure_sqlite()
