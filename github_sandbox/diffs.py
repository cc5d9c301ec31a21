"""Changes between two commits as GitHub shows them: files with patches, truncated at GitHub's limits, and anchors.

It parses git's output itself on purpose: tests compare it with the parser of the App.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from github_sandbox.git import GitRepository

_STATUS = {"A": "added", "D": "removed", "M": "modified", "R": "renamed", "C": "copied", "T": "changed"}
_HUNK = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_ZERO = "0" * 40


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffLimits:
    """GitHub's limits on diffs (https://docs.github.com/en/repositories/creating-and-managing-repositories/repository-limits).

    `patch_changed_lines` applies to a single file: GitHub omits patches of about 2,000 changed lines or more.
    """

    diff_files: int = 300
    diff_lines: int = 20_000
    diff_bytes: int = 1_000_000
    listed_files: int = 3_000
    compare_files: int = 300
    compare_commits: int = 250
    patch_changed_lines: int = 2_000
    response_patch_lines: int = 20_000


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines by number; `rows` contains (marker, old number, new number, text) in the order of the patch."""

    header: str
    rows: tuple[tuple[str, int, int, str], ...]

    def has(self, side: str, line: int) -> bool:
        """Whether a comment may be placed there: RIGHT on added and context lines, LEFT on removed and context lines."""
        if side == "RIGHT":
            return any(new == line and marker != "-" for marker, _, new, _ in self.rows)
        return any(old == line and marker != "+" for marker, old, _, _ in self.rows)

    def until(self, side: str, line: int) -> str:
        """The `diff_hunk` of a comment: the header and the rows up to the line."""
        lines = [self.header]
        for marker, old, new, text in self.rows:
            lines.append(marker + text)
            if (side == "RIGHT" and new == line and marker != "-") or (
                side == "LEFT" and old == line and marker != "+"
            ):
                break
        return "\n".join(lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChange:
    """One changed file. `patch` contains only hunks; it is None for binaries, pure renames and large files."""

    filename: str
    previous_filename: str | None
    status: str
    sha: str
    additions: int
    deletions: int
    patch: str | None
    hunks: tuple[Hunk, ...]

    @property
    def patch_lines(self) -> int:
        """The length of the patch, for the limits of a response."""
        return 0 if self.patch is None else self.patch.count("\n") + 1

    def hunk_with(self, side: str, line: int) -> Hunk | None:
        """The hunk that contains a line; None if no hunk does, or the patch is omitted."""
        if self.patch is None:
            return None
        return next((hunk for hunk in self.hunks if hunk.has(side, line)), None)


def _split(output: bytes) -> tuple[list[tuple[list[str], list[str]]], bytes]:
    """Split `git diff --raw -p -z` into raw records (fields, paths) and the patches that follow."""
    records: list[tuple[list[str], list[str]]] = []
    rest = output
    while rest.startswith(b":"):
        head, rest = rest.split(b"\0", 1)
        fields = head[1:].decode().split()
        paths: list[str] = []
        for _ in range(2 if fields[4][0] in "RC" else 1):
            path, rest = rest.split(b"\0", 1)
            paths.append(path.decode("utf-8", "replace"))
        records.append((fields, paths))
    return records, rest.removeprefix(b"\0")


def _sections(patches: bytes) -> Iterator[bytes]:
    """Split patches into one section per file: inside hunks every line has a marker, so only `diff --git` starts a section."""
    parts = re.split(rb"(?m)^(?=diff --git )", patches)
    return (part for part in parts if part)


def _hunks(section: bytes) -> tuple[Hunk, ...]:
    hunks: list[Hunk] = []
    rows: list[tuple[str, int, int, str]] = []
    header, old, new = "", 0, 0
    for line in section.split(b"\n"):
        found = _HUNK.match(line)
        if found:
            if header:
                hunks.append(Hunk(header, tuple(rows)))
            header, rows = line.decode("utf-8", "replace"), []
            old, new = int(found[1]), int(found[3])
        elif header and line[:1] in (b" ", b"+", b"-"):
            marker = line[:1].decode()
            rows.append((marker, old, new, line[1:].decode("utf-8", "replace")))
            old += marker != "+"
            new += marker != "-"
    return (*hunks, Hunk(header, tuple(rows))) if header else ()


def _change(fields: list[str], paths: list[str], section: bytes, limits: DiffLimits) -> FileChange:
    hunks = _hunks(section)
    markers = [row[0] for hunk in hunks for row in hunk.rows]
    start = re.search(rb"(?m)^@@ -", section)
    added, removed = markers.count("+"), markers.count("-")
    shown = start is not None and added + removed <= limits.patch_changed_lines
    return FileChange(
        filename=paths[-1],
        previous_filename=paths[0] if len(paths) > 1 else None,
        status=_STATUS.get(fields[4][0], "changed"),
        sha=fields[3] if fields[3] != _ZERO else fields[2],
        additions=added,
        deletions=removed,
        patch=section[start.start() :].decode("utf-8", "replace").removesuffix("\n")
        if start and shown
        else None,
        hunks=hunks,
    )


def file_changes(repository: GitRepository, base: str, head: str, limits: DiffLimits) -> list[FileChange]:
    """All files that differ between two commits, in git's order."""
    records, patches = _split(repository.raw_diff(base, head))
    sections = _sections(patches)
    changes: list[FileChange] = []
    for fields, paths in records:
        section = next(sections, b"")
        if (
            fields[4] == "T"
            and section.startswith(b"diff --git ")
            and b"\ndeleted file mode" in section[:4096]
        ):
            section += next(sections, b"")  # git shows a changed type as a removal and an addition
        changes.append(_change(fields, paths, section, limits))
    return changes


def render_diff(repository: GitRepository, base: str, head: str) -> bytes:
    """Render the diff media type: what `git diff` prints."""
    return _split(repository.raw_diff(base, head))[1]


def exceeded_limit(diff: bytes, files: int, limits: DiffLimits) -> str | None:
    """Why GitHub would reject this diff; None if it would render it."""
    if files > limits.diff_files:
        return f"Sorry, the diff exceeded the maximum number of files ({limits.diff_files})."
    if diff.count(b"\n") > limits.diff_lines:
        return f"Sorry, the diff exceeded the maximum number of lines ({limits.diff_lines})"
    if len(diff) > limits.diff_bytes:
        return "Sorry, the diff exceeded the maximum size."
    return None


def cut_to_response(changes: Iterable[FileChange], limits: DiffLimits) -> list[FileChange]:
    """Replace rows after about 20,000 patch lines of one response with zeros and no patch, without a mark.

    Seen in https://github.com/orgs/community/discussions/213491.
    """
    rows: list[FileChange] = []
    lines = 0
    for change in changes:
        lines += change.patch_lines
        full = lines > limits.response_patch_lines
        rows.append(replace(change, additions=0, deletions=0, patch=None) if full else change)
    return rows


def moved_line(hunks: Sequence[Hunk], line: int) -> int | None:
    """The number of an old line in the new commit; None if it was changed or removed (outdated)."""
    shift = 0
    for hunk in hunks:
        for marker, old, _, _ in hunk.rows:
            if old > line or (old == line and marker == " "):
                return line + shift
            if marker == "-" and old == line:
                return None
            shift += (marker == "+") - (marker == "-")
    return line + shift
