"""Characters that a reader cannot see: strips them from prose, shows them escaped in names and code. Never parses.

What counts as invisible follows the output rules of `docs/security.md`: controls, bidirectional marks, zero-width
and filler characters, variation selectors, the tag block, lone surrogates. Emoji keep their joiners.
"""

import re

_INVISIBLE_CLASS = (
    "\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_INVISIBLE = re.compile(f"[{_INVISIBLE_CLASS}]")
_PICTOGRAPH = "[\u2190-\u21ff\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff]"
# A pictograph with its variation selector, and pictographs joined to one: 👩‍💻. Flags of England, Scotland and Wales.
_EMOJI = re.compile(
    "\U0001f3f4(?:\U000e0067\U000e0062(?:\U000e0065\U000e006e\U000e0067|\U000e0073\U000e0063\U000e0074"
    "|\U000e0077\U000e006c\U000e0073)\U000e007f)"
    f"|{_PICTOGRAPH}\ufe0f?(?:\u200d{_PICTOGRAPH}\ufe0f?)*"
)
_EMOJI_OR_INVISIBLE = re.compile(f"({_EMOJI.pattern})|[{_INVISIBLE_CLASS}]")
_LINE_BREAKS = re.compile("\r\n?|\u2028|\u2029|\u0085|\u000b|\u000c")


def strip_invisible(text: str) -> str:
    """The text without characters that a reader cannot see; every kind of line break becomes `\\n`."""
    return _EMOJI_OR_INVISIBLE.sub(lambda found: found[1] or "", _LINE_BREAKS.sub("\n", text))


def has_invisible(text: str) -> bool:
    """Whether a reader would miss something; a `\\r` at the end of a line is no secret."""
    return bool(_INVISIBLE.search(_EMOJI.sub("", text.replace("\r\n", "\n"))))


def show_invisible(text: str) -> str:
    """One line in which line breaks, tabs and invisible characters are visible escapes: `a\\u202eb.py`."""
    shown = text.replace("\\", "\\\\") if _INVISIBLE.search(text) or "\n" in text or "\t" in text else text
    return re.sub(f"[\t\n{_INVISIBLE_CLASS}]", lambda found: _escape(found[0]), shown)


def show_invisible_lines(text: str) -> str:
    """Code in which invisible characters are visible escapes; tabs and line breaks stay."""
    return _INVISIBLE.sub(lambda found: _escape(found[0]), text.replace("\r\n", "\n"))


def _escape(character: str) -> str:
    named = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}
    point = ord(character)
    return named.get(character) or (f"\\u{point:04x}" if point <= 0xFFFF else f"\\U{point:08x}")
