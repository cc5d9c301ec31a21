"""Reads source code as a tree: definitions, enclosing symbols, identifiers, syntax errors.

Works on the languages of `languages` with ast-grep. Never runs code, never reads a file, and returns None or nothing if the
language is unknown or the text is too large to parse safely.
"""

from collections.abc import Iterable

from app.syntax.definitions import Definition, definitions_of
from app.syntax.tree import (
    MAX_LINE_CHARACTERS,
    identifier_rule,
    language_of,
    parse,
    start_line,
    syntax_errors,
    without_long_lines,
)

__all__ = [
    "MAX_LINE_CHARACTERS",
    "Definition",
    "count_errors",
    "definitions",
    "enclosing_definition",
    "enclosing_symbol",
    "identifiers",
    "innermost",
    "language_of",
    "parse",
    "without_long_lines",
]


def definitions(path: str, source: str) -> list[Definition]:
    """All definitions of the file in the order of their first lines; outer ones come before inner ones."""
    language = language_of(path)
    return list(definitions_of(language, source)) if language else []


def enclosing_symbol(path: str, source: str, line: int) -> str | None:
    """The qualified name of the innermost definition around a 1-based line."""
    found = innermost(definitions(path, source), line)
    return found.name if found else None


def enclosing_definition(path: str, source: str, line: int) -> tuple[int, int, str] | None:
    """First line, last line, and text of the innermost definition around a 1-based line."""
    found = innermost(definitions(path, source), line)
    if found is None:
        return None
    text = source.split("\n")[found.start_line - 1 : found.end_line]
    return found.start_line, found.end_line, "\n".join(text)


def identifiers(path: str, source: str, lines: Iterable[int]) -> list[str]:
    """The names used on these 1-based lines, each once, in order of appearance."""
    numbers = frozenset(lines)
    language = language_of(path)
    root = parse(language, without_long_lines(source)) if language and numbers else None
    rule = identifier_rule(language) if language else None
    if root is None or rule is None:
        return []
    first, last = min(numbers), max(numbers)
    nodes = root.find_all(rule)
    names = (node.text() for node in nodes if first <= (line := start_line(node)) <= last and line in numbers)
    return list(dict.fromkeys(names))


def count_errors(path: str, source: str) -> int | None:
    """The number of places that do not parse, including missing tokens; None if unknown."""
    language = language_of(path)
    errors = syntax_errors(language, source) if language else None
    return None if errors is None else len(errors)


def innermost(found: Iterable[Definition], line: int) -> Definition | None:
    """The innermost of the definitions around a 1-based line."""
    around = [one for one in found if one.start_line <= line <= one.end_line]
    return max(around, key=lambda one: (one.start_line, -one.end_line), default=None)
