import sqlite3


def connect(path: str) -> sqlite3.Connection:
    """A connection in autocommit mode, as the rest of the program expects."""
    return sqlite3.connect(path, isolation_level=None)
