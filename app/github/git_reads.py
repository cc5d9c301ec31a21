"""Read many blobs, or search for many words, in one git process. Reads local objects only and runs nothing of the repository.

https://git-scm.com/docs/git-cat-file#_batch_output"""

import asyncio
import logging
import os
import re
from collections.abc import Awaitable, Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Generic, TypeVar

from app.domain.pull_request import TextMatch
from app.errors import GitFailed
from app.github.git_process import Git

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Batcher(Generic[Key, Value]):
    """Loads keys that are requested at the same time in one batch, each key once; caches nothing.

    `aiodataloader` does not fit: docs/decisions/0012-libraries.md.
    """

    def __init__(self, load_batch: Callable[[Sequence[Key]], Awaitable[Mapping[Key, Value]]]) -> None:
        self._load_batch = load_batch
        self._keys: dict[Key, None] = {}
        self._batch: asyncio.Task[Mapping[Key, Value]] | None = None

    async def load(self, key: Key) -> Value | None:
        """Load a key; None if it has no value. Raises what `load_batch` raises."""
        self._keys[key] = None
        if self._batch is None:
            self._batch = asyncio.create_task(self._run())
        # Other tasks may wait for the same batch: cancelling one of them must not cancel it.
        return (await asyncio.shield(self._batch)).get(key)

    async def _run(self) -> Mapping[Key, Value]:
        await asyncio.sleep(0)  # concurrent loads are recorded before this continues
        keys, self._keys, self._batch = list(self._keys), {}, None
        return await self._load_batch(keys)


MAX_BLOB_BYTES = 2 * 1024 * 1024
MAX_HEADER_BYTES = 128
_SEPARATORS = {"\n", "\0"}  # git reads one name per line

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Blob:
    object_id: str
    size_bytes: int


async def read_blobs(git: Git, names: Sequence[str]) -> dict[str, bytes]:
    """Map each name to its content if it is a file of at most `MAX_BLOB_BYTES`. Raises `GitFailed`.

    One process checks types and sizes, another reads the contents.
    """
    batched = [name for name in names if not _SEPARATORS & {*name}]
    checked = await git.run("cat-file", "--batch-check", stdin=_lines(batched))
    headers = map(_parse_header, checked.split(b"\n")[:-1])
    found = {name: blob for name, blob in zip(batched, headers, strict=True) if blob}
    contents = await _read_contents(git, {blob.object_id: blob.size_bytes for blob in found.values()})
    read = {name: contents[blob.object_id] for name, blob in found.items()}
    for name in sorted({*names} - {*batched}):
        if (content := await _read_alone(git, name)) is not None:
            read[name] = content
    return read


async def _read_contents(git: Git, sizes_bytes: Mapping[str, int]) -> dict[str, bytes]:
    if not sizes_bytes:
        return {}
    limit = sum(sizes_bytes.values()) + MAX_HEADER_BYTES * len(sizes_bytes)
    output = await git.run("cat-file", "--batch", stdin=_lines(sizes_bytes), max_bytes=limit)
    return dict(_parse_contents(output, sizes_bytes))


def _parse_contents(output: bytes, sizes_bytes: Mapping[str, int]) -> Iterator[tuple[str, bytes]]:
    """Parse the output: for each blob a header line, the content, a newline."""
    position = 0
    for object_id, size_bytes in sizes_bytes.items():
        begin = output.index(b"\n", position) + 1
        yield object_id, output[begin : begin + size_bytes]
        position = begin + size_bytes + 1


async def _read_alone(git: Git, name: str) -> bytes | None:
    try:
        return await git.run("cat-file", "blob", name, max_bytes=MAX_BLOB_BYTES)
    except GitFailed as error:
        _log.debug("Cannot read %r: %s", name, error)
        return None


def _lines(names: Iterable[str]) -> bytes:
    return "".join(f"{name}\n" for name in names).encode("utf-8", "surrogateescape")


def _parse_header(header: bytes) -> _Blob | None:
    """Parse `<object id> blob <bytes>` or `<name> missing`; None if it is not a file or too large."""
    parts = header.split(b" ")
    if len(parts) != 3 or parts[1] != b"blob" or not parts[2].isdigit():
        return None
    size_bytes = int(parts[2])
    return _Blob(object_id=parts[0].decode(), size_bytes=size_bytes) if size_bytes <= MAX_BLOB_BYTES else None


MAX_SEARCH_BYTES = 4 * 1024 * 1024
_FLAGS = ("--no-color", "--no-textconv", "--fixed-strings", "--word-regexp", "-I", "--line-number", "--null")


@dataclass(frozen=True, slots=True)
class Search:
    """A whole word to search for, and the maximum number of lines."""

    word: str
    limit: int


async def grep_tree(
    git: Git, searches: Sequence[Search], *, tree: str | None, cached: bool = False
) -> Mapping[Search, list[TextMatch]]:
    """Find lines with each word, ordered by path. `tree` is a commit; None for the work tree or the index.

    Uses one process for all words, or one per word if the result exceeds `MAX_SEARCH_BYTES`. Raises `GitFailed`.
    """
    valid = [each for each in searches if each.word.strip() and not {"\n", "\0"} & {*each.word}]
    flags = (*_FLAGS, "--cached") if cached else _FLAGS
    output = await _lines_with(git, [each.word for each in valid], flags, tree)
    if len(output) == MAX_SEARCH_BYTES and len(valid) > 1:
        results = [await grep_tree(git, [each], tree=tree, cached=cached) for each in valid]
        return {search: matches for result in results for search, matches in result.items()}
    found = [
        match for line in output.split(b"\n") if (match := parse_match(line, f"{tree}:" if tree else ""))
    ]
    return {each: list(islice(filter(_contains(each.word), found), each.limit)) for each in valid}


async def _lines_with(git: Git, words: Sequence[str], flags: Sequence[str], tree: str | None) -> bytes:
    if not words:
        return b""
    patterns = [argument for word in words for argument in ("-e", word)]
    trees = (tree,) if tree else ()
    return await git.read_some("grep", *flags, *patterns, *trees, max_bytes=MAX_SEARCH_BYTES, allowed=(0, 1))


def _contains(word: str) -> Callable[[TextMatch], bool]:
    """Match whole words as --word-regexp does."""
    whole = re.compile(rf"(?<!\w){re.escape(word)}(?!\w)", re.ASCII)
    return lambda match: whole.search(match.text) is not None


def parse_match(line: bytes, prefix: str) -> TextMatch | None:
    """Parse `commit:path NUL number NUL text`; None for a truncated line."""
    parts = line.split(b"\0", 2)
    if len(parts) < 3 or not parts[1].isdigit():
        return None
    path = os.fsdecode(parts[0]).removeprefix(prefix)
    return TextMatch(path=path, line=int(parts[1]), text=parts[2].decode("utf-8", "replace"))
