"""Makes a text of what a patch shows of a file: every line stands at its own number, so places need no mapping.

Never invents code that could be reported: the only lines added are `if True:` in the gaps before an indented hunk of
Python, which is not valid alone.
"""

from collections.abc import Mapping

from app.syntax import language_of


def fragment_text(path: str, visible: Mapping[int, str]) -> str:
    """The visible lines at their numbers, with empty ones between."""
    lines = [visible.get(number, "") for number in range(1, max(visible, default=0) + 1)]
    if language_of(path) == "python":
        for start in _hunk_starts(visible):
            _open_blocks(lines, start, visible)
    return "\n".join(lines) + "\n"


def _hunk_starts(visible: Mapping[int, str]) -> list[int]:
    return [number for number in sorted(visible) if number - 1 not in visible]


def _open_blocks(lines: list[str], start: int, visible: Mapping[int, str]) -> None:
    """Writes block openers into the gap above the hunk, one for each level to which it later returns."""
    levels = _outer_levels(start, visible)
    gap = range(start - 1 - len(levels), start - 1)
    if gap.start < 0 or any(lines[index] for index in gap):
        return
    for index, level in zip(gap, levels, strict=True):
        lines[index] = " " * level + "if True:"


def _outer_levels(start: int, visible: Mapping[int, str]) -> list[int]:
    """The indentations, outermost first, that must be open where the hunk begins."""
    levels: list[int] = []
    current: int | None = None
    number = start
    while number in visible:
        text = visible[number]
        number += 1
        if not text.strip():
            continue
        level = len(text) - len(text.lstrip())
        if current is None:
            current = level
        elif level < min([current, *levels]):
            levels.append(level)
    if current and 0 not in levels:
        levels.append(0)
    return sorted(levels)
