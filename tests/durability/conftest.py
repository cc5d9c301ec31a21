"""Databases for Apps that run in separate processes."""

from collections.abc import Generator

import pytest

from tests import postgres


@pytest.fixture(scope="session")
def postgres_server() -> Generator[str]:
    with postgres.server() as url:
        yield url


@pytest.fixture
def fresh_postgres(postgres_server: str) -> Generator[str]:
    with postgres.fresh_database(postgres_server) as url:
        yield url
