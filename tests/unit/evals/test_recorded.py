"""The recorded answers that are kept in the repository: replayed through today's pipeline, their figures are held."""

from pathlib import Path

import pytest
from inline_snapshot import snapshot

from app.commands.eval import EvalOptions, evaluate, replay
from app.evaluation.cases import DEFAULT_FOLDER, load_cases
from app.evaluation.figures import Figures, figures_of
from app.evaluation.run import CaseRun, Setup, run_cases

RECORDED = DEFAULT_FOLDER.parent / "recorded"


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def smoke() -> list[CaseRun]:
    return await replayed("smoke")


@pytest.fixture(scope="module")
async def held_out() -> list[CaseRun]:
    return await replayed("smoke-held-out")


async def replayed(name: str) -> list[CaseRun]:
    setup, _, _ = replay(Setup(), RECORDED / name)
    return await run_cases(load_cases(wanted=tuple(setup.stages_of)), setup)


async def test_every_request_of_the_recorded_cases_has_its_answer(smoke: list[CaseRun]) -> None:
    assert [failure for run in smoke for failure in run.failures] == []
    assert all(call.outcome.value == "ok" for run in smoke for call in run.calls)


async def test_what_was_claimed_before_verification(smoke: list[CaseRun]) -> None:
    assert figures_of([run.claimed for run in smoke]) == snapshot(
        Figures(cases=17, found=8, false=3, plausible=1, on_line=8)
    )


async def test_what_the_pull_requests_show(smoke: list[CaseRun]) -> None:
    assert figures_of([run.shown for run in smoke]) == snapshot(
        Figures(cases=17, found=8, false=3, plausible=1, on_line=8)
    )


async def test_patterns_that_the_reader_did_not_share_are_not_on_the_lines(smoke: list[CaseRun]) -> None:
    assert figures_of([run.inline for run in smoke]) == snapshot(
        Figures(cases=17, found=8, false=1, plausible=1, on_line=8)
    )


async def test_cases_that_no_prompt_was_changed_for(held_out: list[CaseRun]) -> None:
    assert [failure for run in held_out for failure in run.failures] == []
    assert figures_of([run.shown for run in held_out]) == snapshot(
        Figures(cases=16, found=9, missed=1, false=5, plausible=1, on_line=9)
    )
    assert figures_of([run.inline for run in held_out]) == snapshot(
        Figures(cases=16, found=8, missed=2, on_line=8)
    )


async def test_clean_changes_hear_nothing(smoke: list[CaseRun], held_out: list[CaseRun]) -> None:
    clean = [run for run in (*smoke, *held_out) if run.case.kind.value == "clean"]
    assert len(clean) == 8
    assert figures_of([run.shown for run in clean]) == Figures(cases=len(clean))


def test_a_replay_says_whose_answers_they_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = EvalOptions(cases=("rs-moving-average",), answers=RECORDED / "smoke", out=tmp_path / "figures")
    assert evaluate(options) == 0
    assert "one reader (a model that saw nothing but each request) standing in" in capsys.readouterr().out
