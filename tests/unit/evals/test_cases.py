"""The cases themselves: their format, their number, and that nothing in them gives the defect away."""

import asyncio
import re
from collections import Counter
from pathlib import Path

import pytest

from app.domain.diff import Diff, Side
from app.domain.rules import RULES
from app.errors import InputError
from app.evaluation.cases import Case, Kind, load_cases
from app.evaluation.source import commit_case

CASES = load_cases()
TELLTALES = re.compile(
    r"\b(?:bugs?|fixme|todo|xxx|hack|vulnerab\w*|exploit\w*|injections?|insecure|unsafely|race condition|leaks?)\b",
    re.IGNORECASE,
)


def named(case: Case) -> str:
    return case.name


@pytest.fixture(scope="module")
def diffs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Diff]:
    """What git says that each case changes."""

    async def diff_of(case: Case) -> Diff:
        source = await commit_case(case, tmp_path_factory.mktemp("case"))
        return (await source.snapshot(())).diff

    async def all_diffs() -> dict[str, Diff]:
        return {case.name: await diff_of(case) for case in CASES}

    return asyncio.run(all_diffs())


def test_there_are_enough_cases_of_each_kind() -> None:
    kinds = Counter(case.kind for case in CASES)
    assert len(CASES) >= 40
    assert kinds[Kind.CLEAN] >= 12
    assert kinds[Kind.TRAP] >= 8


def test_defects_are_seeded_in_many_languages_and_fields() -> None:
    defects = [case for case in CASES if case.kind is Kind.DEFECT]
    languages = {case.language for case in defects}
    assert {"python", "typescript", "go", "java", "ruby", "php", "csharp", "rust"} <= languages
    topics = {case.topic for case in defects}
    assert {"security", "correctness", "concurrency", "resources", "api misuse"} <= topics


@pytest.mark.parametrize("case", CASES, ids=named)
def test_a_case_has_goldens_if_and_only_if_it_has_a_defect(case: Case) -> None:
    assert bool(case.goldens) == (case.kind is Kind.DEFECT)
    assert bool(case.why_fine) == (case.kind is Kind.TRAP)


@pytest.mark.parametrize("case", CASES, ids=named)
def test_golden_lines_stand_in_the_diff(case: Case, diffs: dict[str, Diff]) -> None:
    diff = diffs[case.name]
    for golden in case.goldens:
        file = diff.file(golden.path)
        assert file is not None, golden.path
        shown = {
            line.new_line if golden.side is Side.RIGHT else line.old_line
            for hunk in file.hunks
            for line in hunk.lines
        }
        first, last = golden.lines
        assert first <= last
        assert set(range(first, last + 1)) <= shown
        assert set(range(first, last + 1)) & set(file.added_lines()) or golden.side is Side.LEFT


@pytest.mark.parametrize("case", CASES, ids=named)
def test_a_case_is_a_small_change(case: Case, diffs: dict[str, Diff]) -> None:
    assert 15 <= sum(file.added + file.removed for file in diffs[case.name].files) <= 120


@pytest.mark.parametrize("case", CASES, ids=named)
def test_goldens_use_rules_and_families_that_exist(case: Case) -> None:
    for golden in case.goldens:
        assert set(golden.rules) <= set(RULES)
        assert golden.families


@pytest.mark.parametrize("case", CASES, ids=named)
def test_nothing_in_a_case_gives_the_defect_away(case: Case) -> None:
    texts = [case.title, case.body]
    texts += [
        path.read_text() for path in case.folder.rglob("*") if path.is_file() and path.name != "case.yml"
    ]
    assert [match[0] for text in texts for match in TELLTALES.finditer(text)] == []


def test_cases_are_chosen_by_pattern() -> None:
    assert {case.kind for case in load_cases(wanted=("clean-*",))} == {Kind.CLEAN}
    with pytest.raises(InputError, match="nothing-like-it"):
        load_cases(wanted=("nothing-like-it",))


def test_a_folder_without_cases_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no cases"):
        load_cases(tmp_path)


def test_a_file_that_is_no_case_is_named(tmp_path: Path) -> None:
    (tmp_path / "wrong").mkdir()
    (tmp_path / "wrong" / "case.yml").write_text("title: x\n")
    with pytest.raises(InputError, match=r"wrong/case\.yml is not a case"):
        load_cases(tmp_path)
