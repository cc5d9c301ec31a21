"""Translates between git's lines and the rows that tools count. Pure.

Git, GitHub, and Quorum end a line only at LF. Languages also end lines elsewhere: `# note\\ros.system(x)` is a comment for git
and a call for Python. Tools therefore get the text *as run*: each line end of the language is a LF, and characters at which a
tool would stop or miscount are spaces. Each row of a tool then has exactly one line in git.
"""

import re
from dataclasses import dataclass

# Where a language ends a line besides LF and CRLF. The others read a lone CR as white space.
_CR = "\r"
_SCRIPT = "\r\u2028\u2029"  # https://tc39.es/ecma262/#sec-line-terminators
_DOTNET = "\r\x85\u2028\u2029"  # C# and YAML 1.1
LINE_ENDS = {
    "python": _CR,
    "javascript": _SCRIPT,
    "typescript": _SCRIPT,
    "tsx": _SCRIPT,
    "java": _CR,
    "kotlin": _CR,
    "scala": _CR,
    "swift": _CR,
    "php": _CR,
    "c": _CR,
    "cpp": _CR,
    "csharp": _DOTNET,
    "yaml": _DOTNET,
}
_REPEATED_CR = re.compile(r"(?<!\r)\r+\n")
# Parsers take NUL for the end of the text, YAML forbids control characters, and a byte order mark is no part of the code.
_MARGIN = re.compile(r"^[\0\ufeff]+", re.MULTILINE)
_UNREADABLE = re.compile(r"[\0\ufeff\r]")
_CONTROL = re.compile(r"[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class TextAsRun:
    """A text with one row for each line of its language; `numbers` holds each row's line in git, empty if they are equal."""

    text: str
    numbers: tuple[int, ...] = ()

    def line_of(self, row: int) -> int:
        """The line in git of a tool's row; rows beyond the end belong to the last line."""
        if not self.numbers:
            return row
        return self.numbers[min(max(row, 1), len(self.numbers)) - 1]

    def rows_of(self, lines: frozenset[int]) -> list[int]:
        """The rows of these lines."""
        if not self.numbers:
            return sorted(lines)
        return [row for row, number in enumerate(self.numbers, 1) if number in lines]


def as_run(language: str | None, source: str) -> TextAsRun:
    """The text as tools read it."""
    text = _REPEATED_CR.sub("\n", source)
    ends = LINE_ENDS.get(language or "", "")
    if ends and re.search(f"[{ends}]", text):
        rows = [re.split(f"[{ends}]", line) for line in text.split("\n")]
        numbers = tuple(number for number, parts in enumerate(rows, 1) for _ in parts)
        return TextAsRun(_readable(language, "\n".join(part for parts in rows for part in parts)), numbers)
    return TextAsRun(_readable(language, text))


def _readable(language: str | None, text: str) -> str:
    plain = _UNREADABLE.sub(" ", _MARGIN.sub("", text))
    return _CONTROL.sub(" ", plain) if language == "yaml" else plain
