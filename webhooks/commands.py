"""Reads what a comment asks of Quorum: the command on its first line, or a mention. Asks nobody whether it may.

A command stands at the very beginning of the comment, so never in a quote, in code or behind a space; names are ASCII
and lower case, nothing is folded.
"""

import difflib
import re

from app.domain.finding import Stage
from app.domain.job import Command

USAGE = {
    "rereview": "/rereview [review|security|docs] [full]",
    "ask": "/ask TEXT",
    "explain": "/explain",
    "dismiss": "/dismiss [TEXT]",
    "undismiss": "/undismiss ID",
    "resolve": "/resolve",
    "pause": "/pause",
    "resume": "/resume",
    "config": "/config",
    "help": "/help",
}
FREE_TEXT = frozenset({"ask", "dismiss"})
LONGEST_COMMAND = 40  # characters; a longer word is no slip of the pen
CLOSENESS = 0.7  # below that it is another bot's command
_FIRST_LINE = re.compile(r"/([A-Za-z][A-Za-z-]*)(?:[ \t]+(.*?))?[ \t]*\r?", re.ASCII)
_NOT_SAID = re.compile(
    r"<!--.*?(?:-->|\Z)"  # hidden
    r"|^[ ]{0,3}(`{3,}|~{3,}).*?(?:^[ ]{0,3}\1[`~]*[ \t]*\r?$|\Z)"  # fenced code
    r"|^[ ]{0,3}>.*?$"  # quoted
    r"|^(?:[ ]{4}|\t).*?$"  # indented code
    r"|(`+)(?!`).*?(?<!`)\2(?!`)",  # code in a line
    re.DOTALL | re.MULTILINE,
)


def parse_command(body: str) -> Command | None:
    """The command on the first line; None where there is none, or one of somebody else's."""
    first, _, rest = body.partition("\n")
    match = _FIRST_LINE.fullmatch(first)
    if not match or len(match[1]) > LONGEST_COMMAND:
        return None
    name, arguments = match[1], match[2] or ""
    if name not in USAGE:
        close = difflib.get_close_matches(name.lower(), USAGE, n=1, cutoff=CLOSENESS)
        return Command(name=name, suggestion=close[0]) if close else None
    words = () if name in FREE_TEXT else tuple(arguments.split())
    text = f"{arguments}\n{rest}".strip()
    problem = None if _fits(name, words, text) else f"The command is `{USAGE[name]}`."
    return Command(name=name, words=words, text=text, problem=problem)


def _fits(name: str, words: tuple[str, ...], text: str) -> bool:
    match name:
        case "rereview":
            return _fits_rereview(words)
        case "ask":
            return bool(text)
        case "undismiss":
            return len(words) == 1
        case _:
            return not words


def _fits_rereview(words: tuple[str, ...]) -> bool:
    stages = words[:-1] if words[-1:] == ("full",) else words
    return len(stages) <= 1 and all(word in Stage.__members__.values() for word in stages)


def is_mentioned(body: str, *, slug: str) -> bool:
    """Whether a comment says `@slug` in its own words: not in a quote, in code or in a hidden comment."""
    said = _NOT_SAID.sub(" ", body)
    mention = rf"(?<![\w@/.-])@{re.escape(slug)}(?:\[bot\])?(?![\w-]|\.\w)"
    return re.search(mention, said, re.ASCII | re.IGNORECASE) is not None
