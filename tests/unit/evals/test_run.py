"""Cases through the real pipeline: keyless, with vendors behind real SDKs, recorded and replayed."""

import json
from pathlib import Path
from typing import Any

import pytest
from inline_snapshot import snapshot

from app.commands.eval import evaluate
from app.commands.eval_setup import EvalOptions, record, replay
from app.domain.finding import Stage
from app.domain.model_call import Provider
from app.errors import InputError
from app.evaluation.cases import load_cases
from app.evaluation.figures import model_rows
from app.evaluation.report import render_json, render_text
from app.evaluation.run import EvaluationSetup, run_cases
from app.evaluation.vendor_figures import vendor_rows
from tests.fakes.vendor_wire import VendorRequest
from tests.fakes.vendors import FakeVendors

CASE = "ts-invoice-download"
STAGES = (Stage.REVIEW, Stage.SECURITY)


def claim(quote: str, title: str) -> dict[str, Any]:
    return {
        "path": "src/invoices/routes.ts",
        "line": 1,
        "quote": quote,
        "severity": "high",
        "rule_id": "broken-access-control",
        "title": title,
        "explanation": "Compare the customer.",
        "suggestion": None,
        "evidence": "The other route compares it.",
        "pre_existing": False,
    }


EMPTY: dict[str, Any] = {
    "findings": [],
    "verdicts": [],
    "summary": None,
    "files": [],
    "edges": [],
    "documents": [],
}


def scanner(asked: VendorRequest) -> dict[str, Any]:
    """Finds the seeded defect and says something false."""
    right = claim(
        "const invoice = await invoices.findById(Number(req.params.id));\n      if (!invoice) {", "IDOR"
    )
    wrong = claim("const pdf = await renderPdf(invoice);", "The renderer has no access check")
    return EMPTY | {"findings": [right, wrong]}


def reader(asked: VendorRequest) -> dict[str, Any]:
    """Finds nothing, and as a verifier confirms the first claim alone."""
    if "# Task: refute" not in asked.text:
        return EMPTY
    verdicts = [
        {"id": "c1", "verdict": "confirmed", "evidence": "No comparison.", "worth": 9},
        {"id": "c2", "verdict": "refuted", "evidence": "It renders only.", "worth": 0},
    ]
    return EMPTY | {"verdicts": verdicts}


def vendors() -> FakeVendors:
    fake = FakeVendors()
    fake.answers = {Provider.GPT: scanner, Provider.CLAUDE: reader, Provider.GEMINI: reader}
    return fake


def setup(fake: FakeVendors) -> EvaluationSetup:
    return EvaluationSetup(access=fake.access(), stages=STAGES, http_client=fake.http_client())


async def test_verification_refutes_the_false_claim() -> None:
    [run] = await run_cases(load_cases(patterns=(CASE,)), setup(vendors()))
    assert run.failures == ()
    text = render_text([run], notes=[])
    assert text.split("\n\n")[1] == snapshot("""\
                     precision  lenient  recall      F1  comments/PR  on line  found  missed  false  plausible
before verification      50.0%    50.0%  100.0%   66.7%         2.00   100.0%      1       0      1          0
after verification      100.0%   100.0%  100.0%  100.0%         1.00   100.0%      1       0      0          0
inline only             100.0%   100.0%  100.0%  100.0%         1.00   100.0%      1       0      0          0\
""")
    assert (
        "verification of models' claims: 1 true kept, 0 true refuted, 0 false kept, 1 false refuted" in text
    )


async def test_a_failed_review_is_reported_and_counts_as_missed() -> None:
    [run] = await run_cases(load_cases(patterns=(CASE,)), EvaluationSetup(access={}, stages=(Stage.REVIEW,)))
    assert run.failures == ()  # keyless: the analyzers completed it
    assert [defect.cwe for defect in run.shown.missed] == ["CWE-639"]


async def test_recorded_answers_give_the_same_figures_without_calls(tmp_path: Path) -> None:
    cases = load_cases(patterns=(CASE,))
    fake = vendors()
    recorded, _, finish = record(setup(fake), tmp_path, [])
    first = await run_cases(cases, recorded)
    finish()
    fake.forget()

    replayed, notes, after = replay(setup(fake), tmp_path)
    second = await run_cases(cases, replayed)
    assert fake.requests == []
    assert after() == []
    assert notes == [f"Recorded answers of {tmp_path.name}: write here who answered, and when."]
    assert figures(first) == figures(second)


async def test_an_unrecorded_question_fails_its_stage(tmp_path: Path) -> None:
    recorded, _, finish = record(setup(vendors()), tmp_path, [])
    await run_cases(load_cases(patterns=(CASE,)), recorded)
    finish()
    replayed, _, _ = replay(setup(vendors()), tmp_path)
    [run] = await run_cases(load_cases(patterns=("py-order-export",)), replayed)
    assert len(run.failures) == len(STAGES)
    assert "for py-order-export" in run.failures[0]


async def test_an_answer_to_older_material_is_replayed_and_counted(tmp_path: Path) -> None:
    cases = load_cases(patterns=(CASE,))
    recorded, _, finish = record(setup(vendors()), tmp_path, [])
    first = await run_cases(cases, recorded)
    finish()
    path = tmp_path / "answers.json"
    answers = json.loads(path.read_text())
    path.write_text(json.dumps([each | {"key": f"older {n}"} for n, each in enumerate(answers)]))
    replayed, _, after = replay(setup(vendors()), tmp_path)
    second = await run_cases(cases, replayed)
    assert after() == [f"{len(answers)} answers were recorded for the same question about older material."]
    assert figures(first) == figures(second)


async def test_recorded_answers_are_not_paid_for_again(tmp_path: Path) -> None:
    cases, fake = load_cases(patterns=(CASE,)), vendors()
    for _ in range(2):
        fake.forget()
        recorded, _, finish = record(setup(fake), tmp_path, [])
        [run] = await run_cases(cases, recorded)
        finish()
        assert run.failures == ()
    assert fake.requests == []


async def test_a_claim_of_two_stages_counts_for_each_of_its_models() -> None:
    fake = vendors()
    fake.answers[Provider.CLAUDE] = scanner
    [run] = await run_cases(load_cases(patterns=(CASE,)), setup(fake))
    claims = {row.model: (row.claims, row.true) for row in model_rows([run]) if row.prompt_id != "–"}
    assert claims["gpt:gpt-6.2-sol"] == (2, 1)
    assert claims["claude:claude-sonnet-5-5"] == (2, 1)


async def test_a_defect_that_two_vendors_found_is_unique_to_neither() -> None:
    fake = vendors()
    alone = vendor_rows(await run_cases(load_cases(patterns=(CASE,)), setup(fake)))
    fake.answers[Provider.CLAUDE] = scanner
    both = vendor_rows(await run_cases(load_cases(patterns=(CASE,)), setup(fake)))
    assert [(row.vendor, row.found, row.unique) for row in alone] == [("claude", 0, 0), ("gpt", 1, 1)]
    assert [(row.vendor, row.found, row.unique) for row in both] == [("claude", 1, 0), ("gpt", 1, 0)]
    assert both[1].usd_per_unique is None


def test_a_folder_without_answers_is_reported(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="contains no recorded answers"):
        replay(EvaluationSetup(), tmp_path)


def test_without_keys_the_analyzers_review(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "figures.json"
    assert evaluate(EvalOptions(cases=("py-order-export", "trap-rb-*"), out=out)) == 0
    said = capsys.readouterr()
    assert "No model has a key, so only the built-in analyzers reviewed." in said.out
    assert "py-order-export" in said.err
    value = json.loads(out.read_text())
    assert value["figures"]["after verification"]["recall"] == 1.0
    assert [result["case"] for result in value["results"]] == ["py-order-export", "trap-rb-public-send"]


def figures(runs: Any) -> Any:
    value = json.loads(render_json(runs, notes=[]))
    for row in (*value["models"], *value["vendors"]):
        row["cost_usd"] = None
    return value | {"cost_usd": None}
