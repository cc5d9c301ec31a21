"""Checks suggestions in the process that parses changed code. Never parses code itself."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from app.analyzers.parser import LIMITS, Parser, read_answers, shared_parser
from app.analyzers.workspace import TASKS, fragment_text
from app.domain.edit import FileEdit
from app.errors import AnalyzerFailed


async def check_edits(edits: Sequence[FileEdit], *, parser: Parser | None = None) -> list[bool]:
    """Whether each edit leaves a file that parses as meant; no if the parser could not say."""
    if not edits:
        return []
    with TemporaryDirectory(prefix="quorum-", ignore_cleanup_errors=True) as name:
        directory = await asyncio.to_thread(Path(name).resolve)
        await asyncio.to_thread(_write_tasks, edits, directory)
        try:
            await (parser or shared_parser()).run(directory, limits=LIMITS)
        except AnalyzerFailed:
            return [False] * len(edits)
        answers = await asyncio.to_thread(read_answers, directory)
    sound = [answer.get("sound") is True for answer in answers]
    return [*sound, *[False] * len(edits)][: len(edits)]


def _write_tasks(edits: Sequence[FileEdit], directory: Path) -> None:
    tasks = [{"edit": asdict(_on_its_lines(edit))} for edit in edits]
    (directory / TASKS).write_text(json.dumps(tasks))


def _on_its_lines(edit: FileEdit) -> FileEdit:
    """The edit of a text in which a hunk has its place in the file, so that an indented one parses."""
    if edit.first_line == 1:
        return edit
    above = edit.first_line - 1
    visible = dict(enumerate(edit.source.split("\n"), edit.first_line))
    source = fragment_text(edit.path, visible)
    return replace(edit, source=source, start=edit.start + above, end=edit.end + above, first_line=1)
