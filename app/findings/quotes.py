"""Finds quotes in a diff, one side of one hunk at a time. Pure; makes no decisions.

Quotes and code are compared as sequences of words and symbols, so whitespace, blank lines, and line breaks do not matter,
and a match never starts or ends inside a word. A quote may have diff marks or line numbers at the start of its lines;
readings are tried in order, verbatim first, because a line that starts with "-" may also be code (YAML).
"""

import bisect
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from app.domain.diff import Diff, DiffLine, FileDiff, LineKind, Side

_WORD = re.compile(r"\w+|[^\w\s]")
_OTHER_SIDE = {Side.RIGHT: LineKind.REMOVED, Side.LEFT: LineKind.ADDED}


def words(text: str) -> str:
    """`f( a )` → ` f ( a ) `: spaces around each word and symbol; empty if there are none."""
    found = _WORD.findall(text)
    return f" {' '.join(found)} " if found else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteMatch:
    """Lines of one hunk that contain a quote; `before` and `after` are their other words."""

    path: str
    side: Side
    start_line: int
    end_line: int
    changed: bool  # at least one of them is added (RIGHT) or removed (LEFT)
    before: str = ""
    after: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether the lines contain only the quote."""
        return not self.before and not self.after

    def distance(self, line: int) -> int:
        """Distance from a line of the same side; 0 inside."""
        return max(self.start_line - line, line - self.end_line, 0)


class LineRun:
    """The consecutive lines of one side of one hunk."""

    def __init__(self, path: str, side: Side, lines: tuple[DiffLine, ...], start_line: int) -> None:
        self.path = path
        self.side = side
        self.lines = lines
        self.start_line = start_line

    @property
    def end_line(self) -> int:
        """Number of the last line."""
        return self.start_line + len(self.lines) - 1

    def __contains__(self, line: int) -> bool:
        return self.start_line <= line <= self.end_line

    def texts(self, start_line: int, end_line: int) -> list[str]:
        """The text of these lines, both inclusive."""
        return [
            line.text for line in self.lines[start_line - self.start_line : end_line - self.start_line + 1]
        ]

    def match(self, start_line: int, end_line: int, *, before: str = "", after: str = "") -> QuoteMatch:
        """These lines as a match."""
        lines = self.lines[start_line - self.start_line : end_line - self.start_line + 1]
        return QuoteMatch(
            path=self.path,
            side=self.side,
            start_line=start_line,
            end_line=end_line,
            changed=any(line.kind is not LineKind.CONTEXT for line in lines),
            before=before,
            after=after,
        )

    def find(self, quote: str) -> Iterator[QuoteMatch]:
        """The places of a quote (in the form of `words`), at most one per starting line."""
        text, offsets = self._text_and_offsets
        at = text.find(quote)
        while quote and at >= 0:
            first = bisect.bisect_right(offsets, at) - 1
            last = bisect.bisect_right(offsets, at + len(quote) - 2) - 1
            end = offsets[last + 1] if last + 1 < len(offsets) else len(text) - 1
            before, after = text[offsets[first] : at + 1], text[at + len(quote) - 1 : end + 1]
            yield self.match(
                self.start_line + first,
                self.start_line + last,
                before=before if before.strip() else "",
                after=after if after.strip() else "",
            )
            at = text.find(quote, offsets[first + 1]) if first + 1 < len(offsets) else -1

    @cached_property
    def _text_and_offsets(self) -> tuple[str, list[int]]:
        """All words of the lines, and the offset of each line; a blank line has the offset of the next line."""
        parts, offsets, length = [""], list[int](), 0
        for line in self.lines:
            offsets.append(length)
            if found := _WORD.findall(line.text):
                parts.append(" ".join(found))
                length += len(parts[-1]) + 1
        return " ".join(parts) + " ", offsets


class HeadRuns:
    """Whole files of the head, each as one run, for code outside the hunks; reads each file once."""

    def __init__(self, source_of: Callable[[str, Side], str | None]) -> None:
        self._source_of = source_of
        self._runs: dict[str, LineRun | None] = {}

    def of(self, path: str) -> LineRun | None:
        """The file; None if it is unavailable."""
        if path not in self._runs:
            source = self._source_of(path, Side.RIGHT)
            self._runs[path] = None if source is None else run_of_source(path, source)
        return self._runs[path]


def run_of_source(path: str, source: str) -> LineRun:
    """A whole file of the head as one run."""
    lines = (
        DiffLine(kind=LineKind.CONTEXT, text=text, old_line=number, new_line=number)
        for number, text in enumerate(source.split("\n"), 1)
    )
    return LineRun(path, Side.RIGHT, tuple(lines), 1)


class DiffIndex:
    """An index of a diff by path, side, and line; built lazily, each file once."""

    def __init__(self, diff: Diff) -> None:
        self._files = {file.path: file for file in diff.files}
        self._previous = {file.previous_path: file.path for file in diff.files if file.previous_path}
        self._runs: dict[tuple[str, Side], tuple[LineRun, ...]] = {}

    @property
    def paths(self) -> tuple[str, ...]:
        """All changed files, by their new names."""
        return tuple(self._files)

    def path_of(self, named: str) -> str | None:
        """The changed file that a reviewer means: by name, by old name, or by a unique suffix."""
        for name in (named, named.removeprefix("./").lstrip("/"), re.sub(r"^[ab]/", "", named)):
            if name in self._files:
                return name
        if named in self._previous:
            return self._previous[named]
        ending = [path for path in self._files if named and path.endswith("/" + named.removeprefix("./"))]
        return ending[0] if len(ending) == 1 else None

    def is_binary(self, path: str) -> bool:
        """Whether the file has no text that can be quoted."""
        return path in self._files and self._files[path].binary

    def runs(self, path: str, side: Side) -> tuple[LineRun, ...]:
        """One side of each hunk of a file, from top to bottom."""
        key = (path, side)
        if key not in self._runs:
            self._runs[key] = tuple(_runs(self._files[path], side)) if path in self._files else ()
        return self._runs[key]

    def run_at(self, path: str, side: Side, line: int) -> LineRun | None:
        """The run that contains this line; None if no hunk shows it."""
        return next((run for run in self.runs(path, side) if line in run), None)

    def find(self, path: str, side: Side, quote: str) -> list[QuoteMatch]:
        """The places of a quote on one side of a file; on the base side only where lines were removed."""
        found = [match for run in self.runs(path, side) for match in run.find(quote)]
        return found if side is Side.RIGHT else [match for match in found if match.changed]


def _runs(file: FileDiff, side: Side) -> Iterator[LineRun]:
    for hunk in file.hunks:
        lines = tuple(line for line in hunk.lines if line.kind is not _OTHER_SIDE[side])
        if lines:
            start_line = hunk.new_start if side is Side.RIGHT else hunk.old_start
            yield LineRun(file.path, side, lines, start_line)


_NUMBER = re.compile(r"^\s*L?\d{1,7}(?:\s*[:|>)]|(?=[+\- \t]|$))")
# The word before is read once, from its start, because a search from each of its characters takes quadratic time.
_REDACTION = re.compile(r"(?:(?<!\w)\w+)?\[REDACTED(?::[^\[\]\n]*)?\]\w*")
_GAP = re.compile(_REDACTION.pattern + r"|\[…\d+ more characters\]|(?:(?<!\w)\w+)?(?:…|\.{3,})")


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteReading:
    """One way to read a quote.

    `lines`: number of nonblank lines; `side`: only if diff marks show it; `complete`: nothing is omitted.
    """

    words: str
    lines: int
    side: Side | None = None
    complete: bool = True

    @property
    def is_distinctive(self) -> bool:
        """Whether the quote is more than brackets or a single keyword, so that it needs no line number."""
        several = self.words.count(" ") > 2
        return any(map(str.isalnum, self.words)) and len(self.words) > (8 if several else 12)


def readings(quote: str) -> list[QuoteReading]:
    """All distinct ways to read a quote, the most literal first."""
    texts = [(_plain(quote), None), *_texts(_unfenced(quote))]
    whole = [_reading(text, side) for text, side in texts]
    parts = [_reading(_longest_piece(text), side, complete=False) for text, side in texts]
    found: dict[str, QuoteReading] = {}
    for reading in [*whole, *parts]:
        found.setdefault(reading.words, reading)
    return [reading for reading in found.values() if reading.words]


def texts_of(quote: str) -> list[str]:
    """The distinct texts that a quote may mean, without a fence and blank lines, the most literal first."""
    return list(dict.fromkeys(text for text, _ in _texts(_unfenced(quote))))


def has_code(quote: str) -> bool:
    """Whether the quote contains code that can be searched for, not only space or redacted text."""
    return bool(words(_REDACTION.sub(" ", _unfenced(quote))))


def single_lines(quote: str) -> list[QuoteReading]:
    """The single lines of a quote, longest first, for partly wrong quotes."""
    *_, (plain, _) = _texts(_unfenced(quote))
    lines = [_reading(line.lstrip("+- "), None, complete=False) for line in plain.split("\n")]
    return sorted((line for line in lines if line.is_distinctive), key=lambda line: -len(line.words))


def _reading(text: str, side: Side | None, *, complete: bool = True) -> QuoteReading:
    lines = sum(bool(line.strip()) for line in text.split("\n"))
    return QuoteReading(words=words(text), lines=lines, side=side, complete=complete)


def _texts(quote: str) -> Iterator[tuple[str, Side | None]]:
    """The quote verbatim; without marks; without line numbers; without both."""
    lines = [line for line in quote.split("\n") if line.strip()]
    yield "\n".join(lines), None
    yield from _without_marks(lines)
    if lines and all(_NUMBER.match(line) for line in lines):
        lines = [_NUMBER.sub("", line) for line in lines]
        yield "\n".join(lines), None
        yield from _without_marks(lines)


def _without_marks(lines: Sequence[str]) -> Iterator[tuple[str, Side | None]]:
    """The head side if it has added lines, the base side if it only has removed ones."""
    marks = {line[:1] for line in lines}
    if marks <= {"+", "-", " "} and "+" in marks:
        yield "\n".join(line[1:] for line in lines if line[0] != "-"), Side.RIGHT
    elif marks <= {"-", " "} and "-" in marks:
        yield "\n".join(line[1:] for line in lines), Side.LEFT


def _longest_piece(text: str) -> str:
    """The longest text between ellipses and redactions; partial words are dropped."""
    return max(_GAP.split(text), key=len)


def _plain(quote: str) -> str:
    return quote.replace("\r\n", "\n").strip("\n")


def _unfenced(quote: str) -> str:
    """The quote without a surrounding Markdown fence or backticks."""
    text = _plain(quote)
    opening, line_break, rest = text.strip().partition("\n")
    if opening.startswith("```") and line_break and rest.endswith("```"):
        return rest.removesuffix("```").rstrip()
    return text.strip("`") if text.startswith("`") and text.endswith("`") else text
