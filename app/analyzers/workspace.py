"""Reads changed files as text, and writes them to a temporary directory with numbers as names.

Nothing of the pull request becomes a file name, a configuration, or a link. A file that is not read is listed with the reason.
Tools get each text as run (`lines`). If only a patch is known, its lines keep their numbers. Python hunks that start indented get `if True:` lines
in the gap above them, because they would not parse otherwise.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from app.analyzers.lines import TextAsRun, as_run
from app.domain.analysis import ChangedFile
from app.domain.review import Omission
from app.syntax import language_of

MAX_FILE_CHARACTERS = 1_000_000
TASKS, ANSWERS = "tasks.json", "answers.jsonl"  # the worker's files in the directory of a change


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedText:
    """A changed file that can be analyzed, as text; `head_name` and `base_name` are its names on disk.

    `head` and `base` have git's lines, `head_as_run` and `base_as_run` the rows that tools count.
    """

    file: ChangedFile
    head: str
    base: str | None
    head_as_run: TextAsRun
    base_as_run: TextAsRun | None
    head_name: str
    base_name: str

    @property
    def path(self) -> str:
        """The path in the repository."""
        return self.file.path

    @property
    def sides(self) -> Mapping[str, str]:
        """The contents by their names on disk."""
        head = {self.head_name: self.head_as_run.text}
        return head if self.base_as_run is None else head | {self.base_name: self.base_as_run.text}


def read_texts(files: Sequence[ChangedFile]) -> tuple[list[ChangedText], list[Omission]]:
    """The files whose head, or its visible part, can be read as text, and the others with the reason."""
    texts: list[ChangedText] = []
    unread: list[Omission] = []
    for number, file in enumerate(files):
        head = _head_text(file)
        if head is None or not file.added:
            continue
        if problem := _problem(head):
            unread.append(Omission(path=file.path, reason=problem))
            continue
        texts.append(_text(file, number=number, head=head))
    return texts, unread


def write_texts(texts: Iterable[ChangedText], directory: Path, adapt: Callable[[str], str] = str) -> None:
    """Write the heads to `h` and the bases to `b`, each passed through `adapt`."""
    for side in ("h", "b"):
        (directory / side).mkdir(parents=True)
    for text in texts:
        for name, content in text.sides.items():
            (directory / name).write_bytes(adapt(content).encode("utf-8", "replace"))


def _head_text(file: ChangedFile) -> str | None:
    if file.head is None:
        return fragment_text(file.path, file.visible) if file.visible else None
    return _decoded(file.head)


def _text(file: ChangedFile, *, number: int, head: str) -> ChangedText:
    base = None if file.base is None else _decoded(file.base)
    base = None if base is None or _problem(base) else base
    suffix = _safe_suffix(file.path)
    language = language_of(file.path)
    return ChangedText(
        file=file,
        head=head,
        base=base,
        head_as_run=as_run(language, head),
        base_as_run=None if base is None else as_run(language, base),
        head_name=f"h/{number:05}{suffix}",
        base_name=f"b/{number:05}{suffix}",
    )


def _problem(text: str) -> str | None:
    return "it is over 1 MB, so the analyzers did not read it" if len(text) > MAX_FILE_CHARACTERS else None


def _safe_suffix(path: str) -> str:
    suffix = PurePosixPath(path).suffix.lower()
    return suffix if suffix[1:].isalnum() and suffix.isascii() and len(suffix) <= 12 else ".txt"


def _decoded(data: bytes) -> str:
    return data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")


def fragment_text(path: str, visible: Mapping[int, str]) -> str:
    """The visible lines at their original positions, with empty lines between them."""
    lines = [visible.get(number, "") for number in range(1, max(visible, default=0) + 1)]
    if language_of(path) == "python":
        for start in (number for number in sorted(visible) if number - 1 not in visible):
            _open_blocks(lines, start, visible)
    return "\n".join(lines) + "\n"


def _open_blocks(lines: list[str], start: int, visible: Mapping[int, str]) -> None:
    """Write an `if True:` into the gap above the hunk for each indentation level that it later returns to."""
    levels = _outer_levels(start, visible)
    gap = range(start - 1 - len(levels), start - 1)
    if gap.start < 0 or any(lines[index] for index in gap):
        return
    for index, level in zip(gap, levels, strict=True):
        lines[index] = " " * level + "if True:"


def _outer_levels(start: int, visible: Mapping[int, str]) -> list[int]:
    """The indentations, outermost first, that must be open at the start of the hunk."""
    levels: list[int] = []
    current: int | None = None
    number = start
    while number in visible:
        text = visible[number]
        number += 1
        if not text.strip():
            continue
        level = len(text) - len(text.lstrip())
        if current is None:
            current = level
        elif level < min([current, *levels]):
            levels.append(level)
    if current and 0 not in levels:
        levels.append(0)
    return sorted(levels)
