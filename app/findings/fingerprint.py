"""Computes fingerprints, which identify a finding across runs. Pure; never derived from a model's own words.

A fingerprint hashes the path, the enclosing symbol, the statement, and the rule's family. It does not change when
titles are paraphrased, when another rule of the family or another part of the statement is used, or when lines move.
"""

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from app.domain.finding import Finding, Placement
from app.domain.rules import rule_for
from app.findings.quotes import DiffIndex, words
from app.findings.suggestion import SourceOf

MAX_LINES = 12  # a longer statement is probably caused by a bracket in a comment

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'')
_BRACKET = re.compile(r"[()\[\]{}]")
_OPENED_BY = {")": "(", "]": "[", "}": "{"}


def continuations(lines: Sequence[str]) -> list[bool]:
    """For each line, whether it continues the previous line: it starts inside `(` or `[`."""
    found: list[bool] = []
    opened: list[str] = []
    for line in lines:
        found.append(bool(opened) and opened[-1] in "([")
        for bracket in _BRACKET.findall(_STRING.sub("", line)):
            if bracket not in _OPENED_BY:
                opened.append(bracket)
            elif opened and opened[-1] == _OPENED_BY[bracket]:
                opened.pop()
    return found


def enclosing_statement(continues: Sequence[bool], first: int, last: int) -> tuple[int, int]:
    """The range from the start of the statement at `first` to the end of the one at `last`; inclusive indexes.

    Returns the given lines if the range would exceed `MAX_LINES`.
    """
    start, end = first, last
    while start > 0 and continues[start]:
        start -= 1
    while end + 1 < len(continues) and continues[end + 1]:
        end += 1
    return (start, end) if end - start < MAX_LINES else (first, last)


EnclosingSymbol = Callable[[str, str, int], str | None]

FINGERPRINT_CHARACTERS = 32


class Fingerprinter:
    """Computes fingerprints; reads each file once."""

    def __init__(self, index: DiffIndex, *, source_of: SourceOf, enclosing_symbol: EnclosingSymbol) -> None:
        self._index = index
        self._source_of = source_of
        self._enclosing_symbol = enclosing_symbol
        self._texts: dict[tuple[str, str], _Text] = {}

    def add_fingerprints(self, findings: Sequence[Finding]) -> tuple[Finding, ...]:
        """The anchored findings with their fingerprints.

        Findings without a line only have path and family; several of them are distinguished by their order.
        """
        unplaced: dict[tuple[str, str], int] = {}
        named: list[Finding] = []
        for finding in findings:
            family = rule_for(finding.rule_id).family
            if finding.placement is Placement.INLINE:
                parts = self._parts_of_place(finding)
            else:
                number = unplaced.get((finding.path, family), 0)
                unplaced[finding.path, family] = number + 1
                parts = ("", "", str(number))
            named.append(replace(finding, fingerprint=_hash(finding.path, family, *parts)))
        return tuple(named)

    def _parts_of_place(self, finding: Finding) -> tuple[str, str, str]:
        """The symbol, the statement, and its number among equal statements in that symbol."""
        text = self._text(finding)
        first, last = finding.start_line - text.first_line, finding.end_line - text.first_line
        start, end = enclosing_statement(text.continues, first, last)
        statement = text.words_of(start, end)
        symbol = self._symbol(finding, text, start)
        before = [at for at in text.places_of(start, end) if at < start]
        occurrence = sum(self._symbol(finding, text, at) == symbol for at in before)
        return symbol, statement, str(occurrence)

    def _symbol(self, finding: Finding, text: "_Text", position: int) -> str:
        if not text.is_whole:
            return ""
        return self._enclosing_symbol(finding.path, text.source, position + text.first_line) or ""

    def _text(self, finding: Finding) -> "_Text":
        """The whole file if available, otherwise the hunk."""
        source = self._source_of(finding.path, finding.side)
        run = self._index.run_at(finding.path, finding.side, finding.start_line)
        whole = source is not None and len(source.split("\n")) >= finding.end_line
        first_line = 1 if whole or run is None else run.start_line
        key = (finding.path, f"{finding.side}{0 if whole else first_line}")
        if key not in self._texts:
            hunk = "\n".join(run.texts(run.start_line, run.end_line)) if run else ""
            self._texts[key] = _Text(source if whole and source else hunk, first_line, whole)
        return self._texts[key]


class _Text:
    """The lines of a file or hunk, with cached continuations."""

    def __init__(self, source: str, first_line: int, is_whole: bool) -> None:
        self.source = source
        self.first_line = first_line
        self.is_whole = is_whole
        self._lines = source.split("\n")
        self.continues = continuations(self._lines)

    def words_of(self, start: int, end: int) -> str:
        return words("\n".join(self._lines[start : end + 1]))

    def places_of(self, start: int, end: int) -> list[int]:
        """Where equal lines start, including these lines."""
        statement = self.words_of(start, end)
        first = self._lines[start].split()
        likely = [at for at, line in enumerate(self._lines) if line.split() == first]
        return [at for at in likely if self.words_of(at, at + end - start) == statement]


def _hash(*parts: str) -> str:
    joined = "\0".join(parts).encode("utf-8", "surrogateescape")
    return hashlib.sha256(joined).hexdigest()[:FINGERPRINT_CHARACTERS]
