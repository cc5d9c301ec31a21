"""Fixes of known defects: the checks of the cases tell right from wrong fixes, and the figures count what was confirmed."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.commands.eval import evaluate
from app.commands.eval_setup import EvalOptions, Subject
from app.domain.fix import FixedFile, TextEdit
from app.domain.model_call import Provider
from app.domain.rules import RULES
from app.errors import InputError
from app.evaluation.cases import DEFAULT_FOLDER, FIX_CASES, CaseKind, EvaluationCase, load_cases
from app.evaluation.checks import FixGrade, run_check
from app.evaluation.fix_figures import fix_figures, refusals
from app.evaluation.fix_report import render_fix_json, render_fix_text
from app.evaluation.fixing import FixRun, run_fixes
from app.evaluation.run import EvaluationSetup
from app.fixes.applying import apply_edits
from tests.fakes.vendor_wire import VendorRequest
from tests.fakes.vendors import FakeVendors

CASES = {case.name: case for case in load_cases(DEFAULT_FOLDER, FIX_CASES) if case.defects}
CHECKED = [case for case in CASES.values() if case.check]
KINDS_OF_CHECKS = (
    "py-busy-hours",
    "py-credit-transfer",
    "py-order-export",
    "js-user-settings",
    "ts-invoice-download",
)
CONFIRMED = {"evidence": "e", "removes_defect": True, "changes_nothing_else": True, "breaks_nothing": True}


def edits_of(case: EvaluationCase, kind: str) -> list[list[dict[str, str]]]:
    """The known right or wrong fixes of a case."""
    return yaml.safe_load((case.folder / "known_fixes.yml").read_text())[kind]


def applied(case: EvaluationCase, edits: Sequence[dict[str, str]]) -> list[FixedFile]:
    files = {edit["path"]: (case.head / edit["path"]).read_bytes() for edit in edits}
    return apply_edits([TextEdit(**edit) for edit in edits], files)


def test_enough_cases_have_a_check_of_their_own() -> None:
    assert len(CASES) >= 50
    assert sum(case.language in ("python", "javascript", "typescript") for case in CHECKED) >= 25
    assert all(case.kind is CaseKind.DEFECT for case in CHECKED)
    assert all(set(defect.rules) <= set(RULES) for case in CASES.values() for defect in case.defects)


def test_the_known_fixes_of_a_case_apply() -> None:
    for case in CHECKED:
        for kind in ("right", "wrong"):
            assert edits_of(case, kind), case.name
            assert all(applied(case, edits) for edits in edits_of(case, kind)), case.name


@pytest.mark.parametrize("name", KINDS_OF_CHECKS)
async def test_a_check_accepts_the_right_fix_and_rejects_the_others(name: str) -> None:
    case = CASES[name]
    assert (await run_check(case, [])).grade is FixGrade.WRONG
    assert (await run_check(case, applied(case, edits_of(case, "right")[0]))).grade is not FixGrade.WRONG
    assert (await run_check(case, applied(case, edits_of(case, "wrong")[0]))).grade is FixGrade.WRONG


def small_case(folder: Path, check: str) -> EvaluationCase:
    """A case with a file `a.py` and this check."""
    for side in ("base", "head"):
        (folder / side).mkdir()
        (folder / side / "a.py").write_text("VALUE = 1\n")
    (folder / "check.py").write_text(check)
    known = CASES["py-busy-hours"]
    return known.model_copy(update={"folder": folder})


@pytest.mark.parametrize(
    ("check", "grade"),
    [
        ("import a\nassert a.VALUE == 1", FixGrade.RIGHT),
        ("import a\nassert a.VALUE == 2", FixGrade.WRONG),
        ("import os\nos._exit(0)", FixGrade.WRONG),
        ("raise SystemExit(77)", FixGrade.UNKNOWN),
        ("raise SystemExit(1)", FixGrade.WRONG),
        ("import os\nassert 'ANTHROPIC_API_KEY' not in os.environ", FixGrade.RIGHT),
        ("import yaml", FixGrade.WRONG),  # only the standard library
    ],
)
async def test_a_check_runs_without_keys_and_packages(
    check: str, grade: FixGrade, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-0123")
    assert (await run_check(small_case(tmp_path, check), [])).grade is grade


def vendors(edits: Sequence[dict[str, str]]) -> FakeVendors:
    """Claude proposes these edits; the others confirm everything."""

    def answer(asked: VendorRequest) -> dict[str, Any]:
        return {"edits": list(edits), "sentence": "Fix it"} if "# Task: fix" in asked.text else CONFIRMED

    fake = FakeVendors()
    fake.answers = {Provider.CLAUDE: answer, Provider.GPT: answer, Provider.GEMINI: answer}
    return fake


async def fixed(name: str, fake: FakeVendors) -> list[FixRun]:
    setup = EvaluationSetup(access=fake.access(), http_client=fake.http_client())
    return await run_fixes([CASES[name]], setup)


@pytest.mark.parametrize(("kind", "right", "wrong"), [("right", 1, 0), ("wrong", 0, 1)])
async def test_a_confirmed_fix_is_graded_by_the_check_of_the_case(kind: str, right: int, wrong: int) -> None:
    runs = await fixed("py-busy-hours", vendors(edits_of(CASES["py-busy-hours"], kind)[0]))
    figures = fix_figures(runs)
    assert (figures.proposed, figures.confirmed, figures.right, figures.wrong) == (1, 1, right, wrong)
    assert json.loads(render_fix_json(runs, notes=[]))["graders"]["check"]["right"] == right


async def test_without_a_check_a_vendor_that_took_no_part_judges() -> None:
    old = "        var reduction = subtotal * (percent / 100);"
    edit = {"path": "src/Pricing/PriceCalculator.cs", "old": old, "new": old.replace("/ 100", "/ 100m")}
    [run] = await fixed("cs-volume-discount", vendors([edit]))
    assert run.made is not None
    assert run.graded is not None
    parts = [run.made.fixed_by, run.made.confirmed_by, run.graded.by]
    assert len({part.partition(":")[0] for part in parts if part}) == 3
    assert run.is_right


async def test_a_defect_in_a_protected_file_is_refused_without_a_call() -> None:
    fake = vendors([])
    runs = await fixed("gha-preview-deploy", fake)
    assert refusals(runs) == [("protected_path", 1, 1)]
    assert fake.requests == []
    assert "Quorum never changes .github/workflows/preview.yml" in render_fix_text(runs, notes=[])


def test_requests_are_answered_by_hand_and_replayed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, hand = "py-busy-hours", tmp_path / "hand"
    options = EvalOptions(
        subject=Subject.FIX, cases=(name,), by_hand=hand, record=tmp_path / "recorded", report_format="json"
    )
    answers = [{"edits": edits_of(CASES[name], "right")[0], "sentence": "Keep the later end"}, CONFIRMED]
    for number, answer in enumerate(answers, 1):
        assert evaluate(options) == 3
        assert "1 requests in" in json.loads(capsys.readouterr().out)["notes"][-1]
        request = (hand / f"{number:03}.request.txt").read_text()
        assert name not in request
        (hand / f"{number:03}.answer.json").write_text(json.dumps(answer))
    assert evaluate(options) == 0
    first = json.loads(capsys.readouterr().out)
    replayed = EvalOptions(
        subject=Subject.FIX, cases=(name,), answers=tmp_path / "recorded", report_format="json"
    )
    assert evaluate(replayed) == 0
    second = json.loads(capsys.readouterr().out)
    assert second["figures"] == first["figures"]
    assert second["figures"]["right"] == 1


def test_without_a_key_nobody_can_fix() -> None:
    with pytest.raises(InputError, match="nobody can answer"):
        evaluate(EvalOptions(subject=Subject.FIX, cases=("py-busy-hours",)))
