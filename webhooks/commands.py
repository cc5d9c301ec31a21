"""Parses what a comment asks of Quorum: the command on its first line, or a mention. Does not check permissions.

A command starts at the first character of the comment, so it is never in a quote, in code, or after a space. Names are
lowercase ASCII, without case folding.
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
    "fix": "/fix [all|critical|high|medium]",
    "resolve": "/resolve",
    "remember": "/remember TEXT",
    "forget": "/forget ID",
    "pause": "/pause",
    "resume": "/resume",
    "config": "/config [PATH]",
    "help": "/help",
}
FIX_SCOPES = frozenset({"all", "critical", "high", "medium"})
FREE_TEXT = frozenset({"ask", "dismiss", "remember"})
MAX_COMMAND_CHARACTERS = 40  # a longer word is not a typo of a command
MIN_SIMILARITY = 0.7  # a less similar word is another bot's command
_FIRST_LINE = re.compile(r"/([A-Za-z][A-Za-z-]*)(?:[ \t]+(.*?))?[ \t]*\r?", re.ASCII)
_QUOTED = re.compile(
    r"<!--.*?(?:-->|\Z)"  # hidden
    r"|^[ ]{0,3}(`{3,}|~{3,}).*?(?:^[ ]{0,3}\1[`~]*[ \t]*\r?$|\Z)"  # fenced code
    r"|^[ ]{0,3}>.*?$"  # quoted
    r"|^(?:[ ]{4}|\t).*?$"  # indented code
    r"|(`+)(?!`).*?(?<!`)\2(?!`)",  # inline code
    re.DOTALL | re.MULTILINE,
)


def parse_command(body: str) -> Command | None:
    """Parse the command on the first line; None if there is none, or if it is another bot's."""
    first, _, rest = body.partition("\n")
    match = _FIRST_LINE.fullmatch(first)
    if not match or len(match[1]) > MAX_COMMAND_CHARACTERS:
        return None
    name, arguments = match[1], match[2] or ""
    if name not in USAGE:
        close = difflib.get_close_matches(name.lower(), USAGE, n=1, cutoff=MIN_SIMILARITY)
        return Command(name=name, suggestion=close[0]) if close else None
    words = () if name in FREE_TEXT else tuple(arguments.split())
    text = f"{arguments}\n{rest}".strip()
    problem = None if _fits(name, words, text) else f"The command is `{USAGE[name]}`."
    return Command(name=name, words=words, text=text, problem=problem)


def _fits(name: str, words: tuple[str, ...], text: str) -> bool:
    match name:
        case "rereview":
            return _fits_rereview(words)
        case "ask" | "remember":
            return bool(text)
        case "fix":
            return not words or (len(words) == 1 and words[0] in FIX_SCOPES)
        case "config":
            return True
        case "undismiss" | "forget":
            return len(words) == 1
        case _:
            return not words


def _fits_rereview(words: tuple[str, ...]) -> bool:
    stages = words[:-1] if words[-1:] == ("full",) else words
    return len(stages) <= 1 and all(word in Stage.__members__.values() for word in stages)


def is_mentioned(body: str, *, slug: str) -> bool:
    """Whether a comment mentions `@slug` outside of quotes, code, and hidden comments."""
    own_words = _QUOTED.sub(" ", body)
    mention = rf"(?<![\w@/.-])@{re.escape(slug)}(?:\[bot\])?(?![\w-]|\.\w)"
    return re.search(mention, own_words, re.ASCII | re.IGNORECASE) is not None
