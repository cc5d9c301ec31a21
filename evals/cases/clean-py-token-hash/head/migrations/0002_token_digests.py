import sqlite3

from api.tokens import digest


def migrate(db: sqlite3.Connection) -> None:
    """Replace tokens by their digests, in one transaction."""
    with db:
        db.execute("BEGIN IMMEDIATE")
        db.execute("ALTER TABLE tokens RENAME COLUMN token TO digest")
        for id_, token in db.execute("SELECT id, digest FROM tokens").fetchall():
            db.execute("UPDATE tokens SET digest = ? WHERE id = ?", (digest(token), id_))
