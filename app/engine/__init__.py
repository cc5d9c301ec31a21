"""Durable jobs: every accepted delivery is processed, in order, by any live process. The only room that imports DBOS."""

from app.store import ensure_sqlite

ensure_sqlite()
