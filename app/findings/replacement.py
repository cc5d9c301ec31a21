"""Reads which lines a suggestion means to put in the place of the replaced ones. Pure; does not parse code.

One rule for the indentation: dedent the suggestion, then indent it like the replaced lines. A first line without the
indentation that the following lines have takes it from them: models often begin a suggestion at its first letter.
"""

import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePosixPath

from app.domain.edit import FileEdit

MARKDOWN = frozenset({".md", ".markdown", ".mdown", ".mkd", ".mdx", ".qmd", ".rmd"})
DEFAULT_STEP = "    "

_FENCE = re.compile(r"[ ]{0,3}(?P<run>`{3,}|~{3,})(?P<info>[^\n]*)")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'')
_OPENED = re.compile(r"(?:[:,\\=({\[]|->|=>|\b(?:do|then|else|begin|try))\s*(?:(?:#|//).*)?$")
_CONTINUES = re.compile(r"[.?&|+)\]}]|->|:[^:]")
_LIST_ITEM = re.compile(r"(?:[-*+]|\d{1,9}[.)])[ ]+")
_WRAPPERS = frozenset({"", "markdown", "md"})  # languages of a fence around Markdown


def is_same_code(one: str, other: str) -> bool:
    """Whether both are the same lines, apart from their common indentation and trailing space."""
    return _compared(one) == _compared(other)


@dataclass(frozen=True, slots=True)
class Replacement:
    """The lines to write, and the same lines with the indentation in which their author wrote them."""

    lines: Sequence[str]
    intended: Sequence[str]


def read_replacement(
    path: str, suggestion: str, replaced: Sequence[str], *, around: Sequence[str]
) -> Replacement:
    """What takes the place of `replaced`; no lines if the suggestion deletes them.

    Args:
        path: the file.
        suggestion: the model's text, possibly in a fence and with damaged indentation.
        replaced: the lines that the finding is about.
        around: lines of the file, which show how it is indented.
    """
    text = unfenced(path, suggestion, replaced)
    if not text.strip():
        return Replacement((), ())
    lines = text.split("\n")
    if not any(map(str.strip, replaced)) or _indent_of(lines) == _indent_of(replaced):
        return Replacement(lines, lines)
    step = step_of(around)
    intended = _with_first_indent(path, lines, step)
    return Replacement(_in_steps(_dedented(intended), step, _margin(replaced)), intended)


def keeps_fences(edit: FileEdit) -> bool:
    """Whether the lines after an edit of a Markdown file are in the same fenced block as before, or in none."""
    if PurePosixPath(edit.path).suffix.lower() not in MARKDOWN:
        return True
    lines = edit.source.split("\n")
    return _open_fence(lines[: edit.end]) == _open_fence([*lines[: edit.start], *edit.lines])


def _open_fence(lines: Sequence[str]) -> str | None:
    """The fence that is open after these lines; None if there is none."""
    opened: str | None = None
    for line in lines:
        found = _FENCE.fullmatch(line.rstrip("\r"))
        if found is None:
            continue
        info = found["info"].strip()
        if opened is None and not ("`" in found["run"] and "`" in info):
            opened = found["run"]
        elif opened is not None and not info and found["run"].startswith(opened):
            opened = None
    return opened


def unfenced(path: str, suggestion: str, replaced: Sequence[str]) -> str:
    """The suggestion without a fence around it; in Markdown, a fence may be part of the text itself."""
    lines = suggestion.replace("\r\n", "\n").removesuffix("\n").split("\n")
    shown = [line for line in lines if line.strip()]
    info = _fence_around(shown)
    if info is None:
        return "\n".join(lines)
    is_markdown = PurePosixPath(path).suffix.lower() in MARKDOWN
    may_be_text = info not in _WRAPPERS or _fences_around(shown) <= _fences_around(replaced)
    if is_markdown and info != "suggestion" and may_be_text:
        return "\n".join(lines)
    first, last = lines.index(shown[0]), len(lines) - 1 - lines[::-1].index(shown[-1])
    return "\n".join(lines[first + 1 : last])


def step_of(lines: Sequence[str]) -> str:
    """One level of indentation in these lines: a tab, or the most frequent number of spaces."""
    indents = [_indent(line) for line in lines if line.strip()]
    if sum(indent.startswith("\t") for indent in indents) > sum(indent.startswith(" ") for indent in indents):
        return "\t"
    steps = Counter(
        len(below) - len(above)
        for above, below in pairwise(indents)
        if len(below) > len(above) and "\t" not in below
    )
    return " " * steps.most_common(1)[0][0] if steps else DEFAULT_STEP


def _fences_around(lines: Sequence[str]) -> int:
    """The number of fences around all lines."""
    shown = [line for line in lines if line.strip()]
    number = 0
    while _fence_around(shown) is not None:
        number, shown = number + 1, [line for line in shown[1:-1] if line.strip()]
    return number


def _fence_around(lines: Sequence[str]) -> str | None:
    """The language of one fence around all lines, which are not blank; None if there is no such fence.

    A fence of the same length with a language is nested, although CommonMark would not read it so.
    https://spec.commonmark.org/0.31.2/#fenced-code-blocks
    """
    opened: list[str] = []
    outer = _FENCE.fullmatch(lines[0]) if len(lines) > 1 else None
    if outer is None or ("`" in outer["run"] and "`" in outer["info"]):
        return None
    for number, line in enumerate(lines):
        found = _FENCE.fullmatch(line)
        if found is None:
            continue
        if opened and not found["info"].strip() and found["run"].startswith(opened[-1]):
            opened.pop()
            if not opened:
                return outer["info"].strip().lower() if number == len(lines) - 1 else None
        elif (
            not opened
            or (found["info"].strip() and len(found["run"]) >= 3)
            or not found["run"].startswith(opened[-1])
        ):
            opened.append(found["run"])
    return None


def _with_first_indent(path: str, lines: list[str], step: str) -> list[str]:
    """Give a bare first line the indentation that the following lines imply."""
    first, *rest = [line for line in lines if line.strip()]
    margin = _margin(rest)
    if _indent(first) or not margin:
        return lines
    item = _LIST_ITEM.match(first) if PurePosixPath(path).suffix.lower() in MARKDOWN else None
    if item:
        step = " " * len(item[0])
    is_body = _indent(rest[0]) == margin and (item or _opens(first, rest[0]))
    lost = (margin.removesuffix(step) if margin.endswith(step) else "") if is_body else margin
    place = lines.index(first)
    return [*lines[:place], lost + first, *lines[place + 1 :]]


def _opens(line: str, following: str) -> bool:
    """Whether the following line belongs inside this one, or continues it."""
    code = _STRING.sub('""', line)
    is_open = sum(map(code.count, "([{")) > sum(map(code.count, ")]}"))
    return is_open or bool(_OPENED.search(code)) or bool(_CONTINUES.match(following.lstrip()))


def _in_steps(lines: list[str], step: str, margin: str) -> list[str]:
    """Indent dedented lines by `margin`; tabs and spaces follow the file."""
    indents = sorted({_indent(line) for line in lines if line.strip()} - {""}, key=len)
    if not indents:
        return [margin + line if line.strip() else line for line in lines]
    own = "\t" if indents[0].startswith("\t") else indents[0]
    converts = (own == "\t") != (step == "\t")
    return [
        margin + (_converted(line, own, step) if converts else line) if line.strip() else line
        for line in lines
    ]


def _converted(line: str, own: str, step: str) -> str:
    levels, rest = 0, line
    while rest.startswith(own):
        levels, rest = levels + 1, rest[len(own) :]
    return step * levels + rest


def _dedented(lines: Sequence[str]) -> list[str]:
    margin = _margin(lines)
    return [line.removeprefix(margin) for line in lines]


def _margin(lines: Sequence[str]) -> str:
    """The indentation that all lines share; blank lines do not count."""
    return os.path.commonprefix([_indent(line) for line in lines if line.strip()])


def _indent_of(lines: Sequence[str]) -> str:
    """The indentation of the first line that is not blank."""
    return next((_indent(line) for line in lines if line.strip()), "")


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip(" \t"))]


def _compared(text: str) -> list[str]:
    lines = [line.rstrip() for line in text.replace("\r\n", "\n").split("\n")]
    return _dedented([line for line in lines if line])
