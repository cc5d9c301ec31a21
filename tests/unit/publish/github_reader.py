"""Reads a body as GitHub and the bots on it do: what is drawn, what is live, what is a command. Written apart from the cleaner."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token

_GITHUB = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
_LIVE = {
    "mention": r"@\w",
    "reference": r"#\d+\b|\bgh-\d+\b|\bghsa-\w{4}-\w{4}-\w{4}",
    "address": r"\w://[^\W_]|\bwww\.[^\W_]|\b(?:mailto|xmpp):\w",
    "commit": r"\b[0-9a-f]{7,40}\b",
    "mathematics": r"\$",
}
_COMMAND = re.compile(
    r"^(?:/[a-z][\w-]*(?![\w/-])|@(?:dependabot|bors)\b|!\w+\s*$|bors\s|jenkins\s|(?:re)?test this|recheck\s*$|ok to test\s*$)",
    re.IGNORECASE | re.MULTILINE,
)
_HIDDEN = re.compile(
    "[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u202a-\u202e\u2061-\u206f\ud800-\udfff\ufeff\U000e0000-\U000e0fff]"
)
_DRAWN = ("suggestion", "mermaid", "math", "geojson", "topojson", "stl")
OWN_HTML = re.compile(
    r"</?sub>|<details><summary>[^<>]*</summary>|</details>|<!-- quorum:[a-z]+:[\w./#@:+-]+ -->"
)


@dataclass(frozen=True, slots=True)
class Seen:
    """Something that a body makes GitHub or a bot do."""

    kind: str
    content: str


def read(body: str, *, own_html: bool = False) -> list[Seen]:
    """Everything in the body that must not be there; `own_html` allows Quorum's own tags and marker."""
    seen = [Seen("command", found[0]) for found in _COMMAND.finditer(body)]
    seen += [Seen("hidden", repr(found[0])) for found in _HIDDEN.finditer(body)]
    for token in _flat(_GITHUB.parse(body)):
        seen += _of_token(token, own_html=own_html)
    return seen


def read_plain(text: str) -> list[Seen]:
    """Everything live in a text that is shown without Markdown."""
    seen = [
        Seen(kind, found[0])
        for kind, pattern in _LIVE.items()
        for found in re.finditer(pattern, text, re.IGNORECASE)
    ]
    return [thing for thing in seen if thing.kind != "mathematics"] + [
        Seen("hidden", repr(found[0])) for found in _HIDDEN.finditer(text)
    ]


def _of_token(token: Token, *, own_html: bool) -> Iterator[Seen]:
    if token.type in ("image", "link_open", "s_open"):
        yield Seen(token.type, str(token.attrs))
    if token.type in ("html_block", "html_inline"):
        rest = OWN_HTML.sub("", token.content) if own_html else token.content
        if rest.strip():
            yield Seen("html", token.content)
    if token.type == "fence" and token.info.strip().lower().startswith(_DRAWN):
        yield Seen("drawn", token.info)
    if token.type == "text":
        for kind, pattern in _LIVE.items():
            for found in re.finditer(pattern, token.content, re.IGNORECASE):
                yield Seen(kind, found[0])


def _flat(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from _flat(token.children or [])
