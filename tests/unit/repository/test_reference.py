from collections.abc import Callable

import pytest

from tests.unit.repository.files import read
from tests.unit.repository.reference import TABLES, between

UPDATE = "run: .venv/bin/python -m tests.unit.repository.reference"


@pytest.mark.parametrize(("name", "path", "render"), [(name, *rest) for name, rest in TABLES.items()])
def test_the_generated_tables_match_the_code(name: str, path: str, render: Callable[[], str]) -> None:
    assert between(name, read(path)) == render(), UPDATE
