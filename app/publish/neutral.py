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
            r"[\w.+/@-]{0,80}@[\w-][\w./-]*",  # mentions, teams, e-mail addresses, user@sha
            r"[\w./-]{0,120}#\d+\b",  # #1, user#1, owner/repo#1
            r"\bGH-\d+\b",
            r"\bGHSA(?:-[0-9a-z]{4}){3}",
            r"\b[0-9a-f]{7,64}\b",  # commits
        )
    ),
    re.IGNORECASE,
)
# Lines that are commands to some bot. Bots read raw bodies line by line, whether or not a line is code.
COMMAND_LINE = (
    r"(?:/[a-z][\w-]*(?![\w/-])|!\w+[ \t]*$|(?:bors|homu|jenkins)[ \t]\S.{0,60}|(?:please )?(?:re)?test this\b(?: please)?"
    r"|(?:ok to test|add to whitelist|recheck|retest|rebuild)[ \t]*$"
    r"|@(?:dependabot|bors|homu|mergify(?:io)?|renovate(?:bot)?|rustbot|pytorchbot|coderabbitai|copilot|claude|codex"
    r"|cursor|greptileai|sourcery-ai)\b)"
)
_COMMAND = re.compile(rf"/[a-z][\w./-]*|{COMMAND_LINE}", re.IGNORECASE)
_JOINER = "\u2060"


def split_live(text: str, *, at_line_start: bool) -> Iterator[tuple[str, bool]]:
    """The text in pieces, each with whether it is live; a command is live only where a line starts."""
    text = text.lstrip() if at_line_start else text
    command = _COMMAND.match(text) if at_line_start else None
    if command:
        yield command[0].rstrip(), True
    yield from _split(text[command.end() :] if command else text)


def _split(text: str) -> Iterator[tuple[str, bool]]:
    """What stands between two live pieces is looked at again: where a code span begins, a reference may end."""
    start = 0
    for found in _LIVE.finditer(text):
        yield from _split(text[start : found.start()])
        yield found[0], True
        start = found.end()
    if start:
        yield from _split(text[start:])
    elif text:
        yield text, False


def defuse_plain(text: str) -> str:
    """Text for fields without Markdown (titles, annotations): a word joiner inside everything that is live."""
    return "".join(_defused(piece) if live else piece for piece, live in split_live(text, at_line_start=True))


def _defused(piece: str) -> str:
    marked = re.sub(r"(^/|[@#$:]|GH(?=-|SA)|www)", rf"\1{_JOINER}", piece, flags=re.IGNORECASE)
    return re.sub(r"[0-9a-f]{6}(?=[0-9a-f])", rf"\g<0>{_JOINER}", marked, flags=re.IGNORECASE)
