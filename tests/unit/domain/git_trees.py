"""Pairs of trees for Hypothesis, imported with one `git fast-import` and compared with one `git diff`."""

import itertools
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

from hypothesis import strategies as st

Tree = dict[bytes, tuple[str, bytes]]  # path → (mode, content)

_SYMLINK, _SUBMODULE = "120000", "160000"
_numbers = itertools.count()

_ODD_LINES = (
    b"--- a/forged.py",
    b"+++ b/forged.py",
    b"@@ -1,3 +1,9 @@ forged",
    b"diff --git a/forged b/forged",
    b"rename from forged",
    b"GIT binary patch",
    b"\\ No newline at end of file",
    b"Subproject commit " + b"a" * 40,
    b"-- ",
    b"--",
    b"++",
    b"-",
    b"+",
    b"",
    b" ",
    b"\t",
    b"\r",
    b"a\rb",
    b"form\x0cfeed",
    b"vertical\x0btab",
    b"line\xe2\x80\xa8separator",
    b"next\xc2\x85line",
    b"latin\xe91",
    b"\xff\xfe",
    b"\x1c\x1d\x1e",
    b"}",
)
_lines = st.one_of(
    st.sampled_from(_ODD_LINES),
    st.integers(0, 30).map(b"value = %d".__mod__),
    st.binary(max_size=12).map(lambda raw: raw.replace(b"\n", b"").replace(b"\0", b"")),
)


def _joined(lines: list[bytes], end: bytes, last: bool) -> bytes:
    return end.join(lines) + (end if last else b"")


_contents = st.builds(
    _joined, st.lists(_lines, max_size=25), st.sampled_from([b"\n", b"\n", b"\r\n"]), st.booleans()
)
_binaries = st.binary(max_size=40).map(b"\0\1".__add__)
_folders = st.sampled_from([b"", b"a/", b"b/", b"src/", b"sp ace/", b"a/b/", b"\xc3\xa9t\xe9/"])
_name_bytes = st.one_of(
    st.sampled_from([b"x", b" b/x", b'"', b"\t", b"\n", b"\\", b" ", b"\xff", b"\xc3\xa4", b"=>", b" and "]),
    st.binary(min_size=1, max_size=3),
)
_names = (
    st.lists(_name_bytes, min_size=1, max_size=5)
    .map(b"".join)
    .map(lambda name: name.replace(b"\0", b"0").replace(b"/", b"!") + b"~")  # "~": no folder has this name
)
_paths = st.builds(bytes.__add__, _folders, _names)
_entries = st.one_of(
    st.tuples(st.sampled_from(["100644", "100644", "100755"]), _contents),
    st.tuples(st.just("100644"), _binaries),
    st.tuples(st.just(_SYMLINK), st.sampled_from([b"target", b"other target", b"x"])),
    st.tuples(st.just(_SUBMODULE), st.sampled_from([b"a" * 40, b"b" * 40])),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GitEntry:
    """git's data for one changed file; counts are None for binary files."""

    status: str  # A, D, M, R, C or T
    old_mode: str
    new_mode: str
    same_content: bool
    path: bytes
    previous_path: bytes | None = None
    added: int | None = None
    removed: int | None = None


@st.composite
def tree_pairs(draw: st.DrawFn) -> tuple[Tree, Tree]:
    """Two trees that share unchanged, edited and moved files, and files with other modes."""
    old = draw(st.dictionaries(_paths, _entries, max_size=7))
    new: Tree = {}
    for path, (mode, content) in old.items():
        match draw(st.sampled_from(["edit", "edit", "keep", "remove", "move", "mode", "replace"])):
            case "edit":
                new[path] = (mode, draw(_edited(content)) if mode.startswith("100") else content)
            case "keep":
                new[path] = (mode, content)
            case "move":
                new[draw(_paths)] = (mode, content)
            case "mode":
                new[path] = ("100755" if mode == "100644" else mode, content)
            case "replace":
                new[path] = draw(_entries)
            case _:
                pass
    return old, new | draw(st.dictionaries(_paths, _entries, max_size=3))


@st.composite
def _edited(draw: st.DrawFn, content: bytes) -> bytes:
    lines = content.split(b"\n")
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(lines)))
        lines[at : at + draw(st.integers(0, 2))] = draw(st.lists(_lines, max_size=3))
        lines = lines or [b""]
    return b"\n".join(lines)


def compare_with_git(repository: Path, old: Tree, new: Tree, *options: str) -> tuple[bytes, list[GitEntry]]:
    """Return git's diff of two trees, with its `--raw -z` and `--numstat -z` output."""
    branch = f"refs/heads/n{next(_numbers)}"
    script = b"".join(_commit(branch, tree) for tree in (old, new))
    subprocess.run(["git", "fast-import", "--quiet"], cwd=repository, input=script, check=True)
    command = [
        "git",
        "diff-tree",
        "-r",
        "-M",
        "--raw",
        "--numstat",
        "-z",
        "-p",
        *options,
        f"{branch}~",
        branch,
    ]
    out = subprocess.run(command, cwd=repository, capture_output=True, check=True).stdout
    return _parse_answer(out) if out else (b"", [])


def _commit(branch: str, tree: Tree) -> bytes:
    head = f"commit {branch}\ncommitter t <t> 0 +0000\ndata 0\ndeleteall\n".encode()
    return head + b"".join(_file(path, *entry) for path, entry in tree.items()) + b"\n"


def _file(path: bytes, mode: str, content: bytes) -> bytes:
    name = b'"%s"' % b"".join(b"\\%03o" % byte for byte in path)
    if mode == _SUBMODULE:
        return b"M %s %s %s\n" % (mode.encode(), content, name)
    return b"M %s inline %s\ndata %d\n%s\n" % (mode.encode(), name, len(content), content)


def _parse_answer(out: bytes) -> tuple[bytes, list[GitEntry]]:
    fields = out.split(b"\0")
    entries: list[GitEntry] = []
    position = 0
    while fields[position].startswith(b":"):
        old_mode, new_mode, old_id, new_id, status = fields[position][1:].decode().split()
        moved = status[0] in "RC"
        entries.append(
            GitEntry(
                status=status[0],
                old_mode=old_mode,
                new_mode=new_mode,
                same_content=old_id == new_id,
                path=fields[position + 1 + moved],
                previous_path=fields[position + 1] if moved else None,
            )
        )
        position += 2 + moved
    for number, entry in enumerate(entries):
        added, removed, name = fields[position].split(b"\t", 2)
        position += 1 if name else 3  # a moved file's two names follow in fields of their own
        if added != b"-":
            entries[number] = replace(entry, added=int(added), removed=int(removed))
    return b"\0".join(fields[position + 1 :]), entries
