"""The lines of a diff before its first hunk: names, modes, moves, binary. Text in, values out."""

import re
from dataclasses import dataclass, field

from app.domain.diff import FileDiff, FileStatus

_GIT = "diff --git "
_STATUSES = {
    "new file mode ": FileStatus.ADDED,
    "deleted file mode ": FileStatus.REMOVED,
    "rename from ": FileStatus.RENAMED,
    "copy from ": FileStatus.COPIED,
}
_MODES = ("old mode ", "new mode ", "new file mode ", "deleted file mode ")
_MOVED_FROM, _MOVED_TO = ("rename from ", "copy from "), ("rename to ", "copy to ")
_REST = ("similarity index ", "dissimilarity index ", "index ")
_BINARY = ("Binary files ", "GIT binary patch")
_EMPTY_BLOB = re.compile(r"e69de29[0-9a-f]*|473a0f4[0-9a-f]*")
_SYMLINK_MODE, _SUBMODULE_MODE = "120000", "160000"


@dataclass(slots=True, kw_only=True)
class Header:
    """The raw header; `end` is the position of the first line after it."""

    names: str = ""  # after `diff --git `
    old: str | None = None  # after `--- `
    new: str | None = None  # after `+++ `
    moved_from: str | None = None
    moved_to: str | None = None
    status: FileStatus | None = None
    modes: set[str] = field(default_factory=set[str])
    new_id: str = ""  # of the head's content; an `index` line means that the contents differ
    binary: bool = False
    end: int = 0

    @classmethod
    def read(cls, lines: list[str], start: int) -> "Header":
        """Read the header whose first line is `lines[start]`."""
        header = cls(end=start)
        if lines[start].startswith(_GIT):
            header.names = lines[start].removeprefix(_GIT)
            header.end += 1
        while not header._is_complete and header.end < len(lines) and header._take(lines[header.end]):
            header.end += 1
        return header

    @property
    def needs_hunks(self) -> bool:
        """Whether hunks must follow: the text changed, and this is not an added or removed empty file."""
        if self.status is FileStatus.REMOVED:
            return self.new is not None
        is_new_and_empty = self.status is FileStatus.ADDED and _EMPTY_BLOB.fullmatch(self.new_id)
        return self.new is not None or (bool(self.new_id) and not is_new_and_empty and not self.binary)

    @property
    def written_name(self) -> str:
        """The best name to show if the real name cannot be read."""
        return self.moved_to or self.new or self.names or "(no name)"

    @property
    def _is_complete(self) -> bool:
        return self.binary or self.new is not None

    def _take(self, line: str) -> bool:
        return self._take_name(line) or self._take_move(line) or self._take_rest(line)

    def _take_name(self, line: str) -> bool:
        if line.startswith("--- ") and self.old is None:
            self.old = parse_name(line[4:])
        elif line.startswith("+++ ") and self.new is None:
            self.new = parse_name(line[4:])
        else:
            return False
        return True

    def _take_move(self, line: str) -> bool:
        if line.startswith(_MOVED_FROM):
            self.moved_from = parse_name(line.split(" ", 2)[2])
        elif line.startswith(_MOVED_TO):
            self.moved_to = parse_name(line.split(" ", 2)[2])
        for prefix, status in _STATUSES.items():
            if line.startswith(prefix):
                self.status = status
        return line.startswith((*_MOVED_FROM, *_MOVED_TO))

    def _take_rest(self, line: str) -> bool:
        if line.startswith((*_MODES, "index ")):
            self.modes.add(line.rstrip("\r").rpartition(" ")[2])
        if line.startswith("index "):
            self.new_id = line.partition("..")[2].partition(" ")[0].strip() or "(cut)"
        self.binary = self.binary or line.startswith(_BINARY)
        return line.startswith((*_MODES, *_REST, *_BINARY))


def describe(header: Header) -> FileDiff:
    """Build the header's file, without hunks. Raises `ValueError` if the name is not clear."""
    return FileDiff(
        path=_path(header),
        previous_path=header.moved_from if header.moved_to else None,
        status=_status(header),
        binary=header.binary,
        submodule=_SUBMODULE_MODE in header.modes,
        symlink=_SYMLINK_MODE in header.modes,
    )


def fault_of(header: Header, file: FileDiff, *, has_hunks: bool) -> str | None:
    """Return why a header contradicts itself or its hunks, so that the hunks cannot be trusted; None if it does not."""
    if (header.old is None) != (header.new is None):
        return "only one of its two names is given"
    old, new = header.moved_from or file.path, file.path
    if header.names and not (_names(header.old, old) and _names(header.new, new)):
        return "its header names two different files"
    return "its hunks are missing" if header.needs_hunks and not has_hunks else None


def _names(text: str | None, path: str) -> bool:
    return text in (None, NO_FILE, path) or text.endswith("/" + path)


def _status(header: Header) -> FileStatus:
    if header.status:
        return header.status
    if header.old == NO_FILE:
        return FileStatus.ADDED
    if header.new == NO_FILE:
        return FileStatus.REMOVED
    only_mode = len(header.modes) > 1 and not header.binary and not header.new_id
    return FileStatus.CHANGED if only_mode else FileStatus.MODIFIED


def _path(header: Header) -> str:
    if header.moved_from and header.moved_to:
        return header.moved_to
    pair = parse_pair(header.names) if header.names else None
    path = common_name(*pair) if pair else None
    path = path or _path_of_text(header.old, header.new)
    if not path:
        raise ValueError("its name cannot be read")
    return path


def _path_of_text(old: str | None, new: str | None) -> str | None:
    if old is None or new is None:
        return None
    if NO_FILE in (old, new):
        return without_prefix(old if new == NO_FILE else new)
    return common_name(old, new) or without_prefix(new)


NO_FILE = "/dev/null"

_ESCAPE = re.compile(rb'\\([abtnvfr"\\]|[0-3][0-7]{2})')
_ESCAPED = dict(zip(b'abtnvfr"\\', b'\a\b\t\n\v\f\r"\\', strict=True))
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_PREFIXES = ("a/", "b/", "c/", "i/", "o/", "w/", "1/", "2/")  # those of diff.mnemonicPrefix


def parse_name(text: str) -> str:
    """Parse the name at the end of a header line: quoted, or followed by a tab and a time, or bare."""
    text = text.removesuffix("\r")
    if quoted := _QUOTED.match(text):
        return _unquote(quoted[0])
    return text.partition("\t")[0]


def parse_pair(text: str, separator: str = " ") -> tuple[str, str] | None:
    """Parse the two names of `diff --git OLD NEW`.

    Bare names of equal length, as of all files that did not move, are split in the middle. Bare names of different
    lengths can contain spaces anywhere, so the result is None.
    """
    text = text.removesuffix("\r")
    if quoted := _QUOTED.match(text):
        old, rest = quoted[0], text[quoted.end() :]
        return (
            (_unquote(old), parse_name(rest.removeprefix(separator))) if rest.startswith(separator) else None
        )
    if text.endswith('"'):  # a bare name has no quotation marks
        old, _, new = text.partition(separator + '"')
        return old, parse_name('"' + new)
    middle = (len(text) - len(separator)) // 2
    old, new = text[:middle], text[middle + len(separator) :]
    return (old, new) if text == old + separator + new and len(old) == len(new) else None


def common_name(old: str, new: str) -> str | None:
    """Return the name that both sides share after their prefixes, or None; equal sides have no prefix."""
    if old == new:
        return old or None
    old_rest, new_rest = old.partition("/")[2], new.partition("/")[2]
    return old_rest if old_rest and old_rest == new_rest else None


def without_prefix(name: str) -> str:
    """Remove a prefix that git writes."""
    return name[2:] if name.startswith(_PREFIXES) and len(name) > 2 else name


def _unquote(quoted: str) -> str:
    raw = quoted[1:-1].encode("utf-8", "surrogateescape")
    return _ESCAPE.sub(_unescape, raw).decode("utf-8", "surrogateescape")


def _unescape(match: re.Match[bytes]) -> bytes:
    code = match[1]
    return bytes([_ESCAPED[code[0]] if len(code) == 1 else int(code, 8)])
