"""SQLite files that have every table already: to make them costs a twentieth of a second and 40 waits for the disk; not a test."""

import atexit
import shutil
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from dbos import DBOS

from app.store.database import Database


def prepare(path: Path) -> Path:
    """A database where there is none yet, as the App leaves it after its first start."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copy(_migrated(), path)
    return path


@cache
def _migrated() -> Path:
    """Made by the App's own migrations, once a process."""
    folder = mkdtemp(prefix="quorum-test-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = Path(folder) / "quorum.db"
    database = Database(f"sqlite:///{path}")
    DBOS.migrate(database.url)
    database.close()
    return path
