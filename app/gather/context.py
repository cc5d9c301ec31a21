"""Find the code around a change that helps to judge it: what encloses it, what it uses, who calls it.

Small and within a budget, because more context lowers what models find. Reads through the `Source` only and runs
nothing; what is not found is left out."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from app.domain.diff import FileDiff, Hunk, LineKind
from app.domain.pull_request import Source
from app.domain.review import ContextSnippet
from app.gather.bundled import OwnCode, is_boilerplate
from app.gather.chunks import CHARACTERS_PER_TOKEN, file_tokens
from app.gather.definitions import MAX_DEFINITION_LINES, Texts, changed_lines, digest, last_name
from app.gather.names import mentioned_names, used_names
from app.gather.tree_search import ASSIGNMENT, find_callers, find_definitions, touched_symbols
from app.syntax import Definition, innermost, language_of

_PREAMBLE = re.compile(
    r"""^\s*(?:<\?php|\?>|declare\s*\(strict_types\b.*|["']use strict["'];?"""
    r"""|(?:package|namespace|import|from|use|using|require|require_once|include|require_relative|\#include|mod)\b.*"""
    r"""|export\b.*\bfrom\b.*|\}\s*from\b.*|(?:const|let|var)\b.*=\s*require\(.*"""
    r"""|(?:[\w.]+\s+)?"[\w./~-]+"|[\w.*]+,)\s*(?:;\s*)?$"""
)
_BRACKETS = re.compile(r"^[\s()\[\]{};,]*(?:end\s*)?$")
_CLASS = re.compile(
    r"^\s*(?:[\w@.]+\s+)*(?:class|interface|struct|trait|impl|object|enum|record|protocol|module)\b"
    r"[^=;({]*(?:\([^()]*\):|\{)?\s*$"
)


def without_idle(snippets: Iterable[ContextSnippet]) -> list[ContextSnippet]:
    """Drop snippets that only name a class if nothing else of the file is shown."""
    kept = list(snippets)
    informative = {each.path for each in kept if not _is_bare(each)}
    return [each for each in kept if each.path in informative]


def is_idle(snippet: ContextSnippet) -> bool:
    """Whether the snippet has only file headers, such as imports, and closing brackets."""
    return all(_is_idle_line(line) for line in snippet.text.split("\n"))


def trimmed(snippet: ContextSnippet) -> ContextSnippet:
    """Drop the idle lines at the start of the snippet."""
    lines = snippet.text.split("\n")
    first = next((at for at, line in enumerate(lines) if not _is_idle_line(line)), 0)
    return ContextSnippet(
        path=snippet.path,
        start_line=snippet.start_line + first,
        kind=snippet.kind,
        text="\n".join(lines[first:]),
    )


def _is_bare(snippet: ContextSnippet) -> bool:
    return all(_is_idle_line(line) or _CLASS.match(line) for line in snippet.text.split("\n"))


def _is_idle_line(line: str) -> bool:
    return bool(_BRACKETS.match(line) or _PREAMBLE.match(line))


MAX_ENCLOSING_LINES = 120  # of a definition that is shown in full
WINDOW_LINES = 15  # around the change in a longer definition
HEAD_LINES = 3  # of a longer definition: its signature
MAX_SHARING = 3  # functions per file
SMALL_FILE_LINES = 120
SHARE_OF_DIFF = 0.6  # the maximum share of context, compared with the diff …
FLOOR_TOKENS = 600  # … but this much is always allowed

MIN_CONSTANT_NAME = 3
_DATA = frozenset({"yaml", "json", "html", "css"})  # code does not use their keys as names
_ATTRIBUTE = re.compile(r"(?:\b(?:self|this|[a-z]\w?)(?:\.|->)|@)_?([a-z_]\w{2,})\b(?!\()")


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextLimits:
    """The limits of one chunk's context."""

    tokens: int
    searches: int  # of the tree, for definitions and callers together


LIMITS = {
    "trivial": ContextLimits(tokens=600, searches=0),
    "lite": ContextLimits(tokens=1_500, searches=12),
    "full": ContextLimits(tokens=4_000, searches=24),
}
NO_CONTEXT = ContextLimits(tokens=0, searches=0)


async def find_context(
    files: Sequence[FileDiff], *, texts: Texts, source: Source, limits: ContextLimits
) -> tuple[ContextSnippet, ...]:
    """Find snippets for one chunk, most useful first, until the budget is spent. Repeats no line of the diff."""
    if not limits.tokens:
        return ()
    visible = {file.path: _visible(file) for file in files}
    files = [file for file in files if not is_boilerplate(texts.heads.get(file.path, ""))]
    texts = texts.only([file.path for file in files])
    mentioned = mentioned_names(files, texts)
    names = used_names(files, texts, mentioned)
    members = {name for each in mentioned.values() for name in each}  # of a class, those worth showing
    here = {last_name(each) for defined in texts.defined.values() for each in defined}
    constants = {file.path: _constants_used(file, texts, mentioned[file.path]) for file in files}
    here |= {name for each in constants.values() for name in each}
    missing = [used for used in names if used.name not in here]
    half = limits.searches // 2
    callers = touched_symbols(files, texts)[:half]
    found = [part for path, each in constants.items() for part in _constants(path, each.values(), texts)]
    found += _enclosing(files, texts, visible)
    found += _definitions_here({used.name for used in names}, members, texts, visible)
    tree = OwnCode(source, changed=list(visible))
    found += await find_definitions(missing[: limits.searches - len(callers)], members, tree)
    found += await find_callers(callers, tree, visible)
    found += _shared_state(files, texts, visible)
    found += _rest_of_small_files(files, texts, visible)
    budget = min(limits.tokens, max(FLOOR_TOKENS, round(sum(map(file_tokens, files)) * SHARE_OF_DIFF)))
    return tuple(without_idle(_within(found, budget, visible)))


def _visible(file: FileDiff) -> set[int]:
    return {line.new_line for hunk in file.hunks for line in hunk.lines if line.new_line is not None}


def _within(
    snippets: Iterable[ContextSnippet], budget: int, visible: Mapping[str, set[int]]
) -> Iterator[ContextSnippet]:
    """Yield the snippets that fit the budget, without idle ones and without lines that are already shown."""
    seen = {path: set(lines) for path, lines in visible.items()}
    for snippet in snippets:
        lines = snippet.text.split("\n")
        numbered = dict(enumerate(lines, snippet.start_line))
        fresh = [number for number in numbered if number not in seen.get(snippet.path, ())]
        runs = _runs(snippet.path, numbered, fresh, kind=snippet.kind)
        for part in (trimmed(run) for run in runs if not is_idle(run)):
            tokens = 10 + round(len(part.text) / CHARACTERS_PER_TOKEN)
            if tokens <= budget:
                seen.setdefault(part.path, set()).update(fresh)
                budget -= tokens
                yield part


def _enclosing(
    files: Sequence[FileDiff], texts: Texts, visible: Mapping[str, set[int]]
) -> Iterator[ContextSnippet]:
    for file in files:
        head = texts.heads.get(file.path)
        if head is None:
            continue
        defined = texts.defined.get(file.path, ())
        lines = {line for hunk in file.hunks for line in _lines_around(defined, hunk)}
        missing = sorted(lines - visible[file.path])
        yield from _runs(file.path, _numbered(head), missing, kind="enclosing")


def _lines_around(defined: Sequence[Definition], hunk: Hunk) -> Iterator[int]:
    """Yield the lines of the definition around a hunk's changes; of a long one, its head and a window."""
    changed = changed_lines(hunk)
    for line in {changed[0], changed[-1]} if changed else ():
        around = innermost(defined, line)
        if around is None:
            continue
        start, end = around.start_line, around.end_line
        if end - start < MAX_ENCLOSING_LINES:
            yield from range(start, end + 1)
        else:
            yield from range(start, min(end, start + HEAD_LINES - 1) + 1)
            yield from range(max(start, line - WINDOW_LINES), min(end, line + WINDOW_LINES) + 1)


def _runs(
    path: str, numbered: Mapping[int, str], lines: Sequence[int], *, kind: str
) -> Iterator[ContextSnippet]:
    """Yield one snippet per run of consecutive lines, without blank lines at its ends; skip blank runs."""
    start = 0
    for index, line in enumerate(lines):
        if index + 1 < len(lines) and lines[index + 1] == line + 1:
            continue
        run = lines[start : index + 1]
        start = index + 1
        full = [number for number in run if numbered[number].strip()]
        if full:
            text = "\n".join(numbered[number] for number in range(full[0], full[-1] + 1))
            yield ContextSnippet(path=path, start_line=full[0], kind=kind, text=text)


def _numbered(source: str) -> dict[int, str]:
    return dict(enumerate(source.split("\n"), 1))


def _definitions_here(
    names: Collection[str], members: set[str], texts: Texts, visible: Mapping[str, set[int]]
) -> Iterator[ContextSnippet]:
    """Yield definitions of used names in the changed files that the diff does not show."""
    for path, defined in texts.defined.items():
        source = _numbered(texts.heads[path])
        shown = visible.get(path, set())
        if all(number in shown or not line.strip() for number, line in source.items()):
            continue
        for definition in defined:
            if last_name(definition) not in names:
                continue
            for part in digest(path, texts.heads[path], definition, line=0, members=members):
                end = part.start_line + part.text.count("\n")
                lines = [n for n in range(part.start_line, end + 1) if n not in shown]
                yield from _runs(path, source, lines, kind="definition")


def _constants_used(file: FileDiff, texts: Texts, mentioned: Sequence[str]) -> dict[str, int]:
    """Map names on the added lines to the line where the file assigns them outside of its functions."""
    head = texts.heads.get(file.path, "")
    if language_of(file.path) in _DATA:
        return {}
    inside = {
        line
        for each in texts.defined.get(file.path, ())
        if each.callable
        for line in range(each.start_line, each.end_line + 1)
    }
    assigned: dict[str, int] = {}
    for number, text in _numbered(head).items():
        if number not in inside and (match := ASSIGNMENT.search(text)):
            assigned.setdefault(match["name"], number)
    return {name: assigned[name] for name in mentioned if name in assigned and len(name) >= MIN_CONSTANT_NAME}


def _constants(path: str, lines: Iterable[int], texts: Texts) -> Iterator[ContextSnippet]:
    for line in lines:
        yield from digest(path, texts.heads[path], None, line=line, members=set())


def _shared_state(
    files: Sequence[FileDiff], texts: Texts, visible: Mapping[str, set[int]]
) -> Iterator[ContextSnippet]:
    """Yield functions of the same file that use the same attributes as the changed lines, most shared first."""
    for file in files:
        source = _numbered(texts.heads.get(file.path, ""))
        touched = {name for hunk in file.hunks for name in _attributes(_changed_text(hunk))}
        if not touched:
            continue
        functions = [each for each in texts.defined.get(file.path, ()) if each.callable]
        ranked = sorted(
            (
                (-len(touched & _attributes(_text_of(each, source))), each.start_line, each)
                for each in functions
            ),
            key=lambda row: row[:2],
        )
        for shared, _, each in ranked[:MAX_SHARING]:
            last = min(each.end_line, each.start_line + MAX_DEFINITION_LINES - 1)
            lines = [n for n in range(each.start_line, last + 1) if n not in visible[file.path]]
            if shared:
                yield from _runs(file.path, source, lines, kind="shares state")


def _changed_text(hunk: Hunk) -> str:
    return "\n".join(line.text for line in hunk.lines if line.kind is not LineKind.CONTEXT)


def _attributes(text: str) -> set[str]:
    """Return `values` and `order` for `self.values`, `this.order`, `c.values`: short receivers hold an object's own state."""
    return set(_ATTRIBUTE.findall(text))


def _text_of(definition: Definition, source: Mapping[int, str]) -> str:
    return "\n".join(source[number] for number in range(definition.start_line, definition.end_line + 1))


def _rest_of_small_files(
    files: Sequence[FileDiff], texts: Texts, visible: Mapping[str, set[int]]
) -> Iterator[ContextSnippet]:
    """Yield the lines of short files that the diff does not show."""
    for file in files:
        source = _numbered(texts.heads.get(file.path, ""))
        if len(source) <= SMALL_FILE_LINES:
            rest = [number for number in range(1, len(source) + 1) if number not in visible[file.path]]
            yield from _runs(file.path, source, rest, kind="rest of the file")
