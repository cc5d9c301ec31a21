"""Brings the tables to the newest schema; several processes may do it at once. Changes no data by itself.

An empty database gets the tables as they are written down, and the newest revision's name on it, as Alembic advises:
https://alembic.sqlalchemy.org/en/latest/cookbook.html#building-an-up-to-date-database-from-scratch
Alembic is loaded for a database of an older release alone: it takes 7 MiB for as long as the App runs.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import (
    Column,
    Connection,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    insert,
    inspect,
    select,
    text,
)
from sqlmodel import SQLModel

from app.store import tables

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent / "migrations"
NEWEST = max(path.name for path in (MIGRATIONS / "versions").glob("[0-9]*.py")).partition("_")[0]
ADVISORY_LOCK = 7_150_219  # any number that is always the same

_VERSION = Table(  # as Alembic makes it
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)


def upgrade(connection: Connection) -> None:
    """Do what is missing, inside the caller's transaction, one process at a time.

    SQLite: the caller's `BEGIN IMMEDIATE` is the lock. PostgreSQL: an advisory lock that ends with the transaction.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
    if not inspect(connection).has_table(_VERSION.name):
        _create(connection)
    elif connection.execute(select(_VERSION.c.version_num)).scalar() != NEWEST:
        run_migrations(connection)


def run_migrations(connection: Connection) -> None:
    """Step by step from the revision on record, inside the caller's transaction; from none through all of them."""
    # For an older database alone: loaded, it would stay for as long as the App runs.
    from alembic import command

    command.upgrade(migration_config(connection), "head")


def migration_config(connection: Connection) -> "Config":
    """What Alembic needs to work on this connection; `migrations/env.py` reads it back."""
    from alembic.config import Config  # as above

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def _create(connection: Connection) -> None:
    assert tables.Row  # importing the tables fills the metadata
    SQLModel.metadata.create_all(connection, checkfirst=False)
    _VERSION.create(connection)
    connection.execute(insert(_VERSION).values(version_num=NEWEST))
