"""Checks a fix before any other model sees it, in a fixed order: rules, edits, syntax, analyzers, secrets.

Nothing of the repository is executed: syntax is checked in the parser's process, and analyzers only read.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from app.analyzers.analysis import analyze
from app.analyzers.edits import check_edits
from app.domain.analysis import Analysis, ChangedFile
from app.domain.diff import Diff
from app.domain.edit import FileEdit
from app.domain.finding import Finding
from app.domain.fix import FixedFile, FixProblemCode, HeadFiles, PathKind, TextEdit
from app.domain.model_call import Provider, vendor_of
from app.errors import FixRejected
from app.fixes.applying import apply_edits
from app.fixes.rules import check_answer, check_path, check_size
from app.redaction import Redactor
from app.syntax import language_of


@dataclass(frozen=True, slots=True, kw_only=True)
class FixState:
    """The newest head, with the confirmed fixes of the same request already applied."""

    diff: Diff
    head: HeadFiles
    fixed: Mapping[str, FixedFile]

    async def read(self, path: str) -> bytes | None:
        """Read a file; None if there is none."""
        known = self.fixed.get(path)
        return known.after if known else await self.head.read(path)

    async def kind(self, path: str) -> PathKind:
        """Say what the path is; a file that an earlier fix created can be changed again."""
        return PathKind.FILE if path in self.fixed else await self.head.kind(path)


async def check_fix(
    edits: Sequence[TextEdit], finding: Finding, state: FixState, *, redactor: Redactor
) -> list[FixedFile]:
    """Return what the edits do to files, if every check passes.

    Raises:
        FixRejected: a check failed; nothing of the fix is used.
        GitHubError, InputError: a file cannot be read.
    """
    check_answer(edits)
    files = await apply_allowed(edits, state)
    check_size(files)
    await _check_syntax(files)
    await _check_analyzers(files, finding, redactor)
    _check_secrets(files, redactor)
    return files


async def apply_allowed(edits: Sequence[TextEdit], state: FixState) -> list[FixedFile]:
    """Apply edits of files that a fix may change; raises `FixRejected`, `GitHubError` or `InputError`."""
    paths = dict.fromkeys(edit.path for edit in edits)
    kinds = {path: await state.kind(path) for path in paths}
    for path, kind in kinds.items():
        if path not in state.fixed:
            check_path(path, kind, state.diff)
    contents = {path: await state.read(path) for path in paths if kinds[path] is not PathKind.ABSENT}
    missing = [path for path, content in contents.items() if content is None]
    if missing:
        raise FixRejected(FixProblemCode.NOT_TEXT, path=missing[0])
    return [
        replace(file, is_executable=kinds[file.path] is PathKind.EXECUTABLE)
        for file in apply_edits(edits, contents)
    ]


async def _check_syntax(files: Sequence[FixedFile]) -> None:
    edits = [_whole_edit(file) for file in files if language_of(file.path)]
    for edit, is_sound in zip(edits, await check_edits(edits), strict=True):
        if not is_sound:
            raise FixRejected(FixProblemCode.DOES_NOT_PARSE, path=edit.path)


def _whole_edit(file: FixedFile) -> FileEdit:
    """The fix of one file as the replacement of all its lines."""
    before, after = _text(file.before or b""), _text(file.after)
    lines = tuple(after.split("\n"))
    return FileEdit(
        path=file.path,
        source=before,
        start=0,
        end=before.count("\n") + 1,
        lines=lines,
        intended=lines,
    )


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace").replace("\r\n", "\n")


async def _check_analyzers(files: Sequence[FixedFile], finding: Finding, redactor: Redactor) -> None:
    """Reject a fix with which an analyzer finds more than before, or still finds what it found."""
    before = await analyze(
        [_whole(file.path, file.before) for file in files if file.before], redactor=redactor
    )
    after = await analyze([_whole(file.path, file.after) for file in files], redactor=redactor)
    if unread := {each.path for each in after.partly} - {each.path for each in before.partly}:
        raise FixRejected(FixProblemCode.NOT_ANALYZED, path=min(unread))
    new = _counted(after) - _counted(before)
    if new:
        path, _, title = min(new)
        raise FixRejected(FixProblemCode.NEW_FINDING, path=path, detail=title)
    found = _count(before, finding)
    if _is_by_analyzer(finding) and 0 < found <= _count(after, finding):
        raise FixRejected(FixProblemCode.STILL_FOUND, path=finding.path)


def _whole(path: str, content: bytes | None) -> ChangedFile:
    """A file of which every line counts as new, so that the analyzers report all of it."""
    text = content or b""
    return ChangedFile(path=path, head=text, base=None, added=frozenset(range(1, text.count(b"\n") + 2)))


def _counted(analysis: Analysis) -> Counter[tuple[str, str, str]]:
    return Counter((each.path, each.rule_id, each.title) for each in analysis.findings)


def _count(analysis: Analysis, finding: Finding) -> int:
    return sum(each.rule_id == finding.rule_id and each.path == finding.path for each in analysis.findings)


def _is_by_analyzer(finding: Finding) -> bool:
    return any(vendor_of(name) is Provider.ANALYZERS for name in finding.found_by)


def _check_secrets(files: Sequence[FixedFile], redactor: Redactor) -> None:
    for file in files:
        known = redactor.secrets_of(_text(file.before or b""))
        if redactor.secrets_of(_text(file.after)) - known:
            raise FixRejected(FixProblemCode.SECRET, path=file.path)
