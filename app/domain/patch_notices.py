"""Parse the lines of diffs that name a changed file without showing it."""

import re

from app.domain.diff import FileDiff, FileStatus
from app.domain.patch_header import common_name, parse_pair, without_prefix

NOT_SHOWN = "the diff names it but does not show it; use `git diff`, or `diff --unified --new-file --text`"
NO_NAME = "(no name)"
_SUBMODULE_LOG = re.compile(r"Submodule (.+) [0-9a-f]{7,64}\.{2,3}[0-9a-f]{7,64}\b")
_BINARY = re.compile(r"Binary files (.+) differ\r?")
_BINARY_OF_MERCURIAL = re.compile(r"Binary file (.+) has changed\r?")
_BINARY_OF_SUBVERSION = "Cannot display: file marked as a binary type."
_ONLY_IN = re.compile(r"Only in (.+): ([^/]+?)\r?")
_DIFFER = re.compile(r"(?:Files|Symbolic links) (.+) differ\r?")
_CONTEXT_DIFF = re.compile(r"\*{15}(?: .*)?\r?")
_ENTRY = re.compile(r"(?:Index: |--- (?![\d,]+ ----))([^\t]+?)(?:\t.*)?\r?")


def parse_notice(lines: list[str], position: int) -> FileDiff | None:
    """Return the file that the line names; None if it names none."""
    line = lines[position]
    if submodule := _SUBMODULE_LOG.match(line):
        return FileDiff(path=submodule[1], status=FileStatus.MODIFIED, submodule=True)
    if binary := _BINARY.fullmatch(line):
        return FileDiff(path=_name_of_pair(binary[1]), status=FileStatus.MODIFIED, binary=True)
    if binary := _BINARY_OF_MERCURIAL.fullmatch(line):
        return FileDiff(path=binary[1], status=FileStatus.MODIFIED, binary=True)
    if line.startswith(_BINARY_OF_SUBVERSION):
        return FileDiff(path=_name_above(lines, position), status=FileStatus.MODIFIED, binary=True)
    path = _unshown(lines, position)
    if (
        path and path != NO_NAME
    ):  # every hunk of a context diff starts so, and the first one has the name above it
        return FileDiff(path=path, status=FileStatus.MODIFIED, error=NOT_SHOWN)
    return None


def _unshown(lines: list[str], position: int) -> str | None:
    line = lines[position]
    if only := _ONLY_IN.fullmatch(line):
        return f"{only[1].partition('/')[2]}/{only[2]}".lstrip("/")
    if differ := _DIFFER.fullmatch(line):
        return _name_of_pair(differ[1])
    return _name_above(lines, position) if _CONTEXT_DIFF.fullmatch(line) else None


def _name_of_pair(text: str) -> str:
    old, new = parse_pair(text, " and ") or ("", text.rpartition(" and ")[2])
    return common_name(old, new) or without_prefix(new)


def _name_above(lines: list[str], position: int) -> str:
    """The name in the nearest of the few lines above that has one."""
    for line in reversed(lines[max(0, position - 4) : position]):
        if entry := _ENTRY.fullmatch(line):
            return entry[1]
    return NO_NAME
