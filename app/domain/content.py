"""What the bytes of a file say it is. Names and attributes do not count."""

import re
from enum import StrEnum

from app.domain.diff import DiffLine, FileDiff, FileStatus, Hunk, LineKind

MAX_STRANGE_SHARE = 0.1  # of the bytes of a text: NUL, other controls, and bytes that are not UTF-8
MAX_STRANGE_BYTES = 16  # in a small text
MIN_WIDE_SHARE = 0.8  # of the characters of UTF-16 text without a byte order mark


class ContentKind(StrEnum):
    """The kind of a file's content; all but `TEXT` are reasons why it is not read."""

    TEXT = "text"
    BINARY = "binary"
    IMAGE = "binary image"
    UTF_16 = "UTF-16 text, which Quorum does not read"


_STRANGE = re.compile(rb"[\x00-\x06\x0e-\x1a\x1c-\x1f\x7f]")
_BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")
_IMAGES = (  # https://mimesniff.spec.whatwg.org/#matching-an-image-type-pattern
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff",
    b"GIF87a",
    b"GIF89a",
    b"\x00\x00\x01\x00",
)


def kind_of(raw: bytes) -> ContentKind:
    """Tell text, with or without a few NUL bytes, from content that has no lines."""
    if raw.startswith(_BYTE_ORDER_MARKS):
        return ContentKind.UTF_16
    if _strange_bytes(raw) <= max(len(raw) * MAX_STRANGE_SHARE, MAX_STRANGE_BYTES):
        return ContentKind.TEXT
    if _is_wide(raw):
        return ContentKind.UTF_16
    is_image = raw.startswith(_IMAGES) or (raw[:4] == b"RIFF" and raw[8:12] == b"WEBP")
    return ContentKind.IMAGE if is_image else ContentKind.BINARY


def _strange_bytes(raw: bytes) -> int:
    decoded = raw.decode("utf-8", "surrogateescape")
    undecoded = len(decoded.encode("utf-8", "replace")) - len(decoded.encode("utf-8", "ignore"))
    return undecoded + len(_STRANGE.findall(raw))


def _is_wide(raw: bytes) -> bool:
    """Whether every other byte is NUL, as in English text in UTF-16."""
    sides = (raw[0::2].count(0), raw[1::2].count(0))
    return max(sides) >= len(raw) // 2 * MIN_WIDE_SHARE and min(sides) <= len(raw) // 2 * MAX_STRANGE_SHARE


def text_change(file: FileDiff, *, base: bytes | None, head: bytes | None) -> FileDiff:
    """Describe the change of a file from its two contents; None for a side without text.

    Only equal lines at the start and at the end are recognized, which takes linear time on any content.
    """
    old, new = _lines(base), _lines(head)
    same = _common(old, new)
    ends = _common(old[same:][::-1], new[same:][::-1])
    before = _rows(old[max(0, same - 3) : same], max(1, same - 2), max(1, same - 2))
    removed = [
        DiffLine(kind=LineKind.REMOVED, text=text, old_line=number, new_line=None)
        for number, text in enumerate(old[same : len(old) - ends], same + 1)
    ]
    added = [
        DiffLine(kind=LineKind.ADDED, text=text, old_line=None, new_line=number)
        for number, text in enumerate(new[same : len(new) - ends], same + 1)
    ]
    tail = len(old) - ends
    after = _rows(old[tail : tail + min(3, ends)], tail + 1, len(new) - ends + 1)
    lines = (*before, *removed, *added, *after)
    hunks = (_hunk(lines),) if removed or added else ()
    status = file.status
    return FileDiff(
        path=file.path,
        previous_path=file.previous_path,
        status=FileStatus.MODIFIED if status is FileStatus.CHANGED else status,
        hunks=hunks,
        symlink=file.symlink,
    )


def _lines(raw: bytes | None) -> list[str]:
    lines = (raw or b"").decode("utf-8", "surrogateescape").split("\n")
    return lines if lines[-1] else lines[:-1]


def _common(old: list[str], new: list[str]) -> int:
    count = 0
    for one, other in zip(old, new, strict=False):
        if one != other:
            return count
        count += 1
    return count


def _rows(texts: list[str], old: int, new: int) -> list[DiffLine]:
    return [
        DiffLine(kind=LineKind.CONTEXT, text=text, old_line=old + index, new_line=new + index)
        for index, text in enumerate(texts)
    ]


def _hunk(lines: tuple[DiffLine, ...]) -> Hunk:
    old = [line.old_line for line in lines if line.old_line is not None]
    new = [line.new_line for line in lines if line.new_line is not None]
    return Hunk(
        old_start=old[0] if old else 0,
        old_count=len(old),
        new_start=new[0] if new else 0,
        new_count=len(new),
        section="",
        lines=lines,
    )
