"""Look at the bytes of files that a diff calls binary: attributes of the change, or one NUL, can make it say so of code."""

import asyncio
from dataclasses import replace
from pathlib import PurePosixPath

from app.domain.content import ContentKind, kind_of, text_change
from app.domain.diff import Diff, FileDiff, FileStatus, Side
from app.domain.pull_request import Source

MAX_READS = 100  # of files; the others stay binary
MAX_CONCURRENT_READS = 8
IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".gif", ".webp", ".ico"})


async def read_binaries(source: Source, diff: Diff) -> Diff:
    """Return the diff with the text of each binary file that is text, and the kind of the others."""
    binary = [file for file in diff.files if file.binary and not file.error and not file.submodule]
    slots = asyncio.Semaphore(MAX_CONCURRENT_READS)

    async def read(file: FileDiff) -> FileDiff:
        async with slots:
            return await _read(source, file)

    known = await asyncio.gather(*map(read, binary[:MAX_READS]))
    by_path = {file.path: file for file in known}
    return replace(diff, files=tuple(by_path.get(file.path, file) for file in diff.files)) if known else diff


async def _read(source: Source, file: FileDiff) -> FileDiff:
    base = head = None
    if file.status is not FileStatus.REMOVED:
        head = await source.blob(file.path, Side.RIGHT)
        if head is None:
            return file
        if kind_of(head) is not ContentKind.TEXT:
            return replace(file, content=_name_of(file.path, head))
    if file.status is not FileStatus.ADDED:
        base = await source.blob(file.previous_path or file.path, Side.LEFT)
        base = base if base is not None and kind_of(base) is ContentKind.TEXT else None
    if head is None and base is None:
        return file
    return text_change(file, base=base, head=head)


def _name_of(path: str, raw: bytes) -> str:
    kind = kind_of(raw)
    if kind is ContentKind.IMAGE and PurePosixPath(path).suffix.lower() not in IMAGE_SUFFIXES:
        return ContentKind.BINARY.value
    return kind.value
