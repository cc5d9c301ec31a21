import hashlib
import secrets
import sqlite3


def digest(token: str) -> str:
    """What is stored of a token; tokens are too random to be guessed from it."""
    return hashlib.sha256(token.encode("utf-8")).hexdigest()


class Tokens:
    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def create(self, user_id: int) -> str:
        token = secrets.token_urlsafe(32)
        with self._db:
            self._db.execute(
                "INSERT INTO tokens (user_id, digest) VALUES (?, ?)", (user_id, digest(token))
            )
        return token

    def user_of(self, token: str) -> int | None:
        row = self._db.execute("SELECT user_id FROM tokens WHERE digest = ?", (digest(token),)).fetchone()
        return row[0] if row else None

    def revoke(self, user_id: int, token: str) -> bool:
        """Delete one token of a user; False if the user has no such token."""
        with self._db:
            cursor = self._db.execute(
                "DELETE FROM tokens WHERE user_id = ? AND digest = ?", (user_id, digest(token))
            )
        return cursor.rowcount == 1
