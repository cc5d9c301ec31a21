"""Join the patches of a series, such as the e-mails of `git format-patch`, into one change of each file. Pure.

A later patch counts lines as the earlier ones left them. Lines that only one of them shows keep their numbers by the
lines that the other one adds and removes before them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from app.domain.diff import DiffLine, FileDiff, FileStatus, Hunk, LineKind

NOT_A_SERIES = (
    "the input has two patches of this file that do not follow each other; use one diff of the whole range"
)
_MOVED = (FileStatus.RENAMED, FileStatus.COPIED)


class SeriesMismatch(ValueError):
    """The later patch does not start where the earlier one ends."""


def join_series(patches: Sequence[Sequence[FileDiff]]) -> list[FileDiff]:
    """Return one change per path, in the order of the first patch; `git log` writes the newest patch first.

    A file that the series adds and removes again is no change.
    """
    forward = _join_all(patches)
    if len(patches) < 2 or not any(file.error == NOT_A_SERIES for file in forward):
        return forward
    backward = _join_all(patches[::-1])
    return forward if any(file.error == NOT_A_SERIES for file in backward) else backward


def _join_all(patches: Sequence[Sequence[FileDiff]]) -> list[FileDiff]:
    joined: dict[str, FileDiff] = {}
    for patch in patches:
        before = dict(joined)  # one patch names all its files as they are before it
        for file in patch:
            if file.status is FileStatus.RENAMED and file.previous_path in before:
                joined.pop(file.previous_path, None)
        for file in patch:
            is_moved = file.status in _MOVED and file.previous_path in before
            earlier = before.get((file.previous_path or "") if is_moved else file.path)
            after = file if earlier is None else _join(earlier, file)
            if after is None:
                joined.pop(file.path, None)
            else:
                joined[file.path] = after
    return list(joined.values())


def _join(before: FileDiff, after: FileDiff) -> FileDiff | None:
    if before.error or after.error:
        return replace(after, hunks=(), error=before.error or after.error)
    if before.status is FileStatus.REMOVED:
        return replace_removed(before, after)
    try:
        status, hunks = _status(before, after), tuple(_compose(before.hunks, after.hunks))
    except SeriesMismatch:
        return replace(after, hunks=(), error=NOT_A_SERIES)
    if status is None:
        return None
    return replace(
        after,
        status=status,
        previous_path=(before.previous_path or before.path) if status in _MOVED else None,
        hunks=hunks,
        binary=before.binary or after.binary,
        symlink=before.symlink or after.symlink,
        submodule=before.submodule or after.submodule,
    )


def replace_removed(before: FileDiff, after: FileDiff) -> FileDiff:
    """A file that was removed and is there again: git also writes so that a file became a link."""
    if after.status not in (FileStatus.ADDED, *_MOVED):
        return replace(after, hunks=(), error=NOT_A_SERIES)
    return replace(
        after,
        status=FileStatus.CHANGED,
        previous_path=None,
        hunks=before.hunks + after.hunks,
        binary=before.binary or after.binary,
        symlink=before.symlink or after.symlink,
        submodule=before.submodule or after.submodule,
    )


def _status(before: FileDiff, after: FileDiff) -> FileStatus | None:
    """The status of both changes together; None if nothing remains of them."""
    if after.status is FileStatus.REMOVED:
        return None if before.status in (FileStatus.ADDED, FileStatus.COPIED) else FileStatus.REMOVED
    if after.status is FileStatus.ADDED:
        raise SeriesMismatch
    if before.status in (FileStatus.ADDED, *_MOVED):
        return before.status
    if after.status in _MOVED:
        return after.status
    both = {before.status, after.status}
    return FileStatus.CHANGED if both == {FileStatus.CHANGED} else FileStatus.MODIFIED


@dataclass(frozen=True, slots=True)
class _Row:
    """A line and where it is on both sides; on a side that lacks it, where it would be."""

    old: int
    new: int
    line: DiffLine


@dataclass(slots=True)
class _MiddleLine:
    """What one patch says about a line of the file between the two patches: the lines before it, and the line itself."""

    before: list[DiffLine]
    line: DiffLine | None = None


def _compose(first: Sequence[Hunk], second: Sequence[Hunk]) -> Iterator[Hunk]:
    earlier = _places(first, by_new=True)
    later = _places(second, by_new=False)
    rows: list[_Row] = []
    old_shift = new_shift = 0  # from the file between the patches to the base, and to the head
    for number in sorted({*earlier, *later}):
        one, two = earlier.get(number, _MiddleLine([])), later.get(number, _MiddleLine([]))
        for line in one.before:  # removed by the first patch
            old = number + old_shift
            rows.append(_Row(old, number + new_shift, replace(line, old_line=old)))
            old_shift += 1
        for line in two.before:  # added by the second patch
            new = number + new_shift
            rows.append(_Row(number + old_shift, new, replace(line, new_line=new)))
            new_shift += 1
        old, new = number + old_shift, number + new_shift
        if line := _line(one.line, two.line, old=old, new=new):
            rows.append(_Row(old, new, line))
        old_shift -= one.line is not None and one.line.kind is LineKind.ADDED
        new_shift -= two.line is not None and two.line.kind is LineKind.REMOVED
    yield from _hunks(rows)


def _line(one: DiffLine | None, two: DiffLine | None, *, old: int, new: int) -> DiffLine | None:
    """The line of the middle file after both patches; None if it is in neither end."""
    line = one or two
    if line is None:
        return None
    if one and two and one.text != two.text:
        raise SeriesMismatch
    is_added = one is not None and one.kind is LineKind.ADDED
    is_removed = two is not None and two.kind is LineKind.REMOVED
    if is_added and is_removed:
        return None
    kind = LineKind.ADDED if is_added else LineKind.REMOVED if is_removed else LineKind.CONTEXT
    return DiffLine(
        kind=kind, text=line.text, old_line=None if is_added else old, new_line=None if is_removed else new
    )


def _places(hunks: Sequence[Hunk], *, by_new: bool) -> dict[int, _MiddleLine]:
    """Order what a patch says by the lines of its new (or old) side."""
    places: dict[int, _MiddleLine] = {}
    for hunk in hunks:
        start, count = (hunk.new_start, hunk.new_count) if by_new else (hunk.old_start, hunk.old_count)
        number = start if count else start + 1
        for line in hunk.lines:
            place = places.setdefault(number, _MiddleLine([]))
            if (line.new_line if by_new else line.old_line) is None:
                place.before.append(line)
            else:
                place.line = line
                number += 1
    return places


def _hunks(rows: Sequence[_Row]) -> Iterator[Hunk]:
    """Split the rows where lines are missing between them; leave out hunks without a change."""
    part: list[_Row] = []
    expected = (0, 0)
    for row in rows:
        if part and (row.old, row.new) != expected:
            yield from _hunk(part)
            part = []
        part.append(row)
        expected = (row.old + (row.line.old_line is not None), row.new + (row.line.new_line is not None))
    yield from _hunk(part)


def _hunk(rows: Sequence[_Row]) -> Iterator[Hunk]:
    lines = tuple(row.line for row in rows)
    if all(line.kind is LineKind.CONTEXT for line in lines):
        return
    old_count = sum(line.old_line is not None for line in lines)
    new_count = sum(line.new_line is not None for line in lines)
    yield Hunk(
        old_start=rows[0].old - (not old_count),  # as git writes the place of nothing
        old_count=old_count,
        new_start=rows[0].new - (not new_count),
        new_count=new_count,
        section="",
        lines=lines,
    )
