import secrets
import sqlite3


class Tokens:
    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def create(self, user_id: int) -> str:
        token = secrets.token_urlsafe(32)
        with self._db:
            self._db.execute("INSERT INTO tokens (user_id, token) VALUES (?, ?)", (user_id, token))
        return token

    def user_of(self, token: str) -> int | None:
        row = self._db.execute("SELECT user_id FROM tokens WHERE token = ?", (token,)).fetchone()
        return row[0] if row else None
