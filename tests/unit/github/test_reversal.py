"""Reversing git's patch restores the old file, for any two texts."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.diff import FileDiff, FileStatus
from app.domain.patch import parse_diff, parse_file_patch
from app.github.contents import reverse_patch

LINES = st.lists(
    st.sampled_from(["a", "b", "", "\r", "é", "\x0c x", "--- a", "+++ b", "@@ -1 +1 @@"]), max_size=14
)


def git_diff(directory: Path, old: bytes, new: bytes) -> FileDiff | None:
    for side, content in (("a", old), ("b", new)):
        (directory / side).mkdir()
        (directory / side / "file").write_bytes(content)
    ran = subprocess.run(
        ["git", "diff", "--no-index", "--no-color", "--no-prefix", "--text", "a/file", "b/file"],
        cwd=directory,
        capture_output=True,
        check=False,
    )
    files = parse_diff(ran.stdout).files
    return files[0] if files else None


@settings(max_examples=60, deadline=None)
@given(old=LINES, new=LINES)
def test_reversing_a_patch_restores_the_old_file(
    tmp_path_factory: pytest.TempPathFactory, old: list[str], new: list[str]
) -> None:
    before, after = ("".join(f"{line}\n" for line in lines).encode() for lines in (old, new))
    file = git_diff(tmp_path_factory.mktemp("reversal"), before, after)
    if file is None:
        assert before == after
        return
    assert reverse_patch(after, replace(file, status=FileStatus.MODIFIED)) == before


def listed(patch: str | None, status: str = "modified") -> FileDiff:
    return parse_file_patch(path="a", previous_path=None, status=status, patch=patch)


def test_a_removed_file_is_restored() -> None:
    assert reverse_patch(b"", listed("@@ -1,2 +0,0 @@\n-one\n-two", "removed")) == b"one\ntwo\n"


def test_a_renamed_file_without_a_patch_is_unchanged() -> None:
    assert reverse_patch(b"same\n", listed(None, "renamed")) == b"same\n"


def test_an_added_file_has_no_base_version() -> None:
    assert reverse_patch(b"new\n", listed("@@ -0,0 +1 @@\n+new", "added")) is None


def test_a_patch_that_does_not_fit_yields_nothing() -> None:
    assert reverse_patch(b"other\n", listed("@@ -1 +1 @@\n-old\n+new")) is None
