"""Parse unified diffs of git, GitHub and GNU diff. Reads no files and does not run git.

Only `\\n` ends a line. The counts in `@@ -8,3 +8,4 @@` decide which lines belong to a hunk; those lines are content,
whatever they look like. A file with a damaged patch becomes a `FileDiff` with `error`; the other files stay readable.
https://git-scm.com/docs/diff-format#generate_patch_text_with_p
https://www.gnu.org/software/diffutils/manual/html_node/Detailed-Unified.html
"""

import re
from dataclasses import replace

from app.domain.diff import Diff, DiffLine, FileDiff, FileStatus, Hunk, LineKind
from app.domain.patch_header import Header, describe, fault_of, parse_name
from app.domain.patch_input import likely, read_lines
from app.domain.patch_notices import parse_notice
from app.domain.patch_series import join_series, replace_removed

_HUNK = re.compile(r"@@ -([0-9]{1,9})(?:,([0-9]{1,9}))? \+([0-9]{1,9})(?:,([0-9]{1,9}))? @@ ?(.*)", re.DOTALL)
_SUBPROJECT = re.compile(r"Subproject commit [0-9a-f]{40,64}(-dirty)?")
_COMBINED = ("diff --cc ", "diff --combined ")
COMBINED_DIFF = "the combined diff of a merge cannot be reviewed; use the range `BASE...HEAD`"
_STARTS = ("diff --git ", *_COMBINED)


def parse_diff(data: bytes) -> Diff:
    """Parse all files of a diff; empty input is a diff without files.

    Raises `ValueError`, with a sentence for people, if nothing in `data` is a diff.
    """
    reader = _Reader(read_lines(data))
    files = join_series(patches := _parse_patches(reader))
    if not patches and any(line.strip() for line in reader.lines):
        raise ValueError(f"This is {likely(data)}, not a diff; use the output of `git diff BASE...HEAD`.")
    if files and all(file.error == COMBINED_DIFF for file in files):
        raise ValueError(
            "This is the combined diff of a merge, which does not say what one side changed; "
            "use the output of `git diff BASE...HEAD` or of `git show --first-parent -m MERGE`."
        )
    return Diff(files=tuple(files))


def parse_file_patch(
    *, path: str, previous_path: str | None, status: FileStatus | str, patch: str | None
) -> FileDiff:
    """Parse one file of GitHub's files API. Its `patch` has hunks only, and is None or "" if there are none.

    https://docs.github.com/en/rest/pulls/pulls#list-pull-requests-files
    """
    known = FileStatus(status) if status in set(FileStatus) else FileStatus.CHANGED
    moved = known in (FileStatus.RENAMED, FileStatus.COPIED)
    file = FileDiff(path=path, previous_path=previous_path if moved else None, status=known)
    lines = (patch or "").split("\n")
    reader = _Reader(lines if lines[-1] else lines[:-1])
    try:
        hunks = _parse_hunks(reader)
    except ValueError as error:
        return _damaged(file, str(error))
    if not reader.at_end:
        return _damaged(file, f"line {reader.position + 1} of the patch is outside of all hunks")
    return replace(file, hunks=hunks, submodule=_is_submodule(hunks))


class _Reader:
    """The lines of a diff and the current position."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.position = 0
        self._by_git = any(line.startswith(_STARTS) for line in self.lines)

    @property
    def at_end(self) -> bool:
        """Whether all lines have been read."""
        return self.position >= len(self.lines)

    @property
    def line(self) -> str:
        """The next line, or "" at the end."""
        return "" if self.at_end else self.lines[self.position]

    def starts_file(self) -> bool:
        """Whether a file starts here: git's first line, or the two names of a plain diff before a hunk."""
        if self.line.startswith(_STARTS):
            return True
        ahead = self.lines[self.position : self.position + 3]
        return len(ahead) == 3 and all(map(str.startswith, ahead, ("--- ", "+++ ", "@@ -")))

    def skip_to_next_file(self) -> None:
        """Skip a damaged file. Content cannot look like git's first line because each content line has a marker."""
        while not self.at_end and not (self.line.startswith(_STARTS) if self._by_git else self.starts_file()):
            self.position += 1


def _parse_patches(reader: _Reader) -> list[list[FileDiff]]:
    """Parse the files of each patch. Text between files, such as the next e-mail, or a name that comes again, starts one."""
    patches: list[list[FileDiff]] = [[]]
    while not reader.at_end:
        if reader.starts_file():
            _add(patches, _parse_file(reader))
            continue
        if file := parse_notice(reader.lines, reader.position):
            _add(patches, file)
        elif _HUNK.match(reader.line):
            _add_lost_hunk(next(filter(None, reversed(patches)), patches[-1]))
        elif reader.line.strip() and patches[-1]:
            patches.append([])
        reader.position += 1
    return [patch for patch in patches if patch]


def _add(patches: list[list[FileDiff]], file: FileDiff) -> None:
    """Add the file to the last patch; git writes that a file became a link as removal plus addition."""
    files = patches[-1]
    before = next((each for each in files if each.path == file.path), None)
    if before is None:
        files.append(file)
    elif (before.status, file.status) == (FileStatus.REMOVED, FileStatus.ADDED):
        files[files.index(before)] = replace_removed(before, file)
    else:
        patches.append([file])


def _add_lost_hunk(files: list[FileDiff]) -> None:
    reason = "a hunk is separated from its file"
    if files:
        files[-1] = _damaged(files[-1], reason)
    else:
        files.append(FileDiff(path="(no name)", status=FileStatus.MODIFIED, error=reason))


def _parse_file(reader: _Reader) -> FileDiff:
    if reader.line.startswith(_COMBINED):
        return _skip_combined(reader)
    header = Header.read(reader.lines, reader.position)
    reader.position = header.end
    try:
        file = describe(header)
    except ValueError as error:
        reader.skip_to_next_file()
        return FileDiff(path=header.written_name, status=FileStatus.MODIFIED, error=str(error))
    try:
        hunks = _parse_hunks(reader)
    except ValueError as error:
        reader.skip_to_next_file()
        return _damaged(file, str(error))
    if fault := fault_of(header, file, has_hunks=bool(hunks)):
        return _damaged(file, fault)
    status = FileStatus.MODIFIED if hunks and file.status is FileStatus.CHANGED else file.status
    submodule = file.submodule if header.modes else _is_submodule(hunks)
    return replace(file, hunks=hunks, status=status, submodule=submodule)


def _skip_combined(reader: _Reader) -> FileDiff:
    path = parse_name(reader.line.split(" ", 2)[2])
    reader.position += 1
    while not reader.at_end and not reader.line.startswith(_STARTS):
        reader.position += 1
    return FileDiff(path=path, status=FileStatus.MODIFIED, error=COMBINED_DIFF)


def _damaged(file: FileDiff, reason: str) -> FileDiff:
    return replace(file, hunks=(), error=reason)


def _parse_hunks(reader: _Reader) -> tuple[Hunk, ...]:
    hunks: list[Hunk] = []
    old_end = new_end = 1
    while header := _HUNK.fullmatch(reader.line):
        reader.position += 1
        hunk = _parse_hunk(reader, header)
        if all(line.kind is LineKind.CONTEXT for line in hunk.lines):
            raise ValueError(f"the hunk at line {hunk.new_start} marks no changed line, as in a word diff")
        if (
            _first(hunk.old_start, hunk.old_count) < old_end
            or _first(hunk.new_start, hunk.new_count) < new_end
        ):
            raise ValueError(f"the hunk at line {hunk.new_start} overlaps the one before it")
        old_end = _first(hunk.old_start, hunk.old_count) + hunk.old_count
        new_end = _first(hunk.new_start, hunk.new_count) + hunk.new_count
        hunks.append(hunk)
    if hunks and reader.line.startswith(("+", "-")) and not _may_follow(reader):
        raise ValueError(f"the hunk at line {hunks[-1].new_start} has more lines than its header says")
    return tuple(hunks)


def _first(start: int, count: int) -> int:
    """Return the first line; the header of an empty side names the line before it."""
    return start if count else start + 1


def _may_follow(reader: _Reader) -> bool:
    """Whether the line after a hunk starts the next file or a mail signature."""
    return reader.starts_file() or reader.line.rstrip() == "--"


def _parse_hunk(reader: _Reader, header: re.Match[str]) -> Hunk:
    old_start, old_count, new_start, new_count = (
        1 if number is None else int(number) for number in header.groups()[:4]
    )
    lines = _parse_lines(reader, (old_start, old_start + old_count), (new_start, new_start + new_count))
    while reader.line.startswith("\\"):
        reader.position += 1
    return Hunk(
        old_start=old_start,
        old_count=old_count,
        new_start=new_start,
        new_count=new_count,
        section=header[5].removesuffix("\r"),
        lines=tuple(lines),
    )


def _parse_lines(reader: _Reader, old_range: tuple[int, int], new_range: tuple[int, int]) -> list[DiffLine]:
    """Parse the lines of one hunk. One loop without calls, because large diffs spend their time here."""
    old, old_end = old_range
    new, new_end = new_range
    context, added, removed = LineKind.CONTEXT, LineKind.ADDED, LineKind.REMOVED
    lines: list[DiffLine] = []
    source, position = reader.lines, reader.position
    while (old < old_end or new < new_end) and position < len(source):
        line = source[position]
        marker = line[:1]
        if marker == "+" and new < new_end:
            lines.append(DiffLine(kind=added, text=line[1:], old_line=None, new_line=new))
            new += 1
        elif marker == "-" and old < old_end:
            lines.append(DiffLine(kind=removed, text=line[1:], old_line=old, new_line=None))
            old += 1
        elif (
            marker in (" ", "") and old < old_end and new < new_end
        ):  # some tools strip the space of an empty line
            lines.append(DiffLine(kind=context, text=line[1:], old_line=old, new_line=new))
            old += 1
            new += 1
        elif marker != "\\":
            break
        position += 1
    reader.position = position
    if (old, new) != (old_end, new_end):
        raise ValueError(f"the hunk at line {new_range[0]} has fewer lines than its header says")
    return lines


def _is_submodule(hunks: tuple[Hunk, ...]) -> bool:
    lines = [line for hunk in hunks for line in hunk.lines]
    return 0 < len(lines) <= 2 and all(_SUBPROJECT.fullmatch(line.text) for line in lines)
