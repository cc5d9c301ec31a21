"""The known claims, and what `quorum eval --verifier` makes of the verifier's verdicts about them."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.commands.eval import evaluate
from app.commands.eval_setup import EvalOptions, Subject
from app.domain.diff import Side
from app.domain.finding import Judgement
from app.domain.model_call import Provider
from app.errors import InputError
from app.evaluation.cases import load_cases
from app.evaluation.claims import Falseness, KnownClaim, Wording, load_claims
from app.evaluation.run import EvaluationSetup
from app.evaluation.verifier_figures import verifier_figures, verifier_groups
from app.evaluation.verifier_report import render_verifier_json, render_verifier_text
from app.evaluation.verifying import ClaimsRun, run_claims
from tests.fakes.vendor_wire import VendorRequest
from tests.fakes.vendors import FakeVendors

CASES = load_cases()
CLAIMS = load_claims(CASES)
ALL = [claim for claims in CLAIMS.values() for claim in claims]
TRUE = [claim for claim in ALL if claim.is_true]
CASE = "py-payment-status"


def test_there_are_enough_claims_of_each_truth_kind_and_wording() -> None:
    assert len(ALL) >= 150
    assert len(CLAIMS) >= 40
    assert 0.4 <= len(TRUE) / len(ALL) <= 0.6
    assert {claim.kind for claim in ALL if not claim.is_true} == set(Falseness)
    assert {claim.wording for claim in TRUE} == set(Wording)
    assert sum(claim.wording is not Wording.PLAIN for claim in TRUE) >= len(TRUE) / 3


def test_every_claim_is_about_code_of_its_change() -> None:
    for case in CASES:
        for claim in CLAIMS.get(case.name, ()):
            side = case.head if claim.side is Side.RIGHT else case.base
            quoted = (side / claim.path).read_text().split("\n")[claim.lines[0] - 1 : claim.lines[1]]
            assert (case.head / claim.path).is_file(), (case.name, claim.path)
            assert "".join(quoted).strip(), (case.name, claim.claim)


def test_no_claim_is_there_twice() -> None:
    assert len({claim.claim for claim in ALL}) == len(ALL)


def vendors(judge: Callable[[KnownClaim], tuple[str, int]]) -> FakeVendors:
    """Every vendor judges the claims of the case like this."""

    def answer(asked: VendorRequest) -> dict[str, Any]:
        asked_claims = [
            json.loads(line) for line in re.findall(r'^\{"id": "c\d+".*\}$', asked.text, re.MULTILINE)
        ]
        known = {claim.claim: claim for claim in CLAIMS[CASE]}
        judged = {each["id"]: judge(known[each["claim"]]) for each in asked_claims}
        verdicts = [
            {
                "id": id_,
                "verdict": verdict,
                "evidence": "e",
                "worth": worth,
                "same_as": None,
                "restated": None,
            }
            for id_, (verdict, worth) in judged.items()
        ]
        return {"verdicts": verdicts, "lookups": []}

    fake = FakeVendors()
    fake.answers = {Provider.CLAUDE: answer, Provider.GPT: answer, Provider.GEMINI: answer}
    return fake


async def judged(fake: FakeVendors) -> ClaimsRun:
    setup = EvaluationSetup(access=fake.access(), http_client=fake.http_client())
    [run] = await run_claims(load_cases(patterns=(CASE,)), CLAIMS, setup)
    return run


async def test_a_perfect_verifier_keeps_every_true_claim_and_refutes_every_false_one() -> None:
    run = await judged(vendors(lambda claim: ("confirmed", 8) if claim.is_true else ("refuted", 1)))
    figures = verifier_figures(run.judged)
    assert (figures.true.confirmed_share, figures.false.refuted_share) == (1.0, 1.0)
    assert (figures.true.mean_worth, figures.false.mean_worth) == (8.0, 1.0)
    assert (figures.true.inline_share, figures.false.inline_share) == (1.0, 0.0)
    assert "though" not in render_verifier_text([run], notes=[])


async def test_a_verifier_that_confirms_everything_is_shown_as_wrong_about_each_false_claim() -> None:
    run = await judged(vendors(lambda _: ("confirmed", 6)))
    false = [each for each in run.judged if not each.claim.is_true]
    text = render_verifier_text([run], notes=["a note"])
    assert all(f"confirmed though false: {CASE}, {each.claim.path}" in text for each in false)
    value = json.loads(render_verifier_json([run], notes=["a note"]))
    assert value["figures"]["false"]["refuted_share"] == 0.0
    assert value["notes"] == ["a note"]


async def test_the_vendor_that_would_have_found_a_claim_does_not_judge_it() -> None:
    run = await judged(vendors(lambda _: ("refuted", 0)))
    assert {call.provider for call in run.calls} == {Provider.GPT}
    assert [each.judgement for each in run.judged] == [Judgement.REFUTED] * len(run.judged)


async def test_claims_without_a_verdict_are_not_in_the_shares() -> None:
    fake = vendors(lambda _: ("confirmed", 6))
    fake.answers = {provider: lambda _: {"verdicts": []} for provider in fake.answers}
    run = await judged(fake)
    [(_, figures)] = verifier_groups(run.judged, lambda each: each.case)
    assert (figures.true.answered, figures.true.confirmed_share) == (0, None)


@pytest.mark.parametrize(
    "text",
    [
        "claims: []",
        "claims: [{path: a.py, lines: [1, 1], claim: It is all wrong, is_true: false, because: It is not so}]",
        "claims: {",
    ],
)
def test_an_invalid_file_of_claims_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / f"{CASE}.yml").write_text(text)
    with pytest.raises(InputError, match=f"{CASE}.yml does not contain valid claims"):
        load_claims(CASES, tmp_path)


def test_a_folder_without_claims_is_reported(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="contains no claims about these cases"):
        load_claims(CASES, tmp_path)


def test_without_answers_every_request_waits_in_the_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = EvalOptions(subject=Subject.VERIFIER, cases=(CASE,), by_hand=tmp_path)
    assert evaluate(options) == 3
    assert "1 requests in" in capsys.readouterr().out
    assert "range(1, ATTEMPTS + 1)" in (tmp_path / "001.request.txt").read_text()
    assert not any(claim.because in (tmp_path / "001.request.txt").read_text() for claim in CLAIMS[CASE])
