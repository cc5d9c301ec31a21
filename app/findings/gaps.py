"""Recognizes lines with which a model leaves out code: `...`, `# ... unchanged ...`. Pure."""

import re
from collections.abc import Collection, Sequence
from itertools import groupby, pairwise
from pathlib import PurePosixPath

_DOTS = r"(?:…|\.{3,})"
_GAP = re.compile(rf"(?:\#|//|/\*|--|;|%|<!--|\{{/\*)[ \t]*[\[(]?{_DOTS}.*|[\[(]?{_DOTS}[ \t]*[\])]?")
_PYTHON = (".py", ".pyi")


def is_gap(line: str) -> bool:
    """Whether the line is an ellipsis, alone or in a comment."""
    return _GAP.fullmatch(line.strip()) is not None


def split_at_gaps(lines: Sequence[str]) -> list[list[str]]:
    """The lines between ellipses."""
    return [list(block) for gap, block in groupby(lines, is_gap) if not gap]


def leaves_out_code(path: str, lines: Sequence[str], replaced: Collection[str]) -> bool:
    """Whether lines to write have an ellipsis that stands for code, so that writing them would lose it.

    An ellipsis that the replaced lines have as well is code, and so is the body of a block in Python.
    """
    known = {line.strip() for line in replaced}
    is_python = PurePosixPath(path).suffix.lower() in _PYTHON
    return any(
        is_gap(line)
        and line.strip() not in known
        and not (is_python and line.strip() == "..." and above.rstrip().endswith(":"))
        for above, line in pairwise(["", *lines])
    )
