"""Contents of many files from two git processes.

First what they are and how large, then the contents of those that are small enough. Reads objects that are here, fetches none.
https://git-scm.com/docs/git-cat-file#_batch_output
"""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from app.github.git_process import Git, GitFailed

MAX_BLOB_BYTES = 2 * 1024 * 1024
MAX_HEADER_BYTES = 128
_ENDS_A_NAME = {"\n", "\0"}  # where git reads a name a line

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Blob:
    object_id: str
    size_bytes: int


async def read_blobs(git: Git, names: Sequence[str]) -> dict[str, bytes]:
    """Name → content, of those that are files of at most `MAX_BLOB_BYTES`. Raises `GitFailed`."""
    told = [name for name in names if not _ENDS_A_NAME & {*name}]
    checked = await git.run("cat-file", "--batch-check", given=_lines(told))
    headers = map(_parse_header, checked.split(b"\n")[:-1])
    found = {name: blob for name, blob in zip(told, headers, strict=True) if blob}
    contents = await _read_contents(git, {blob.object_id: blob.size_bytes for blob in found.values()})
    read = {name: contents[blob.object_id] for name, blob in found.items()}
    for name in sorted({*names} - {*told}):
        if (content := await _read_alone(git, name)) is not None:
            read[name] = content
    return read


async def _read_contents(git: Git, sizes_bytes: Mapping[str, int]) -> dict[str, bytes]:
    if not sizes_bytes:
        return {}
    most = sum(sizes_bytes.values()) + MAX_HEADER_BYTES * len(sizes_bytes)
    output = await git.run("cat-file", "--batch", given=_lines(sizes_bytes), max_bytes=most)
    return dict(_parse_contents(output, sizes_bytes))


def _parse_contents(output: bytes, sizes_bytes: Mapping[str, int]) -> Iterator[tuple[str, bytes]]:
    """Each is a header's line, the content, a newline."""
    position = 0
    for object_id, size_bytes in sizes_bytes.items():
        begin = output.index(b"\n", position) + 1
        yield object_id, output[begin : begin + size_bytes]
        position = begin + size_bytes + 1


async def _read_alone(git: Git, name: str) -> bytes | None:
    try:
        return await git.run("cat-file", "blob", name, max_bytes=MAX_BLOB_BYTES)
    except GitFailed as error:
        _log.debug("no content of %r: %s", name, error)
        return None


def _lines(names: Iterable[str]) -> bytes:
    return "".join(f"{name}\n" for name in names).encode("utf-8", "surrogateescape")


def _parse_header(header: bytes) -> _Blob | None:
    """`<object id> blob <bytes>`, or `<name> missing`; None for what is no file, or too large a one."""
    parts = header.split(b" ")
    if len(parts) != 3 or parts[1] != b"blob" or not parts[2].isdigit():
        return None
    size_bytes = int(parts[2])
    return _Blob(object_id=parts[0].decode(), size_bytes=size_bytes) if size_bytes <= MAX_BLOB_BYTES else None
