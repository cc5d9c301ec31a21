"""What a model may mean by its quote: the code as it stands, or with what the prompt put in front of each line.

Readings are tried in order, verbatim first: a line that begins with "-" may be code (YAML) as well as a mark. Pure.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.domain.diff import Side
from app.findings.index import words

_FENCE = re.compile(r"\A\s*```[^\n]*\n(.*?)\n?\s*```\s*\Z", re.DOTALL)
_NUMBER = re.compile(r"^\s*L?\d{1,7}(?:\s*[:|>)]|(?=[+\- \t]|$))")
_GAP = re.compile(r"\w*\[REDACTED(?::[^\]\n]*)?\]\w*|\[…\d+ more characters\]|\w*(?:…|\.{3,})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One way to read a quote.

    `lines`: how many it has, blank ones aside; `side`: only where marks tell it; `complete`: nothing is left out.
    """

    words: str
    lines: int
    side: Side | None = None
    complete: bool = True

    @property
    def is_distinctive(self) -> bool:
        """Whether the place needs no line number: more than brackets or a lone keyword."""
        several = self.words.count(" ") > 2
        return any(map(str.isalnum, self.words)) and len(self.words) > (8 if several else 12)


def readings(quote: str) -> list[Reading]:
    """All ways to read a quote, the most literal first, each once."""
    texts = list(_texts(_unfenced(quote)))
    whole = [_reading(text, side) for text, side in texts]
    parts = [_reading(_longest_piece(text), side, complete=False) for text, side in texts]
    found: dict[str, Reading] = {}
    for reading in [*whole, *parts]:
        found.setdefault(reading.words, reading)
    return [reading for reading in found.values() if reading.words]


def single_lines(quote: str) -> list[Reading]:
    """The lines of a quote one by one, longest first: for quotes of which a part is misquoted."""
    *_, (plain, _) = _texts(_unfenced(quote))
    lines = [_reading(line.lstrip("+- "), None, complete=False) for line in plain.split("\n")]
    return sorted((line for line in lines if line.is_distinctive), key=lambda line: -len(line.words))


def _reading(text: str, side: Side | None, *, complete: bool = True) -> Reading:
    lines = sum(bool(line.strip()) for line in text.split("\n"))
    return Reading(words=words(text), lines=lines, side=side, complete=complete)


def _texts(quote: str) -> Iterator[tuple[str, Side | None]]:
    """Verbatim; without marks; without numbers; without both."""
    lines = [line for line in quote.split("\n") if line.strip()]
    yield "\n".join(lines), None
    yield from _without_marks(lines)
    if lines and all(_NUMBER.match(line) for line in lines):
        lines = [_NUMBER.sub("", line) for line in lines]
        yield "\n".join(lines), None
        yield from _without_marks(lines)


def _without_marks(lines: Sequence[str]) -> Iterator[tuple[str, Side | None]]:
    """The new side where both are quoted, the old one where only removed lines are."""
    marks = {line[:1] for line in lines}
    if marks <= {"+", "-", " "} and "+" in marks:
        yield "\n".join(line[1:] for line in lines if line[0] != "-"), Side.RIGHT
    elif marks <= {"-", " "} and "-" in marks:
        yield "\n".join(line[1:] for line in lines), Side.LEFT


def _longest_piece(text: str) -> str:
    """Of what stands between ellipses and redactions; a word cut by one is no word."""
    return max(_GAP.split(text), key=len)


def _unfenced(quote: str) -> str:
    """Without a Markdown fence or backticks round it."""
    text = quote.replace("\r\n", "\n").strip("\n")
    if fenced := _FENCE.match(text):
        return fenced[1]
    return text.strip("`") if text.startswith("`") and text.endswith("`") else text
