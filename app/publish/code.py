"""Code in Markdown: spans, fences and table cells whose delimiters the content cannot close. Never parses.

File names and code are a stranger's: they hold backticks, pipes, line breaks and invisible characters.
"""

import re

from app.publish.characters import show_invisible, show_invisible_lines
from app.publish.neutral import COMMAND_LINE

_LANGUAGE = re.compile(r"[a-z][a-z0-9+#-]{0,19}")
# What GitHub draws or executes instead of showing: https://docs.github.com/en/get-started/writing-on-github
_DRAWN = ("suggestion", "mermaid", "math", "geojson", "topojson", "stl")
_COMMAND_LINE = re.compile(rf"^(?={COMMAND_LINE})", re.IGNORECASE | re.MULTILINE)


def code_span(text: str) -> str:
    """The text as one code span; empty text gives empty text."""
    content = show_invisible(text)
    if not content:
        return ""
    ticks = "`" * (_longest_run(content) + 1)
    pad = " " if content[0] in "` " or content[-1] in "` " else ""
    return f"{ticks}{pad}{content}{pad}{ticks}" if content.strip() else f"{ticks}{content}{ticks}"


def fence(code: str, language: str = "") -> str:
    """The code in a fence longer than any run of backticks inside; lines that command bots are set in by a space."""
    content = _COMMAND_LINE.sub(" ", show_invisible_lines(code)).rstrip("\n")
    ticks = "`" * max(3, _longest_run(content) + 1)
    return f"{ticks}{safe_language(language)}\n{content}\n{ticks}"


def suggestion_fence(code: str) -> str:
    """GitHub's `suggestion` block: the content replaces the commented lines; empty content deletes them."""
    ticks = "`" * max(3, _longest_run(code) + 1)
    content = code.removesuffix("\n")
    return f"{ticks}suggestion\n{content}\n{ticks}" if content else f"{ticks}suggestion\n{ticks}"


def commands_bots(code: str) -> bool:
    """Whether a line of the code would be read as a command by a bot that reads raw bodies."""
    return bool(_COMMAND_LINE.search(code))


def safe_language(info: str) -> str:
    """A fence's language where it only colours the code; nothing for those that GitHub draws or applies."""
    word = info.strip().lower().partition(" ")[0]
    return word if _LANGUAGE.fullmatch(word) and not word.startswith(_DRAWN) else ""


def table_cell(markdown: str) -> str:
    """One line of Markdown as a cell: a pipe ends a cell even inside a code span."""
    return " ".join(markdown.split()).replace("|", "\\|")


def table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A Markdown table; the cells are Markdown already."""
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join(f"| {' | '.join(map(table_cell, cells))} |" for cells in lines)


def details(summary: str, content: str) -> str:
    """A collapsed part. `summary` is Quorum's own plain text."""
    return f"<details><summary>{summary}</summary>\n\n{content}\n\n</details>"


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)
