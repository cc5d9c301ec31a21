"""Fixtures for the rooms that need a database."""

from collections.abc import Generator
from pathlib import Path

import pytest

from app.store.database import Database
from tests import postgres
from tests.databases import prepare


@pytest.fixture(scope="session")
def postgres_server() -> Generator[str]:
    with postgres.server() as url:
        yield url


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/data/quorum.db"


@pytest.fixture
def postgres_url(postgres_server: str) -> Generator[str]:
    with postgres.fresh_database(postgres_server) as url:
        yield url


@pytest.fixture(params=["sqlite_url", "postgres_url"], ids=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A fresh database, once on each engine."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def database(sqlite_url: str) -> Generator[Database]:
    prepare(Path(sqlite_url.removeprefix("sqlite:///")))
    database = Database(sqlite_url)
    yield database
    database.close()


@pytest.fixture
def any_database(database_url: str) -> Generator[Database]:
    database = Database(database_url)
    yield database
    database.close()


@pytest.fixture(scope="module")
def database_of_the_module(tmp_path_factory: pytest.TempPathFactory) -> Generator[Database]:
    """For properties, whose examples share it."""
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('shared')}/quorum.db")
    yield database
    database.close()
