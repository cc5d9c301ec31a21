"""Input that generated trees do not cover: patches of the API, GNU diff, and other text."""

import pytest

from app.domain.diff import DiffLine, FileDiff, FileStatus, Hunk, LineKind
from app.domain.patch import parse_diff, parse_file_patch

PATCH = "@@ -8,3 +8,4 @@ def pay(id):\n     db = connect()\n-    q = id\n+    q = int(id)\n+    log(q)\n     db.close()"


def of_api(patch: str | None, status: str = "modified", previous_path: str | None = None) -> FileDiff:
    return parse_file_patch(path="pay.py", previous_path=previous_path, status=status, patch=patch)


def test_a_hunk_has_both_line_numbers() -> None:
    assert of_api(PATCH).hunks == (
        Hunk(
            old_start=8,
            old_count=3,
            new_start=8,
            new_count=4,
            section="def pay(id):",
            lines=(
                DiffLine(kind=LineKind.CONTEXT, text="    db = connect()", old_line=8, new_line=8),
                DiffLine(kind=LineKind.REMOVED, text="    q = id", old_line=9, new_line=None),
                DiffLine(kind=LineKind.ADDED, text="    q = int(id)", old_line=None, new_line=9),
                DiffLine(kind=LineKind.ADDED, text="    log(q)", old_line=None, new_line=10),
                DiffLine(kind=LineKind.CONTEXT, text="    db.close()", old_line=10, new_line=11),
            ),
        ),
    )


@pytest.mark.parametrize("patch", [None, ""])
def test_a_file_without_a_patch_has_no_hunks_and_no_error(patch: str | None) -> None:
    assert (of_api(patch).hunks, of_api(patch).error) == ((), None)


@pytest.mark.parametrize(
    ("status", "expected", "previous"),
    [
        ("renamed", FileStatus.RENAMED, "old.py"),
        ("copied", FileStatus.COPIED, "old.py"),
        ("modified", FileStatus.MODIFIED, None),
        ("unchanged", FileStatus.CHANGED, None),
    ],
)
def test_the_status_of_the_api_is_kept(status: str, expected: FileStatus, previous: str | None) -> None:
    file = of_api(PATCH, status, "old.py")
    assert (file.status, file.previous_path) == (expected, previous)


def test_a_submodule_is_recognized_by_its_lines() -> None:
    patch = f"@@ -1 +1 @@\n-Subproject commit {'a' * 40}\n+Subproject commit {'b' * 40}"
    assert of_api(patch).submodule
    assert not of_api(PATCH).submodule


@pytest.mark.parametrize(
    ("patch", "error"),
    [
        (PATCH[:-20], "the hunk at line 8 has fewer lines than its header says"),
        (PATCH + "\n+more", "the hunk at line 8 has more lines than its header says"),
        (PATCH + "\nprose", "line 7 of the patch is outside of all hunks"),
        ("prose", "line 1 of the patch is outside of all hunks"),
        (PATCH + "\n" + PATCH, "the hunk at line 8 overlaps the one before it"),
    ],
)
def test_a_damaged_patch_is_an_error_of_its_file(patch: str, error: str) -> None:
    assert (of_api(patch).error, of_api(patch).hunks) == (error, ())


def test_empty_input_is_a_diff_without_files() -> None:
    assert parse_diff(b"").files == ()
    assert parse_diff(b"\n").files == ()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"<!DOCTYPE html><html>Sign in</html>", "This is an HTML page, not a diff;"),
        (b'{"message": "Not Found"}', "This is JSON, not a diff;"),
        (b"Dear reviewer,\n\nplease look at my change.\n", "This is other text, not a diff;"),
        ("diff --git a/x b/x\n".encode("utf-16"), "The diff is UTF-16 text;"),
    ],
)
def test_other_input_is_rejected_with_advice(data: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message) as raised:
        parse_diff(data)
    assert "git diff" in str(raised.value)


def test_a_binary_line_of_gnu_diff_names_its_file() -> None:
    files = parse_diff(b"Binary files a/logo and mark.png and b/logo and mark.png differ\n").files
    assert [(file.path, file.binary) for file in files] == [("logo and mark.png", True)]


def test_a_submodule_in_the_log_format_is_not_lost() -> None:
    files = parse_diff(b"Submodule lib 1234567..89abcde:\n  > Fix it\n").files
    assert [(file.path, file.submodule) for file in files] == [("lib", True)]


def test_a_line_of_a_megabyte_is_one_line() -> None:
    line = b"x" * 1_000_000
    (file,) = parse_diff(b"--- a/x\n+++ b/x\n@@ -0,0 +1 @@\n+" + line + b"\n").files
    assert file.added_lines() == {1: line.decode()}
