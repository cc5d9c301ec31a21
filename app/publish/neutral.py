"""Finds in plain text what GitHub or a bot would act on: mentions, references, addresses, commands. Never parses Markdown.

What GitHub links by itself:
https://docs.github.com/en/get-started/writing-on-github/working-with-advanced-formatting/autolinked-references-and-urls
"""

import re
from collections.abc import Iterator

_URL_END = r"[^\s<>]*[^\s<>.,;:!?'\"()\[\]{}*_~|]"
# Prefixes are bounded, so that the time is linear in the length of the text.
_LIVE = re.compile(
    "|".join(
        (
            rf"[a-z][a-z0-9+.-]{{1,30}}://{_URL_END}",
            rf"\bwww\.{_URL_END}",
            r"\b(?:mailto|xmpp|javascript|vbscript|data|file|tel):[^\s<>]+",
            r"\S{0,20}\$\S*",  # $…$ is drawn as mathematics
            r"[\w.+/-]{0,80}@+[\w-][\w./-]*",  # mentions, teams, e-mail addresses, user@sha
            r"[\w./-]{0,120}#\d+\b",  # #1, user#1, owner/repo#1
            r"\bGH-\d+\b",
            r"\bGHSA(?:-[0-9a-z]{4}){3}\b",
            r"\b[0-9a-f]{7,64}\b",  # commits
        )
    ),
    re.IGNORECASE,
)
_COMMAND = re.compile(
    r"^\s*(?:/[a-z][\w-]*|!?bors\b[^.\n]{0,40}|homu\b|jenkins\b[^.\n]{0,40}|(?:please\s+)?(?:re)?test this(?: please)?"
    r"|ok to test|add to whitelist|recheck\b|retest\b|rebuild\b|!\w+)",
    re.IGNORECASE,
)
_JOINER = "\u2060"


def split_live(text: str, *, at_line_start: bool) -> Iterator[tuple[str, bool]]:
    """The text in pieces, each with whether it is live; a command is live only where a line starts."""
    start = 0
    command = _COMMAND.match(text) if at_line_start else None
    if command:
        yield command[0].strip(), True
        start = command.end()
    for found in _LIVE.finditer(text, start):
        if found.start() > start:
            yield text[start : found.start()], False
        yield found[0], True
        start = found.end()
    if start < len(text):
        yield text[start:], False


def defuse_plain(text: str) -> str:
    """Text for fields without Markdown (titles, annotations): a word joiner after each sign that starts something."""
    return "".join(
        re.sub(r"(^/|[@#$]|GH(?=-)|://|www(?=\.))", rf"\1{_JOINER}", piece, flags=re.IGNORECASE)
        if live
        else piece
        for piece, live in split_live(text, at_line_start=True)
    )
