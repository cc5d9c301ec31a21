"""Finds the code blocks of the pages with a Markdown parser. Not a test."""

import shlex
from dataclasses import dataclass

from markdown_it import MarkdownIt

from tests.unit.repository.files import read, tracked

PAGES = [path for path in tracked() if path.endswith(".md") and (path.startswith("docs/") or "/" not in path)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block: its page, first line, language and text."""

    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    def commands(self) -> list[str]:
        """The lines of a shell block, without comments."""
        lines = [_without_comment(line) for line in self.text.splitlines()]
        return [line for line in lines if line]


def _without_comment(line: str) -> str:
    lexer = shlex.shlex(line, posix=False, punctuation_chars=False)
    lexer.whitespace_split, lexer.commenters = True, "#"
    return " ".join(lexer)


def load_blocks() -> list[Block]:
    """Every block of every page."""
    return [
        Block(page=page, line=token.map[0] + 1, language=token.info.strip(), text=token.content)
        for page in PAGES
        for token in MarkdownIt().parse(read(page))
        if token.type == "fence" and token.map
    ]
