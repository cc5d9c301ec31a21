"""Knows a hunk again by its content, whatever happened to its line numbers, so that a push costs what it changed. Pure."""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace

from app.domain.diff import FileDiff, Hunk


def hunk_key(path: str, hunk: Hunk) -> str:
    """The same for the same lines of the same file after a rebase or a force-push."""
    digest = hashlib.sha256(path.encode("utf-8", "surrogatepass"))
    for line in hunk.lines:
        digest.update(f"\n{line.kind}:{line.text}".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:32]


def hunk_keys(files: Iterable[FileDiff]) -> tuple[str, ...]:
    """The keys of all hunks, to be kept with the review."""
    return tuple(hunk_key(file.path, hunk) for file in files for hunk in file.hunks)


def unseen(files: Sequence[FileDiff], seen: Collection[str]) -> tuple[FileDiff, ...]:
    """The files with those hunks that no earlier review read; files without any are left out."""
    return tuple(_unseen(files, seen)) if seen else tuple(files)


def _unseen(files: Sequence[FileDiff], seen: Collection[str]) -> Iterator[FileDiff]:
    for file in files:
        hunks = tuple(hunk for hunk in file.hunks if hunk_key(file.path, hunk) not in seen)
        if hunks:
            yield replace(file, hunks=hunks)
