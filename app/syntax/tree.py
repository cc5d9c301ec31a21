"""Parsing with ast-grep within limits, and the lines of nodes. Never reads a file.

https://ast-grep.github.io/guide/api-usage/py-api.html
"""

import re
from functools import cache
from pathlib import PurePosixPath

from ast_grep_py import Config, SgNode, SgRoot

from app.syntax.languages import EXTENSIONS, FILE_NAMES, INTERPRETERS

MAX_CHARACTERS = 1_000_000
MAX_LINE_CHARACTERS = 1_000

IDENTIFIER_KINDS = frozenset(
    {
        "identifier",
        "property_identifier",
        "shorthand_property_identifier",
        "shorthand_property_identifier_pattern",
        "type_identifier",
        "field_identifier",
        "package_identifier",
        "simple_identifier",
        "constant",
        "name",
        "word",
    }
)
_LANGUAGES = frozenset(EXTENSIONS.values())
_INTERPRETER = re.compile(r"#![ \t]*(?:\S{1,200}/)?(?:env[ \t]+(?:-S[ \t]+)?)?([a-z]+)")
_SURROGATES = re.compile("[\ud800-\udfff]")


def language_of(path: str, source: str = "") -> str | None:
    """ast-grep's name of the language: by the file's extension or name, or else by the source's shebang."""
    name = PurePosixPath(path.rstrip())  # "run.py " runs as well
    known = EXTENSIONS.get(name.suffix.lower()) or FILE_NAMES.get(name.name)
    if known or not source.startswith("#!"):
        return known
    interpreter = _INTERPRETER.match(source)
    return INTERPRETERS.get(interpreter[1]) if interpreter else None


def parse(language: str, source: str) -> SgNode | None:
    """The root of the tree; None for a language outside the list or a text that is too large."""
    if language not in _LANGUAGES or len(source) > MAX_CHARACTERS:
        return None
    return SgRoot(_encodable(source), language).root()


def syntax_errors(language: str, source: str) -> list[tuple[str, str]] | None:
    """The kind and text of the places that do not parse, including missing tokens; None if the text is too large."""
    if not source.strip():
        return []
    root = parse(language, source)
    if root is None:
        return None
    # The parser inserts nodes without text where something is missing.
    errors = root.find_all({"rule": {"any": [{"kind": "ERROR"}, {"regex": "^$"}]}})
    return [(node.kind(), node.text()) for node in errors]


@cache
def identifier_rule(language: str) -> Config | None:
    """A rule that matches every identifier; None for a language without any. ast-grep rejects kinds that a grammar does not have."""
    root = SgRoot("", language).root()

    def is_known(kind: str) -> bool:
        try:
            root.find({"rule": {"kind": kind}})
        except RuntimeError:
            return False
        return True

    kinds = [kind for kind in sorted(IDENTIFIER_KINDS) if is_known(kind)]
    return {"rule": {"any": [{"kind": kind} for kind in kinds]}} if kinds else None


def without_long_lines(source: str) -> str:
    """The source with overlong lines emptied, because in minified code each node's column costs a scan of the line."""
    if len(source) <= MAX_LINE_CHARACTERS:
        return source
    return "\n".join(line if len(line) <= MAX_LINE_CHARACTERS else "" for line in source.split("\n"))


def _encodable(source: str) -> str:
    """The same characters and lines; lone surrogates, which ast-grep rejects, become U+FFFD."""
    return _SURROGATES.sub("\ufffd", source)


def start_line(node: SgNode) -> int:
    """The 1-based line on which the node begins."""
    return node.range().start.line + 1


def end_line(node: SgNode) -> int:
    """The last line with text of the node: some grammars end a node at the beginning of the next line."""
    span = node.range()
    reaches_into_next = span.end.column == 0 and span.end.line > span.start.line
    return span.end.line + (0 if reaches_into_next else 1)
