"""Searches the head's tree for what a change uses and for who uses it. Reads through the `Source` alone."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from app.domain.diff import FileDiff, Side
from app.domain.review import ContextSnippet
from app.domain.source import Match, Source
from app.gather.texts import MAX_DEFINITION_LINES, MIN_NAME, Texts, changed_lines, last_name
from app.syntax import definitions, enclosing_definition, language_of

MAX_CALLERS = 3  # of one symbol
GREP_LIMIT = 40

_DEFINES = r"(?:def|class|func|fn|function|type|interface|struct|enum|trait|record|module|object|const|let|var|val|macro_rules!)"
_IMPORTS = re.compile(r"^\s*(?:import|from|use|require|include|#include|using|export\b.*\bfrom)\b")


async def find_definitions(
    names: Sequence[str], source: Source, files: Sequence[FileDiff]
) -> list[ContextSnippet]:
    """Definitions of names that the changed files do not define, one search each."""
    suffixes = {PurePosixPath(file.path).suffix for file in files}
    found = await asyncio.gather(*(_definition_elsewhere(name, source, suffixes) for name in names))
    return [snippet for snippet in found if snippet is not None]


async def _definition_elsewhere(name: str, source: Source, suffixes: set[str]) -> ContextSnippet | None:
    defines = re.compile(rf"\b{_DEFINES}\s+(?:\([^)]*\)\s*)?{re.escape(name)}\b")
    matches = [
        match
        for match in await source.grep(name, limit=GREP_LIMIT)
        if PurePosixPath(match.path).suffix in suffixes and defines.search(match.text)
    ]
    if len({match.path for match in matches}) != 1:
        return None  # not there, or so common a name that any choice could mislead
    return await _read_definition(matches[0], source)


async def _read_definition(match: Match, source: Source) -> ContextSnippet:
    raw = await source.blob(match.path, Side.RIGHT)
    text = raw.decode("utf-8", "replace") if raw else ""
    around = enclosing_definition(match.path, text, match.line)
    if around is None:
        return ContextSnippet(path=match.path, start_line=match.line, kind="definition", text=match.text)
    shown = "\n".join(around[2].split("\n")[:MAX_DEFINITION_LINES])
    return ContextSnippet(path=match.path, start_line=around[0], kind="definition", text=shown)


def touched_symbols(files: Sequence[FileDiff], texts: Texts) -> list[str]:
    """Functions whose callers the change can reach: gone ones first, then those with another signature or body."""
    gone: dict[str, None] = {}
    changed: dict[str, None] = {}
    for file in files:
        after = {last_name(d): d for d in texts.defined.get(file.path, ()) if d.callable}
        before = {
            last_name(d): d for d in definitions(file.path, texts.bases.get(file.path, "")) if d.callable
        }
        touched = {line for hunk in file.hunks for line in changed_lines(hunk)}
        gone |= dict.fromkeys(name for name in before if name not in after)
        other = [n for n in before if n in after and before[n].signature != after[n].signature]
        inside = [
            name
            for name, definition in after.items()
            if name in before and touched & set(range(definition.start_line, definition.end_line + 1))
        ]
        changed |= dict.fromkeys((*other, *inside))
    return [name for name in (*gone, *changed) if len(name) >= MIN_NAME and not name.startswith("__")]


async def find_callers(
    names: Sequence[str], source: Source, visible: Mapping[str, set[int]]
) -> list[ContextSnippet]:
    """Lines outside the diff that use these functions, one search each."""
    found = await asyncio.gather(*(source.grep(name, limit=GREP_LIMIT) for name in names))
    return [
        ContextSnippet(path=match.path, start_line=match.line, kind=f"uses {name}", text=match.text)
        for name, matches in zip(names, found, strict=True)
        for match in [each for each in matches if _is_call(each, name, visible)][:MAX_CALLERS]
    ]


def _is_call(match: Match, name: str, visible: Mapping[str, set[int]]) -> bool:
    return (
        language_of(match.path) is not None
        and match.line not in visible.get(match.path, set())
        and not _IMPORTS.search(match.text)
        and re.search(rf"\b{_DEFINES}\s+(?:\([^)]*\)\s*)?{re.escape(name)}\b", match.text) is None
        and re.search(rf"\b{re.escape(name)}\b", match.text) is not None
    )
