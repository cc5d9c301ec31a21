"""A suggestion can be applied with one click and leaves a file that parses, or it is prose. Nothing is lost."""

from collections.abc import Sequence

import pytest

from app.domain.diff import Side
from app.domain.edit import FileEdit
from app.domain.finding import Finding
from app.findings.anchor import anchor
from app.findings.protected import is_protected
from app.findings.quotes import DiffIndex
from app.findings.suggestion import SourceOf, as_prose, check_suggestions
from app.syntax.edits import is_sound
from tests.unit.findings.making import finding, index_of, sources_of

CODE = """\
def total(orders):
    result = 0
    for order in orders:
        if order.paid:
            result += order.sum
    return result
"""


async def check_edits(edits: Sequence[FileEdit]) -> list[bool]:
    return [is_sound(edit) for edit in edits]


async def check(said: Finding, index: DiffIndex, source_of: SourceOf) -> Finding:
    [checked] = await check_suggestions([said], index, source_of=source_of, check_edits=check_edits)
    return checked.finding


async def checked(*, quote: str, suggestion: str, path: str = "pay.py", code: str = CODE) -> Finding:
    files = {path: ("", code)}
    index = index_of(files)
    said = anchor(finding(path=path, quote=quote, suggestion=suggestion), index)
    return await check(said, index, sources_of(files))


FITTING = {
    "as it is": ("        if order.paid:", "        if order.paid and order.sum:", None),
    "fenced": ("    return result", "```python\n    return result or 0\n```", "    return result or 0"),
    "without indentation": ("    return result", "return result or 0", "    return result or 0"),
    "several lines without indentation": (
        "        if order.paid:\n            result += order.sum",
        "if order.paid:\n    result -= order.sum",
        "        if order.paid:\n            result -= order.sum",
    ),
    "first line without indentation": (
        "        if order.paid:\n            result += order.sum",
        "if order.paid:\n            result -= order.sum",
        "        if order.paid:\n            result -= order.sum",
    ),
    "bare first line, then deeper lines as in the file": (
        "            result += order.sum",
        "result += order.sum\n            result *= 2",
        "            result += order.sum\n            result *= 2",
    ),
    "indented for another place": ("    return result", "  return result or 0", "    return result or 0"),
    "one blank too much": ("    result = 0", "     result = 0.0", "    result = 0.0"),
    "more lines": ("    result = 0", "    result = 0\n    count = 0\n", "    result = 0\n    count = 0"),
}


@pytest.mark.parametrize(("quote", "suggestion", "expected"), FITTING.values(), ids=FITTING.keys())
async def test_a_fitting_suggestion_keeps_the_indentation(
    quote: str, suggestion: str, expected: str | None
) -> None:
    assert (await checked(quote=quote, suggestion=suggestion)).suggestion == (expected or suggestion)


UNFIT = {
    "does not parse": ("    return result", "    return result ("),
    "replaces half a line": ("orders:", "sorted(orders):"),
}


@pytest.mark.parametrize(("quote", "suggestion"), UNFIT.values(), ids=UNFIT.keys())
async def test_an_unfit_suggestion_becomes_prose(quote: str, suggestion: str) -> None:
    said = await checked(quote=quote, suggestion=suggestion)
    assert said.suggestion is None
    assert suggestion in said.explanation


@pytest.mark.parametrize(
    "suggestion",
    [
        "    return result",
        "return result",
        "    return result  \n",
        "```py\nreturn result\n```",
        "        return result",
    ],
)
@pytest.mark.parametrize("quote", ["    return result", "return result"])
async def test_a_suggestion_equal_to_the_code_is_dropped(quote: str, suggestion: str) -> None:
    said = await checked(quote=quote, suggestion=suggestion)
    assert (said.suggestion, said.explanation) == (None, "It adds where it must subtract.")


async def test_a_suggestion_equal_to_code_that_it_cannot_replace_is_dropped() -> None:
    said = await checked(quote="return result", suggestion="return result", path="Makefile")
    assert (said.suggestion, said.explanation) == (None, "It adds where it must subtract.")


async def test_in_a_file_that_does_not_parse_only_its_repair_can_be_applied() -> None:
    broken = "def f(:\n    return 1\n"
    repaired = await checked(quote="def f(:", suggestion="def f():", code=broken)
    assert repaired.suggestion == "def f():"
    assert (await checked(quote="    return 1", suggestion="    return 2", code=broken)).suggestion is None


async def test_carriage_returns_do_not_prevent_a_suggestion() -> None:
    said = await checked(
        quote="    return result", suggestion="    return 1", code=CODE.replace("\n", "\r\n")
    )
    assert said.suggestion == "    return 1"


async def test_a_file_that_differs_from_the_diff_gets_no_suggestion() -> None:
    index = index_of({"pay.py": ("", CODE)})
    said = anchor(finding(quote="    return result", suggestion="    return 1"), index)
    after = await check(said, index, sources_of({"pay.py": ("", "\n" + CODE)}))
    assert after.suggestion is None


async def test_without_the_file_the_hunk_is_parsed() -> None:
    index = index_of({"pay.py": ("", CODE)})
    said = anchor(finding(quote="    return result", suggestion="    return ("), index)
    after = await check(said, index, lambda path, side: None)
    assert after.suggestion is None


async def test_a_removed_line_gets_no_suggestion() -> None:
    index = index_of({"pay.py": ("old = 1\n", "new = 1\n")})
    said = anchor(finding(quote="old = 1", suggestion="older = 1"), index)
    after = await check(said, index, lambda path, side: None)
    assert (after.side, after.suggestion) == (Side.LEFT, None)


@pytest.mark.parametrize(
    "path",
    [
        ".github/workflows/ci.yml", ".gitlab-ci.yml", "deploy/values.yaml", "pyproject.toml", "package.json",
        "package-lock.json", "poetry.lock", "go.sum", "Dockerfile", "docker/Dockerfile.dev", "Makefile",
        "requirements-dev.txt", "Jenkinsfile", "src/.env", "vite.config.ts", ".husky/pre-commit", "conftest.cfg",
    ],
)  # fmt: skip
async def test_ci_configuration_and_lock_files_get_prose_only(path: str) -> None:
    assert is_protected(path)
    assert (await checked(path=path, quote="    return result", suggestion="    return 1")).suggestion is None


@pytest.mark.parametrize(
    "path", ["pay.py", "src/config.py", "docs/setup.md", "lib/lock.rs", "requirements.py"]
)
def test_code_is_not_mistaken_for_configuration(path: str) -> None:
    assert not is_protected(path)


def test_prose_shows_code_with_fences_in_a_longer_fence() -> None:
    said = as_prose(finding(suggestion="text = '''\n```\n'''"))
    assert "````\ntext = '''\n```\n'''\n````" in said.explanation
