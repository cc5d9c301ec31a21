"""Several patches become one change; what a diff does not show, or shows in another way, is never lost silently."""

import random
import subprocess
from pathlib import Path

import pytest

from app.domain.diff import Diff, FileStatus
from app.domain.patch import parse_diff
from app.domain.patch_series import NOT_A_SERIES
from tests.unit.github.repositories import ENVIRONMENT, Checkout

LINES = [f"line {number}" for number in range(60)]


def text(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def added(diff: Diff) -> dict[str, tuple[dict[int, str], int]]:
    return {file.path: (file.added_lines(), file.removed) for file in diff.files}


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    made = Checkout(tmp_path / "shop")
    made.commit({"a.py": text(LINES), "sp ace.py": "x\n", "é\t.py": "x\n"})
    made.git("checkout", "--quiet", "-b", "topic")
    return made


def raw(checkout: Checkout, *arguments: str) -> bytes:
    return subprocess.run(
        ["git", *arguments], cwd=checkout.directory, env=ENVIRONMENT, capture_output=True, check=True
    ).stdout


@pytest.fixture
def series(checkout: Checkout) -> Checkout:
    """Commits that change the same lines, and a file that is created, changed, renamed and deleted."""
    checkout.commit({"a.py": text([*LINES[:4], "import os", *LINES[5:]])})
    checkout.commit({"a.py": text([*LINES[:4], "import os", "os.system(x)", *LINES[6:]]), "new.py": "1\n"})
    checkout.commit(
        {"a.py": text([*LINES[1:4], "import os", "os.system(x)", *LINES[6:]]), "new.py": "1\n2\n"}
    )
    checkout.git("mv", "new.py", "moved.py")
    checkout.commit({"sp ace.py": "x\ny\n"})
    checkout.commit({"moved.py": None, "é\t.py": "y\n"})
    return checkout


@pytest.mark.parametrize(
    "command",
    [
        ["format-patch", "--stdout", "main"],
        ["log", "-p", "main..topic"],
        ["log", "-p", "--reverse", "main..topic"],
        ["-c", "color.ui=always", "diff", "main"],
        ["diff", "--no-prefix", "main"],
        ["-c", "diff.mnemonicPrefix=true", "diff", "main", "topic"],
        ["diff", "--src-prefix=old/", "--dst-prefix=new/", "main"],
        ["diff", "-U0", "main"],
        ["diff", "--patch-with-stat", "main"],
    ],
)
def test_every_way_to_write_a_change_is_read_as_the_same_change(series: Checkout, command: list[str]) -> None:
    assert added(parse_diff(raw(series, *command))) == added(parse_diff(raw(series, "diff", "main")))


@pytest.mark.parametrize("command", [["--word-diff"], ["--word-diff=porcelain"], ["--word-diff=color"]])
def test_a_word_diff_is_not_readable(series: Checkout, command: list[str]) -> None:
    diff = parse_diff(raw(series, "diff", *command, "main", "--", "a.py", "sp ace.py"))
    assert len(diff.files) == 2
    assert all(file.error for file in diff.files)


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (["--stat"], "other text"),
        (["--numstat"], "other text"),
        (["--raw"], "other text"),
        (["--name-only"], "other text"),
    ],
)
def test_a_summary_of_a_diff_is_no_diff(series: Checkout, command: list[str], name: str) -> None:
    with pytest.raises(ValueError, match=name):
        parse_diff(raw(series, "diff", *command, "main"))


def test_random_series_are_joined_as_git_compares_their_ends(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path / "random")
    rng = random.Random(7)
    for _ in range(4):
        lines = [rng.choice("abcdef") for _ in range(rng.randint(0, 30))]
        base = checkout.commit({"a": text(lines)})
        for _ in range(4):
            at = rng.randint(0, len(lines))
            lines[at : at + rng.randint(0, 4)] = [rng.choice("abcxyz") for _ in range(rng.randint(0, 3))]
            checkout.commit({"a": text(lines)})
        diff = parse_diff(raw(checkout, "format-patch", "--stdout", base))
        before = raw(checkout, "show", f"{base}:a").decode().split("\n")[:-1]
        for file in diff.files:
            assert file.error is None
            for hunk in reversed(file.hunks):
                start = hunk.old_start - 1 if hunk.old_count else hunk.old_start
                old = [line.text for line in hunk.lines if line.old_line is not None]
                assert before[start : start + hunk.old_count] == old
                before[start : start + hunk.old_count] = [
                    line.text for line in hunk.lines if line.new_line is not None
                ]
        assert before == lines


def test_two_patches_that_do_not_follow_each_other_are_not_readable() -> None:
    patch = b"--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-a\n+b\n"
    [file] = parse_diff(patch + patch).files
    assert (file.error, file.hunks) == (NOT_A_SERIES, ())


def test_a_file_that_is_removed_and_added_again_changed() -> None:
    removal = b"diff --git a/a b/a\ndeleted file mode 100644\n--- a/a\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n"
    addition = (
        b"From 1\ndiff --git a/a b/a\nnew file mode 100644\n--- /dev/null\n+++ b/a\n@@ -0,0 +1 @@\n+b\n"
    )
    [file] = parse_diff(removal + addition).files
    assert (file.status, file.added, file.removed, file.error) == (FileStatus.CHANGED, 1, 1, None)


READABLE = b"--- a.py\t(revision 1)\n+++ a.py\t(working copy)\n@@ -1 +1,2 @@\n a\n+b\n"


@pytest.mark.parametrize(
    ("notice", "path"),
    [
        (b"Only in new/lib: evil.py\n", "lib/evil.py"),
        (b"Files old/evil.py and new/evil.py differ\n", "evil.py"),
        (b"Index: evil.py\n" + b"=" * 67 + b"\nCannot display: file marked as a binary type.\n", "evil.py"),
        (b"diff -r 1 evil.py\nBinary file evil.py has changed\n", "evil.py"),
        (
            b"*** evil.py\t2026\n--- evil.py\t2026\n***************\n*** 1 ****\n! a\n--- 1 ----\n! b\n***************\n",
            "evil.py",
        ),
        (b"diff --git a/evil.py b/evil.py\nnew file mode 100644\nindex 0000000..7898192\n", "evil.py"),
        (
            b"diff --git a/evil.py b/evil.py\n--- a/evil.py\n+++ b/evil.py\n@@ -1,2 +1,2 @@\n  [-a-]{+b+}\n c\n",
            "evil.py",
        ),
        (b"@@ -1 +1 @@\n-a\n+b\n", "(no name)"),
    ],
)
def test_a_file_that_a_diff_names_but_does_not_show_is_listed(notice: bytes, path: str) -> None:
    for data in (notice + READABLE, READABLE + notice):
        unread = [file.path for file in parse_diff(data).files if file.error or file.binary]
        assert unread in ([path], ["a.py"])  # a hunk without a file damages the file before it


@pytest.mark.parametrize("magic", [b"\x1f\x8b\x08", b"PK\x03\x04", b"BZh9", b"\xfd7zXZ\x00"])
def test_a_compressed_patch_is_named(magic: bytes) -> None:
    with pytest.raises(ValueError, match="decompress"):
        parse_diff(magic + b"\0\1")


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        (
            "quoted-printable",
            "diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n@@ -1 +1,2 @@\n a\n+x =3D eval(=\ny)\n",
        ),
        ("base64", "LS0tIGEvYS5weQorKysgYi9hLnB5CkBAIC0xICsxLDIgQEAKIGEKK3ggPSBldmFsKHkpCg=="),
    ],
)
def test_a_patch_in_an_encoded_e_mail_is_decoded(encoding: str, body: str) -> None:
    mail = f"From: a@example.com\nSubject: x\nContent-Transfer-Encoding: {encoding}\n\n{body}"
    [file] = parse_diff(mail.encode()).files
    assert file.added_lines() == {2: "x = eval(y)"}
