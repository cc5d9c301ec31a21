"""Knows code again by its content, whatever happened to its line numbers, so that a push costs what it changed. Pure.

A hunk is known by its blocks: a few lines each, that end where the content of a line says so. So a line that is changed in
the middle of a long hunk, such as a new file, leaves the blocks above and below it as they were.
"""

import hashlib
import zlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from app.domain.diff import DiffLine, FileDiff, Hunk

LINES_A_BLOCK = 8  # on average
MOST_LINES = 40
MARGIN_LINES = 6  # shown on both sides of what is new


@dataclass(frozen=True, slots=True)
class _Block:
    """Lines `start` to `end` (exclusive) of a hunk."""

    start: int
    end: int
    key: str


def hunk_keys(files: Iterable[FileDiff]) -> tuple[str, ...]:
    """The keys of all blocks of all hunks, to be kept with the review."""
    keys = (block.key for file in files for hunk in file.hunks for block in _blocks(file.path, hunk))
    return tuple(dict.fromkeys(keys))


def unseen(files: Sequence[FileDiff], seen: Collection[str]) -> tuple[FileDiff, ...]:
    """The files with what no earlier review read, and a few lines round it; files without any are left out."""
    return tuple(_unseen(files, seen)) if seen else tuple(files)


def _unseen(files: Sequence[FileDiff], seen: Collection[str]) -> Iterator[FileDiff]:
    for file in files:
        hunks = tuple(part for hunk in file.hunks for part in _new_parts(file.path, hunk, seen))
        if hunks:
            yield replace(file, hunks=hunks)


def _new_parts(path: str, hunk: Hunk, seen: Collection[str]) -> Iterator[Hunk]:
    """The hunk cut to what is new; blocks whose margins meet stay together."""
    start = end = 0
    for block in _blocks(path, hunk):
        if block.key in seen:
            continue
        first, last = max(0, block.start - MARGIN_LINES), min(len(hunk.lines), block.end + MARGIN_LINES)
        if end and first > end:
            yield _cut(hunk, start, end)
            start = first
        elif not end:
            start = first
        end = last
    if end:
        yield _cut(hunk, start, end)


def _cut(hunk: Hunk, start: int, end: int) -> Hunk:
    if (start, end) == (0, len(hunk.lines)):
        return hunk
    lines = hunk.lines[start:end]
    old = [line.old_line for line in lines if line.old_line is not None]
    new = [line.new_line for line in lines if line.new_line is not None]
    return replace(
        hunk,
        lines=lines,
        old_start=old[0] if old else hunk.old_start,
        old_count=len(old),
        new_start=new[0] if new else hunk.new_start,
        new_count=len(new),
    )


def _blocks(path: str, hunk: Hunk) -> Iterator[_Block]:
    """The key holds the lines next to a block too: where a neighbour has gone, what is left is not the same code."""
    lines = hunk.lines
    start = 0
    for index, line in enumerate(lines, 1):
        if index == len(lines) or _ends(line) or index - start == MOST_LINES:
            yield _Block(start, index, _key(path, lines[max(0, start - 1) : index + 1], is_first=start == 0))
            start = index


def _ends(line: DiffLine) -> bool:
    return zlib.crc32(line.text.encode("utf-8", "surrogatepass")) % LINES_A_BLOCK == 0


def _key(path: str, lines: Sequence[DiffLine], *, is_first: bool) -> str:
    digest = hashlib.sha256(f"{path}\n{is_first}".encode("utf-8", "surrogatepass"))
    for line in lines:
        digest.update(f"\n{line.kind}:{line.text}".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:24]
