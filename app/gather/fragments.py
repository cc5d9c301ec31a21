"""Tells fragments of code that say something from those that only take a reader's time. Pure; reads no file.

Nothing is said by what opens a file (`<?php`, `package`, imports), by closing brackets, or by the line that names a
class where nothing of that class is shown.
"""

import re
from collections.abc import Iterable

from app.domain.review import ContextSnippet

_PREAMBLE = re.compile(
    r"""^\s*(?:<\?php|\?>|declare\s*\(strict_types\b.*|["']use strict["'];?"""
    r"""|(?:package|namespace|import|from|use|using|require|require_once|include|require_relative|\#include|mod)\b.*"""
    r"""|export\b.*\bfrom\b.*|\}\s*from\b.*|(?:const|let|var)\b.*=\s*require\(.*"""
    r"""|(?:[\w.]+\s+)?"[\w./~-]+"|[\w.*]+,)\s*;?\s*$"""
)
_BRACKETS = re.compile(r"^[\s()\[\]{};,]*(?:end)?\s*$")
_CLASS = re.compile(
    r"^\s*(?:[\w@.]+\s+)*(?:class|interface|struct|trait|impl|object|enum|record|protocol|module)\b"
    r"[^=;({]*(?:\([^()]*\):|\{)?\s*$"
)


def without_idle(snippets: Iterable[ContextSnippet]) -> list[ContextSnippet]:
    """The snippets without those that name a class of which nothing else of the file is shown."""
    kept = list(snippets)
    telling = {each.path for each in kept if not _is_bare(each)}
    return [each for each in kept if each.path in telling]


def is_idle(snippet: ContextSnippet) -> bool:
    """Whether it holds nothing but what opens a file and what closes a block."""
    return all(_is_idle_line(line) for line in snippet.text.split("\n"))


def trimmed(snippet: ContextSnippet) -> ContextSnippet:
    """The snippet without the idle lines that it begins with."""
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
