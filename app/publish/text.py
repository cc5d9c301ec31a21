"""Makes untrusted plain text safe: handles invisible characters, defuses text that GitHub or a bot would act on, escapes Markdown.

Invisible characters, as defined by the output rules in `docs/security.md`, are control characters, bidirectional
marks, zero-width and filler characters, variation selectors, the tag block, lone surrogates. Emoji keep their joiners.
GitHub's automatic links:
https://docs.github.com/en/get-started/writing-on-github/working-with-advanced-formatting/autolinked-references-and-urls
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator

Redact = Callable[[str], str]

_INVISIBLE_CLASS = (
    "\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_INVISIBLE = re.compile(f"[{_INVISIBLE_CLASS}]")
_PICTOGRAPH = "[\u2190-\u21ff\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff]"
# A pictograph with its variation selector; joined pictographs (👩‍💻); the flags of England, Scotland, and Wales.
_EMOJI = re.compile(
    "\U0001f3f4(?:\U000e0067\U000e0062(?:\U000e0065\U000e006e\U000e0067|\U000e0073\U000e0063\U000e0074"
    "|\U000e0077\U000e006c\U000e0073)\U000e007f)"
    f"|{_PICTOGRAPH}\ufe0f?(?:\u200d{_PICTOGRAPH}\ufe0f?)*"
)
_EMOJI_OR_INVISIBLE = re.compile(f"({_EMOJI.pattern})|[{_INVISIBLE_CLASS}]")
_LINE_BREAKS = re.compile("\r\n?|\u2028|\u2029|\u0085|\u000b|\u000c")


def strip_invisible(text: str) -> str:
    """Remove characters that a reader cannot see; every kind of line break becomes `\\n`."""
    return _EMOJI_OR_INVISIBLE.sub(lambda found: found[1] or "", _LINE_BREAKS.sub("\n", text))


def has_invisible(text: str) -> bool:
    """Whether the text has invisible characters; a `\\r` at the end of a line does not count."""
    return bool(_INVISIBLE.search(_EMOJI.sub("", text.replace("\r\n", "\n"))))


def invisible_in(text: str) -> Counter[str]:
    """How often each invisible character is in the text, as `has_invisible` counts them."""
    return Counter(_INVISIBLE.findall(_EMOJI.sub("", text.replace("\r\n", "\n"))))


# cmark-gfm recognizes no code span whose delimiter has over 80 backticks and ends a fence early after 254 characters.
MAX_RUN = 40
_LONG_RUN = re.compile(rf"`{{{MAX_RUN},}}|~{{{MAX_RUN},}}")


def has_long_run(text: str) -> bool:
    """Whether the text has a run of backticks or tildes that GitHub's renderer may not recognize as a delimiter."""
    return _LONG_RUN.search(text) is not None


def without_long_runs(text: str) -> str:
    """The text with each long run as its length, for example `[80 backticks]`."""
    names = {"`": "backticks", "~": "tildes"}
    return _LONG_RUN.sub(lambda run: f"[{len(run[0])} {names[run[0][0]]}]", text)


def show_invisible(text: str) -> str:
    """One line that shows line breaks, tabs, and invisible characters as escapes: `a\\u202eb.py`."""
    shown = text.replace("\\", "\\\\") if _INVISIBLE.search(text) or "\n" in text or "\t" in text else text
    return re.sub(f"[\t\n{_INVISIBLE_CLASS}]", lambda found: _escape(found[0]), shown)


def show_invisible_lines(text: str) -> str:
    """Code that shows invisible characters as escapes and keeps tabs and line breaks."""
    return _INVISIBLE.sub(lambda found: _escape(found[0]), text.replace("\r\n", "\n"))


def _escape(character: str) -> str:
    named = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}
    point = ord(character)
    return named.get(character) or (f"\\u{point:04x}" if point <= 0xFFFF else f"\\U{point:08x}")


_URL_END = r"[^\s<>]*[^\s<>.,;:!?'\"()\[\]{}*_~|]"
# Prefixes are bounded to keep matching linear in the length of the text.
_LIVE = re.compile(
    "|".join(
        (
            rf"[a-z][a-z0-9+.-]{{0,30}}://(?:{_URL_END})?",
            rf"(?<![^\W_])www\.(?:{_URL_END})?",  # also after `_`, `*`, and `~`, and before escaped characters
            r"\b(?:mailto|xmpp|javascript|vbscript|data|file|tel):[^\s<>]+",
            r"\S{0,20}\$\S*",  # $…$ is rendered as math
            r"[\w.+/@-]{0,80}@[\w-][\w./-]*",  # mentions, teams, e-mail addresses, user@sha
            r"[\w./-]{0,120}#\d+\b",  # #1, user#1, owner/repo#1
            r"\bGH-\d+\b",
            r"\bGHSA(?:-[0-9a-z]{4}){3}",
            r"\b[0-9a-f]{7,64}\b",  # commits
            r"[\w:+-]{0,80}:(?:[a-z_][\w+-]*|[+-]1|100|1234):[\w:+-]*",  # emoji
            r"\[!(?:note|tip|important|warning|caution)\]",  # alerts
        )
    ),
    re.IGNORECASE,
)
# Lines that some bots treat as commands. Bots read raw bodies line by line, including code.
COMMAND_LINE = (
    r"(?:/[a-z][\w-]*(?![\w/-])|!\w+[^\S\n]*$|(?:bors|homu|jenkins)(?:[^\S\n]+\S.{0,60}\S*|[^\S\n]*$)|(?:please )?(?:re)?test this\b(?: please)?"
    r"|(?:ok to test|add to whitelist|recheck|retest|rebuild)[^\S\n]*$"
    r"|@(?:dependabot|bors|homu|mergify(?:io)?|renovate(?:bot)?|rustbot|pytorchbot|coderabbitai|copilot|claude|codex"
    r"|cursor|greptileai|sourcery-ai)\b)"
)
_COMMAND = re.compile(rf"/[a-z][\w./-]*|{COMMAND_LINE}", re.IGNORECASE)
_JOINER = "\u2060"


def split_live(text: str, *, at_line_start: bool) -> Iterator[tuple[str, bool]]:
    """Split the text into pieces, each with whether GitHub or a bot would act on it; commands count only at the start of a line."""
    text = text.lstrip() if at_line_start else text
    command = _COMMAND.match(text) if at_line_start else None
    if command:
        yield command[0].rstrip(), True
    yield from _split(text[command.end() :] if command else text)


def _split(text: str) -> Iterator[tuple[str, bool]]:
    """Split the text between two live pieces again, because a reference may end where a code span begins."""
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
    """Text for plain-text fields (titles, annotations), with a word joiner in every live piece."""
    pieces = split_live(without_long_runs(text), at_line_start=True)
    defused = "".join(_defused(piece) if live else piece for piece, live in pieces)
    return _REVIVED.sub(rf"\g<0>{_JOINER}", _COMMIT.sub(_commit_defused, defused))


def _defused(piece: str) -> str:
    return re.sub(r"(^/|[@#$:]|GH(?=-|SA)|www)", rf"\1{_JOINER}", piece, flags=re.IGNORECASE)


def _commit_defused(commit: re.Match[str]) -> str:
    return re.sub(r"[0-9a-f]{6}(?=[0-9a-f])", rf"\g<0>{_JOINER}", commit[0], flags=re.IGNORECASE)


_COMMIT = re.compile(r"\b[0-9a-f]{7,}\b", re.IGNORECASE)
# A joiner ends a word, so a neighboring reference or address begins to count: `#12` in `#120123456789abcdef`.
_REVIVED = re.compile(
    r":(?=//)|#(?=\d)|GH(?=-\d|SA-)|(?<![^\W_])www(?=\.)|(?:mailto|xmpp)(?=:\w)", re.IGNORECASE
)


_SPECIAL = re.compile(r"[\\`*\[\]~]")
_UNDERSCORE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")  # inside a word it does not start emphasis
_ENTITY = re.compile(r"&(?=#?\w+;)")
_LINE_START = re.compile(r"^(#{1,6}(?=\s|$)|[>+=-]|\d{1,9}(?=[.)](?:\s|$)))")


def escape_text(text: str, *, at_line_start: bool) -> str:
    """Escape one line of text for Markdown; leaves no `<` or `|` behind."""
    escaped = _SPECIAL.sub(r"\\\g<0>", text)
    escaped = _UNDERSCORE.sub(r"\\_", escaped)
    escaped = _ENTITY.sub("&amp;", escaped).replace("<", "&lt;").replace("|", "&#124;")
    return _escape_line_start(escaped.lstrip()) if at_line_start else escaped


def escape_html(text: str) -> str:
    """Escape a defused line (`plain_line`) inside Quorum's own HTML (`<summary>`).

    A dollar sign in an element of its own starts no mathematics:
    https://docs.github.com/en/get-started/writing-on-github/working-with-advanced-formatting/writing-mathematical-expressions
    """
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return escaped.replace("$", "<span>$</span>")


def _escape_line_start(text: str) -> str:
    found = _LINE_START.match(text)
    if not found:
        return text
    if found[0].isdigit():
        return f"{found[0]}\\{text[found.end() :]}"
    return f"\\{text}"
