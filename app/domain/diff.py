"""The changed files, hunks and lines, with both line numbers. `patch` parses them; no I/O.

@@ -8,3 +8,4 @@ def pay(id):      Hunk(old_start=8, old_count=3, new_start=8, new_count=4)
     db = connect()                DiffLine(CONTEXT, old=8,    new=8)
-    q = "…" + id                  DiffLine(REMOVED, old=9,    new=None)
+    q = "… ?"                     DiffLine(ADDED,   old=None, new=9)
"""

from dataclasses import dataclass
from enum import StrEnum


class Side(StrEnum):
    """GitHub's `side`: LEFT is the base's file, RIGHT the head's."""

    LEFT = "LEFT"
    RIGHT = "RIGHT"


class LineKind(StrEnum):
    """How a line of a hunk relates to the two files."""

    CONTEXT = "context"
    ADDED = "added"
    REMOVED = "removed"


class FileStatus(StrEnum):
    """GitHub's `status` of a changed file."""

    ADDED = "added"
    MODIFIED = "modified"
    REMOVED = "removed"
    RENAMED = "renamed"
    COPIED = "copied"
    CHANGED = "changed"  # mode or type only


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffLine:
    """One line of a hunk, without its marker and `\\n`; a trailing `\\r` is part of the text."""

    kind: LineKind
    text: str
    old_line: int | None
    new_line: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hunk:
    """Consecutive lines; the range of a comment must stay inside one hunk (otherwise GitHub answers 422)."""

    old_start: int
    old_count: int
    new_start: int
    new_count: int
    section: str  # the text after the second @@
    lines: tuple[DiffLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDiff:
    """One changed file. Names hold surrogate escapes for bytes that are not UTF-8."""

    path: str
    previous_path: str | None = None  # set for renames and copies
    status: FileStatus
    hunks: tuple[Hunk, ...] = ()
    binary: bool = False  # the diff does not show its content
    content: str | None = None  # what its bytes are, if they are not text
    submodule: bool = False
    symlink: bool = False
    error: str | None = None  # why the patch cannot be read; the file is then not reviewed

    @property
    def added(self) -> int:
        """The number of added lines."""
        return self._count(LineKind.ADDED)

    @property
    def removed(self) -> int:
        """The number of removed lines."""
        return self._count(LineKind.REMOVED)

    def _count(self, kind: LineKind) -> int:
        return sum(line.kind is kind for hunk in self.hunks for line in hunk.lines)

    def added_lines(self) -> dict[int, str]:
        """Map the line number of each added line to its text."""
        return {
            line.new_line: line.text
            for hunk in self.hunks
            for line in hunk.lines
            if line.kind is LineKind.ADDED and line.new_line is not None
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Diff:
    """All changed files, in the order of GitHub or git."""

    files: tuple[FileDiff, ...]

    def file(self, path: str) -> FileDiff | None:
        """Return the file with this (new) path."""
        return next((file for file in self.files if file.path == path), None)
