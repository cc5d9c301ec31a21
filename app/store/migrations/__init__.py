"""Creates and migrates the tables. Several processes may do so at the same time.

An empty database gets the current tables and the newest revision, as Alembic recommends:
https://alembic.sqlalchemy.org/en/latest/cookbook.html#building-an-up-to-date-database-from-scratch
Alembic is imported only for a database of an older release, because it occupies 7 MiB.
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

from app.store.call_tables import CachedAnswerRow
from app.store.job_tables import DeliveryRow
from app.store.review_tables import ReviewRow

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent
NEWEST = max(path.name for path in (MIGRATIONS / "versions").glob("[0-9]*.py")).partition("_")[0]
ADVISORY_LOCK = 7_150_219  # an arbitrary constant

TABLES = (CachedAnswerRow, DeliveryRow, ReviewRow)  # importing the modules of tables fills the metadata
METADATA = TABLES[0].metadata
_VERSION = Table(  # the same as Alembic's
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)


def upgrade(connection: Connection) -> None:
    """Create or migrate the tables inside the caller's transaction, one process at a time.

    The lock is the caller's `BEGIN IMMEDIATE` on SQLite, and an advisory lock until the end of the transaction on PostgreSQL.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
    if not inspect(connection).has_table(_VERSION.name):
        _create(connection)
    elif connection.execute(select(_VERSION.c.version_num)).scalar() != NEWEST:
        run_migrations(connection)


def run_migrations(connection: Connection) -> None:
    """Run every migration after the recorded revision inside the caller's transaction."""
    from alembic import command  # imported here because it stays in memory

    command.upgrade(migration_config(connection), "head")


def migration_config(connection: Connection) -> "Config":
    """Return Alembic's configuration for this connection, which `env.py` reads."""
    from alembic.config import Config  # as above

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def _create(connection: Connection) -> None:
    METADATA.create_all(connection, checkfirst=False)
    _VERSION.create(connection)
    connection.execute(insert(_VERSION).values(version_num=NEWEST))
