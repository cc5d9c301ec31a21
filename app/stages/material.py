"""Renders the part of a request that all stages share: guidelines, diff and context, byte for byte the same.

It contains only code and the base branch's guidelines, never the pull request's description, because the security stage
reads it too. Pure.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Protocol

from app.domain.diff import DiffLine, FileDiff, FileStatus, Hunk, LineKind
from app.domain.finding import Finding
from app.domain.model_call import Provider
from app.domain.review import Chunk, ContextSnippet, Guideline, StageResult, StageStatus
from app.prompting.prompts import fence

MAX_LINE_CHARACTERS = 2_000
MAX_REMOVED_FILE_LINES = 60  # enough to see what a removed file was

_MARKS = {LineKind.ADDED: "+", LineKind.REMOVED: "-", LineKind.CONTEXT: "|"}


def in_order_of(vendor: Provider | None, chunk: Chunk) -> Chunk:
    """The chunk with its files in the vendor's own order, the same for all its calls: what is read last is read less well."""
    files = chunk.files
    match vendor.vendor if vendor else None:
        case Provider.GPT:
            return replace(chunk, files=files[::-1])
        case Provider.GEMINI:
            middle = len(files) // 2
            return replace(chunk, files=(*files[middle:], *files[:middle]))
        case _:
            return chunk


class SecretRedactor(Protocol):
    """Removes secrets from text (`app.redaction.Redactor`)."""

    def redact(self, text: str) -> str:
        """Replace each secret; keeps the number of lines."""
        ...


def render_material(
    chunk: Chunk, *, guidelines: Sequence[Guideline], secret: bytes, redactor: SecretRedactor
) -> str:
    """Render the guidelines that apply to the chunk's files, its diff and its context, each in a fence.

    Secrets are redacted hunk by hunk before line numbers are added, so that rules that span lines still match.
    """
    applying = [each for each in guidelines if _applies(each, chunk.files)]
    parts = [
        fence(
            "guidelines",
            "\n\n".join(f"=== {_name(each.path)}\n{redactor.redact(each.text)}" for each in applying),
            secret,
        )
        if applying
        else "",
        fence("diff", "\n".join(render_file(file, redactor) for file in chunk.files), secret),
        fence("context", render_snippets(chunk.snippets, redactor), secret) if chunk.snippets else "",
    ]
    return "\n\n".join(part for part in parts if part)


def render_file(file: FileDiff, redactor: SecretRedactor) -> str:
    """Render one changed file in the compact form that prompts/shared/system.md describes."""
    header = f"=== {_name(file.path)} ({_status(file)})"
    return "\n".join([header, *(_hunk(hunk, file, redactor) for hunk in file.hunks)])


def _applies(guideline: Guideline, files: Sequence[FileDiff]) -> bool:
    folder = PurePosixPath(guideline.path).parent
    if folder.name == ".github":
        folder = folder.parent
    return any(PurePosixPath(file.path).is_relative_to(folder) for file in files)


def _name(path: str) -> str:
    """Return the path itself if it is plain, otherwise as JSON: file names are untrusted text too."""
    return path if path.isprintable() and path == path.strip() else json.dumps(path)


def _status(file: FileDiff) -> str:
    renamed = (
        f"{file.status.value} from {_name(file.previous_path)}" if file.previous_path else file.status.value
    )
    if file.hunks:
        return renamed
    return f"{renamed}, {'empty' if file.status is FileStatus.ADDED else 'content unchanged'}"


def _hunk(hunk: Hunk, file: FileDiff, redactor: SecretRedactor) -> str:
    texts = redactor.redact("\n".join(_cut(line.text) for line in hunk.lines)).split("\n")
    rows = [f"{_number(line)}{_MARKS[line.kind]}{text}" for line, text in zip(hunk.lines, texts, strict=True)]
    if file.status is FileStatus.REMOVED and len(rows) > MAX_REMOVED_FILE_LINES:
        rows = [*rows[:MAX_REMOVED_FILE_LINES], f"… {len(rows) - MAX_REMOVED_FILE_LINES} more removed lines"]
    return "\n".join([f"@@ {redactor.redact(hunk.section)}".rstrip(), *rows])


def _number(line: DiffLine) -> int | None:
    return line.old_line if line.kind is LineKind.REMOVED else line.new_line


def _cut(text: str) -> str:
    text = text.rstrip("\r").replace("\n", " ")
    hidden = len(text) - MAX_LINE_CHARACTERS
    return text if hidden <= 0 else f"{text[:MAX_LINE_CHARACTERS]} […{hidden} more characters]"


def render_snippets(snippets: Sequence[ContextSnippet], redactor: SecretRedactor) -> str:
    """Render the snippets in order of file and line; `…` marks omitted lines."""
    parts: list[str] = []
    before: ContextSnippet | None = None
    for snippet in sorted(snippets, key=lambda each: (each.path, each.start_line)):
        if before is None or before.path != snippet.path:
            parts.append(f"=== {_name(snippet.path)}")
        elif before.start_line + before.text.count("\n") + 1 != snippet.start_line:
            parts.append("…")
        rows = redactor.redact(snippet.text).split("\n")
        parts += [f"{number}|{_cut(text)}" for number, text in enumerate(rows, snippet.start_line)]
        before = snippet
    return "\n".join(parts)


def is_shown_in(chunk: Chunk, finding: Finding) -> bool:
    """Whether the chunk shows the finding's first line."""
    return any(
        finding.start_line in (line.new_line, line.old_line)
        for file in chunk.files
        if file.path == finding.path
        for hunk in file.hunks
        for line in hunk.lines
    )


def was_reviewed(finding: Finding, results: Sequence[StageResult], chunks: Sequence[Chunk]) -> bool:
    """Whether a model saw the finding's code and completed the finding's stage."""
    answered = any(
        result.stage is finding.stage
        and result.status is StageStatus.COMPLETED
        and result.provider not in (None, Provider.ANALYZERS)
        for result in results
    )
    return answered and any(is_shown_in(chunk, finding) for chunk in chunks)
