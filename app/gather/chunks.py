"""Find the hunks that no earlier review has read, and split a large change into chunks. Pure.

Hunks are recognized by content, whatever happened to their line numbers, so that the cost of a push depends on what it
changed. A hunk consists of blocks of a few lines; the content of a line decides whether a block ends there. So a changed
line in a long hunk leaves the blocks before and after it unchanged.

A chunk holds related files: a test and its subject, a file and one that it imports, files of one directory."""

import hashlib
import re
import zlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import PurePosixPath

from app.domain.diff import DiffLine, FileDiff, Hunk, LineKind
from app.gather.selection import shown_characters

LINES_PER_BLOCK = 8  # on average
MAX_BLOCK_LINES = 40
MARGIN_LINES = 6  # shown before and after new lines


@dataclass(frozen=True, slots=True)
class _Block:
    """Lines `start` to `end` (exclusive) of a hunk."""

    start: int
    end: int
    key: str


def hunk_keys(files: Iterable[FileDiff]) -> tuple[str, ...]:
    """Return the keys of all blocks of all hunks, to store with the review."""
    keys = (block.key for file in files for hunk in file.hunks for block in _blocks(file.path, hunk))
    return tuple(dict.fromkeys(keys))


def unseen(files: Sequence[FileDiff], seen: Collection[str]) -> tuple[FileDiff, ...]:
    """Return the files with only what no earlier review has read and a few lines around it; drop files without any."""
    return tuple(_unseen(files, seen)) if seen else tuple(files)


def _unseen(files: Sequence[FileDiff], seen: Collection[str]) -> Iterator[FileDiff]:
    for file in files:
        hunks = tuple(part for hunk in file.hunks for part in _new_parts(file.path, hunk, seen))
        if hunks:
            yield replace(file, hunks=hunks)


def _new_parts(path: str, hunk: Hunk, seen: Collection[str]) -> Iterator[Hunk]:
    """Cut the hunk to its new blocks; blocks whose margins meet stay together."""
    start = end = 0
    for block in _blocks(path, hunk):
        if block.key in seen:
            continue
        first, last = max(0, block.start - MARGIN_LINES), min(len(hunk.lines), block.end + MARGIN_LINES)
        if end and first > end:
            yield _part(hunk, hunk.lines[start:end])
            start = first
        elif not end:
            start = first
        end = last
    if end:
        yield _part(hunk, hunk.lines[start:end])


def _part(hunk: Hunk, lines: Sequence[DiffLine]) -> Hunk:
    """Return the hunk with only these consecutive lines of it."""
    if len(lines) == len(hunk.lines):
        return hunk
    old = [line.old_line for line in lines if line.old_line is not None]
    new = [line.new_line for line in lines if line.new_line is not None]
    return replace(
        hunk,
        lines=tuple(lines),
        old_start=old[0] if old else hunk.old_start,
        old_count=len(old),
        new_start=new[0] if new else hunk.new_start,
        new_count=len(new),
    )


def _blocks(path: str, hunk: Hunk) -> Iterator[_Block]:
    """Split a hunk into blocks. A block's key includes its neighboring lines: if one is removed, the code differs."""
    lines = hunk.lines
    start = 0
    for index, line in enumerate(lines, 1):
        if index == len(lines) or _ends(line) or index - start == MAX_BLOCK_LINES:
            yield _Block(start, index, _key(path, lines[max(0, start - 1) : index + 1], is_first=start == 0))
            start = index


def _ends(line: DiffLine) -> bool:
    return zlib.crc32(line.text.encode("utf-8", "surrogatepass")) % LINES_PER_BLOCK == 0


def _key(path: str, lines: Sequence[DiffLine], *, is_first: bool) -> str:
    digest = hashlib.sha256(f"{path}\n{is_first}".encode("utf-8", "surrogatepass"))
    for line in lines:
        digest.update(f"\n{line.kind}:{line.text}".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:24]


CHARACTERS_PER_TOKEN = 3.3  # for code with line numbers
FILE_TOKENS = 20  # for its header

_TEST_AFFIX = re.compile(r"^(?:tests?[_.-]|Test(?=[A-Z]))|(?:[_.-](?:tests?|spec)|(?<=[a-z0-9])Tests?|Spec)$")
_IMPORT = re.compile(
    r"^\s*(?:import|from|use|require|include|#include|package|using|export .* from)\b|require\("
)
_WORD = re.compile(r"\w{3,}")
_EVERYWHERE = frozenset({"index", "main", "mod", "lib", "app", "init", "__init__", "types", "test", "tests"})


def split_into_chunks(files: Sequence[FileDiff], *, chunk_tokens: int) -> tuple[tuple[FileDiff, ...], ...]:
    """Split files into chunks of at most `chunk_tokens`; split a larger file between its lines. Loses no line."""
    if sum(map(file_tokens, files)) <= chunk_tokens:
        return (tuple(files),) if files else ()
    chunks: list[list[FileDiff]] = []
    room = 0
    for group in _groups(files):
        pieces = [piece for file in group for piece in _pieces(file, chunk_tokens)]
        whole = sum(map(file_tokens, pieces))
        if chunks and room < whole <= chunk_tokens:
            room = 0
        for piece in pieces:
            tokens = file_tokens(piece)
            if not chunks or tokens > room:
                chunks.append([])
                room = chunk_tokens
            chunks[-1].append(piece)
            room -= tokens
    return tuple(tuple(chunk) for chunk in chunks)


def file_tokens(file: FileDiff) -> int:
    """Estimate the number of tokens of the file in a prompt."""
    return FILE_TOKENS + round(shown_characters(file) / CHARACTERS_PER_TOKEN)


def _groups(files: Sequence[FileDiff]) -> Iterator[list[FileDiff]]:
    """Group related files; order groups by the directory of their first file."""
    leader = _leaders(files)
    order = sorted(
        range(len(files)), key=lambda i: (PurePosixPath(files[leader[i]].path).parts[:-1], leader[i], i)
    )
    for _, indexes in groupby(order, key=lambda i: leader[i]):
        yield [files[index] for index in indexes]


def _leaders(files: Sequence[FileDiff]) -> list[int]:
    """Return, for each file, the index of the first file of its group."""
    leader = list(range(len(files)))

    def find(index: int) -> int:
        while leader[index] != index:
            index = leader[index]
        return index

    for left, right in _related(files):
        low, high = sorted((find(left), find(right)))
        leader[high] = low
    return [find(index) for index in range(len(files))]


def _related(files: Sequence[FileDiff]) -> Iterator[tuple[int, int]]:
    by_stem: dict[str, list[int]] = {}
    for index, file in enumerate(files):
        by_stem.setdefault(_stem(file.path), []).append(index)
    for index, file in enumerate(files):
        if _is_test(file.path):
            yield from ((index, other) for other in by_stem[_stem(file.path)] if other != index)
        for word in _imported_words(file) - _EVERYWHERE:
            yield from ((index, other) for other in by_stem.get(word, ()) if other != index)


def _stem(path: str) -> str:
    """Return `pay` for `test_pay.py`, `pay.spec.ts` and `PayTest.java`."""
    return _TEST_AFFIX.sub("", PurePosixPath(path).stem).lower()


def _is_test(path: str) -> bool:
    return bool(_TEST_AFFIX.search(PurePosixPath(path).stem))


def _imported_words(file: FileDiff) -> set[str]:
    return {
        word.lower()
        for hunk in file.hunks
        for line in hunk.lines
        if line.kind is not LineKind.REMOVED and _IMPORT.search(line.text[:200])
        for word in _WORD.findall(line.text[:200])
    }


def _pieces(file: FileDiff, chunk_tokens: int) -> Iterator[FileDiff]:
    if file_tokens(file) <= chunk_tokens:
        yield file
        return
    held: list[Hunk] = []
    for hunk in (part for whole in file.hunks for part in _parts(file, whole, chunk_tokens)):
        if held and file_tokens(replace(file, hunks=(*held, hunk))) > chunk_tokens:
            yield replace(file, hunks=tuple(held))
            held = []
        held.append(hunk)
    yield replace(file, hunks=tuple(held))


def _parts(file: FileDiff, hunk: Hunk, chunk_tokens: int) -> Iterator[Hunk]:
    """Yield the hunk, or parts of it that fit."""
    held: list[DiffLine] = []
    room = chunk_tokens - FILE_TOKENS
    for line in hunk.lines:
        tokens = file_tokens(replace(file, hunks=(replace(hunk, lines=(line,)),))) - FILE_TOKENS + 1
        if held and tokens > room:
            yield _part(hunk, held)
            held, room = [], chunk_tokens - FILE_TOKENS
        held.append(line)
        room -= tokens
    yield _part(hunk, held)
