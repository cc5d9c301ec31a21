"""Applies a fix's edits to files: all of them or none, with the line ends and the encoding of each file. Pure.

Text is matched with `\\n` as the line end, because models do not write `\\r`. Lines that an edit does not change keep
their bytes.
"""

import bisect
import re
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

from app.domain.fix import FileContents, FixedFile, FixProblemCode, TextEdit
from app.errors import FixRejected

_LINE_END = re.compile(r"\r\n|\n")


def apply_edits(edits: Sequence[TextEdit], files: FileContents) -> list[FixedFile]:
    """Return every changed file, in the order of the edits; raises `FixRejected` if one edit cannot be applied."""
    by_path: defaultdict[str, list[TextEdit]] = defaultdict(list)
    for edit in edits:
        by_path[edit.path].append(edit)
    return [_apply_to_file(path, own, files.get(path)) for path, own in by_path.items()]


def _apply_to_file(path: str, edits: Sequence[TextEdit], before: bytes | None) -> FixedFile:
    if before is None:
        return FixedFile(path=path, before=None, after=_new_file(path, edits))
    if b"\0" in before:
        raise FixRejected(FixProblemCode.NOT_TEXT, path=path)
    text = before.decode("utf-8", "surrogateescape")
    spots = sorted(_spot(path, edit, text.replace("\r\n", "\n")) for edit in edits)
    _check_overlap(path, spots)
    after = _replaced(text, spots).encode("utf-8", "surrogateescape")
    if after == before:
        raise FixRejected(FixProblemCode.CHANGES_NOTHING, path=path)
    if not after.strip():
        raise FixRejected(FixProblemCode.EMPTIES_FILE, path=path)
    return FixedFile(path=path, before=before, after=after)


def _new_file(path: str, edits: Sequence[TextEdit]) -> bytes:
    if len(edits) != 1 or edits[0].old:
        raise FixRejected(FixProblemCode.OLD_NOT_FOUND, path=path)
    text = edits[0].new.replace("\r\n", "\n")
    if not text.strip():
        raise FixRejected(FixProblemCode.EMPTIES_FILE, path=path)
    return _encoded(path, text if text.endswith("\n") else f"{text}\n")


_Spot = tuple[int, int, str]  # start and end in the text with `\n` line ends, and what replaces it


def _spot(path: str, edit: TextEdit, text: str) -> _Spot:
    """Where the edit applies, without the lines at both ends that it does not change."""
    old, new = edit.old.replace("\r\n", "\n"), edit.new.replace("\r\n", "\n")
    if not old.strip():
        raise FixRejected(FixProblemCode.EXISTS if not old else FixProblemCode.OLD_NOT_UNIQUE, path=path)
    start = text.find(old)
    if start < 0:
        raise FixRejected(FixProblemCode.OLD_NOT_FOUND, path=path, detail=_first_line(old))
    if text.find(old, start + 1) >= 0:
        raise FixRejected(FixProblemCode.OLD_NOT_UNIQUE, path=path, detail=_first_line(old))
    _encoded(path, new)
    head = _common_lines(old, new)
    tail = _common_lines_at_end(old[head:], new[head:])
    return start + head, start + len(old) - tail, new[head : len(new) - tail]


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0]


def _common_lines(one: str, other: str) -> int:
    """The length of the whole lines with which both begin."""
    length = 0
    for mine, theirs in zip(one.split("\n"), other.split("\n"), strict=False):
        end = length + len(mine) + 1
        if mine != theirs or end > min(len(one), len(other)):
            break
        length = end
    return length


def _common_lines_at_end(one: str, other: str) -> int:
    """The length of the whole lines, with the line end before them, with which both end."""
    length = 0
    for mine, theirs in zip(one.split("\n")[::-1], other.split("\n")[::-1], strict=False):
        end = length + len(mine) + 1
        if mine != theirs or end > min(len(one), len(other)):
            break
        length = end
    return length


def _check_overlap(path: str, spots: Sequence[_Spot]) -> None:
    for (_, end, _), (start, _, _) in pairwise(spots):
        if start < end:
            raise FixRejected(FixProblemCode.OVERLAPPING, path=path)


def _replaced(text: str, spots: Sequence[_Spot]) -> str:
    """Put the replacements into the text with its own line ends."""
    positions = _Positions(text)
    parts: list[str] = []
    done = 0
    for start, end, new in spots:
        first, last = positions.original(start), positions.original(end)
        parts += [text[done:first], new.replace("\n", _line_end(text, first, last))]
        done = last
    return "".join([*parts, text[done:]])


class _Positions:
    """Finds a position of the text with `\\n` line ends in the original text."""

    def __init__(self, text: str) -> None:
        found = [match.start() for match in re.finditer("\r\n", text)]
        self._removed = [
            place - number for number, place in enumerate(found)
        ]  # in the text with `\n` line ends

    def original(self, position: int) -> int:
        return position + bisect.bisect_left(self._removed, position)


def _line_end(text: str, first: int, last: int) -> str:
    """The line end of the replaced lines, or of the nearest ones."""
    found = _LINE_END.search(text, first, last) or _LINE_END.search(text, last)
    if found is None:
        before = text.rfind("\n", 0, first)
        return "\r\n" if before > 0 and text[before - 1] == "\r" else "\n"
    return found[0]


def _encoded(path: str, text: str) -> bytes:
    """The text as UTF-8; a model's text has no lone surrogates that mean bytes."""
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise FixRejected(FixProblemCode.HIDDEN_CHARACTERS, path=path) from error
