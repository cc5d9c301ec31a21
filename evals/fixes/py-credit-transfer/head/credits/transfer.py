import sqlite3


class UnknownAccount(KeyError):
    """There is no such account."""


def connect(path: str) -> sqlite3.Connection:
    """A connection in autocommit mode, as the rest of the program expects."""
    return sqlite3.connect(path, isolation_level=None)


def transfer(connection: sqlite3.Connection, source: int, target: int, credits: int) -> None:
    """Move credits: both accounts change, or none."""
    _add(connection, source, -credits)
    _add(connection, target, credits)


def _add(connection: sqlite3.Connection, account: int, credits: int) -> None:
    updated = connection.execute("UPDATE accounts SET credits = credits + ? WHERE id = ?", (credits, account))
    if updated.rowcount != 1:
        raise UnknownAccount(account)
