"""Search the head's tree for what a change uses and for its callers. Reads through the `Source` only."""

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import PurePosixPath

from app.domain.diff import FileDiff, Side
from app.domain.pull_request import TextMatch
from app.domain.review import ContextSnippet
from app.gather.bundled import SearchableTree
from app.gather.definitions import MIN_NAME, Texts, changed_lines, digest, last_name
from app.gather.names import UsedName, same_language
from app.syntax import (
    MAX_LINE_CHARACTERS,
    Definition,
    definitions,
    language_of,
    without_long_lines,
)

MAX_CALLERS = 3  # per symbol
GREP_LIMIT = 200
MAX_FILES_READ = 3  # per name
LINES_AROUND_CALL = 2

_KEYWORD = (
    r"(?:def|class|func|fn|function|type|interface|struct|enum|trait|record|module|object|macro_rules!)"
    r"\s+(?:\([^()]*\)\s*)?(?:self\.)?{name}\b"
)
_TYPED = (
    r"^\s*(?!(?:return|new|throw|else|await|yield|case|raise|not|in|import|using|go|defer)\b)"
    r"(?:[\w<>\[\],.?*&:@]+\s+)+[*&]*{name}\s*(?:<[^<>]*>)?\("
)
_SHORTHAND = r"^\s*(?:(?:public|private|protected|static|async|get|set|override|readonly)\s+)*[#*]?{name}\s*\([^;]*\{{\s*$"
_VALUE = (
    r"^\s{{0,4}}(?:export\s+|pub(?:\([^)]*\))?\s+)?"
    r"(?:(?:public|private|protected|internal|static|final|readonly|const|let|var|val)\s+)*"
    r"(?:[\w<>\[\],.?]+\s+)?{name}\s*(?::[^=]+)?=(?![=>~])"
)
_IMPORTS = re.compile(r"^\s*(?:import|from|use|require|include|#include|using|export\b.*\bfrom)\b")
_COMMENT = re.compile(r"^\s*(?:#|//|/?\*|--|<!--)")
_TEST = re.compile(r"(?:^|/)(?:tests?|spec|__tests__)/|(?:^|/)test_|[_.-](?:test|spec)\.|Tests?\.\w+$")


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundDefinition:
    """A definition elsewhere in the tree; `definition` is None for a constant."""

    match: TextMatch
    text: str
    definition: Definition | None


async def find_definitions(
    names: Sequence[UsedName], members: set[str], source: SearchableTree
) -> list[ContextSnippet]:
    """Find definitions of names that the changed files do not define, one search each, in the order of the names."""
    found = await asyncio.gather(*(_definition_elsewhere(used, source) for used in names))
    seen: set[tuple[str, int]] = set()
    snippets: list[ContextSnippet] = []
    for each in found:
        if each is None or (each.match.path, each.match.line) in seen:
            continue
        seen.add((each.match.path, each.match.line))
        snippets += digest(each.match.path, each.text, each.definition, line=each.match.line, members=members)
    return snippets


async def _definition_elsewhere(used: UsedName, source: SearchableTree) -> FoundDefinition | None:
    """Find the definition that the name refers to; None if there is none, or if several are equally near."""
    patterns = definition_patterns(used.name)
    matches = [
        match
        for match in await source.grep(used.name, limit=GREP_LIMIT)
        if len(match.text) <= MAX_LINE_CHARACTERS
        and same_language(match.path, used.path)
        and match.path != used.path
        and any(pattern.search(match.text) for pattern in patterns)
    ]
    matches.sort(key=lambda match: _distance(match.path, used))
    paths = list(dict.fromkeys(match.path for match in matches))[:MAX_FILES_READ]
    found = [each for path in paths if (each := await _read(path, matches, used, source))]
    if len(found) > 1 and _distance(found[0].match.path, used) == _distance(found[1].match.path, used):
        return None  # the name is so common that any choice could mislead
    return found[0] if found else None


async def _read(
    path: str, matches: Sequence[TextMatch], used: UsedName, source: SearchableTree
) -> FoundDefinition | None:
    """Find the definition of the name in a file by its syntax tree, or else a constant by its line."""
    raw = await source.blob(path, Side.RIGHT)
    text = _text(raw)
    lines = {match.line: match for match in matches if match.path == path}
    found = [
        each
        for each in definitions(path, text)
        if last_name(each) == used.name and any(line in lines for line in _head_lines(each))
    ]
    if found:
        # Prefer a member of the class that the call names, and a class to its constructor.
        best = min(
            found, key=lambda each: (bool(used.owner) and used.owner not in each.name, each.start_line)
        )
        return FoundDefinition(
            match=TextMatch(path=path, line=best.start_line, text=""), text=text, definition=best
        )
    value = constant_of(used.name)
    constant = next((match for match in lines.values() if value.search(match.text)), None)
    return FoundDefinition(match=constant, text=text, definition=None) if constant and text else None


def definition_patterns(name: str) -> list[re.Pattern[str]]:
    """Match lines that look like a definition of the name, in any language."""
    return [re.compile(each.format(name=re.escape(name))) for each in (_KEYWORD, _TYPED, _SHORTHAND, _VALUE)]


def is_test(path: str) -> bool:
    """Whether the path is that of a test."""
    return _TEST.search(path) is not None


def _text(raw: bytes | None) -> str:
    return without_long_lines(raw.decode("utf-8", "replace")) if raw else ""


def constant_of(name: str) -> re.Pattern[str]:
    """Match a line that assigns a name at module or class level, judged by indentation."""
    return re.compile(_VALUE.format(name=re.escape(name)))


ASSIGNMENT = re.compile(_VALUE.format(name=r"(?P<name>[A-Za-z_$][\w$]*)"))
"""Matches any such assignment and captures the name."""


def _head_lines(definition: Definition) -> range:
    """Return the lines where the name can be: decorators come before it."""
    return range(definition.start_line, min(definition.end_line, definition.start_line + 8) + 1)


def _distance(path: str, used: UsedName) -> tuple[int, int, int]:
    """Rank files by how likely they define the name: named by the import, not a test, few folders away."""
    pure = PurePosixPath(path)
    parts = [part.lower() for part in re.split(r"[^\w]+", used.module or "") if part]
    spelled = [part.lower() for part in (*pure.parts[:-1], pure.stem)]
    named = bool(parts) and (spelled[-1] in parts[-2:] or (len(spelled) > 1 and spelled[-2] == parts[-1]))
    owned = bool(used.owner) and spelled[-1].replace("_", "") == (used.owner or "").lower().replace("_", "")
    here = PurePosixPath(used.path).parts[:-1]
    shared = sum(1 for _ in _common(here, pure.parts[:-1]))
    away = len(here) + len(pure.parts) - 1 - 2 * shared
    return 0 if named or owned else 1, int(is_test(path)), away


def _common(one: Sequence[str], other: Sequence[str]) -> Iterator[str]:
    for left, right in zip(one, other, strict=False):
        if left != right:
            return
        yield left


def touched_symbols(files: Sequence[FileDiff], texts: Texts) -> list[str]:
    """Return functions whose callers the change can affect: removed ones first, then those with a new signature or body."""
    removed: dict[str, None] = {}
    changed: dict[str, None] = {}
    for file in files:
        after = {last_name(d): d for d in texts.defined.get(file.path, ()) if d.callable}
        before = {
            last_name(d): d for d in definitions(file.path, texts.bases.get(file.path, "")) if d.callable
        }
        touched = {line for hunk in file.hunks for line in changed_lines(hunk)}
        removed |= dict.fromkeys(name for name in before if name not in after)
        other = [n for n in before if n in after and before[n].signature != after[n].signature]
        inside = [
            name
            for name, definition in after.items()
            if name in before and touched & set(range(definition.start_line, definition.end_line + 1))
        ]
        changed |= dict.fromkeys((*other, *inside))
    return [name for name in (*removed, *changed) if len(name) >= MIN_NAME and not name.startswith("__")]


async def find_callers(
    names: Sequence[str], source: SearchableTree, visible: Mapping[str, set[int]]
) -> list[ContextSnippet]:
    """Find calls of these functions outside the diff, with a few lines around each; one search per function."""
    found = await asyncio.gather(*(source.grep(name, limit=GREP_LIMIT) for name in names))
    calls = [
        (name, match)
        for name, matches in zip(names, found, strict=True)
        for match in islice(_calls(name, matches, visible), MAX_CALLERS)
    ]
    texts = await asyncio.gather(*(source.blob(match.path, Side.RIGHT) for _, match in calls))
    return [
        snippet
        for (name, match), raw in zip(calls, texts, strict=True)
        if raw is not None
        for snippet in _caller(name, match, _text(raw))
    ]


def _calls(name: str, matches: Sequence[TextMatch], visible: Mapping[str, set[int]]) -> Iterator[TextMatch]:
    """Yield the first call of each file, code before tests."""
    called = [match for match in matches if _is_call(match, name, visible)]
    first = {match.path: match for match in reversed(called)}.values()
    yield from sorted(first, key=lambda match: (is_test(match.path), match.path))


def _caller(name: str, match: TextMatch, text: str) -> Iterator[ContextSnippet]:
    """Yield the first line of the calling function and the lines around the call."""
    lines = text.split("\n")
    around = [
        each for each in definitions(match.path, text) if each.start_line <= match.line <= each.end_line
    ]
    if around and last_name(around[-1]) == name:
        return  # its own definition, or itself
    first, last = (around[-1].start_line, around[-1].end_line) if around else (match.line, match.line)
    start = max(first, match.line - LINES_AROUND_CALL)
    end = min(last, match.line + LINES_AROUND_CALL, len(lines))
    if start > first:
        yield ContextSnippet(path=match.path, start_line=first, kind=f"uses {name}", text=lines[first - 1])
    shown = "\n".join(lines[start - 1 : end]) if len(lines) >= match.line else match.text
    yield ContextSnippet(path=match.path, start_line=start, kind=f"uses {name}", text=shown)


def _is_call(match: TextMatch, name: str, visible: Mapping[str, set[int]]) -> bool:
    word = re.escape(name)
    return (
        language_of(match.path) is not None
        and len(match.text) <= MAX_LINE_CHARACTERS
        and match.line not in visible.get(match.path, set())
        and not _IMPORTS.search(match.text)
        and not _COMMENT.search(match.text)
        and re.search(_KEYWORD.format(name=word), match.text) is None
        and re.search(rf"\b{word}\s*[(!]|[.:>&]{word}\b(?!\s*=)|[(,]\s*{word}\s*[,)]", match.text) is not None
    )
