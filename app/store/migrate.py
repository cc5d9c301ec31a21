"""Brings the tables to the newest schema with Alembic; several processes may do it at once. Changes no data by itself."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

MIGRATIONS = Path(__file__).parent / "migrations"
ADVISORY_LOCK = 7_150_219  # any number that is always the same


def migration_config(connection: Connection) -> Config:
    """What Alembic needs to work on this connection; `migrations/env.py` reads it back."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def upgrade(connection: Connection, *, revision: str = "head") -> None:
    """Run what is missing, inside the caller's transaction, one process at a time.

    SQLite: the caller's `BEGIN IMMEDIATE` is the lock. PostgreSQL: an advisory lock that ends with the transaction.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
    command.upgrade(migration_config(connection), revision)
