"""Durable work: what was accepted is done, once, in order, by whichever process lives. The only room that knows DBOS."""

from app.sqlite import ensure_sqlite

ensure_sqlite()
