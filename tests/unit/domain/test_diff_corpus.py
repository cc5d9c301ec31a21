"""Hostile diffs parse as in git; `tests/data/diffs/expected.json` has git's counts (see `diff_corpus`)."""

import json

import pytest

from app.domain.diff import FileDiff
from app.domain.patch import parse_diff
from tests.unit.domain.diff_corpus import CORPUS

Row = tuple[str, int | None, int | None]

EXPECTED: dict[str, list[Row] | None] = json.loads((CORPUS / "expected.json").read_text())
STRICTER = {  # git parses these, but a reviewer could overlook something, so the parser reports an error
    "written-combined": "the combined diff of a merge cannot be reviewed; use the range `BASE...HEAD`",
    "written-combined-forging": "the combined diff of a merge cannot be reviewed; use the range `BASE...HEAD`",
    "written-hunk-too-long": "the hunk at line 1 has more lines than its header says",
    "written-hunks-overlap": "the hunk at line 2 overlaps the one before it",
    "written-names-differ": "its header names two different files",
    "written-no-hunks": "its hunks are missing",
    "written-same-file-twice": "the input has two patches of this file that do not follow each other; use one diff of the whole range",
}
MORE_LENIENT = {"written-no-end-of-last-line"}  # GitHub's patches end like this
READ_BY_GIT = sorted(name for name, rows in EXPECTED.items() if rows is not None and name not in STRICTER)
REFUSED_BY_GIT = sorted(name for name, rows in EXPECTED.items() if rows is None and name not in MORE_LENIENT)


def read(name: str) -> tuple[FileDiff, ...]:
    return parse_diff((CORPUS / f"{name}.diff").read_bytes()).files


def path_of(file: FileDiff) -> str:
    """Return the bytes as Latin-1, as in the stored data."""
    return file.path.encode("utf-8", "surrogateescape").decode("latin-1")


def counts(rows: list[Row]) -> dict[str, tuple[int, int]]:
    """Add up the counts by path; a change of type has two rows."""
    total: dict[str, tuple[int, int]] = {}
    for path, added, removed in rows:
        before = total.get(path, (0, 0))
        total[path] = (before[0] + (added or 0), before[1] + (removed or 0))
    return total


def test_the_corpus_is_large_and_fully_parsed() -> None:
    files = {path.stem for path in CORPUS.glob("*.diff")}
    assert files == set(EXPECTED)
    assert len(files) >= 120


@pytest.mark.parametrize("name", READ_BY_GIT)
def test_files_and_counts_match_git(name: str) -> None:
    files = read(name)
    assert [file.error for file in files if file.error] == []
    assert {path_of(file): (file.added, file.removed) for file in files} == counts(EXPECTED[name] or [])
    binary = {path for path, added, _ in EXPECTED[name] or [] if added is None}
    assert {path_of(file) for file in files if file.binary} == binary


@pytest.mark.parametrize(("name", "reason"), STRICTER.items())
def test_a_contradictory_file_is_an_error_and_the_next_file_is_parsed(name: str, reason: str) -> None:
    first, second = read(name)
    assert (first.path, first.error, first.hunks) == ("pay.py", reason, ())
    assert (second.path, second.error, second.added) == ("z.py", None, 1)


@pytest.mark.parametrize("name", REFUSED_BY_GIT)
def test_diffs_that_git_rejects_are_errors(name: str) -> None:
    try:
        files = read(name)
    except ValueError:
        return
    assert [file.hunks for file in files if file.error] == [()]
    assert all((file.path, file.added) == ("z.py", 1) for file in files if not file.error)


@pytest.mark.parametrize("name", sorted(MORE_LENIENT))
def test_a_last_line_without_a_newline_is_parsed(name: str) -> None:
    assert [(file.error, file.added, file.removed) for file in read(name)] == [(None, 1, 1)]
