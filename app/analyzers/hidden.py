"""Characters that a reader cannot see: direction marks, tag characters, zero-width ones. Emoji keep theirs.

What a person reviews must be what runs and what a model reads. https://trojansource.codes/
"""

import re
import unicodedata
from collections.abc import Iterator

from app.analyzers.values import Hit
from app.domain.finding import Severity

TOOL = "hidden"

_BIDI = "\u202a-\u202e\u2066-\u2069"
_TAGS = "\U000e0000-\U000e007f"
_SELECTORS = "\ufe00-\ufe0e\U000e0100-\U000e01ef"  # U+FE0F asks for a coloured emoji and is common
_ZERO_WIDTH = "\u200b\u2060-\u2064\u180e\u3164\uffa0\u115f\u1160\u00ad"
_JOINERS = "\u200c\u200d"  # normal in Persian and Indic texts and inside emoji
_SUSPECT = re.compile(
    f"[{_BIDI}{_TAGS}{_SELECTORS}{_ZERO_WIDTH}]|(?<=[\x21-\x7e])[{_JOINERS}](?=[\x21-\x7e])"
)
_FLAG = re.compile("\U0001f3f4[\U000e0061-\U000e007a]{2,6}\U000e007f")  # England, Scotland, Wales


def find_hidden_hits(path: str, source: str) -> Iterator[Hit]:
    """One hit a line that holds such characters; a byte-order mark at the beginning is none."""
    for number, line in enumerate(source.removeprefix("\ufeff").split("\n"), start=1):
        if line.isascii():
            continue
        found = sorted(set(_SUSPECT.findall(_FLAG.sub("", line))))
        if found:
            yield _hit(path, number, found)


def _hit(path: str, line: int, found: list[str]) -> Hit:
    turns = any(re.match(f"[{_BIDI}]", character) for character in found)
    tags = any(re.match(f"[{_TAGS}{_SELECTORS}]", character) for character in found)
    names = ", ".join(
        f"U+{ord(character):04X} {unicodedata.name(character, 'unnamed').lower()}" for character in found[:4]
    )
    reason = (
        "They change the order in which the line is shown, so it runs otherwise than it reads."
        if turns
        else "They can carry text that people do not see and programs, models among them, do read."
        if tags
        else "Names and texts that look the same are not, and searches miss them."
    )
    return Hit(
        path=path,
        start_line=line,
        end_line=line,
        rule_id="hidden-characters",
        severity=Severity.HIGH if turns or tags else Severity.LOW,
        title="Line holds characters that cannot be seen",
        explanation=f"{reason} Found: {names}. Delete them, or write them as an escape.",
        tool=TOOL,
    )
