"""Lays the changed contents out in a temporary directory, under numbers, and knows which is which.

Nothing of the pull request becomes a file name, a configuration or a link; contents that are no text, or too large,
are left out with a reason.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from app.analyzers.fragments import fragment_text
from app.domain.analysis import ChangedFile

MAX_FILE_BYTES = 1_000_000
MAX_LINE_CHARACTERS = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A changed file that can be analysed, as text; `head_name` and `base_name` are its places on the disk."""

    file: ChangedFile
    head: str
    base: str | None
    head_name: str
    base_name: str

    @property
    def path(self) -> str:
        """The path in the repository."""
        return self.file.path


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What the tools get to see; `notes` say which files they do not."""

    texts: tuple[Text, ...]
    notes: tuple[str, ...]


def read_material(files: Sequence[ChangedFile]) -> Material:
    """The files whose head, or what is visible of it, is text of a sane size."""
    texts: list[Text] = []
    notes: list[str] = []
    for number, file in enumerate(files):
        head = _head_text(file)
        if head is None or not file.added:
            continue
        if problem := _problem(head):
            notes.append(f"{file.path}: not analysed, {problem}.")
            continue
        texts.append(_text(file, number=number, head=head))
    return Material(texts=tuple(texts), notes=tuple(notes))


def write_material(texts: Sequence[Text], directory: Path) -> None:
    """Writes heads below `h` and bases below `b`."""
    for side in ("h", "b"):
        (directory / side).mkdir()
    for text in texts:
        _write(directory / text.head_name, text.head)
        if text.base is not None:
            _write(directory / text.base_name, text.base)


def _head_text(file: ChangedFile) -> str | None:
    if file.head is None:
        return fragment_text(file.path, file.visible) if file.visible else None
    return None if b"\0" in file.head[:8_000] else _decoded(file.head)


def _text(file: ChangedFile, *, number: int, head: str) -> Text:
    base = None if file.base is None or b"\0" in file.base[:8_000] else _decoded(file.base)
    suffix = _safe_suffix(file.path)
    return Text(
        file=file,
        head=head,
        base=None if base is None or _problem(base) else base,
        head_name=f"h/{number:05}{suffix}",
        base_name=f"b/{number:05}{suffix}",
    )


def _problem(text: str) -> str | None:
    if len(text) > MAX_FILE_BYTES:
        return "over 1 MB"
    longest = max(map(len, text.split("\n")))
    return f"a line has {longest:,} characters" if longest > MAX_LINE_CHARACTERS else None


def _safe_suffix(path: str) -> str:
    suffix = PurePosixPath(path).suffix.lower()
    return suffix if suffix[1:].isalnum() and suffix.isascii() and len(suffix) <= 12 else ".txt"


def _decoded(data: bytes) -> str:
    return data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")


def _write(path: Path, text: str) -> None:
    path.write_bytes(text.encode("utf-8", "replace"))
