"""Reads a body as GitHub and the bots on it do: what is drawn, what is live, what is a command.

cmark-gfm, GitHub's own renderer, parses the Markdown. What GitHub adds afterwards to text outside of code and links (mentions,
references, commits, emoji, mathematics) follows its documentation. Written apart from the cleaner.
https://docs.github.com/en/get-started/writing-on-github
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any, cast

import cmarkgfm  # pyright: ignore[reportMissingTypeStubs]

_LIVE = {
    "mention": r"@\w",
    "reference": r"#\d+\b|\bgh-\d+\b|\bghsa-\w{4}-\w{4}-\w{4}",
    "address": r"[^\W_]://[^\W_]|(?<![^\W_])www\.[^\W_]|\b(?:mailto|xmpp):\w",
    "commit": r"\b[0-9a-f]{7,40}\b",
    "mathematics": r"\$",
    "emoji": r":(?:\+1|-1|100|1234|[a-z_][a-z0-9_+-]*):",
}
_ALERT = re.compile(r"\s*\[!(?:note|tip|important|warning|caution)\]", re.IGNORECASE)
_COMMAND = re.compile(
    r"^(?:/[a-z][\w-]*(?![\w/-])|@(?:dependabot|bors)\b|!\w+\s*$|bors\s|jenkins\s|(?:re)?test this\b|recheck\s*$|ok to test\s*$)",
    re.IGNORECASE | re.MULTILINE,
)
_HIDDEN = re.compile(
    "[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u061c\u180e\u202a-\u202e\u2061-\u206f\ud800-\udfff\ufeff\U000e0000-\U000e0fff]|\r(?!\n)"
)
# cmark-gfm recognizes no delimiter of a code span over 80 characters and no fence over 254.
_LONG_RUN = re.compile(r"`{80,}|~{80,}")
_DRAWN = ("suggestion", "mermaid", "math", "geojson", "topojson", "stl")
_CMARK = cast("Any", cmarkgfm)  # has no types
_OPTIONS: int = (
    _CMARK.cmark.Options.CMARK_OPT_UNSAFE
    | _CMARK.cmark.Options.CMARK_OPT_FOOTNOTES
    | _CMARK.cmark.Options.CMARK_OPT_HARDBREAKS
)
_PROSE = frozenset(["p", "br", "em", "strong", "ul", "ol", "li", "blockquote", "code", "pre"])
_OWN = _PROSE | frozenset(
    [
        "h1",
        "h2",
        "h3",
        "h4",
        "hr",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "sub",
        "details",
        "summary",
        "span",
    ]
)
_ATTRIBUTES = frozenset({("ol", "start"), ("pre", "lang"), ("th", "align"), ("td", "align")})
_MARKER = re.compile(r" quorum:[a-z]+:[\w./#@:+-]+ ")


@dataclass(frozen=True, slots=True)
class Seen:
    """Something that a body makes GitHub or a bot do."""

    kind: str
    content: str


def render(body: str) -> str:
    """The HTML of cmark-gfm, before GitHub filters it, with the extensions and options that GitHub documents."""
    text = body.encode("utf-8", "replace").decode()
    return _CMARK.github_flavored_markdown_to_html(text, options=_OPTIONS)


def read(body: str, *, own_html: bool = False) -> list[Seen]:
    """Everything in the body that must not be there; `own_html` allows Quorum's own elements and marker."""
    seen = [Seen("command", found[0]) for found in _COMMAND.finditer(body)]
    seen += [Seen("hidden", repr(found[0])) for found in _HIDDEN.finditer(body)]
    seen += [Seen("long run", f"{len(found[0])} characters") for found in _LONG_RUN.finditer(body)]
    page = _Page(allowed=_OWN if own_html else _PROSE, marker=own_html)
    page.feed(render(body))
    page.close()
    return seen + page.seen + [thing for text in page.texts for thing in _live(text)]


def read_plain(text: str) -> list[Seen]:
    """Everything live in a text that is shown without Markdown."""
    ignored = ("mathematics", "emoji")
    return [thing for thing in _live(text) if thing.kind not in ignored] + [
        Seen("hidden", repr(found[0])) for found in _HIDDEN.finditer(text)
    ]


def _live(text: str) -> Iterator[Seen]:
    for kind, pattern in _LIVE.items():
        for found in re.finditer(pattern, text, re.IGNORECASE):
            yield Seen(kind, found[0])


@dataclass
class _Page(HTMLParser):
    """The elements that are not allowed, and the runs of text outside of code and links."""

    allowed: frozenset[str]
    marker: bool
    seen: list[Seen] = field(default_factory=list[Seen])
    texts: list[str] = field(default_factory=list[str])
    _open: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def parse_marked_section(self, i: int, report: bool = True) -> int:
        """Read `<![x[` as browsers do, which is as a comment; the library raises an error."""
        return self.parse_bogus_comment(i, report)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        kinds = {"img": "image", "a": "link_open"}
        if tag not in self.allowed:
            self.seen.append(Seen(kinds.get(tag, "html"), self.get_starttag_text() or tag))
        elif extra := [name for name, _ in attrs if (tag, name) not in _ATTRIBUTES]:
            self.seen.append(Seen("html", f"{tag} {extra}"))
        language = dict(attrs).get("lang") or ""
        if language.lower().startswith(_DRAWN):
            self.seen.append(Seen("drawn", language))
        if tag not in ("br", "hr", "img", "input"):
            self._open.append(tag)
        if tag not in ("em", "strong"):
            self.texts.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            while self._open.pop() != tag:
                pass
        if tag not in ("em", "strong"):
            self.texts.append("")

    def handle_data(self, data: str) -> None:
        # GitHub documents `<span>$</span>` for a dollar sign that starts no mathematics.
        is_lone_dollar = data == "$" and self._open[-1:] == ["span"]
        if not {"code", "pre", "a"} & set(self._open) and not is_lone_dollar:
            self.texts.append(data)
            if "blockquote" in self._open and _ALERT.match(data):
                self.seen.append(Seen("alert", data))

    def handle_comment(self, data: str) -> None:
        if not (self.marker and _MARKER.fullmatch(data)):
            self.seen.append(Seen("html", f"<!--{data}-->"))

    def handle_decl(self, decl: str) -> None:
        self.seen.append(Seen("html", f"<!{decl}>"))

    def handle_pi(self, data: str) -> None:
        self.seen.append(Seen("html", f"<?{data}>"))

    def unknown_decl(self, data: str) -> None:
        self.seen.append(Seen("html", f"<![{data}>"))
