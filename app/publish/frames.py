"""The code around a finding, for the text report: numbered lines, with those of the finding marked."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from app.domain.analysis import ChangedFile
from app.domain.diff import Side
from app.domain.finding import Finding
from app.publish.text import Redact, show_invisible_lines

AROUND = 2  # lines shown before and after
MAX_MARKED = 12  # lines of a longer finding are left out
_TAB = "    "


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameLine:
    """One line of a frame; `number` is None where lines are left out."""

    number: int | None
    text: str
    is_marked: bool = False


class CodeFrames:
    """Finds the code of findings in the changed files."""

    def __init__(self, files: Sequence[ChangedFile], *, redact: Redact) -> None:
        self._files = {file.path: file for file in files}
        self._redact = redact
        self._known: dict[tuple[str, Side], Mapping[int, str]] = {}

    def frame(self, finding: Finding) -> list[FrameLine]:
        """The lines around a finding; none if its file is not known."""
        lines = self._lines_of(finding.path, finding.side)
        if not all(number in lines for number in (finding.start_line, finding.end_line)):
            return []
        return list(_frame(lines, finding))

    def _lines_of(self, path: str, side: Side) -> Mapping[int, str]:
        if (path, side) not in self._known:
            file = self._files.get(path)
            self._known[path, side] = self._read(file, side) if file else {}
        return self._known[path, side]

    def _read(self, file: ChangedFile, side: Side) -> Mapping[int, str]:
        """All known lines by number, without secrets; none if a secret spans lines."""
        content = file.head if side is Side.RIGHT else file.base
        if content is None:
            visible: Mapping[int, str] = file.visible if side is Side.RIGHT else {}
            return {number: _shown(self._redact(text)) for number, text in visible.items()}
        text = content.decode("utf-8", "replace")
        clean = self._redact(text)
        if clean.count("\n") != text.count("\n"):
            return {}
        lines = clean.removesuffix("\n").split("\n")
        return {number: _shown(line) for number, line in enumerate(lines, 1)}


def _shown(line: str) -> str:
    return show_invisible_lines(line.removesuffix("\r")).replace("\t", _TAB)


def _frame(lines: Mapping[int, str], finding: Finding) -> Iterator[FrameLine]:
    last = min(finding.end_line, finding.start_line + MAX_MARKED - 1)
    for number in range(finding.start_line - AROUND, last + 1):
        if number in lines:
            yield FrameLine(number=number, text=lines[number], is_marked=number >= finding.start_line)
    if last < finding.end_line:
        yield FrameLine(number=None, text=f"{finding.end_line - last} more lines")
        return
    for number in range(last + 1, last + 1 + AROUND):
        if number in lines:
            yield FrameLine(number=number, text=lines[number])
