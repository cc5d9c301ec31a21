"""Durable jobs: every accepted delivery is processed, in order, by any live process. Only this package imports DBOS."""

from app.store import ensure_sqlite

ensure_sqlite()
