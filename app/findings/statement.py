"""The statement that a line belongs to, told by brackets alone, so that it needs no grammar. Pure.

A line continues the one before where it begins inside `(` or `[`; inside `{` a block's own statements begin.
"""

import re
from collections.abc import Sequence

MAX_LINES = 12  # longer than that, a bracket in a comment was taken for code

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'')
_BRACKET = re.compile(r"[()\[\]{}]")
_OPENED_BY = {")": "(", "]": "[", "}": "{"}


def continuations(lines: Sequence[str]) -> list[bool]:
    """For each line, whether it continues the one before."""
    found: list[bool] = []
    opened: list[str] = []
    for line in lines:
        found.append(bool(opened) and opened[-1] in "([")
        for bracket in _BRACKET.findall(_STRING.sub("", line)):
            if bracket not in _OPENED_BY:
                opened.append(bracket)
            elif opened and opened[-1] == _OPENED_BY[bracket]:
                opened.pop()
    return found


def statement_round(continues: Sequence[bool], first: int, last: int) -> tuple[int, int]:
    """From where the statement of line `first` begins to where that of `last` ends; positions, both inclusive.

    The lines as given where that would be more than `MAX_LINES`.
    """
    start, end = first, last
    while start > 0 and continues[start]:
        start -= 1
    while end + 1 < len(continues) and continues[end + 1]:
        end += 1
    return (start, end) if end - start < MAX_LINES else (first, last)
