"""Turns a caller's code, source text or a unified diff, into a change that the pipeline can read.

Source text becomes a new file in which every line is added. Its name comes from its language, or from its content. Reads no file.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from app.domain.analysis import ChangedFile
from app.domain.diff import Diff, DiffLine, FileDiff, FileStatus, Hunk, LineKind, Side
from app.domain.pull_request import Snapshot, Source, TextMatch
from app.errors import InputError
from app.github.local import PatchSource, read_patch
from app.syntax import count_errors, without_long_lines
from app.syntax.languages import EXTENSIONS

MAX_CODE_CHARACTERS = 400_000
MAX_NAME_CHARACTERS = 255
SAMPLE_CHARACTERS = 8_000  # of a text without a name, to find the grammar that parses it
_DIFF = re.compile(
    r"\s*(?:diff --(?:git|cc|combined) |--- \S.*\n\+\+\+ |Index: \S|From [0-9a-f]{40} |commit [0-9a-f]{40}\b)"
)
_EXTENSION = {language: extension for extension, language in reversed(EXTENSIONS.items())}
_ALIASES = {
    "js": "javascript",
    "ts": "typescript",
    "c++": "cpp",
    "c#": "csharp",
    "shell": "bash",
    "golang": "go",
}
_GUESSABLE = ("python", "typescript", "go", "java", "rust", "ruby", "php", "csharp", "c", "cpp", "bash")
_REQUIREMENT = re.compile(r"[\w.-]+(?:\[[\w,-]+\])?\s*[=~<>!]=")


def is_diff(code: str) -> bool:
    """Whether the text begins as a unified diff; a diff quoted further down is plain text."""
    return _DIFF.match(code) is not None


def open_code(code: str, language: str | None) -> Source:
    """The caller's code as a change.

    Raises:
        InputError: it is empty or too long, the diff is damaged, or the language is unknown.
    """
    check_length(code)
    if is_diff(code):
        return PatchSource(code.encode("utf-8", "surrogatepass"))
    return TextSource(name_of(code, language), code)


def changed_files(code: str, language: str | None) -> list[ChangedFile]:
    """The caller's code as changed files, for the dependency scan; a diff only has its own lines. Raises `InputError` like `open_code`."""
    check_length(code)
    if not is_diff(code):
        return [ChangedFile.whole(_manifest_name(code, language), code)]
    diff = read_patch(code.encode("utf-8", "surrogatepass"))
    return [ChangedFile.from_diff(file, head=_added_text(file), base=None) for file in diff.files]


def check_length(code: str) -> None:
    """Raise `InputError` if the code is empty, or longer than one call allows."""
    if not code.strip():
        raise InputError("`code` is empty: pass source text or a unified diff.")
    if len(code) > MAX_CODE_CHARACTERS:
        raise InputError(
            f"`code` has {len(code):,} characters; the limit per call is {MAX_CODE_CHARACTERS:,}. Split it into parts."
        )


def name_of(code: str, language: str | None) -> str:
    """A file name for the text: `language` may be a language, an extension, or a file name such as `go.mod`."""
    if language is None:
        return _manifest_of(code) or f"snippet{_EXTENSION.get(_guess(code), '.txt')}"
    if len(language) > MAX_NAME_CHARACTERS:
        raise InputError(f"`language` has more than {MAX_NAME_CHARACTERS} characters.")
    requested = PurePosixPath(language.strip()).name
    lowered = _ALIASES.get(requested.lower(), requested.lower())
    if lowered in _EXTENSION:
        return f"snippet{_EXTENSION[lowered]}"
    if f".{lowered.lstrip('.')}" in EXTENSIONS:
        return f"snippet.{lowered.lstrip('.')}"
    if "." in requested.strip(".") and requested.isprintable():
        return requested
    raise InputError(
        f"The language {language[:40]!r} is unknown; use one of {', '.join(sorted(_EXTENSION))}."
    )


def _manifest_name(code: str, language: str | None) -> str:
    found = _manifest_of(code)
    return found if found and (language is None or "." not in language) else name_of(code, language)


def _manifest_of(code: str) -> str | None:
    """The manifest or lock file that the text is, by its marks; reads each line once."""
    if code.lstrip().startswith("{"):
        return _json_manifest(code)
    lines = [line.rstrip() for line in code.split("\n")]
    if _is_pom(code):
        return "pom.xml"
    return _toml_manifest(lines) or _listed_manifest(lines)


def _json_manifest(code: str) -> str | None:
    if '"lockfileVersion"' in code:
        return "package-lock.json"
    sections = ('"dependencies"', '"devDependencies"', '"peerDependencies"')
    return "package.json" if any(section in code for section in sections) else None


def _is_pom(code: str) -> bool:
    text = code.lstrip()
    root = text.partition("?>")[2].lstrip() if text.startswith("<?xml") else text
    return root.startswith(("<project>", "<project "))


def _toml_manifest(lines: Sequence[str]) -> str | None:
    marks = set(lines)
    if "[[package]]" in marks:
        has_checksum = any(line.startswith("checksum = ") for line in lines)
        return "Cargo.lock" if has_checksum else "poetry.lock"
    if "[project]" in marks or any(line.startswith("[tool.poetry") for line in lines):
        return "pyproject.toml"
    is_cargo = marks & {"[dependencies]", "[dev-dependencies]", "[build-dependencies]"}
    return "Cargo.toml" if is_cargo else None


def _listed_manifest(lines: Sequence[str]) -> str | None:
    if any(line.startswith("module ") for line in lines) and any(
        line.startswith("require") for line in lines
    ):
        return "go.mod"
    if {"GEM", "  specs:"} <= set(lines):
        return "Gemfile.lock"
    entries = [entry for line in lines if (entry := line.strip()) and not entry.startswith("#")]
    are_requirements = bool(entries) and all(_REQUIREMENT.match(entry) for entry in entries)
    return "requirements.txt" if are_requirements else None


def _guess(code: str) -> str:
    """The grammar with the fewest errors; ties go to the earlier one in `_GUESSABLE`."""
    if _is_json(code):
        return "json"
    sample = without_long_lines(code[:SAMPLE_CHARACTERS].rpartition("\n")[0] or code[:SAMPLE_CHARACTERS])
    errors = {name: count_errors(f"snippet{_EXTENSION[name]}", sample) for name in _GUESSABLE}
    return min(_GUESSABLE, key=lambda name: (errors[name] is None, errors[name] or 0))


def _is_json(code: str) -> bool:
    try:
        json.loads(code)
    except (ValueError, RecursionError):
        return False
    return True


def _added_text(file: FileDiff) -> bytes | None:
    """The content of a new file, which the diff shows completely; None for other files."""
    if file.status is not FileStatus.ADDED:
        return None
    return "\n".join(file.added_lines().values()).encode("utf-8", "surrogateescape")


@dataclass(frozen=True, slots=True)
class TextSource:
    """One text as a new file."""

    path: str
    code: str

    async def snapshot(self, base_paths: Sequence[str]) -> Snapshot:
        """Return a change that adds the file."""
        lines = self.code.removesuffix("\n").split("\n")
        hunk = Hunk(
            old_start=0,
            old_count=0,
            new_start=1,
            new_count=len(lines),
            section="",
            lines=tuple(
                DiffLine(kind=LineKind.ADDED, text=text, old_line=None, new_line=number)
                for number, text in enumerate(lines, 1)
            ),
        )
        file = FileDiff(path=self.path, status=FileStatus.ADDED, hunks=(hunk,))
        return Snapshot(pull_request=None, diff=Diff(files=(file,)), base_files={})

    async def blob(self, path: str, side: Side) -> bytes | None:
        """Return the text."""
        return self.code.encode("utf-8", "surrogatepass") if (path, side) == (self.path, Side.RIGHT) else None

    async def grep(self, word: str, *, limit: int) -> list[TextMatch]:
        """Return nothing, because there is no repository."""
        return []

    def tree(self) -> None:
        """Return None: there is no tree."""
