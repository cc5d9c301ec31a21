"""What a fix may change, whatever its model wants: which paths, how much, and with which characters. Pure.

Rules come before everything that parses or runs a tool, and before any other model sees the fix.
"""

import re
import unicodedata
from collections.abc import Sequence
from pathlib import PurePosixPath

from app.domain.diff import Diff, FileDiff, FileStatus
from app.domain.fix import FixedFile, FixProblemCode, PathKind, TextEdit
from app.errors import FixRejected
from app.findings.protected import is_protected
from app.gather.lock_files import has_lock_file_name
from app.publish.text import invisible_in
from app.syntax import language_of

MAX_EDITS = 20
MAX_FILES = 6
MAX_EDIT_CHARACTERS = 20_000  # of one `old` or `new`
MAX_CHANGED_LINES = 300
MAX_FILE_BYTES = 1_000_000

_REDACTED = "[REDACTED"  # how redaction marks a secret
_LEGAL = re.compile(r"(?:un)?licen[cs]es?|copying|copyright|notice|patents", re.ASCII)
# What people and agents follow when they change the repository: Quorum reads some of them as guidelines.
_INSTRUCTIONS = re.compile(
    r"(?:agents?|claude|codex|codeowners|contributing|conventions|copilot|gemini|llms(?:-full)?|maintainers|owners|review|security"
    r"|skills?|warp|(?:.*[._-])?(?:instructions|prompt|chatmode|agent))(?:\..*)?",
)
_PROSE = frozenset({"", ".adoc", ".markdown", ".md", ".mdc", ".mdx", ".org", ".rst", ".txt"})
_NEW_PATH = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9_.-]*/)*[A-Za-z0-9_][A-Za-z0-9_.-]*[A-Za-z0-9_]", re.ASCII)
_TEST_NAME = re.compile(r"test_\w[^/]*|[^/]*(?:[._-](?:test|spec)s?|Tests?)\.\w+", re.ASCII)
_WINDOWS_DEVICE = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.ASCII)


def check_answer(edits: Sequence[TextEdit]) -> None:
    """Check the size and the characters of the edits; raises `FixRejected`."""
    if not edits:
        raise FixRejected(FixProblemCode.NO_EDITS)
    if len(edits) > MAX_EDITS:
        raise FixRejected(FixProblemCode.TOO_MANY_EDITS, detail=str(len(edits)))
    if len({edit.path for edit in edits}) > MAX_FILES:
        raise FixRejected(FixProblemCode.TOO_MANY_FILES)
    for edit in edits:
        if max(len(edit.old), len(edit.new)) > MAX_EDIT_CHARACTERS:
            raise FixRejected(FixProblemCode.TOO_LARGE, path=edit.path)
        if _REDACTED in edit.new:
            raise FixRejected(FixProblemCode.REDACTED, path=edit.path)
        if invisible_in(edit.new) - invisible_in(edit.old):
            raise FixRejected(FixProblemCode.HIDDEN_CHARACTERS, path=edit.path)


def check_path(path: str, kind: PathKind, diff: Diff) -> None:
    """Check that a fix may change, or create, the file; raises `FixRejected`."""
    if not _is_relative(path):
        raise FixRejected(FixProblemCode.INVALID_PATH, path=path)
    if is_untouchable(path):
        raise FixRejected(FixProblemCode.PROTECTED_PATH, path=path)
    file = diff.file(path)
    if file is not None:
        _check_changed_file(file, kind)
    elif kind is PathKind.SIMILAR:
        raise FixRejected(FixProblemCode.EXISTS, path=path)
    elif kind is PathKind.OTHER:
        raise FixRejected(FixProblemCode.NOT_A_FILE, path=path)
    elif kind is not PathKind.ABSENT or not is_new_test(path):
        raise FixRejected(FixProblemCode.OUTSIDE_CHANGE, path=path)


def _check_changed_file(file: FileDiff, kind: PathKind) -> None:
    if file.status is FileStatus.REMOVED:
        raise FixRejected(FixProblemCode.DELETED_FILE, path=file.path)
    if file.symlink or file.submodule or kind not in (PathKind.FILE, PathKind.EXECUTABLE):
        raise FixRejected(FixProblemCode.NOT_A_FILE, path=file.path)
    if file.binary:
        raise FixRejected(FixProblemCode.NOT_TEXT, path=file.path)


def check_size(files: Sequence[FixedFile]) -> None:
    """Check how much the fix changes; raises `FixRejected`."""
    lines = 0
    for file in files:
        before = (file.before or b"").split(b"\n")
        after = file.after.split(b"\n")
        if max(len(file.before or b""), len(file.after)) > MAX_FILE_BYTES:
            raise FixRejected(FixProblemCode.TOO_LARGE, path=file.path)
        lines += _changed_lines(before, after)
        if lines > MAX_CHANGED_LINES:
            raise FixRejected(FixProblemCode.TOO_LARGE, path=file.path)


def _changed_lines(before: Sequence[bytes], after: Sequence[bytes]) -> int:
    """The number of lines between the first and the last change."""
    same, most = 0, min(len(before), len(after))
    while same < most and before[same] == after[same]:
        same += 1
    tail = 0
    while tail < most - same and before[-1 - tail] == after[-1 - tail]:
        tail += 1
    return max(len(before), len(after)) - same - tail


def is_untouchable(path: str) -> bool:
    """Whether no fix changes the file: it controls builds, tools, dependencies, rights, or what people and agents do.

    Names are compared as the least careful file system compares them.
    """
    folded = "/".join(part.rstrip(". ") for part in _folded(path).split("/"))
    pure = PurePosixPath(folded)
    name = pure.name
    return (
        is_protected(folded)
        or has_lock_file_name(folded)
        or (pure.suffix in _PROSE and _INSTRUCTIONS.fullmatch(name) is not None)
        or any(_LEGAL.fullmatch(word) for word in re.split(r"[._-]", name))
    )


def _folded(path: str) -> str:
    kept = "".join(each for each in path if unicodedata.category(each) not in ("Cf", "Mn", "Cc", "Cs"))
    return unicodedata.normalize("NFKC", kept).casefold()


def _is_relative(path: str) -> bool:
    """Whether every file system reads the path as it is written, inside the repository."""
    parts = path.split("/")
    return (
        0 < len(path) <= 400
        and path.isprintable()
        and not any(mark in path for mark in '\\:*?"<>|~')
        and not any(part in ("", ".", "..") or part != part.rstrip(". ") for part in parts)
        and not any(_WINDOWS_DEVICE.fullmatch(part.casefold()) for part in parts)
    )


def is_new_test(path: str) -> bool:
    """Whether the path is that of a test in a language that Quorum parses; `conftest.py` configures other tests."""
    name = path.rpartition("/")[2]
    return (
        _NEW_PATH.fullmatch(path) is not None
        and language_of(path) is not None
        and _TEST_NAME.fullmatch(name) is not None
    )
