"""Answers the look-ups of models, and of programs that use Quorum's MCP tools, from the tree of the head.

Everything in a look-up is untrusted: paths never leave the tree, nothing is followed or fetched, searches are literal, and
size and time are limited. What cannot be shown is answered with a reason.
"""

import asyncio
import logging
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from app.domain.content import ContentKind, kind_of
from app.domain.diff import Side
from app.domain.lookup import MAX_LOOKUP_CHARACTERS, CodeLookup, LookupKind, Unavailable
from app.domain.lookup_answer import LookupAnswer
from app.domain.pull_request import CodeTree, EntryKind, TextMatch
from app.domain.review import ContextSnippet
from app.errors import QuorumError
from app.gather.definitions import last_name
from app.gather.tree_search import GREP_LIMIT, constant_of, definition_patterns, is_test
from app.syntax import MAX_LINE_CHARACTERS, definitions, language_of, without_long_lines

CHARACTERS_PER_TOKEN = 3.0  # of any text, so that the limits hold
HEAD_CHARACTERS = 120  # of an answer, without the names that it repeats
LINE_CHARACTERS = 6  # of a line's number and its mark
ANSWER_TOKENS = 2_000
ROUND_TOKENS = 6_000
LOOKUP_DEADLINE_S = 20.0  # of all look-ups of a round
MAX_DEFINITIONS = 3  # of one name
MAX_FILES_READ = 12  # for the definitions of one name
MAX_MATCHES = 60  # of one search
MAX_NAMED_LINES = 2_000  # read to find the definition of a name
DEFAULT_LINES = 150  # of a file, if the look-up gives no end
LINES_OF_UNKNOWN = 12  # of a definition in a language that is not parsed

_LFS = b"version https://git-lfs.github.com/spec/v1"
_PARTS = re.compile(r"(?:->|[.#:/\\\s])+")
_EXPRESSION = re.compile(r"\\[wWdDsSbB]|\.[*+]|\[\^?[\w-]+\][*+?]?|[)\w][*+?]\)|\(\?|^\^|\$$|\w\|\w")
_ENTRIES = {
    None: Unavailable.NO_FILE,
    EntryKind.FOLDER: Unavailable.FOLDER,
    EntryKind.LINK: Unavailable.LINK,
    EntryKind.SUBMODULE: Unavailable.SUBMODULE,
}

_log = logging.getLogger(__name__)


class Lookups:
    """Answers look-ups from one tree."""

    def __init__(self, tree: CodeTree) -> None:
        self._tree = tree

    async def answer(self, lookups: Sequence[CodeLookup]) -> Sequence[LookupAnswer]:
        """Answer the look-ups of one round, in order; those that do not fit the round any more say so."""
        answers = await asyncio.gather(*map(self._answer_in_time, lookups))
        left = ROUND_TOKENS
        fitting: list[LookupAnswer] = []
        for each in answers:
            cut = _cut(each, min(left, ANSWER_TOKENS))
            left -= _tokens(cut)
            fitting.append(cut)
        return fitting

    async def _answer_in_time(self, lookup: CodeLookup) -> LookupAnswer:
        try:
            async with asyncio.timeout(LOOKUP_DEADLINE_S):
                found = await self._answer(lookup)
        except TimeoutError:
            found = Unavailable.TOO_SLOW
        except QuorumError as error:
            _log.warning("a look-up failed: %s", error)
            found = Unavailable.FAILED
        return found if isinstance(found, LookupAnswer) else LookupAnswer(lookup=lookup, unavailable=found)

    async def _answer(self, lookup: CodeLookup) -> LookupAnswer | Unavailable:
        if max(len(lookup.name or ""), len(lookup.path or "")) > MAX_LOOKUP_CHARACTERS:
            return Unavailable.TOO_LONG
        match lookup.kind:
            case LookupKind.DEFINITION:
                return await self._definitions(lookup)
            case LookupKind.REFERENCES:
                return await self._references(lookup)
            case LookupKind.SEARCH:
                return await self._search(lookup)
            case LookupKind.FILE:
                return await self._lines(lookup)
            case LookupKind.HISTORY:
                return await self._history(lookup)

    async def _definitions(self, lookup: CodeLookup) -> LookupAnswer | Unavailable:
        owner, name = _owner_and_name(lookup.name)
        if not name:
            return Unavailable.INCOMPLETE
        patterns = definition_patterns(name)
        matches = [
            match
            for match in _readable(await self._tree.grep(name, limit=MAX_NAMED_LINES))
            if any(pattern.search(match.text) for pattern in patterns)
        ]
        paths = _nearest(matches, lookup.path)
        found = [
            each
            for path in paths[: 1 if lookup.path in paths else MAX_FILES_READ]
            for each in await self._definitions_in(
                path, name, [match for match in matches if match.path == path]
            )
        ]
        owned = [snippet for snippet, owners in found if owner and owner in owners]
        snippets = tuple(owned or [snippet for snippet, _ in found])
        if not snippets:
            return Unavailable.NOT_FOUND
        more = len(snippets) - MAX_DEFINITIONS
        note = f"{more} more definitions of this name; add a path or an owner" if more > 0 else ""
        return LookupAnswer(lookup=lookup, snippets=snippets[:MAX_DEFINITIONS], note=note)

    async def _definitions_in(
        self, path: str, name: str, matches: Sequence[TextMatch]
    ) -> list[tuple[ContextSnippet, str]]:
        """Definitions of the name in a file, or else its constant, each with what names its owner.

        In a language that is not parsed: the lines after the first match.
        """
        text = await self._text(path)
        if isinstance(text, Unavailable):
            return []
        rows = text.split("\n")
        defined = [each for each in definitions(path, text) if last_name(each) == name]
        if not defined:
            value = constant_of(name)
            lines = [each.line for each in matches if value.search(each.text) or not language_of(path)]
            return [(_snippet(path, rows, line, line + LINES_OF_UNKNOWN - 1), path) for line in lines[:1]]
        return [
            (_snippet(path, rows, each.start_line, each.end_line), f"{each.name} {each.signature} {path}")
            for each in defined
        ]

    async def _references(self, lookup: CodeLookup) -> LookupAnswer | Unavailable:
        _, name = _owner_and_name(lookup.name)
        if not name:
            return Unavailable.INCOMPLETE
        matches = _readable(await self._tree.grep(name, limit=GREP_LIMIT))
        return _of_matches(lookup, matches) or Unavailable.NOT_FOUND

    async def _search(self, lookup: CodeLookup) -> LookupAnswer | Unavailable:
        text = lookup.name or ""
        if not text.strip() or "\n" in text:
            return Unavailable.INCOMPLETE
        matches = _readable(await self._tree.search(text, limit=GREP_LIMIT))
        missing = Unavailable.PATTERN if _EXPRESSION.search(text) else Unavailable.NOT_FOUND
        return _of_matches(lookup, matches) or missing

    async def _lines(self, lookup: CodeLookup) -> LookupAnswer | Unavailable:
        path = inner_path(lookup.path)
        if isinstance(path, Unavailable):
            return path
        text = await self._whole_text(path)
        if isinstance(text, Unavailable):
            return text
        rows = list(map(_cut_line, text.removesuffix("\n").split("\n")))
        start, end = _range(lookup, default=DEFAULT_LINES)
        if start > len(rows):
            return Unavailable.NOT_FOUND
        note = f"the file ends at line {len(rows)}" if end >= len(rows) else f"of {len(rows)} lines"
        return LookupAnswer(lookup=lookup, snippets=(_snippet(path, rows, start, end),), note=note)

    async def _history(self, lookup: CodeLookup) -> LookupAnswer | Unavailable:
        path = inner_path(lookup.path)
        if isinstance(path, Unavailable):
            return path
        kind = await self._tree.entry(path)
        if kind is not EntryKind.FILE:
            return _ENTRIES[kind]
        lines = _range(lookup, default=0) if lookup.start_line else None
        commits = await self._tree.history(path, lines)
        if not commits:
            return Unavailable.NO_HISTORY
        return LookupAnswer(lookup=lookup, history=tuple(f"{each.date} {each.subject}" for each in commits))

    async def _text(self, path: str) -> str | Unavailable:
        text = await self._whole_text(path)
        return text if isinstance(text, Unavailable) else without_long_lines(text)

    async def _whole_text(self, path: str) -> str | Unavailable:
        kind = await self._tree.entry(path)
        if kind is not EntryKind.FILE:
            return _ENTRIES[kind]
        raw = await self._tree.blob(path, Side.RIGHT)
        if raw is None:
            return Unavailable.TOO_LARGE
        if raw.startswith(_LFS):
            return Unavailable.LFS
        if kind_of(raw) is not ContentKind.TEXT:
            return Unavailable.BINARY
        return raw.decode("utf-8", "replace")


def inner_path(path: str | None) -> str | Unavailable:
    """The path in the form in which git names it, if it can be in a tree."""
    if not path:
        return Unavailable.INCOMPLETE
    pure = PurePosixPath(path)
    parts = pure.parts
    is_outside = pure.is_absolute() or "\0" in path or "\\" in path
    if is_outside or not parts or any(part == ".." or part.lower() == ".git" for part in parts):
        return Unavailable.OUTSIDE
    return str(pure)


def _cut_line(text: str) -> str:
    return text if len(text) <= MAX_LINE_CHARACTERS else f"… a line of {len(text):,} characters is left out"


def _owner_and_name(text: str | None) -> tuple[str, str]:
    """`("Cart", "total")` for `Cart.total`, `Cart::total`, `shop.Cart#total(x)` and alike."""
    head = (text or "").partition("(")[0]
    parts = [part for part in _PARTS.split(head) if part]
    return (parts[-2] if len(parts) > 1 else "", parts[-1] if parts else "")


def _readable(matches: Iterable[TextMatch]) -> list[TextMatch]:
    return [match for match in matches if len(match.text) <= MAX_LINE_CHARACTERS]


def _nearest(matches: Sequence[TextMatch], hint: str | None) -> list[str]:
    """The files of the matches: the named one first, code before tests."""
    paths = dict.fromkeys(match.path for match in matches)
    return sorted(paths, key=lambda path: (path != (hint or ""), is_test(path)))


def _of_matches(lookup: CodeLookup, matches: Sequence[TextMatch]) -> LookupAnswer | None:
    """The matching lines, code before tests; only below `path` if the look-up names one that has matches."""
    below = (lookup.path or "").strip("/")
    inside = [each for each in matches if each.path == below or each.path.startswith(f"{below}/")]
    chosen = sorted(inside or matches, key=lambda each: (is_test(each.path), each.path, each.line))
    snippets = tuple(
        ContextSnippet(path=each.path, start_line=each.line, kind=lookup.kind.value, text=each.text)
        for each in chosen[:MAX_MATCHES]
    )
    more = len(chosen) - len(snippets)
    at_least = "at least " if len(matches) >= GREP_LIMIT else ""
    note = f"{at_least}{more} more lines" if more else ""
    return LookupAnswer(lookup=lookup, snippets=snippets, note=note) if snippets else None


def _range(lookup: CodeLookup, *, default: int) -> tuple[int, int]:
    start = lookup.start_line or 1
    end = lookup.end_line or start + default
    return min(start, end), max(start, end)


def _snippet(path: str, rows: Sequence[str], start: int, end: int) -> ContextSnippet:
    return ContextSnippet(
        path=path, start_line=start, kind="look-up", text="\n".join(rows[start - 1 : end]).rstrip()
    )


def _tokens(answer: LookupAnswer) -> int:
    shown = _head_characters(answer.lookup)
    shown += sum(_characters(snippet.text) + len(snippet.path) for snippet in answer.snippets)
    return round((shown + sum(map(len, answer.history))) / CHARACTERS_PER_TOKEN)


def _head_characters(lookup: CodeLookup) -> int:
    return HEAD_CHARACTERS + len(lookup.name or "") + len(lookup.path or "")


def _characters(text: str) -> int:
    return len(text) + LINE_CHARACTERS * (text.count("\n") + 1)


def _cut(answer: LookupAnswer, tokens: int) -> LookupAnswer:
    """The answer within a limit: whole lines from the start, with a note on what is left out."""
    if _tokens(answer) <= tokens:
        return answer
    left = round(tokens * CHARACTERS_PER_TOKEN) - _head_characters(answer.lookup)
    kept: list[ContextSnippet] = []
    for snippet in answer.snippets:
        rows = _fitting(snippet.text.split("\n"), left - len(snippet.path))
        if not rows:
            break
        kept.append(replace(snippet, text="\n".join(rows)))
        left -= _characters(kept[-1].text) + len(snippet.path)
    if not kept:
        return LookupAnswer(lookup=answer.lookup, unavailable=Unavailable.ROUND_FULL)
    return replace(answer, snippets=tuple(kept), history=(), note="more lines than a look-up shows")


def _fitting(rows: Sequence[str], characters: int) -> list[str]:
    kept: list[str] = []
    for row in rows:
        characters -= len(row) + 1 + LINE_CHARACTERS
        if characters < 0:
            break
        kept.append(row)
    return kept
