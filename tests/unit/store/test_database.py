import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, inspect, text
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.exc import IntegrityError, StatementError
from sqlmodel import SQLModel, select

from app.errors import ConfigurationError, StoreUnavailable
from app.store import ensure_sqlite
from app.store.columns import AnyText, storable
from app.store.database import Database
from app.store.job_tables import SecretRow
from app.store.migrations import (
    FIRST,
    NEWEST,
    VERSION_TABLE,
    migration_config,
    run_migrations,
    upgrade,
)
from app.store.review_tables import PullRequestRow

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


def secret(name: str, value: str = "x") -> SecretRow:
    return SecretRow(name=name, value=value, created_at=NOW)


def schema_of(connection: Connection) -> list[tuple[object, ...]]:
    """Columns and constraints as they are reflected, and the indexes as the database itself writes them."""
    inspector = inspect(connection)
    names = sorted([*SQLModel.metadata.tables, VERSION_TABLE])
    in_sqlite = "SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name = :table ORDER BY sql"
    in_postgres = "SELECT indexdef FROM pg_indexes WHERE tablename = :table ORDER BY indexdef"
    indexes = text(in_sqlite if connection.dialect.name == "sqlite" else in_postgres)
    return [
        (
            name,
            [repr(sorted(column.items(), key=str)) for column in inspector.get_columns(name)],
            inspector.get_pk_constraint(name),
            inspector.get_foreign_keys(name),
            inspector.get_unique_constraints(name),
            inspector.get_check_constraints(name),
            connection.execute(indexes, {"table": name}).all(),
        )
        for name in names
    ]


# SQLite's index on an expression cannot be read back; its own words for it are compared.
@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")
@pytest.mark.filterwarnings("ignore:autogenerate skipping metadata-specified expression-based index")
def test_migrations_lead_to_the_schema_of_a_new_database(any_database: Database) -> None:
    with any_database.write() as session:
        connection = session.connection()
        at_once = schema_of(connection)
        SQLModel.metadata.drop_all(connection)
        connection.execute(text("DROP TABLE alembic_version"))
        connection.execute(text(f"DROP TABLE {VERSION_TABLE}"))
        run_migrations(connection)
        assert schema_of(connection) == at_once
        assert revision_in(connection, VERSION_TABLE) == [NEWEST]
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, SQLModel.metadata) == []


def revision_in(connection: Connection, table: str) -> Sequence[str]:
    return connection.execute(text(f"SELECT version_num FROM {table}")).scalars().all()


def test_a_database_of_an_older_release_is_migrated(any_database: Database) -> None:
    with any_database.write() as session:
        connection = session.connection()
        SQLModel.metadata.drop_all(connection)
        connection.execute(text(f"DELETE FROM {VERSION_TABLE}"))  # as before the first revision
        upgrade(connection)
        assert inspect(connection).has_table("reviews")
        assert revision_in(connection, VERSION_TABLE) == [NEWEST]


def test_a_database_of_the_first_release_is_migrated_and_still_accepted_by_it(any_database: Database) -> None:
    with any_database.write() as session:
        connection = session.connection()
        SQLModel.metadata.drop_all(connection)
        connection.execute(text(f"DROP TABLE {VERSION_TABLE}"))
        command.upgrade(migration_config(connection), FIRST)
        connection.execute(text(f"DROP TABLE {VERSION_TABLE}"))  # it had none
        upgrade(connection)
        assert revision_in(connection, VERSION_TABLE) == [NEWEST]
        assert revision_in(connection, "alembic_version") == [FIRST]


def test_a_database_that_a_later_release_has_migrated_is_used_as_it_is(any_database: Database) -> None:
    with any_database.write() as session:
        connection = session.connection()
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
        upgrade(connection)
        assert revision_in(connection, VERSION_TABLE) == ["9999"]


def test_what_a_migration_adds_does_not_disturb_the_release_before(any_database: Database) -> None:
    """The release before writes rows without the new columns."""
    with any_database.write() as session:
        connection = session.connection()
        SQLModel.metadata.drop_all(connection)
        connection.execute(text(f"DROP TABLE {VERSION_TABLE}"))
        command.upgrade(migration_config(connection), FIRST)
        before = {table: column_names(connection, table) for table in inspect(connection).get_table_names()}
        command.upgrade(migration_config(connection), "head")
        for table, names in before.items():
            assert names <= column_names(connection, table)
            added = [each for each in inspect(connection).get_columns(table) if each["name"] not in names]
            assert [each["name"] for each in added if not each["nullable"] and each["default"] is None] == []


def column_names(connection: Connection, table: str) -> set[str]:
    return {column["name"] for column in inspect(connection).get_columns(table)}


@pytest.mark.slow
def test_alembic_is_not_loaded_for_a_database_that_is_up_to_date(tmp_path: Path) -> None:
    program = "import sys; from app.store.database import Database; Database(sys.argv[1]).close(); print('alembic' in sys.modules)"
    for _ in ("a new one", "the same again"):
        ran = subprocess.run(
            [sys.executable, "-c", program, f"sqlite:///{tmp_path / 'quorum.db'}"],
            capture_output=True,
            text=True,
            check=True,
        )
        assert ran.stdout == "False\n"


def test_the_columns_of_the_contract_exist(database: Database) -> None:
    with database.read() as session:
        inspector = inspect(session.connection())
        columns = {
            table: {column["name"] for column in inspector.get_columns(table)}
            for table in ("model_calls", "reviews", "findings")
        }
    assert columns["model_calls"] >= {
        "id",
        "review_id",
        "repository",
        "pull_request",
        "stage",
        "provider",
        "model",
        "prompt_id",
        "prompt_version",
        "attempt",
        "parent_id",
        "outcome",
        "latency_ms",
        "input_tokens",
        "cached_input_tokens",
        "output_tokens",
        "cost_usd",
        "started_at",
    }
    assert columns["reviews"] >= {
        "id",
        "repository",
        "pull_request",
        "head_sha",
        "trigger",
        "status",
        "created_at",
        "finished_at",
        "cost_usd",
    }
    assert columns["findings"] >= {
        "id",
        "review_id",
        "fingerprint",
        "stage",
        "severity",
        "path",
        "line",
        "found_by",
        "confirmed_by",
        "placement",
        "outcome",
        "reactions_up",
        "reactions_down",
    }


def test_many_processes_can_start_concurrently_on_an_empty_database(database_url: str) -> None:
    with ThreadPoolExecutor(16) as pool:
        databases = list(pool.map(Database, [database_url] * 16))
    for database in databases:
        database.check()
        database.close()


def test_only_the_owner_can_access_the_database_files(tmp_path: Path) -> None:
    umask = os.umask(0)
    try:
        database = Database(f"sqlite:///{tmp_path}/data/quorum.db")
        with database.write() as session:
            session.add(secret("a"))
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "data").iterdir()}
        database.close()
    finally:
        os.umask(umask)
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
    assert set(modes.values()) == {0o600}
    assert "quorum.db-wal" in modes


def test_the_permissions_of_a_readable_file_are_restricted(tmp_path: Path) -> None:
    path = tmp_path / "quorum.db"
    path.touch(mode=0o644)
    Database(f"sqlite:///{path}").close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_sqlite_uses_a_journal_that_survives_a_power_failure(database: Database) -> None:
    with database.read() as session:
        connection = session.connection()
        found = {
            pragma: connection.exec_driver_sql(f"PRAGMA {pragma}").scalar_one()
            for pragma in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30_000}


def test_a_transaction_that_raises_is_rolled_back(any_database: Database) -> None:
    def fail() -> None:
        with any_database.write() as session:
            session.add(secret("a"))
            session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with any_database.read() as session:
        assert session.exec(select(SecretRow)).all() == []


def test_reading_and_then_writing_from_many_threads_never_fails(any_database: Database) -> None:
    """Without the lock before the read, two thirds of these end in "database is locked"."""
    with any_database.write() as session:
        session.add(secret("counter", "0"))

    def count_up(_: int) -> None:
        with any_database.write() as session:
            row = session.get_one(SecretRow, "counter", with_for_update=True)
            row.value = str(int(row.value) + 1)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(count_up, range(80)))
    with any_database.read() as session:
        assert session.get_one(SecretRow, "counter").value == "80"


def test_timestamps_are_read_back_in_utc(any_database: Database) -> None:
    tokyo = timezone(timedelta(hours=9))
    with any_database.write() as session:
        session.add(SecretRow(name="a", value="x", created_at=NOW.astimezone(tokyo)))
    with any_database.read() as session:
        found = session.get_one(SecretRow, "a").created_at
    assert (found, found.tzinfo) == (NOW, UTC)


def test_a_timestamp_without_a_time_zone_is_rejected(database: Database) -> None:
    def write() -> None:
        with database.write() as session:
            session.add(SecretRow(name="a", value="x", created_at=NOW.replace(tzinfo=None)))

    with pytest.raises(StatementError, match="zone"):
        write()


@pytest.mark.parametrize("name", ["plain.py", "caf\udce9.py", "nul\x00.py", "emoji 🎈.py", "half \ud83d.py"])
def test_names_that_are_not_utf8_are_read_back_unchanged(any_database: Database, name: str) -> None:
    with any_database.write() as session:
        session.add(PullRequestRow(repository=name, number=7, installation_id=2**62, updated_at=NOW))
    expected = name.replace("\x00", "\ufffd").replace("\ud83d", "?")
    with any_database.read() as session:
        row = session.exec(select(PullRequestRow).where(PullRequestRow.repository == name)).one()
        assert (row.repository, row.installation_id) == (expected, 2**62)


@given(st.text(alphabet=st.characters()))
def test_every_text_can_be_stored(text: str) -> None:
    storable(text).encode("utf-8")
    assert "\x00" not in storable(text)


@given(st.binary())
def test_every_file_name_is_read_back_unchanged(name: bytes) -> None:
    text = name.replace(b"\x00", b"").decode("utf-8", "surrogateescape")
    back = AnyText().process_result_value(storable(text), SQLiteDialect_pysqlite())
    private_use = any(0xEF80 <= ord(character) <= 0xEFFF for character in text)
    assert back == text or private_use


@pytest.mark.parametrize(
    "url", ["", "nonsense", "mysql://x/y", "sqlite://", "sqlite:///", "/var/lib/quorum.db"]
)
def test_an_invalid_database_url_is_a_configuration_error(url: str) -> None:
    with pytest.raises(ConfigurationError, match="QUORUM_DATABASE_URL"):
        Database(url)


def test_an_unwritable_path_is_reported_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable, match="Cannot open"):
        Database(f"sqlite:///{tmp_path}/file/quorum.db")


def test_a_read_only_database_is_unavailable_and_works_again_afterward(
    any_database: Database,
) -> None:
    def write() -> None:
        with any_database.write() as session:
            session.add(secret("a"))

    set_read_only(any_database, on=True)
    with pytest.raises(StoreUnavailable, match="is unavailable"):
        write()
    with pytest.raises(StoreUnavailable, match="read-?only"):
        any_database.check()
    set_read_only(any_database, on=False)
    any_database.check()
    write()


def set_read_only(database: Database, *, on: bool) -> None:
    """Of the one connection that the pool has."""
    value = "ON" if on else "OFF"
    with database.driver(writes=False) as driver:
        if database.is_sqlite:
            driver.cursor.execute(f"PRAGMA query_only={value}")
        else:
            driver.cursor.execute(f"SET SESSION default_transaction_read_only={value}")


def test_a_locked_database_is_not_ready_and_says_so(sqlite_url: str, database: Database) -> None:
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="locked"):
            database.check()
    database.check()
    with database.read() as session:
        assert session.connection().exec_driver_sql("PRAGMA busy_timeout").scalar() == 30_000


def test_an_unreachable_server_is_unavailable_and_its_password_is_hidden() -> None:
    with pytest.raises(StoreUnavailable) as raised:
        Database("postgresql://quorum:hunter2@127.0.0.1:1/quorum")
    assert "hunter2" not in str(raised.value)


def test_a_suspended_process_does_not_keep_its_locks_forever(postgres_url: str) -> None:
    database = Database(postgres_url)
    with database.write() as session:
        timeout = session.connection().exec_driver_sql("SHOW idle_in_transaction_session_timeout").scalar()
    database.close()
    assert timeout == "20s"


def test_a_database_error_contains_no_values_of_a_row(any_database: Database) -> None:
    def write_twice() -> None:
        for _ in range(2):
            with any_database.write() as session:
                session.add(secret("a", "hunter2"))

    with pytest.raises(IntegrityError) as raised:
        write_twice()
    assert "hunter2" not in str(raised.value)


def test_the_password_of_the_database_url_is_hidden(database: Database) -> None:
    assert "quorum.db" in repr(database)


def test_migrations_can_be_run_again(database: Database) -> None:
    with database.write() as session:
        upgrade(session.connection())
    database.check()


def test_a_recent_sqlite_is_used_and_an_old_one_is_reported() -> None:
    assert sys.modules["sqlite3"].sqlite_version_info >= (3, 42)
    ensure_sqlite(version=(3, 40, 1))
    ensure_sqlite(version=sqlite3.sqlite_version_info)
