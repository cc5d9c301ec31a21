"""Splits a large change into chunks of related files that fit the token budget. Pure; loses no line.

Related: a test and its subject, a file and the one it imports, files of one directory.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import PurePosixPath

from app.domain.diff import DiffLine, FileDiff, Hunk, LineKind
from app.gather.selection import shown_characters

CHARACTERS_PER_TOKEN = 3.3  # of code with line numbers
FILE_TOKENS = 20  # its header

_TEST_AFFIX = re.compile(r"^(?:tests?[_.-]|Test(?=[A-Z]))|(?:[_.-](?:tests?|spec)|(?<=[a-z0-9])Tests?|Spec)$")
_IMPORT = re.compile(
    r"^\s*(?:import|from|use|require|include|#include|package|using|export .* from)\b|require\("
)
_WORD = re.compile(r"\w{3,}")
_EVERYWHERE = frozenset({"index", "main", "mod", "lib", "app", "init", "__init__", "types", "test", "tests"})


def split_into_chunks(files: Sequence[FileDiff], *, chunk_tokens: int) -> tuple[tuple[FileDiff, ...], ...]:
    """The files in chunks of at most `chunk_tokens` each; a file larger than that is split between its lines."""
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
    """About how many tokens the file takes in a prompt."""
    return FILE_TOKENS + round(shown_characters(file) / CHARACTERS_PER_TOKEN)


def _groups(files: Sequence[FileDiff]) -> Iterator[list[FileDiff]]:
    """Related files together; groups in the order of their first file's directory."""
    leader = _leaders(files)
    order = sorted(
        range(len(files)), key=lambda i: (PurePosixPath(files[leader[i]].path).parts[:-1], leader[i], i)
    )
    for _, indexes in groupby(order, key=lambda i: leader[i]):
        yield [files[index] for index in indexes]


def _leaders(files: Sequence[FileDiff]) -> list[int]:
    """For each file the index of its group's first file."""
    leader = list(range(len(files)))

    def find(index: int) -> int:
        while leader[index] != index:
            index = leader[index]
        return index

    for one, other in _related(files):
        low, high = sorted((find(one), find(other)))
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
    """`test_pay.py`, `pay.spec.ts`, `PayTest.java` → `pay`."""
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
    """The hunk, or runs of its lines that each fit."""
    held: list[DiffLine] = []
    room = chunk_tokens - FILE_TOKENS
    for line in hunk.lines:
        tokens = file_tokens(replace(file, hunks=(replace(hunk, lines=(line,)),))) - FILE_TOKENS + 1
        if held and tokens > room:
            yield _run(hunk, held)
            held, room = [], chunk_tokens - FILE_TOKENS
        held.append(line)
        room -= tokens
    yield _run(hunk, held)


def _run(hunk: Hunk, lines: Sequence[DiffLine]) -> Hunk:
    if len(lines) == len(hunk.lines):
        return hunk
    old = [line.old_line for line in lines if line.old_line is not None]
    new = [line.new_line for line in lines if line.new_line is not None]
    return Hunk(
        old_start=old[0] if old else hunk.old_start,
        old_count=len(old),
        new_start=new[0] if new else hunk.new_start,
        new_count=len(new),
        section=hunk.section,
        lines=tuple(lines),
    )
