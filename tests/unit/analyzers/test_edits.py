"""Suggestions are checked in the process that parses changed code, so that hostile code costs only its own suggestion."""

from pathlib import Path

import pytest

from app.analyzers.edits import check_edits
from app.analyzers.parser import Parser
from app.domain.edit import FileEdit

CODE = "def total(orders):\n    result = 0\n    for order in orders:\n        result += order.sum\n    return result\n"


def edit(
    start: int, end: int, *lines: str, path: str = "pay.py", source: str = CODE, first_line: int = 1
) -> FileEdit:
    return FileEdit(
        path=path, source=source, start=start, end=end, lines=lines, intended=lines, first_line=first_line
    )


async def test_each_edit_gets_its_own_answer() -> None:
    edits = [
        edit(3, 4, "        result -= order.sum"),
        edit(3, 4, "        result -= ("),
        edit(3, 4, "    result -= order.sum"),
        edit(0, 1, "def total(orders, rate):"),
        edit(1, 2, '    result = 0; """'),
        edit(1, 2, "\\x00"),
    ]
    assert await check_edits(edits) == [True, False, False, True, False, False]


async def test_without_edits_nothing_is_started() -> None:
    assert await check_edits([], parser=Parser(["/nonexistent"])) == []


@pytest.mark.parametrize("line", ["(" * 50_000, "-" * 90_000 + "1", "x = " + "[" * 300 + "]" * 300], ids=len)
async def test_code_that_exhausts_a_parser_only_loses_its_own_suggestion(line: str) -> None:
    answers = await check_edits([edit(1, 2, "    result = 1"), edit(1, 2, line)])
    assert answers == [True, False]


async def test_if_the_process_cannot_start_no_suggestion_can_be_applied(tmp_path: Path) -> None:
    assert await check_edits([edit(1, 2, "    result = 1")], parser=Parser([str(tmp_path / "none")])) == [
        False
    ]


@pytest.mark.parametrize(
    ("lines", "is_sound"), [(("        result -= order.sum",), True), (("        result -= (",), False)]
)
async def test_a_hunk_is_parsed_where_it_stands_in_its_file(lines: tuple[str, ...], is_sound: bool) -> None:
    hunk = "    for order in orders:\n        result += order.sum\n    return result"
    assert await check_edits([edit(1, 2, *lines, source=hunk, first_line=30)]) == [is_sound]
