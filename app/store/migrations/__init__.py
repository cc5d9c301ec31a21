"""Creates and migrates the tables. Several processes may do so at the same time.

An empty database gets the current tables and the newest revision, as Alembic recommends:
https://alembic.sqlalchemy.org/en/latest/cookbook.html#building-an-up-to-date-database-from-scratch
Alembic is imported only for a database of an older release, because it occupies 7 MiB.

The release before this one must run on the migrated database, so that an upgrade can be taken back. Migrations therefore only
add tables and columns, and the columns are nullable or have a server default.
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
    update,
)

from app.store.call_tables import CachedAnswerRow
from app.store.fix_tables import FixRow
from app.store.job_tables import DeliveryRow
from app.store.review_tables import ReviewRow

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent
REVISIONS = sorted(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))
FIRST, NEWEST = REVISIONS[0], REVISIONS[-1]
ADVISORY_LOCK = 7_150_219  # an arbitrary constant

TABLES = (
    CachedAnswerRow,
    DeliveryRow,
    FixRow,
    ReviewRow,
)  # importing the modules of tables fills the metadata
METADATA = TABLES[0].metadata
VERSION_TABLE = "schema_version"  # Alembic's


def _version_table(name: str) -> Table:
    """Describe a table as Alembic creates it."""
    revision = Column("version_num", String(32), nullable=False)
    return Table(name, MetaData(), revision, PrimaryKeyConstraint(revision, name=f"{name}_pkc"))


VERSION = _version_table(VERSION_TABLE)
# The first release accepts only databases with its own revision here, so this table always says so.
_FIRST_VERSION = _version_table("alembic_version")


def upgrade(connection: Connection) -> None:
    """Create or migrate the tables inside the caller's transaction, one process at a time.

    The lock is the caller's `BEGIN IMMEDIATE` on SQLite, and an advisory lock until the end of the transaction on PostgreSQL.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
    inspector = inspect(connection)
    if not inspector.has_table(VERSION.name):
        if not inspector.has_table(_FIRST_VERSION.name):
            _create(connection)
            return
        _take_over(connection)
    if connection.execute(select(VERSION.c.version_num)).scalar() in (None, *REVISIONS[:-1]):
        run_migrations(
            connection
        )  # any other revision is of a later release, which has only added to the tables


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
    VERSION.create(connection)
    _FIRST_VERSION.create(connection)
    connection.execute(insert(VERSION).values(version_num=NEWEST))
    connection.execute(insert(_FIRST_VERSION).values(version_num=FIRST))


def _take_over(connection: Connection) -> None:
    """Move the revision from the first release's table, and leave there the only one that it accepts."""
    revision = connection.execute(select(_FIRST_VERSION.c.version_num)).scalar()
    VERSION.create(connection)
    connection.execute(insert(VERSION).values(version_num=revision or FIRST))
    connection.execute(update(_FIRST_VERSION).values(version_num=FIRST))
