"""Git's lines and the rows of tools: whatever ends a line for a language, a finding is on the line that git counts."""

from app.analyzers.analysis import analyze
from app.analyzers.lines import as_run
from app.domain.analysis import ChangedFile

COMMAND = 'os.system("ls " + input())\n'


async def lines_of(path: str, source: str, rule_id: str) -> list[int]:
    analysis = await analyze([ChangedFile.whole(path, source)])
    return [finding.start_line for finding in analysis.findings if finding.rule_id == rule_id]


async def test_a_lone_carriage_return_does_not_move_a_finding() -> None:
    source = f"import os\n# note\ry = 1\n\n{COMMAND}"
    assert await lines_of("shift.py", source, "command-injection") == [4]


async def test_code_behind_a_lone_carriage_return_is_read_on_its_git_line() -> None:
    source = f"import os\n# note\r{COMMAND}print(1)\n"
    assert await lines_of("hide.py", source, "command-injection") == [2]
    assert await lines_of("hide.py", source, "hidden-characters") == [2]


async def test_a_very_long_line_does_not_hide_a_finding() -> None:
    for length in (30_000, 900_000):
        assert await lines_of(
            "long.py", f"import os\nX = '{'a' * length}'\n{COMMAND}", "command-injection"
        ) == [3]
        assert await lines_of(
            "long.js", f"x = '{'a' * length}'; eval(location.hash)\n", "code-injection"
        ) == [1]


async def test_a_nul_does_not_hide_the_code_behind_it() -> None:
    source = "// \0 note\neval(location.hash)\n"
    assert await lines_of("nul.js", source, "code-injection") == [2]
    assert await lines_of("nul.js", source, "hidden-characters") == [1]


def test_each_row_of_a_tool_has_its_line_in_git() -> None:
    text = as_run("python", "a\rb\r\nc\r\r\nd\n")
    assert text.text == "a\nb\nc\nd\n"
    assert [text.line_of(row) for row in range(1, 7)] == [1, 1, 2, 3, 4, 4]
    assert text.rows_of(frozenset({1, 3})) == [1, 2, 4]


def test_a_carriage_return_is_white_space_in_a_language_that_reads_it_so() -> None:
    assert as_run("go", "// a\rb\n").text == "// a b\n"
