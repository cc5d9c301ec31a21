"""Fixtures that open worlds. DBOS allows one per process: a test opens one world at a time."""

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.scenarios.world import World, open_world


class Open(Protocol):
    """`async with opened(providers=()) as world`, in the test's own folder."""

    def __call__(self, **how: Any) -> AbstractAsyncContextManager[World]: ...


@pytest.fixture
def opened(tmp_path: Path) -> Open:
    def open_(**how: Any) -> AbstractAsyncContextManager[World]:
        return open_world(tmp_path, **how)

    return open_


@pytest.fixture
async def world(tmp_path: Path) -> AsyncGenerator[World]:
    """A world with three vendors and a repository without configuration."""
    async with open_world(tmp_path) as world:
        yield world
