"""Checks that a suggestion can be applied with one click; otherwise moves its text into the explanation. Pure.

Suggestions never change CI, configuration, or lock files.
https://docs.github.com/en/pull-requests/collaborating-with-pull-requests/reviewing-changes-in-pull-requests/commenting-on-a-pull-request
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from app.domain.diff import Side
from app.domain.edit import FileEdit
from app.domain.finding import Finding, Placement
from app.findings.gaps import leaves_out_code
from app.findings.protected import is_protected
from app.findings.quotes import DiffIndex
from app.findings.replacement import is_same_code, keeps_fences, read_replacement, unfenced

CheckEdits = Callable[[Sequence[FileEdit]], Awaitable[Sequence[bool]]]
"""Whether each edit leaves a file that parses, with its statements in the blocks that were meant."""
SourceOf = Callable[[str, Side], str | None]


def as_prose(finding: Finding) -> Finding:
    """Move the suggestion into the explanation as code; a suggestion that repeats the quoted code is dropped."""
    if not finding.suggestion or not finding.suggestion.strip():
        return replace(finding, suggestion=None)
    code = unfenced(finding.path, finding.suggestion, finding.quote.split("\n"))
    if is_same_code(code, finding.quote):
        return replace(finding, suggestion=None)
    fence = "`" * max(3, 1 + max(map(len, re.findall(r"`+", code)), default=0))
    explanation = f"{finding.explanation}\n\nPossible fix:\n\n{fence}\n{code}\n{fence}"
    return replace(finding, suggestion=None, explanation=explanation)


@dataclass(frozen=True, slots=True)
class CheckedSuggestion:
    """A finding whose suggestion can be applied, if it has one; `is_unfit`: it had one that would have broken its file."""

    finding: Finding
    is_unfit: bool = False


async def check_suggestions(
    findings: Sequence[Finding], index: DiffIndex, *, source_of: SourceOf, check_edits: CheckEdits
) -> list[CheckedSuggestion]:
    """Keep suggestions that fit, drop those that change nothing, and move the others into the explanation.

    A suggestion fits if it replaces lines of the head in a code file, and the file, with the suggestion applied as GitHub
    applies it, has no new syntax error. If the file is unavailable, the hunk is parsed instead.
    """
    edits = [_edit_of(finding, index, source_of) for finding in findings]
    changes = [edit for edit in edits if edit and not edit.changes_nothing]
    sound = iter(await check_edits(changes)) if changes else iter(())
    checked: list[CheckedSuggestion] = []
    for finding, edit in zip(findings, edits, strict=True):
        if edit is None:
            checked.append(CheckedSuggestion(as_prose(finding)))
        elif edit.changes_nothing:
            checked.append(CheckedSuggestion(replace(finding, suggestion=None)))
        elif next(sound) and keeps_fences(edit):
            checked.append(CheckedSuggestion(replace(finding, suggestion="\n".join(edit.lines))))
        else:
            checked.append(CheckedSuggestion(as_prose(finding), is_unfit=True))
    return checked


def _edit_of(finding: Finding, index: DiffIndex, source_of: SourceOf) -> FileEdit | None:
    """What applying the suggestion does; None without a suggestion, or if nothing may be replaced."""
    if finding.suggestion is None:
        return None
    lines, start, first_line = _surroundings(finding, index, source_of)
    if not lines:
        return None
    end = start + finding.end_line - finding.start_line + 1
    replaced = [line.removesuffix("\r") for line in lines[start:end]]
    meant = read_replacement(finding.path, finding.suggestion, replaced, around=lines)
    if leaves_out_code(finding.path, meant.lines, replaced):
        return None
    return FileEdit(
        path=finding.path,
        source="\n".join(lines),
        start=start,
        end=end,
        lines=tuple(meant.lines),
        intended=tuple(meant.intended),
        first_line=first_line,
    )


def _surroundings(finding: Finding, index: DiffIndex, source_of: SourceOf) -> tuple[list[str], int, int]:
    """The lines to parse, the index of the finding's first line, and the number of their first line.

    No lines if nothing may be replaced.
    """
    if (
        finding.placement is not Placement.INLINE
        or finding.side is not Side.RIGHT
        or is_protected(finding.path)
    ):
        return [], 0, 1
    run = index.run_at(finding.path, Side.RIGHT, finding.start_line)
    if run is None or finding.end_line not in run:
        return [], 0, 1
    source = source_of(finding.path, Side.RIGHT)
    if source is None:
        return run.texts(run.start_line, run.end_line), finding.start_line - run.start_line, run.start_line
    lines = source.split("\n")
    shown = run.texts(finding.start_line, finding.end_line)
    same = [line.rstrip() for line in lines[finding.start_line - 1 : finding.end_line]] == [
        line.rstrip() for line in shown
    ]
    return (lines, finding.start_line - 1, 1) if same else ([], 0, 1)
