"""Finds characters at which an editor shows other code than runs, in linear time. https://trojansource.codes/

Text in scripts that need such characters is no finding: joiners in Persian and emoji, marks in Hebrew and Arabic, soft hyphens in
prose. Neither are CRLF line ends, form feeds, or a byte order mark at the beginning of a file.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from app.analyzers.hits import Hit
from app.analyzers.lines import LINE_ENDS
from app.domain.finding import Severity
from app.syntax import language_of

_PROSE = frozenset(
    [
        ".md",
        ".mdx",
        ".markdown",
        ".rst",
        ".txt",
        ".adoc",
        ".org",
        ".tex",
        ".csv",
        ".tsv",
        ".json",
        ".jsonl",
        ".arb",
        ".po",
        ".pot",
        ".strings",
        ".properties",
        ".ftl",
        ".xliff",
        ".xlf",
        ".resx",
        ".srt",
        ".vtt",
    ]
)
_NAMES = {"\0": "NUL", "\r": "carriage return", "\x85": "next line", "\ufeff": "byte order mark"}

_LINE_ENDS = "\r\x85\u2028\u2029"
_OVERRIDES = "\u202d\u202e"
_EMBEDDINGS = {
    "\u202a": "\u202c",
    "\u202b": "\u202c",
    "\u2066": "\u2069",
    "\u2067": "\u2069",
    "\u2068": "\u2069",
}
_BIDI = f"{_OVERRIDES}\u202a-\u202c\u2066-\u2069"
_MARKS = "\u200e\u200f\u061c"
_TAGS = "\U000e0000-\U000e007f"
_SELECTORS = "\ufe00-\ufe0e\U000e0100-\U000e01ef"  # U+FE0F asks for a colored emoji and is common
_FILLERS = "\u3164\uffa0\u115f\u1160"  # letters without a shape
_JOINERS = "\u200b\u200c\u200d\u2060\u180e"  # normal inside of words and emoji that are not ASCII
_SOFT_HYPHEN = "\u00ad"
_OPERATORS = "\u2061-\u2064\ufeff"
_FORMAT = f"{_JOINERS}{_SOFT_HYPHEN}{_OPERATORS}{_FILLERS}"

_SUSPECT = re.compile(f"[\0{_LINE_ENDS}{_BIDI}{_MARKS}{_TAGS}{_SELECTORS}{_FORMAT}]")
_FLAG = re.compile("\U0001f3f4[\U000e0061-\U000e007a]{2,6}\U000e007f")  # England, Scotland, Wales
_VARIANT = re.compile(
    f"(?<=[0-9#*]|[^\x00-\x7f{_SELECTORS}])[{_SELECTORS}](?![{_SELECTORS}])"
)  # a shape of one character
_LONE_JOINER = re.compile(f"(?<![^\x00-\x7f{_FORMAT}])[{_JOINERS}]|[{_JOINERS}](?![^\x00-\x7f{_FORMAT}])")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_CODE_SIGN = re.compile(r"[\"'`#/*\\;={}()\[\]<>]")
_IN_NAME = re.compile(rf"\w[{_JOINERS}{_SOFT_HYPHEN}{_OPERATORS}]+\w", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Suspicion:
    """What is wrong with one line."""

    severity: Severity
    title: str
    reason: str
    found: Sequence[str]
    remedy: str = "Delete them, or write them as an escape."


def find_hidden_hits(path: str, source: str) -> Iterator[Hit]:
    """At most one hit for each line."""
    for number, line in enumerate(source.removeprefix("\ufeff").split("\n"), start=1):
        line = line.rstrip("\r")
        if not _SUSPECT.search(line):
            continue
        suspicions = list(_suspicions(path, line))
        if suspicions:
            yield _hit(path, number, min(suspicions, key=lambda each: each.severity.rank))


def _suspicions(path: str, line: str) -> Iterator[_Suspicion]:
    language = language_of(path)
    is_prose = PurePosixPath(path).suffix.lower() in _PROSE
    line = _VARIANT.sub("", _FLAG.sub("", line))
    if "\0" in line:
        yield _nul()
    if ends := [
        end for end in re.findall(f"[{_LINE_ENDS}]", line) if end != "\x85" or end in _ends_of(language)
    ]:
        yield _line_end(ends, language=language, is_prose=is_prose, is_last=not _text_after(line))
    if (bidi := re.findall(f"[{_BIDI}]", line)) and not _is_right_to_left_text(line, is_prose=is_prose):
        yield _bidi(bidi, is_prose=is_prose)
    if tags := re.findall(f"[{_TAGS}{_SELECTORS}]", line):
        yield _carrier(tags)
    if invisible := _invisible(line, is_prose=is_prose):
        yield _zero_width(invisible, line, is_code=language is not None and not is_prose)


def _ends_of(language: str | None) -> str:
    return LINE_ENDS.get(language or "", "")


def _text_after(line: str) -> str:
    """The text after the last hidden line end."""
    return re.split(f"[{_LINE_ENDS}]", line)[-1].strip()


def _invisible(line: str, *, is_prose: bool) -> list[str]:
    found = re.findall(f"[{_OPERATORS}{_FILLERS}]", line) + _LONE_JOINER.findall(line)
    if not is_prose:
        found += re.findall(_SOFT_HYPHEN, line)
    if not _RIGHT_TO_LEFT.search(line):
        found += re.findall(f"[{_MARKS}]", line)
    return found


def _is_right_to_left_text(line: str, *, is_prose: bool) -> bool:
    """Whether the controls only guide right-to-left text: in prose, or closed on the line and without code between them."""
    if not _RIGHT_TO_LEFT.search(line) or re.search(f"[{_OVERRIDES}]", line):
        return False
    return is_prose or _is_closed(line)


def _is_closed(line: str) -> bool:
    expected: list[str] = []
    for character in line:
        if closing := _EMBEDDINGS.get(character):
            expected.append(closing)
        elif character in "\u202c\u2069":
            if not expected or expected.pop() != character:
                return False
        elif expected and _CODE_SIGN.match(character):
            return False
    return not expected


def _nul() -> _Suspicion:
    return _Suspicion(
        Severity.MEDIUM,
        "Line contains a NUL character",
        "Git and GitHub treat a file with this character as binary and do not show its changes.",
        ["\0"],
        remedy="Delete it, or write it as an escape.",
    )


def _line_end(found: Sequence[str], *, language: str | None, is_prose: bool, is_last: bool) -> _Suspicion:
    runs = any(end in _ends_of(language) for end in found)
    reason = (
        "Git and GitHub count one line here, but this language starts a new one, so text that looks like a comment can run."
        if runs
        else "Some editors end the line here, but Git and GitHub do not, so people see other lines than programs read."
    )
    severity = Severity.HIGH if runs else Severity.MEDIUM
    return _Suspicion(
        Severity.LOW if is_prose or is_last else severity,
        "Line contains a hidden line end",
        reason,
        found,
        remedy="Replace it with a line feed, or write it as an escape.",
    )


def _bidi(found: Sequence[str], *, is_prose: bool) -> _Suspicion:
    return _Suspicion(
        Severity.MEDIUM if is_prose else Severity.HIGH,
        "Line contains invisible characters",
        "They change the order in which the line is displayed, so the code does not run as it reads.",
        found,
    )


def _carrier(found: Sequence[str]) -> _Suspicion:
    return _Suspicion(
        Severity.HIGH,
        "Line contains invisible characters",
        "They can contain text that people do not see but programs, including models, read.",
        found,
    )


def _zero_width(found: Sequence[str], line: str, *, is_code: bool) -> _Suspicion:
    severity = Severity.MEDIUM if is_code and _IN_NAME.search(line) else Severity.LOW
    if is_code and re.search(f"[{_FILLERS}]", line):
        severity = Severity.HIGH
    return _Suspicion(
        severity,
        "Line contains invisible characters",
        "They can make identical-looking names differ and hide text from searches.",
        found,
    )


def _hit(path: str, line: int, suspicion: _Suspicion) -> Hit:
    names = ", ".join(_name(character) for character in sorted(set(suspicion.found))[:4])
    return Hit(
        path=path,
        start_line=line,
        end_line=line,
        rule_id="hidden-characters",
        severity=suspicion.severity,
        title=suspicion.title,
        explanation=f"{suspicion.reason} Found: {names}. {suspicion.remedy}",
        tool="hidden",
    )


def _name(character: str) -> str:
    name = _NAMES.get(character) or unicodedata.name(character, "unnamed").lower()
    return f"U+{ord(character):04X} {name}"
