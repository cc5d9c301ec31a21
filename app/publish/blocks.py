"""Parts of a body: code spans, fences, tables, the diagram, and a body composed within GitHub's limits."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.domain.finding import ComponentEdge
from app.publish.text import (
    COMMAND_LINE,
    Redact,
    show_invisible,
    show_invisible_lines,
    strip_invisible,
    without_long_runs,
)

_LANGUAGE = re.compile(r"[a-z][a-z0-9+#-]{0,19}")
# Languages that GitHub renders or applies instead of showing as code: https://docs.github.com/en/get-started/writing-on-github
_DRAWN = ("suggestion", "mermaid", "math", "geojson", "topojson", "stl")
_COMMAND_LINE = re.compile(rf"^(?={COMMAND_LINE})", re.IGNORECASE | re.MULTILINE)


def code_span(text: str) -> str:
    """The text as one code span; an empty string for empty text."""
    content = without_long_runs(show_invisible(text))
    if not content:
        return ""
    ticks = "`" * (_longest_run(content) + 1)
    pad = " " if content[0] in "` " or content[-1] in "` " else ""
    return f"{ticks}{pad}{content}{pad}{ticks}" if content.strip() else f"{ticks}{content}{ticks}"


def fence(code: str, language: str = "") -> str:
    """The code in a fence longer than any run of backticks in it; lines that bots read as commands are indented by a space."""
    content = _fenced(code)
    ticks = "`" * max(3, _longest_run(content) + 1)
    return f"{ticks}{safe_language(language)}\n{content}\n{ticks}"


def _fenced(code: str) -> str:
    return _COMMAND_LINE.sub(" ", without_long_runs(show_invisible_lines(code))).rstrip("\n")


def fence_keeps(code: str) -> bool:
    """Whether people who copy the code from its fence get what was put in; line breaks at the end do not count."""
    return _fenced(code) == code.rstrip("\n")


def suggestion_fence(code: str) -> str:
    """GitHub's `suggestion` block: the content replaces the commented lines; empty content deletes them.

    The code has no long run (`has_long_run`), because GitHub would end the block early.
    """
    ticks = "`" * max(3, _longest_run(code) + 1)
    content = code.removesuffix("\n")
    return f"{ticks}suggestion\n{content}\n{ticks}" if content else f"{ticks}suggestion\n{ticks}"


def has_bot_command(code: str) -> bool:
    """Whether a bot that reads raw bodies would treat a line of the code as a command."""
    return bool(_COMMAND_LINE.search(code))


def safe_language(info: str) -> str:
    """A fence's language if it only colors the code; empty for languages that GitHub renders or applies."""
    word = info.strip().lower().partition(" ")[0]
    return word if _LANGUAGE.fullmatch(word) and not word.startswith(_DRAWN) else ""


def table_cell(markdown: str) -> str:
    """One line of Markdown as a table cell; a pipe ends a cell even inside a code span, so it is escaped.

    An even number of backslashes before a pipe would escape each other, so an odd number gets two more instead of one.
    """
    *parts, last = " ".join(markdown.split()).split("|")
    escapes = ("\\\\|" if (len(part) - len(part.rstrip("\\"))) % 2 else "\\|" for part in parts)
    return "".join(f"{part}{escape}" for part, escape in zip(parts, escapes, strict=True)) + last


def table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A Markdown table; the cells are Markdown."""
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join(f"| {' | '.join(map(table_cell, cells))} |" for cells in lines)


def details(summary: str, content: str) -> str:
    """A collapsed section. `summary` is Quorum's own plain text."""
    return f"<details><summary>{summary}</summary>\n\n{content}\n\n</details>"


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)


# GitHub limits comments to 65,536 characters and check runs to 65,535 bytes; a limit in bytes satisfies both.
MAX_BODY_BYTES = 64_000


@dataclass(frozen=True, slots=True)
class BodyBlock:
    """A part of a body. Readers see `name`, which is Markdown and short, if the part does not fit."""

    name: str
    markdown: str


def compose(
    blocks: Iterable[BodyBlock],
    *,
    redact: Redact,
    elsewhere: str,
    marker: str = "",
    limit_bytes: int = MAX_BODY_BYTES,
) -> str:
    """Join the blocks that fit, name the omitted ones, and append the marker.

    `elsewhere` tells readers where to find the omitted blocks. Blocks are never cut.
    """
    candidates = [BodyBlock(block.name, redact(block.markdown)) for block in blocks if block.markdown.strip()]
    room = limit_bytes - _size(marker) - _NOTICE_BYTES
    kept, dropped = _fit(candidates, room)
    notice = [_omission_notice(dropped, elsewhere)] if dropped else []
    return "\n\n".join([*(block.markdown for block in kept), *notice, *([marker] if marker else [])])


_NOTICE_BYTES = 2_000


def _fit(blocks: Sequence[BodyBlock], room: int) -> tuple[list[BodyBlock], list[BodyBlock]]:
    kept: list[BodyBlock] = []
    dropped: list[BodyBlock] = []
    for block in blocks:
        size = _size(block.markdown) + 2
        if size <= room:
            kept.append(block)
            room -= size
        else:
            dropped.append(block)
    return kept, dropped


def _omission_notice(dropped: Sequence[BodyBlock], elsewhere: str) -> str:
    names = list(dict.fromkeys(block.name for block in dropped))
    shown = ", ".join(names[:5]) + (f", and {len(names) - 5} more" if len(names) > 5 else "")
    return f"_Omitted because of GitHub's size limit: {shown}. {elsewhere}_"


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


MIN_COMPONENTS = 3
_MAX_EDGES = 40
_MAX_LABEL_CHARACTERS = 60


def render_diagram(edges: Sequence[ComponentEdge], *, redact: Redact) -> str:
    """A fenced `mermaid` flowchart; empty for fewer than three components or too many edges."""
    nodes = list(dict.fromkeys(name for edge in edges for name in (edge.source, edge.target)))
    if len(nodes) < MIN_COMPONENTS or len(edges) > _MAX_EDGES:
        return ""
    names = {name: f"n{index}" for index, name in enumerate(nodes)}
    lines = [f'  {identifier}["{_label(name, redact=redact)}"]' for name, identifier in names.items()]
    lines += [
        f'  {names[edge.source]} -->|"{_label(edge.label, redact=redact)}"| {names[edge.target]}'
        if edge.label.strip()
        else f"  {names[edge.source]} --> {names[edge.target]}"
        for edge in edges
    ]
    return "\n".join(["```mermaid", "flowchart LR", *lines, "```"])


def _label(text: str, *, redact: Redact) -> str:
    """Keep letters, digits, and harmless characters; write all others as Mermaid's entity codes (`#34;`).

    https://mermaid.js.org/syntax/flowchart.html#entity-codes-to-escape-characters
    """
    line = " ".join(redact(strip_invisible(text)).split())
    short = line if len(line) <= _MAX_LABEL_CHARACTERS else line[: _MAX_LABEL_CHARACTERS - 1] + "…"
    return re.sub(r"[^\w .,…/-]", lambda found: f"#{ord(found[0])};", short) or "#63;"
