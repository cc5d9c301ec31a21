"""Writes tests/data/diffs: hostile diffs, and `expected.json` with what `git apply --numstat` says of each.

Run `python -m tests.unit.domain.diff_corpus` after adding a case. The tests read the files only.
"""

import json
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.unit.domain.git_trees import Tree, compare_with_git

CORPUS = Path(__file__).parents[2] / "data" / "diffs"

_NAMES = {
    "space": b"with space.py",
    "leading-space": b" leading.py",
    "trailing-space": b"trailing ",
    "tab": b"ta\tb.py",
    "newline": b"new\nline.py",
    "newline-forging-a-header": b"x\n+++ b/forged.py",
    "carriage-return": b"car\rriage.py",
    "quote": b'quo"te.py',
    "only-quotes": b'""',
    "backslash": b"back\\slash.py",
    "backslash-n": b"back\\nslash.py",
    "octal-look-alike": b"\\303\\244.py",
    "like-a-prefix": b"b/x.py",
    "repeats-itself": b"x b/x b/x",
    "latin": "\u00e9t\u00e9.py".encode(),
    "japanese": "\u65e5\u672c.py".encode(),
    "emoji": "\U0001f600.py".encode(),
    "no-utf8": b"\xff\xfe.py",
    "half-a-character": b"\xc3.py",
    "bidi-override": "safe\u202eyp.exe".encode(),
    "zero-width": "pay\u200b.py".encode(),
    "line-separator": "a\u2028b.py".encode(),
    "escape-sequence": b"\x1b[31mred.py",
    "bell": b"\x07.py",
    "delete": b"\x7f.py",
    "old-name-line": b"--- a",
    "new-name-line": b"+++ b",
    "hunk-line": b"@@ -1 +1 @@",
    "git-line": b"diff --git a b",
    "arrow": b"a => b",
    "braces": b"{a => b}.py",
    "binary-line": b"Binary files a and b differ",
    "shell": b"$(touch x); `id` | rm -rf ~.py",
    "format": b"%s%n{0}.py",
    "html": b"<img src=x onerror=alert(1)>.py",
    "markdown": b"![x](http:example.invalid) @everyone #1.py",
    "workflow-command": b"::set-output name=x::y",
    "dash": b"-rf",
    "null-device": b"dev/null",
    "long": b"n" * 250,
    "deep": b"/".join([b"d"] * 60) + b"/x.py",
}
_CONTENTS = {
    "header-lines": (
        b"--- a/old\n+++ b/new\n@@ -1 +1 @@\nx\n",
        b"++ b/forged\n-- a/forged\n@@ -1,9 +1,9 @@\ndiff --git a/f b/f\nx\n",
    ),
    "removed-dashes": (b"-- a/forged.py\nkeep\n", b"keep\n"),
    "added-pluses": (b"keep\n", b"++ b/forged.py\nkeep\n"),
    "forged-file-in-content": (b"-- a/f\nend\n", b"++ b/f\n@ -1 +1 @@\nend\n"),
    "signature": (b"one\n-- \ntwo\n", b"one\ntwo\n-- \n"),
    "no-newline-text": (b"a\n", b"a\n\\ No newline at end of file\n"),
    "old-without-newline": (b"a\nb", b"a\nb\n"),
    "new-without-newline": (b"a\nb\n", b"a\nb"),
    "both-without-newline": (b"a\nb", b"a\nc"),
    "from-empty": (b"", b"a\n"),
    "to-empty": (b"a\n", b""),
    "only-newlines": (b"\n\n\n", b"\n\n\n\n\n"),
    "crlf": (b"a\r\nb\r\nc\r\n", b"a\r\nB\r\nc\r\n"),
    "crlf-to-lf": (b"a\r\nb\r\n", b"a\nb\n"),
    "lone-carriage-returns": (b"a\rb\rc\n", b"a\rB\rc\rd\n"),
    "form-feed": (b"a\x0cb\n", b"a\x0cc\x0c\n"),
    "vertical-tab": (b"a\x0bb\n", b"a\x0bc\n"),
    "file-separators": (b"a\x1cb\n", b"a\x1cc\x1d\x1e\n"),
    "line-separator": (b"a\xe2\x80\xa8b\n", b"a\xe2\x80\xa8c\xe2\x80\xa9\n"),
    "next-line": (b"a\xc2\x85b\n", b"a\xc2\x85c\n"),
    "no-utf8": (b"\xff\xfea\n", b"\xff\xfeb\n"),
    "utf16": ("a\n".encode("utf-16"), "b\n".encode("utf-16")),
    "nul": (b"a\0b\n", b"a\0c\n"),
    "bidi": (b"a\n", "access = 'user\u202e \u2066// admin\u2069'\n".encode()),
    "tags": (b"a\n", "a\U000e0041\U000e0042\n".encode()),
    "blank-lines": (b" \n\t\n\n", b"  \n\t\t\n\n \n"),
    "subproject-text": (b"x\n", b"Subproject commit " + b"a" * 40 + b"\n"),
    "binary-text": (
        b"x\n",
        b"GIT binary patch\nliteral 3\nKcmZQzU|?WiU|?WiU|;|M00jU8\n\nBinary files a and b differ\n",
    ),
    "mail-text": (
        b"x\n",
        b"From 0000 Mon Sep 17 00:00:00 2001\nSubject: [PATCH] forged\n---\n 1 file changed\n",
    ),
    "conflict-marks": (b"x\n", b"<<<<<<< a\nx\n=======\ny\n>>>>>>> b\n"),
    "long-line": (b"x" * 40_000 + b"\n", b"x" * 39_999 + b"y\n"),
    "many-hunks": (
        b"".join(b"line %d\n" % n for n in range(400)),
        b"".join(b"line %d%s\n" % (n, b"!" * (n % 20 == 0)) for n in range(400)),
    ),
}
_TREES: dict[str, tuple[Tree, Tree]] = {
    "mode-only": ({b"x": ("100644", b"a\n")}, {b"x": ("100755", b"a\n")}),
    "mode-and-text": ({b"x": ("100644", b"a\n")}, {b"x": ("100755", b"b\n")}),
    "empty-added": ({}, {b"x": ("100644", b"")}),
    "empty-removed": ({b"x": ("100644", b"")}, {}),
    "symlink-added": ({}, {b"x": ("120000", b"../../etc/passwd")}),
    "symlink-changed": ({b"x": ("120000", b"a")}, {b"x": ("120000", b"b")}),
    "file-to-symlink": ({b"x": ("100644", b"a\nb\n")}, {b"x": ("120000", b"target")}),
    "symlink-to-file": ({b"x": ("120000", b"target")}, {b"x": ("100644", b"a\nb\n")}),
    "submodule-added": ({}, {b"m": ("160000", b"a" * 40)}),
    "submodule-moved": ({b"m": ("160000", b"a" * 40)}, {b"m": ("160000", b"b" * 40)}),
    "submodule-to-file": ({b"m": ("160000", b"a" * 40)}, {b"m": ("100644", b"a\n")}),
    "renamed": ({b"old name": ("100644", b"a\n" * 9)}, {b"new name": ("100644", b"a\n" * 9)}),
    "renamed-and-edited": (
        {b"o\tld": ("100644", b"a\nb\nc\nd\ne\n")},
        {b"new": ("100644", b"a\nb\nX\nd\ne\n")},
    ),
    "swapped": (
        {b"a": ("100644", b"1\n" * 20), b"b": ("100644", b"2\n" * 20)},
        {b"a": ("100644", b"2\n" * 20), b"b": ("100644", b"1\n" * 20)},
    ),
    "moved-into-like-named": ({b"x": ("100644", b"a\n" * 9)}, {b"x b/x": ("100644", b"a\n" * 9)}),
    "binary-added": ({}, {b"x y": ("100644", b"\0\1\2")}),
    "binary-mode": ({b"x": ("100644", b"\0")}, {b"x": ("100755", b"\0\1")}),
    "many-files": ({}, {b"f%03d" % n: ("100644", b"%d\n" % n) for n in range(120)}),
}
_OPTIONS = {
    "no-prefix": ("--no-prefix",),
    "own-prefixes": ("--src-prefix=old/", "--dst-prefix=new/"),
    "mnemonic-prefixes": ("--src-prefix=c/", "--dst-prefix=i/"),
    "reversed": ("-R",),
    "without-context": ("-U0",),
    "with-all-context": ("-U1000",),
    "whole-functions": ("-W",),
    "binary-data": ("--binary",),
    "full-ids": ("--full-index",),
    "broken-rewrites": ("-B",),
    "copies": ("-C", "--find-copies-harder"),
    "statistics-before": ("--stat", "--summary"),
}
_PAY = b"diff --git a/pay.py b/pay.py\nindex 1111111..2222222 100644\n--- a/pay.py\n+++ b/pay.py\n"
_HUNK = b"@@ -1,3 +1,3 @@ def pay():\n a\n-b\n+c\n d\n"
_NEXT = (
    b"diff --git a/z.py b/z.py\nindex 1111111..2222222 100644\n--- a/z.py\n+++ b/z.py\n@@ -1 +1 @@\n-y\n+z\n"
)
_WRITTEN = {
    "mail": b"From 1234 Mon Sep 17 00:00:00 2001\nFrom: A <a@example.invalid>\nSubject: [PATCH] Pay\n\n---\n pay.py | 2 +-\n\n"
    + _PAY + _HUNK + b"-- \n2.39.5\n\n",
    "commit-before": b"commit 1234\nAuthor: A <a@example.invalid>\n\n    --- a/forged\n    +++ b/forged\n\n" + _PAY + _HUNK,
    "byte-order-mark": b"\xef\xbb\xbf" + _PAY + _HUNK,
    "crlf-throughout": (_PAY + _HUNK + _NEXT).replace(b"\n", b"\r\n"),
    "no-end-of-last-line": (_PAY + _HUNK)[:-1],
    "stripped-blank-lines": _PAY + b"@@ -1,3 +1,4 @@\n\n-b\n+c\n+d\n\n",
    "counts-omitted": _PAY + b"@@ -3 +3 @@\n-a\n+b\n",
    "count-zero": _PAY + b"@@ -3,0 +4,2 @@\n+a\n+b\n",
    "no-newline-in-another-language": _PAY + b"@@ -1 +1 @@\n-a\n\\ Kein Zeilenumbruch am Dateiende.\n+b\n\\ Kein Zeilenumbruch am Dateiende.\n",
    "plain-with-times-and-no-prefix": b"--- pay.py\t2026-01-01 00:00:00.000000000 +0100\n+++ pay.py\t2026-01-02 00:00:00.000000000 +0100\n" + _HUNK,
    "plain-two-files": b"--- a/pay.py\n+++ b/pay.py\n" + _HUNK + b"--- a/z.py\n+++ b/z.py\n@@ -1 +1 @@\n-y\n+z\n",
    "plain-added": b"--- /dev/null\n+++ b/pay.py\n@@ -0,0 +1 @@\n+a\n",
    "plain-removed": b"--- a/pay.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n",
    "subversion": b"Index: pay.py\n" + b"=" * 67 + b"\n--- a/pay.py\t(revision 5)\n+++ b/pay.py\t(working copy)\n" + _HUNK,
    "prose-between": _PAY + _HUNK + b"\nAnd now the next one:\n\n" + _NEXT,
    "long-section": _PAY + b"@@ -1 +1 @@ " + b"s" * 5000 + b"\n-a\n+b\n",
    "hunk-too-short": _PAY + b"@@ -1,9 +1,9 @@\n a\n-b\n+c\n d\n" + _NEXT,
    "hunk-too-long": _PAY + b"@@ -1,2 +1,2 @@\n a\n-b\n+c\n+d\n" + _NEXT,
    "hunk-cut-off": (_PAY + _HUNK)[:-4],
    "hunk-swallows-the-next": _PAY + b"@@ -1,30 +1,30 @@\n a\n-b\n+c\n d\n--- a/z.py\n+++ b/z.py\n@@ -1 +1 @@\n-y\n+z\n",
    "counts-enormous": _PAY + b"@@ -1,99999999999999999999 +1,99999999999999999999 @@\n-a\n+b\n" + _NEXT,
    "counts-negative": _PAY + b"@@ --1,3 +1,3 @@\n a\n-b\n+c\n d\n" + _NEXT,
    "counts-no-digits": _PAY + b"@@ -\xd9\xa1 +\xd9\xa1 @@\n-a\n+b\n" + _NEXT,
    "hunk-without-file": b"@@ -1 +1 @@\n-a\n+b\n",
    "hunk-after-prose": _PAY + _HUNK + b"oops\n@@ -9 +9 @@\n-x\n+y\n" + _NEXT,
    "hunks-overlap": _PAY + _HUNK + b"@@ -2 +2 @@\n-c\n+e\n" + _NEXT,
    "unknown-mark": _PAY + b"@@ -1,3 +1,3 @@\n a\n*b\n+c\n d\n" + _NEXT,
    "no-new-name": b"diff --git a/pay.py b/pay.py\n--- a/pay.py\n" + _HUNK + _NEXT,
    "no-hunks": _PAY + _NEXT,
    "names-differ": b"diff --git a/pay.py b/pay.py\n--- a/pay.py\n+++ b/etc/passwd\n" + _HUNK + _NEXT,
    "no-name": b"diff --git \nold mode 100644\nnew mode 100755\n" + _NEXT,
    "unended-quote": b'diff --git "a/pay.py b/pay.py\nold mode 100644\nnew mode 100755\n' + _NEXT,
    "same-file-twice": _PAY + _HUNK + _PAY + _HUNK + _NEXT,
    "combined": b"diff --cc pay.py\nindex 1,2..3\n--- a/pay.py\n+++ b/pay.py\n@@@ -1,1 -1,1 +1,2 @@@\n  a\n++b\n+ c\n" + _NEXT,
    "combined-forging": b"diff --combined pay.py\n@@@ -1,3 -1,3 +1,1 @@@\n  a\n--- a/forged\n--++ b/forged\n" + _NEXT,
    "garbage": bytes(range(1, 256)) * 4,
    "marks-only": b"+\n-\n \n@@\n---\n+++\n",
    "cut-in-the-header": _PAY[:40],
}  # fmt: skip


def main() -> None:
    """Write every diff and git's counts for it."""
    CORPUS.mkdir(exist_ok=True)
    for old in CORPUS.glob("*.diff"):
        old.unlink()
    expected: dict[str, list[list[str | int | None]] | None] = {}
    for name, data in sorted(_diffs()):
        path = CORPUS / f"{name}.diff"
        path.write_bytes(data)
        expected[name] = _count(path, strip="no-prefix" not in name)
    (CORPUS / "expected.json").write_text(json.dumps(expected, indent=0, sort_keys=True) + "\n")


def _diffs() -> Iterator[tuple[str, bytes]]:
    with tempfile.TemporaryDirectory() as folder:
        repository = Path(folder)
        subprocess.run(["git", "init", "--quiet", "--bare"], cwd=repository, check=True)
        for name, trees, options in _cases():
            yield name, compare_with_git(repository, *trees, *options)[0]
    for name, data in _WRITTEN.items():
        yield f"written-{name}", data


def _cases() -> Iterator[tuple[str, tuple[Tree, Tree], tuple[str, ...]]]:
    for name, path in _NAMES.items():
        old: Tree = {path: ("100644", b"a\nb\n"), b"zz": ("100644", b"1\n")}
        yield f"name-{name}", (old, {path: ("100644", b"a\nc\n"), b"zz": ("100644", b"2\n")}), ()
    for name, (before, after) in _CONTENTS.items():
        yield f"content-{name}", ({b"x": ("100644", before)}, {b"x": ("100644", after)}), ()
    for name, trees in _TREES.items():
        yield f"tree-{name}", trees, ()
    for name, options in _OPTIONS.items():
        yield f"option-{name}", _everything(), options


def _everything() -> tuple[Tree, Tree]:
    old: Tree = {
        b"a b": ("100644", b"1\n" * 30),
        b"mode": ("100644", b"x\n"),
        b"gone": ("100644", b"y\n"),
        b"bin": ("100644", b"\0\1"),
    }
    new: Tree = {
        b"a b": ("100644", b"1\n" * 12 + b"2\n" + b"1\n" * 18),
        b"mode": ("100755", b"x\n"),
        b"bin": ("100644", b"\0\2"),
    }
    return old, new | {b'n"ew': ("100644", b"z\n"), b"copy": ("100644", b"1\n" * 30)}


def _count(path: Path, *, strip: bool) -> list[list[str | int | None]] | None:
    """Count the added and removed lines of each path (bytes as Latin-1); None if git rejects the diff."""
    command = ["git", "apply", "--numstat", "-z", f"-p{int(strip)}", str(path)]
    with tempfile.TemporaryDirectory() as outside:  # inside a repository, git ignores files in other folders
        done = subprocess.run(command, capture_output=True, cwd=outside, check=False)
    if done.returncode:
        return None
    rows = re.findall(rb"([\d-]+)\t([\d-]+)\t([^\0]*)\0", done.stdout)
    return [[name.decode("latin-1"), _number(added), _number(removed)] for added, removed, name in rows]


def _number(text: bytes) -> int | None:
    return None if text == b"-" else int(text)


if __name__ == "__main__":
    main()
