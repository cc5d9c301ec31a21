"""Rebuilds a model's Markdown from its parse tree, so that only allowed elements appear in the output.

Kept: paragraphs, emphasis, strong, lists, quotes, code spans, fenced code. Flattened: headings become bold lines,
tables become lists. Removed: images, HTML, link targets, reference definitions. Neutralized in code spans: mentions,
references, commits, addresses, commands. Never passes unparsed source through, and never fetches anything.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from app.publish.blocks import code_span, fence
from app.publish.text import Redact, defuse_plain, escape_text, split_live, strip_invisible

MAX_PROSE_CHARACTERS = 8_000
_MAX_LIST_NUMBER = 99_999_999


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    # Recognize every link, whatever its target, so that every link is dropped.
    parser.validateLink = lambda url: True
    return parser


_PARSER = _parser()


@dataclass(frozen=True, slots=True)
class _Piece:
    """A run of inline content: `text` needs escaping, `code` needs a span, `mark` is `*` or `**`."""

    kind: str
    content: str


_EMPHASIS = _Piece("mark", "*")
_STRONG = _Piece("mark", "**")


def clean_markdown(text: str, *, redact: Redact, max_characters: int = MAX_PROSE_CHARACTERS) -> str:
    """A model's Markdown, made safe to post; truncated with a note after `max_characters`.

    Cleaning Markdown that is already clean does not change what readers see.
    """
    source = redact(strip_invisible(text))
    cut = len(source) > max_characters
    tree = SyntaxTreeNode(_PARSER.parse(source[:max_characters]))
    blocks = ["\n".join(_block(node)) for node in tree.children]
    if cut:
        blocks.append(f"… (truncated after {max_characters:,} characters)")
    return redact("\n\n".join(block for block in blocks if block.strip()))


def clean_line(text: str, *, redact: Redact, max_characters: int = 300, inside_strong: bool = False) -> str:
    """A model's title or table cell as one line of inline Markdown without active content."""
    line = " ".join(redact(strip_invisible(text)).split())
    shown = line if len(line) <= max_characters else line[: max_characters - 1].rstrip() + "…"
    return redact(
        _inline_line(SyntaxTreeNode(_PARSER.parseInline(shown)).children, inside_strong=inside_strong)
    )


def plain_line(text: str, *, redact: Redact, max_characters: int = 300) -> str:
    """A model's prose as one line for a plain-text field, without active content."""
    line = " ".join(redact(strip_invisible(text)).split())
    return defuse_plain(line if len(line) <= max_characters else line[: max_characters - 1].rstrip() + "…")


def plain_prose(text: str, *, redact: Redact, max_characters: int = MAX_PROSE_CHARACTERS) -> str:
    """A model's prose for a plain-text field, without active content; never empty."""
    source = redact(strip_invisible(text)).strip()
    shown = "\n".join(defuse_plain(line) for line in source[:max_characters].split("\n"))
    cut = "" if len(source) <= max_characters else f"\n… (truncated after {max_characters:,} characters)"
    return shown + cut or "(no text)"


def _block(node: SyntaxTreeNode) -> list[str]:
    match node.type:
        case "paragraph":
            return [_inline_line(node.children)]
        case "heading":
            return _heading(node)
        case "fence" | "code_block":
            return fence(strip_invisible(node.content), node.info).split("\n")
        case "blockquote":
            return [f"> {line}".rstrip() for line in _blocks(node.children)]
        case "bullet_list":
            return _list(node, markers=(f"{node.markup} " for _ in node.children))
        case "ordered_list":
            start = min(int(node.attrs.get("start", 1)), _MAX_LIST_NUMBER)
            return _list(
                node, markers=(f"{start + index}{node.markup} " for index in range(len(node.children)))
            )
        case "table":
            return _table_as_list(node)
        case _:  # thematic breaks; nothing else can be parsed with HTML disabled
            return []


def _blocks(nodes: list[SyntaxTreeNode]) -> list[str]:
    """The lines of several blocks, separated by empty lines."""
    lines: list[str] = []
    for block in filter(any, map(_block, nodes)):
        lines += ["", *block] if lines else block
    return lines


def _heading(node: SyntaxTreeNode) -> list[str]:
    line = _inline_line(node.children, inside_strong=True)
    return [f"**{line}**"] if line else []


def _list(node: SyntaxTreeNode, *, markers: Iterator[str]) -> list[str]:
    lines: list[str] = []
    for item, marker in zip(node.children, markers, strict=True):
        content = _tight(item)
        if content:
            indent = " " * len(marker)
            lines += [marker + content[0], *(indent + line if line else "" for line in content[1:])]
    return lines


def _tight(item: SyntaxTreeNode) -> list[str]:
    """An item's lines; a nested list follows its paragraph without an empty line."""
    lines: list[str] = []
    for child in item.children:
        block = _block(child)
        gap = [""] if lines and not child.type.endswith("_list") else []
        lines += gap + block if any(block) else []
    return lines


def _table_as_list(node: SyntaxTreeNode) -> list[str]:
    rows = [row for part in node.children for row in part.children]
    lines = (" · ".join(filter(None, (_inline_line(cell.children) for cell in row.children))) for row in rows)
    return [f"- {line}" for line in lines if line]


def _inline(nodes: list[SyntaxTreeNode]) -> list[SyntaxTreeNode]:
    """Replace `inline` nodes by their children."""
    return [child for node in nodes for child in (node.children if node.type == "inline" else [node])]


def _inline_line(nodes: list[SyntaxTreeNode], *, inside_strong: bool = False) -> str:
    pieces = (piece for piece in _pieces(_inline(nodes)) if not (inside_strong and piece == _STRONG))
    return "".join(_emit(list(_joined(pieces)))).strip()


def _pieces(nodes: list[SyntaxTreeNode]) -> Iterator[_Piece]:
    for node in nodes:
        match node.type:
            case "text" | "text_special" | "image":
                yield _Piece("text", strip_invisible(node.content).replace("\n", " ").replace("\t", " "))
            case (
                "softbreak" | "hardbreak"
            ):  # GitHub shows each line break of a comment; prose has none to keep
                yield _Piece("text", " ")
            case "code_inline":
                yield _Piece("code", strip_invisible(node.content).replace("\n", " "))
            case "em" | "strong":
                mark = _EMPHASIS if node.type == "em" else _STRONG
                yield from (mark, *_pieces(node.children), mark)
            case _:  # a link: keep its text
                yield from _pieces(node.children)


def _joined(pieces: Iterator[_Piece]) -> Iterator[_Piece]:
    """Join neighbors of one kind, because `@` and `name` around a dropped link become a mention."""
    waiting: _Piece | None = None
    for piece in pieces:
        if waiting and waiting.kind == piece.kind != "mark":
            waiting = _Piece(piece.kind, waiting.content + piece.content)
        else:
            if waiting:
                yield waiting
            waiting = piece
    if waiting:
        yield waiting


def _emit(pieces: list[_Piece]) -> Iterator[str]:
    flat = _joined(part for index, piece in enumerate(pieces) for part in _neutral(piece, first=index == 0))
    for index, piece in enumerate(flat):
        match piece.kind:
            case "text":
                yield escape_text(piece.content, at_line_start=index == 0)
            case "code":
                yield code_span(piece.content)
            case _:
                yield piece.content


def _neutral(piece: _Piece, *, first: bool) -> Iterator[_Piece]:
    if piece.kind != "text":
        yield piece
        return
    for content, live in split_live(piece.content, at_line_start=first):
        yield _Piece("code" if live else "text", content)
