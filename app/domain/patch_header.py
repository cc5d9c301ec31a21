"""The lines of a diff between a file's first line and its first hunk: names, modes, moves, binary. Text in, values out.

https://git-scm.com/docs/diff-format#generate_patch_text_with_p
"""

from dataclasses import dataclass, field

from app.domain.diff import FileDiff, FileStatus
from app.domain.patch_names import NO_FILE, common_name, parse_name, parse_pair, without_prefix
from app.errors import InputError

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
_SYMLINK_MODE, _SUBMODULE_MODE = "120000", "160000"


@dataclass(slots=True, kw_only=True)
class Header:
    """What stands there, uninterpreted; `end` is the position of the first line that is no more part of it."""

    names: str = ""  # behind `diff --git `
    old: str | None = None  # behind `--- `
    new: str | None = None  # behind `+++ `
    moved_from: str | None = None
    moved_to: str | None = None
    status: FileStatus | None = None
    modes: set[str] = field(default_factory=set[str])
    has_ids: bool = False  # the `index` line of two different contents
    binary: bool = False
    end: int = 0

    @classmethod
    def read(cls, lines: list[str], start: int) -> "Header":
        """The header whose first line is `lines[start]`."""
        header = cls(end=start)
        if lines[start].startswith(_GIT):
            header.names = lines[start].removeprefix(_GIT)
            header.end += 1
        while not header._is_complete and header.end < len(lines) and header._take(lines[header.end]):
            header.end += 1
        return header

    @property
    def needs_hunks(self) -> bool:
        """Whether hunks must follow: text has other contents; an empty file that comes or goes has none."""
        whole_file = self.status in (FileStatus.ADDED, FileStatus.REMOVED)
        return self.new is not None or (self.has_ids and not whole_file and not self.binary)

    @property
    def written_name(self) -> str:
        """The best there is to show where the name cannot be read."""
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
        self.has_ids = self.has_ids or line.startswith("index ")
        self.binary = self.binary or line.startswith(_BINARY)
        return line.startswith((*_MODES, *_REST, *_BINARY))


def describe(header: Header) -> FileDiff:
    """The file that a header speaks of, still without hunks. Raises `InputError` where it has no one name."""
    return FileDiff(
        path=_path(header),
        previous_path=header.moved_from if header.moved_to else None,
        status=_status(header),
        binary=header.binary,
        submodule=_SUBMODULE_MODE in header.modes,
        symlink=_SYMLINK_MODE in header.modes,
    )


def fault_of(header: Header, file: FileDiff, *, has_hunks: bool) -> str | None:
    """Why a header contradicts itself or what follows it, so that the file's hunks cannot be trusted."""
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
    only_mode = len(header.modes) > 1 and not header.binary and not header.has_ids
    return FileStatus.CHANGED if only_mode else FileStatus.MODIFIED


def _path(header: Header) -> str:
    if header.moved_from and header.moved_to:
        return header.moved_to
    pair = parse_pair(header.names) if header.names else None
    path = common_name(*pair) if pair else None
    path = path or _path_of_text(header.old, header.new)
    if not path:
        raise InputError("its name cannot be read")
    return path


def _path_of_text(old: str | None, new: str | None) -> str | None:
    if old is None or new is None:
        return None
    if NO_FILE in (old, new):
        return without_prefix(old if new == NO_FILE else new)
    return common_name(old, new) or without_prefix(new)
