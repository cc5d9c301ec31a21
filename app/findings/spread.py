"""Fixes whose lines are not consecutive: no suggestion can hold them, so they become a small diff in the explanation. Pure.

The quote says where the places are, and each must be found without doubt. Which part of the suggestion belongs to which
place must be clear as well; otherwise the suggestion stays as its model wrote it, and becomes prose.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from app.domain.diff import Side
from app.domain.edit import FileEdit
from app.domain.finding import Finding
from app.findings.anchor import MAX_QUOTE_LINES, choose
from app.findings.finders import is_by_analyzers
from app.findings.gaps import is_gap, split_at_gaps
from app.findings.protected import is_protected
from app.findings.quotes import DiffIndex, LineRun, QuoteMatch, run_of_source, texts_of, words
from app.findings.replacement import keeps_fences, read_replacement, unfenced
from app.findings.suggestion import CheckEdits, SourceOf

MAX_SHOWN_LINES = 40  # of a diff
MAX_SPAN_LINES = 200  # from the first place to the last


@dataclass(frozen=True, slots=True)
class _Part:
    """One place, and what takes its place."""

    place: QuoteMatch
    lines: Sequence[str]


@dataclass(frozen=True, slots=True)
class _SpreadFix:
    """All parts from top to bottom, and what they do together."""

    parts: Sequence[_Part]
    edit: FileEdit


async def show_spread_fixes(
    findings: Sequence[Finding], index: DiffIndex, *, source_of: SourceOf, check_edits: CheckEdits
) -> list[Finding]:
    """Move suggestions for lines that are not consecutive into the explanation, as a diff, if the file still parses with them."""
    fixes = [_spread_fix(finding, index, source_of) for finding in findings]
    edits = [fix.edit for fix in fixes if fix]
    sound = iter(await check_edits(edits)) if edits else iter(())
    return [
        _with_diff(finding, fix) if fix and next(sound) and keeps_fences(fix.edit) else finding
        for finding, fix in zip(findings, fixes, strict=True)
    ]


def _with_diff(finding: Finding, fix: _SpreadFix) -> Finding:
    lines = [line for part in _numbered(fix) for line in part]
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`+", "\n".join(lines))), default=0))
    diff = "\n".join([f"{fence}diff", *lines, fence])
    explanation = f"{finding.explanation}\n\nPossible fix, in {len(fix.parts)} places of the file:\n\n{diff}"
    return replace(finding, suggestion=None, explanation=explanation)


def _numbered(fix: _SpreadFix) -> Iterator[list[str]]:
    """The hunk of each part, without context: only code that the model quoted is shown."""
    moved, source = 0, fix.edit.source.split("\n")
    for part in fix.parts:
        old = [line.removesuffix("\r") for line in source[part.place.start_line - 1 : part.place.end_line]]
        start = part.place.start_line
        yield [
            f"@@ -{start},{len(old)} +{start + moved},{len(part.lines)} @@",
            *(f"-{line}" for line in old),
            *(f"+{line}" for line in part.lines),
        ]
        moved += len(part.lines) - len(old)


def _spread_fix(finding: Finding, index: DiffIndex, source_of: SourceOf) -> _SpreadFix | None:
    """The fix, if the quote is in several places of the head and each part of the suggestion belongs to one of them."""
    path = index.path_of(finding.path)
    if not (path and finding.suggestion and finding.suggestion.strip()) or finding.side is not Side.RIGHT:
        return None
    source = None if is_by_analyzers(finding) or is_protected(path) else source_of(path, Side.RIGHT)
    if source is None:
        return None
    for text in texts_of(finding.quote):
        places = _places(text.split("\n"), run_of_source(path, source), finding.start_line)
        if len(places) > 1:
            pieces = _pieces(finding, text.split("\n"), places, source)
            return _fix(path, source, places, pieces) if pieces else None
    return None


def _fix(
    path: str, source: str, places: Sequence[QuoteMatch], pieces: Sequence[Sequence[str]]
) -> _SpreadFix | None:
    lines = [line.removesuffix("\r") for line in source.split("\n")]
    parts: list[_Part] = []
    new, intended, done = list[str](), list[str](), places[0].start_line - 1
    for place, piece in zip(places, pieces, strict=True):
        replaced = lines[place.start_line - 1 : place.end_line]
        meant = read_replacement(path, "\n".join(piece), replaced, around=lines)
        between = lines[done : place.start_line - 1]
        new, intended = [*new, *between, *meant.lines], [*intended, *between, *meant.intended]
        parts += [_Part(place, meant.lines)] if list(meant.lines) != replaced else []
        done = place.end_line
    edit = FileEdit(
        path=path,
        source=source,
        start=places[0].start_line - 1,
        end=done,
        lines=tuple(new),
        intended=tuple(intended),
    )
    shown = sum(part.place.end_line - part.place.start_line + 1 + len(part.lines) for part in parts)
    return _SpreadFix(parts, edit) if len(parts) > 1 and shown <= MAX_SHOWN_LINES else None


def _places(quoted: Sequence[str], run: LineRun, line: int) -> list[QuoteMatch]:
    """The places of consecutive quoted lines, from top to bottom; none if one of them is in doubt."""
    if len(quoted) > MAX_QUOTE_LINES:
        return []
    places: list[QuoteMatch] = []
    for block in split_at_gaps(quoted):
        rest = block
        while rest:
            size, place = _longest(rest, run, after=places[-1].end_line if places else 0, line=line)
            if place is None:
                return []
            places.append(place)
            rest = rest[size:]
    is_near = places and places[-1].end_line - places[0].start_line < MAX_SPAN_LINES
    return places if is_near else []


def _longest(lines: Sequence[str], run: LineRun, *, after: int, line: int) -> tuple[int, QuoteMatch | None]:
    """How many of the lines are found in one place below `after`, and that place; None if it would be a guess."""
    for size in range(len(lines), 0, -1):
        found = run.find(words("\n".join(lines[:size])))
        matches = [match for match in found if match.is_whole and match.start_line > after]
        if matches:
            single = matches[0] if len(matches) == 1 else None
            return size, single if after else choose(matches, line)
    return 0, None


def _pieces(
    finding: Finding, quoted: Sequence[str], places: Sequence[QuoteMatch], source: str
) -> list[Sequence[str]] | None:
    """The part of the suggestion for each place; None if that would be a guess."""
    lines = unfenced(places[0].path, finding.suggestion or "", quoted).strip("\n").split("\n")
    if any(map(is_gap, lines)):
        blocks = split_at_gaps(lines)
        return list(blocks) if len(blocks) == len(places) else None
    return (
        _around_the_unquoted(lines, places, source.split("\n"))
        or _line_by_line(lines, places, source.split("\n"))
        or _paragraphs(lines, places)
    )


def _around_the_unquoted(
    lines: Sequence[str], places: Sequence[QuoteMatch], source: Sequence[str]
) -> list[Sequence[str]] | None:
    """A suggestion that repeats the code between the places."""
    bare = [line.strip() for line in lines]
    pieces, done = list[Sequence[str]](), 0
    for place, following in pairwise(places):
        between = [line.strip() for line in source[place.end_line : following.start_line - 1]]
        starts = [start for start in range(done, len(bare)) if bare[start : start + len(between)] == between]
        if len(starts) != 1:
            return None
        pieces.append(lines[done : starts[0]])
        done = starts[0] + len(between)
    return [*pieces, lines[done:]]


def _line_by_line(
    lines: Sequence[str], places: Sequence[QuoteMatch], source: Sequence[str]
) -> list[Sequence[str]] | None:
    """A suggestion with one line for each quoted line."""
    shown = [line for line in lines if line.strip()]
    sizes = [
        sum(bool(line.strip()) for line in source[each.start_line - 1 : each.end_line]) for each in places
    ]
    if len(shown) != sum(sizes):
        return None
    ends = [sum(sizes[: number + 1]) for number in range(len(sizes))]
    return [shown[end - size : end] for size, end in zip(sizes, ends, strict=True)]


def _paragraphs(lines: Sequence[str], places: Sequence[QuoteMatch]) -> list[Sequence[str]] | None:
    """A suggestion with one paragraph for each place."""
    blocks = [block.split("\n") for block in re.split(r"\n(?:[ \t]*\n)+", "\n".join(lines)) if block.strip()]
    return list(blocks) if len(blocks) == len(places) else None
