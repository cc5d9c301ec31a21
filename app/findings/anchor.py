"""Places a finding on the code that it quotes. Pure; never on a line that does not contain the quote.

A model's line number only helps to choose among equal places. If the quote and the number do not determine a place, the
finding goes to the file as a whole, because no line is better than a wrong line. Analyzers read the file itself, so their line
numbers are trusted.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from app.domain.diff import Side
from app.domain.finding import Finding, Placement
from app.findings.finders import is_by_analyzers
from app.findings.quotes import (
    DiffIndex,
    HeadRuns,
    QuoteMatch,
    QuoteReading,
    has_code,
    readings,
    single_lines,
    words,
)
from app.findings.suggestion import as_prose

NEAR_LINES = 3  # models that count lines are off by up to this much
CLEAR_LINES = 4  # the nearest place must be this much nearer than the second
MAX_QUOTE_LINES = 20  # longer quotes are shortened


@dataclass(frozen=True, slots=True)
class _Place:
    match: QuoteMatch
    complete: bool  # it contains the complete quote


def anchor(finding: Finding, index: DiffIndex) -> Finding:
    """The finding with path, side, lines, and placement according to the diff.

    INLINE: the lines are in one hunk. FILE: only the path is in the diff. SUMMARY: the path is not in the diff.
    A suggestion that would replace lines other than the quoted ones becomes prose.
    """
    path = index.path_of(finding.path)
    finding = replace(finding, path=path or finding.path)
    place = _place(finding, index)
    finding = replace(finding, quote="\n".join(finding.quote.split("\n")[:MAX_QUOTE_LINES]))
    if place is None and path is None:
        return as_prose(replace(finding, placement=Placement.SUMMARY, start_line=1, end_line=1))
    if place is None:
        return as_prose(replace(finding, placement=Placement.FILE))
    if not (place.complete and _covers(finding.suggestion, place.match)):
        finding = as_prose(finding)
    return _at(finding, place.match)


def locate(finding: Finding, index: DiffIndex, heads: HeadRuns) -> Finding | None:
    """Add line numbers to a claim on a file; None if the file does not contain its quote.

    The claim stays on the file: GitHub accepts comments only on lines in hunks, and a quote in several places is no place.
    A claim without a quote is about the whole file.
    """
    if finding.placement is not Placement.FILE or is_by_analyzers(finding):
        return finding
    if index.is_binary(finding.path) or not has_code(finding.quote):
        return replace(finding, start_line=1, end_line=1)
    source = heads.of(finding.path)
    for reading in (*readings(finding.quote), *single_lines(finding.quote)):
        matches = [*source.find(reading.words)] if source else []
        matches = matches or _matches(finding, reading, index)
        if matches:
            nearest = min(matches, key=lambda match: match.distance(finding.start_line))
            lines = {"start_line": nearest.start_line, "end_line": nearest.end_line}
            return replace(finding, side=nearest.side, **lines)
    return None


def choose(matches: Sequence[QuoteMatch], line: int, *, distinctive: bool = True) -> QuoteMatch | None:
    """Choose one of several equal places; None if that would be a guess.

    In this order: the only place; the place at the exact line; the clearly nearest place; the only changed place.
    A quote that is not distinctive, such as a bracket, only counts near its line.
    """
    close = [match for match in matches if distinctive or match.distance(line) <= NEAR_LINES]
    if len(close) <= 1:
        return close[0] if close else None
    exact = [match for match in close if match.distance(line) == 0]
    if len(exact) == 1:
        return exact[0]
    nearest, second, *_ = sorted(close, key=lambda match: match.distance(line))
    if nearest.distance(line) <= NEAR_LINES and second.distance(line) >= nearest.distance(line) + CLEAR_LINES:
        return nearest
    changed = [match for match in close if match.changed]
    return changed[0] if len(changed) == 1 else None


def _place(finding: Finding, index: DiffIndex) -> _Place | None:
    if is_by_analyzers(finding):
        return _by_number(finding, index)
    found = readings(finding.quote)
    return (
        _in_named_file(finding, found, index)
        or _in_other_file(finding, found, index)
        or _by_part(finding, index)
    )


def _in_named_file(finding: Finding, found: Sequence[QuoteReading], index: DiffIndex) -> _Place | None:
    """A place in the named file, with the line number as a hint."""
    places = [(reading, _matches(finding, reading, index)) for reading in found]
    for reading, good in _best_first(places):
        if match := choose(good, finding.start_line, distinctive=reading.is_distinctive):
            return _Place(match, reading.complete)
    return None


def _in_other_file(finding: Finding, found: Sequence[QuoteReading], index: DiffIndex) -> _Place | None:
    """A place in another file, if the quote occurs exactly once in all other files and not in the named one."""
    if any(reading.complete and _matches(finding, reading, index) for reading in found):
        return None
    others = [path for path in index.paths if path != finding.path]
    places = [
        (reading, [match for path in others for match in index.find(path, Side.RIGHT, reading.words)])
        for reading in found
        if reading.is_distinctive
    ]
    for reading, good in _best_first(places):
        if good:
            return _Place(good[0], reading.complete) if len(good) == 1 else None
    return None


def _best_first(
    places: Sequence[tuple[QuoteReading, list[QuoteMatch]]],
) -> Iterator[tuple[QuoteReading, list[QuoteMatch]]]:
    """Order matches from best to worst: the same lines, then the same words, then lines that contain more than the quote."""
    for is_good in (_has_same_lines, _has_same_words, _has_quote):
        for reading, matches in places:
            yield reading, [match for match in matches if is_good(match, reading)]


def _has_same_lines(match: QuoteMatch, reading: QuoteReading) -> bool:
    return match.is_whole and match.end_line - match.start_line + 1 == reading.lines


def _has_same_words(match: QuoteMatch, reading: QuoteReading) -> bool:
    return match.is_whole


def _has_quote(match: QuoteMatch, reading: QuoteReading) -> bool:
    return True


def _matches(finding: Finding, reading: QuoteReading, index: DiffIndex) -> list[QuoteMatch]:
    """Matches on the side given by the quote's diff marks or by the finder, otherwise on the other side."""
    first = reading.side or finding.side
    second = Side.LEFT if first is Side.RIGHT else Side.RIGHT
    return index.find(finding.path, first, reading.words) or index.find(finding.path, second, reading.words)


def _by_number(finding: Finding, index: DiffIndex) -> _Place | None:
    run = index.run_at(finding.path, finding.side, finding.start_line)
    if run is None:
        return None
    end_line = min(max(finding.start_line, finding.end_line), run.end_line)
    return _Place(run.match(finding.start_line, end_line), end_line >= finding.end_line)


def _by_part(finding: Finding, index: DiffIndex) -> _Place | None:
    """The place of the longest quoted line that occurs exactly once in the file, if the whole quote does not."""
    for reading in single_lines(finding.quote):
        matches = _matches(finding, reading, index)
        if len(matches) == 1:
            return _Place(matches[0], False)
    return None


def _covers(suggestion: str | None, match: QuoteMatch) -> bool:
    """Whether the suggestion keeps the code on these lines that is not quoted."""
    if suggestion is None:
        return True
    replacement = words(suggestion)
    return replacement.startswith(match.before) and replacement.endswith(match.after)


def _at(finding: Finding, match: QuoteMatch) -> Finding:
    """Keep the finder's quote, because the code itself may contain a secret that was redacted for the finder."""
    return replace(
        finding,
        path=match.path,
        side=match.side,
        start_line=match.start_line,
        end_line=match.end_line,
        placement=Placement.INLINE,
    )
