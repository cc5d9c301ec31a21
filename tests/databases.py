"""SQLite files that already contain every table, because creating them takes 50 ms and 40 disk syncs, and spend by account."""

import atexit
import shutil
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from dbos import DBOS

from app.store.calls import load_accounts
from app.store.database import Database


def prepare(path: Path) -> Path:
    """Copy a migrated database to `path` unless one exists, as after the App's first start."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copy(_migrated(), path)
    return path


def load_spend(database: Database, prefix: str = "") -> dict[str, float]:
    """Return the spend in USD of the accounts whose names start with `prefix`."""
    return {row.account: row.spent_usd for row in load_accounts(database, prefix)}


@cache
def _migrated() -> Path:
    """Run the App's migrations once per process."""
    folder = mkdtemp(prefix="quorum-test-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = Path(folder) / "quorum.db"
    database = Database(f"sqlite:///{path}")
    DBOS.migrate(database.url)
    database.close()
    return path
