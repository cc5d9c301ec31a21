"""One notion of a line in the whole program: git's. Only LF ends a line."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
OTHER_LINES = {"splitlines", "readlines", "StringIO"}


def used_names(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Attribute):
            yield node.lineno, node.attr
        elif isinstance(node, ast.Name):
            yield node.lineno, node.id


@pytest.mark.parametrize("package", ["app", "webhooks"])
def test_no_code_splits_text_where_git_does_not(package: str) -> None:
    """`str.splitlines` also splits at CR, VT, FF, FS, GS, RS, NEL, U+2028, and U+2029; use `split("\\n")`."""
    found = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path in sorted((ROOT / package).rglob("*.py"))
        for line, name in used_names(path)
        if name in OTHER_LINES
    ]
    assert found == []


def test_the_analyzers_read_no_code_in_text_mode() -> None:
    """Text mode ends lines at CR. Only Quorum's own rule files are read so."""
    found = [
        f"{path.name}:{line}"
        for path in sorted((ROOT / "app/analyzers").glob("*.py"))
        for line, name in used_names(path)
        if name == "read_text" and path.name != "hits.py"
    ]
    assert found == []
