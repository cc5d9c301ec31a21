"""The cases themselves: their format, their number, and that nothing in them gives the defect away."""

import asyncio
import re
from collections import Counter
from pathlib import Path

import pytest

from app.domain.diff import Diff, Side
from app.domain.rules import RULES
from app.errors import InputError
from app.evaluation.cases import CaseKind, EvaluationCase, commit_case, load_cases

CASES = load_cases()
TELLTALES = re.compile(
    r"\b(?:bugs?|fixme|todo|xxx|hack|vulnerab\w*|exploit\w*|injections?|insecure|unsafely|race condition|leaks?)\b",
    re.IGNORECASE,
)


def named(case: EvaluationCase) -> str:
    return case.name


@pytest.fixture(scope="module")
def diffs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Diff]:
    """What git says that each case changes."""

    async def diff_of(case: EvaluationCase) -> Diff:
        source = await commit_case(case, tmp_path_factory.mktemp("case"))
        return (await source.snapshot(())).diff

    async def all_diffs() -> dict[str, Diff]:
        return {case.name: await diff_of(case) for case in CASES}

    return asyncio.run(all_diffs())


def test_there_are_enough_cases_of_each_kind() -> None:
    kinds = Counter(case.kind for case in CASES)
    assert len(CASES) >= 40
    assert kinds[CaseKind.CLEAN] >= 12
    assert kinds[CaseKind.TRAP] >= 8


def test_defects_are_seeded_in_many_languages_and_fields() -> None:
    defects = [case for case in CASES if case.kind is CaseKind.DEFECT]
    languages = {case.language for case in defects}
    assert {"python", "typescript", "go", "java", "ruby", "php", "csharp", "rust"} <= languages
    topics = {case.topic for case in defects}
    assert {"security", "correctness", "concurrency", "resources", "api misuse"} <= topics


@pytest.mark.parametrize("case", CASES, ids=named)
def test_a_case_lists_defects_if_and_only_if_its_kind_is_defect(case: EvaluationCase) -> None:
    assert bool(case.defects) == (case.kind is CaseKind.DEFECT)
    assert bool(case.why_fine) == (case.kind is CaseKind.TRAP)


@pytest.mark.parametrize("case", CASES, ids=named)
def test_lines_of_defects_are_in_the_diff(case: EvaluationCase, diffs: dict[str, Diff]) -> None:
    diff = diffs[case.name]
    for defect in case.defects:
        file = diff.file(defect.path)
        assert file is not None, defect.path
        shown = {
            line.new_line if defect.side is Side.RIGHT else line.old_line
            for hunk in file.hunks
            for line in hunk.lines
        }
        first, last = defect.lines
        assert first <= last
        assert set(range(first, last + 1)) <= shown
        assert set(range(first, last + 1)) & set(file.added_lines()) or defect.side is Side.LEFT


@pytest.mark.parametrize("case", CASES, ids=named)
def test_a_case_is_a_small_change(case: EvaluationCase, diffs: dict[str, Diff]) -> None:
    assert 15 <= sum(file.added + file.removed for file in diffs[case.name].files) <= 120


@pytest.mark.parametrize("case", CASES, ids=named)
def test_defects_use_existing_rules_and_families(case: EvaluationCase) -> None:
    for defect in case.defects:
        assert set(defect.rules) <= set(RULES)
        assert defect.families


@pytest.mark.parametrize("case", CASES, ids=named)
def test_no_case_reveals_its_defect(case: EvaluationCase) -> None:
    texts = [case.title, case.body]
    texts += [
        path.read_text() for path in case.folder.rglob("*") if path.is_file() and path.name != "case.yml"
    ]
    assert [match[0] for text in texts for match in TELLTALES.finditer(text)] == []


def test_cases_are_selected_by_pattern() -> None:
    assert {case.kind for case in load_cases(patterns=("clean-*",))} == {CaseKind.CLEAN}
    with pytest.raises(InputError, match="nothing-like-it"):
        load_cases(patterns=("nothing-like-it",))


def test_a_folder_without_cases_is_reported(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="contains no cases"):
        load_cases(tmp_path)


def test_an_invalid_case_is_named(tmp_path: Path) -> None:
    (tmp_path / "wrong").mkdir()
    (tmp_path / "wrong" / "case.yml").write_text("title: x\n")
    with pytest.raises(InputError, match=r"wrong/case\.yml is not a valid case"):
        load_cases(tmp_path)
