"""The change itself: files, hunks, lines, with both line numbers. Never parses (see `patch`) and never reads.

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
    """One line of a hunk, without its marker and its `\\n`; a `\\r` before the end belongs to the text."""

    kind: LineKind
    text: str
    old_line: int | None
    new_line: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hunk:
    """A run of lines; a comment's range may not leave it (GitHub answers 422)."""

    old_start: int
    old_count: int
    new_start: int
    new_count: int
    section: str  # what git prints after the second @@
    lines: tuple[DiffLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDiff:
    """One changed file. Names are text with surrogate escapes for bytes that are no UTF-8."""

    path: str
    previous_path: str | None = None  # set for renames and copies
    status: FileStatus
    hunks: tuple[Hunk, ...] = ()
    binary: bool = False
    submodule: bool = False
    symlink: bool = False
    error: str | None = None  # why the patch could not be read: the file is unreviewed

    @property
    def added(self) -> int:
        """Number of added lines."""
        return self._count(LineKind.ADDED)

    @property
    def removed(self) -> int:
        """Number of removed lines."""
        return self._count(LineKind.REMOVED)

    def _count(self, kind: LineKind) -> int:
        return sum(line.kind is kind for hunk in self.hunks for line in hunk.lines)

    def added_lines(self) -> dict[int, str]:
        """New line number → text, of the added lines."""
        return {
            line.new_line: line.text
            for hunk in self.hunks
            for line in hunk.lines
            if line.kind is LineKind.ADDED and line.new_line is not None
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Diff:
    """All changed files, in the order in which GitHub or git names them."""

    files: tuple[FileDiff, ...]

    def file(self, path: str) -> FileDiff | None:
        """The file with this (new) path."""
        return next((file for file in self.files if file.path == path), None)
