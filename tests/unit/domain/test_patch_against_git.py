"""The parser agrees with git on names, modes and counts of generated trees."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from app.domain.diff import FileDiff, FileStatus
from app.domain.patch import parse_diff
from tests.unit.domain.git_trees import GitEntry, Tree, compare_with_git, tree_pairs

STATUS = {
    "A": FileStatus.ADDED,
    "D": FileStatus.REMOVED,
    "R": FileStatus.RENAMED,
    "C": FileStatus.COPIED,
    "T": FileStatus.CHANGED,
}
OPTIONS = (
    (),
    ("--no-prefix",),
    ("-U0",),
    ("-U10", "-C", "--find-copies-harder"),
    ("-R",),
    ("--src-prefix=c/", "--dst-prefix=i/"),
    ("--binary",),
)
HEALTH = (
    HealthCheck.too_slow,
    HealthCheck.filter_too_much,
    HealthCheck.data_too_large,
    HealthCheck.function_scoped_fixture,
)
few = settings(max_examples=25, deadline=None, suppress_health_check=HEALTH)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("repository")
    subprocess.run(["git", "init", "--quiet", "--bare"], cwd=path, check=True)
    return path


def encoded(name: str | None) -> bytes | None:
    return None if name is None else name.encode("utf-8", "surrogateescape")


def expected_status(entry: GitEntry) -> FileStatus:
    only_mode = entry.status == "M" and entry.same_content
    return FileStatus.CHANGED if only_mode else STATUS.get(entry.status, FileStatus.MODIFIED)


def assert_same(file: FileDiff, entry: GitEntry) -> None:
    assert file.error is None
    assert encoded(file.path) == entry.path
    assert encoded(file.previous_path) == entry.previous_path
    assert file.status is expected_status(entry)
    if entry.status == "T":  # numstat compares the contents; the patch removes one and adds the other
        return
    assert (file.added, file.removed) == (entry.added or 0, entry.removed or 0)
    if not entry.same_content:  # a mere move is shown without modes and contents
        assert file.binary == (entry.added is None)
        assert file.submodule == ("160000" in (entry.old_mode, entry.new_mode))
        assert file.symlink == ("120000" in (entry.old_mode, entry.new_mode))


def assert_lines_match_files(file: FileDiff, old: Tree, new: Tree) -> None:
    """Check that each line of a hunk is in the file at its line number."""
    old_lines = old.get(encoded(file.previous_path or file.path) or b"", ("", b""))[1].split(b"\n")
    new_lines = new.get(encoded(file.path) or b"", ("", b""))[1].split(b"\n")
    for line in (line for hunk in file.hunks for line in hunk.lines):
        if line.old_line is not None:
            assert old_lines[line.old_line - 1] == encoded(line.text)
        if line.new_line is not None:
            assert new_lines[line.new_line - 1] == encoded(line.text)


@few
@given(trees=tree_pairs(), options=st.sampled_from(OPTIONS))
def test_names_modes_counts_and_lines_match_git(
    repository: Path, trees: tuple[Tree, Tree], options: tuple[str, ...]
) -> None:
    old, new = trees
    data, entries = compare_with_git(repository, old, new, *options)
    files = {encoded(file.path): file for file in parse_diff(data).files}
    assert set(files) == {entry.path for entry in entries}
    for entry in entries:
        assert_same(files[entry.path], entry)
        if "160000" not in (entry.old_mode, entry.new_mode):
            assert_lines_match_files(files[entry.path], *((new, old) if "-R" in options else (old, new)))


@few
@given(trees=tree_pairs(), data=st.data())
def test_damage_affects_only_one_file(
    repository: Path, trees: tuple[Tree, Tree], data: st.DataObject
) -> None:
    whole, entries = compare_with_git(repository, *trees)
    assume(all(entry.status != "T" for entry in entries))  # such a file has two parts
    lines = whole.split(b"\n")
    starts = [number for number, line in enumerate(lines) if line.startswith(b"diff --git ")]
    at = data.draw(st.integers(0, len(lines)))
    damaged = lines[:at] + data.draw(st.lists(st.binary(max_size=30), max_size=3)) + lines[at + 1 :]
    # Without its header, a file's lines belong to the file before it.
    before_damage = max((number for number in starts if number < at), default=0)
    untouched = parse_diff(whole).files[: sum(number < before_damage for number in starts)]
    try:
        after = parse_diff(b"\n".join(damaged)).files
    except ValueError:
        assert not untouched
    else:
        assert [file for file in untouched if file not in after] == []


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from([b"diff --git a/x b/x", b"--- a/x", b"+++ b/x", b"@@ -1 +1 @@", b"-a", b"+b", b""])
    )
)
def test_any_order_of_lines_is_parsed_or_rejected(lines: list[bytes]) -> None:
    try:
        files = parse_diff(b"\n".join(lines)).files
    except ValueError:
        assert b"diff --git a/x b/x" not in lines
    else:
        assert len({file.path for file in files}) == len(files)
