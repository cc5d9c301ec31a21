"""The recorded answers that are kept in the repository: replayed through today's pipeline, their figures are held."""

from pathlib import Path

import pytest
from inline_snapshot import snapshot

from app.commands.eval import evaluate
from app.commands.eval_setup import EvalOptions, replay
from app.evaluation.cases import DEFAULT_FOLDER, load_cases
from app.evaluation.figures import EvaluationFigures, figures_of
from app.evaluation.run import CaseRun, EvaluationSetup, run_cases

pytestmark = pytest.mark.slow

RECORDED = DEFAULT_FOLDER.parent / "recorded"


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def runs() -> list[CaseRun]:
    setup, _, _ = replay(EvaluationSetup(), RECORDED / "three-readers")
    return await run_cases(load_cases(patterns=tuple(setup.stages_of)), setup)


async def test_every_request_of_the_recorded_cases_has_an_answer(runs: list[CaseRun]) -> None:
    assert len(runs) == 50
    assert [failure for run in runs for failure in run.failures] == []
    assert all(call.outcome.value == "ok" for run in runs for call in run.calls)


async def test_the_claims_before_verification(runs: list[CaseRun]) -> None:
    assert figures_of([run.claimed for run in runs]) == snapshot(
        EvaluationFigures(cases=50, found=27, false=17, plausible=8, on_line=27)
    )


async def test_the_findings_on_the_pull_requests(runs: list[CaseRun]) -> None:
    assert figures_of([run.shown for run in runs]) == snapshot(
        EvaluationFigures(cases=50, found=27, false=16, plausible=8, on_line=27)
    )


async def test_pattern_findings_that_no_model_reported_are_not_inline(runs: list[CaseRun]) -> None:
    assert figures_of([run.inline for run in runs]) == snapshot(
        EvaluationFigures(cases=50, found=27, false=12, plausible=8, on_line=27)
    )


async def test_one_of_the_clean_changes_has_a_finding(runs: list[CaseRun]) -> None:
    clean = [run for run in runs if run.case.kind.value == "clean"]
    assert figures_of([run.shown for run in clean]) == snapshot(EvaluationFigures(cases=13, false=1))


def test_a_replay_names_the_source_of_its_answers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answers = RECORDED / "three-readers"
    options = EvalOptions(cases=("rs-moving-average",), answers=answers, out=tmp_path / "figures")
    assert evaluate(options) == 0
    assert "standing in for Claude, GPT and Gemini" in capsys.readouterr().out
