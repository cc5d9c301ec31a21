"""Hostile texts for everything that Quorum posts, and what GitHub's renderer makes of them.

Every surface takes a text as a name, a title, a quote, a suggestion, a path, or a cell of a table. `findings_in` returns what is
live, and where cmark-gfm and the product's own parser read the posted Markdown differently.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from html.parser import HTMLParser

from markdown_it import MarkdownIt

from app.domain.finding import Placement
from app.publish.blocks import BodyBlock, code_span, compose, details, fence, table
from app.publish.comments import render_finding_comment, render_fix
from app.publish.markdown import clean_line, clean_markdown, plain_line
from app.publish.text import escape_html
from app.publish.wording import location, short_location
from tests.unit.publish.examples import INJECTION
from tests.unit.publish.github_reader import Seen, read, render
from tests.unit.publish.test_markdown import HOSTILE, PIECES

MAX_PIECES = 12
MORE_PIECES = [
    *"\\|`~_*<>&;\"'{}^=%\r\x0b\x0c\x00\x85\u2028\ufeff\u00a0\u3000",
    *("`" * n for n in (2, 3, 4, 15, 39, 40, 41, 79, 80, 81, 254, 255, 256)),
    *("~" * n for n in (2, 3, 4, 39, 40, 80, 255)),
    *("www.a.b", "_www.a.b", "http://a", "https://a.b/c?d=e#f", "ftp://a.b", "a@b.co", "mailto:a@b.co", "xmpp:a@b.co/x"),
    *("@someone", "@org/team", "#1", "GH-1", "owner/repo#1", "owner/repo@0123abc", "GHSA-aaaa-bbbb-cccc", "0123456789abcdef"),
    *("<img src=x>", "<b>", "</details>", "<!--", "-->", "<![CDATA[", "<?x", "<a href='x'>", "<https://a.b>", "<a@b.co>"),
    *("![a](b)", "[a](b)", "[a]: b", "[a][b]", "[^1]", "[^1]: x", "- [ ] ", "- [x] ", "| a | b |\n|---|---|\n", "|-|", "\\|"),
    *("$x$", "$$", "$`x`$", ":tada:", ":+1:", "> [!NOTE]\n", "&#64;", "&commat;", "&lt;", "&#x60;", "&NewLine;", "\\`", "\\\\"),
    *("```mermaid\n", "```suggestion\n", "~~~math\n", "``` geojson\n", "\n```\n", "\n~~~\n", "\n\n", "\n    ", "\n\t", "\n> ", "\n- "),
    *("# ", "\n===\n", "\n---\n", "\n***\n", "1. ", "1) ", "+ ", "* ", "**", "__", "~~", "~"),
]  # fmt: skip
_ALL = [*PIECES, *MORE_PIECES]


def hostile_text(rng: random.Random) -> str:
    """A mixture of pieces, or an output of the corpus with a piece inside."""
    if rng.random() < 0.2:
        whole = rng.choice(HOSTILE)
        cut = rng.randint(0, len(whole))
        return whole[:cut] + rng.choice(_ALL) + whole[cut:]
    return "".join(rng.choices(_ALL, k=rng.randint(1, MAX_PIECES)))


def _comment(text: str) -> str:
    finding = replace(
        INJECTION, title=text, explanation=text, suggestion=text, path=text or "a", placement=Placement.FILE
    )
    return render_finding_comment(finding, redact=str)


def _suggestion(text: str) -> str:
    return render_fix(replace(INJECTION, suggestion=text), redact=str).replace("suggestion\n", "\n", 1)


def _omitted(text: str) -> str:
    name = short_location(replace(INJECTION, path=text))
    return compose([BodyBlock(name, "x" * 99)], redact=str, elsewhere="See below.", limit_bytes=2_050)


PROSE: dict[str, Callable[[str], str]] = {
    "prose": lambda text: clean_markdown(text, redact=str),
    "title": lambda text: clean_line(text, redact=str),
    "title in bold": lambda text: f"**x {clean_line(text, redact=str, inside_strong=True)}**",
    "item": lambda text: f"- x {clean_line(text, redact=str)}",
    "name": code_span,
    "quote": fence,
    "quote with a language": lambda text: fence(text, text),
}
OWN: dict[str, Callable[[str], str]] = {
    "collapsed title": lambda text: details(escape_html(plain_line(text, redact=str)), "x"),
    "cell": lambda text: table(("a", "b"), [(clean_line(text, redact=str), "x")]),
    "name in a cell": lambda text: table(("a", "b"), [(code_span(text), code_span(text)), ("y", "z")]),
    "path": lambda text: f"- {location(replace(INJECTION, path=text))} x",
    "omitted path": _omitted,
    "suggestion": _suggestion,
    "comment": _comment,
}


def findings_in(text: str, surface: str) -> Iterator[Seen]:
    """Each thing that acts when the text is posted there, and a difference between the two parsers."""
    body = (PROSE | OWN)[surface](text)
    yield from read(body, own_html=surface in OWN)
    if (github := _outline(render(body))) != (ours := _outline(_PARSER.render(body))):
        yield Seen("difference", f"{github} is {ours} for the product's parser")


_PARSER = MarkdownIt("commonmark", {"html": True, "breaks": True}).enable(["table", "strikethrough"])


class _Outline(HTMLParser):
    """The elements and the words of a page, in order.

    Attributes, space, and emphasis are left out: the parsers follow versions of CommonMark that differ about `*` next to emoji.
    """

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self.parts.append("" if tag in ("em", "strong") else f" <{tag}> ")

    def handle_endtag(self, tag: str) -> None:
        self.parts.append("" if tag in ("em", "strong") else f" </{tag}> ")

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


def _outline(html: str) -> str:
    outline = _Outline()
    outline.feed(html)
    outline.close()
    return " ".join("".join(outline.parts).replace("*", "").split())
