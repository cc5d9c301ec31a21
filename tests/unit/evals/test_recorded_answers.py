"""Recorded answers about fixes and claims, replayed through today's fix stage and verifier for a few cases of each kind."""

from dataclasses import replace

import pytest
from inline_snapshot import snapshot

from app.commands.eval_setup import replay
from app.evaluation.cases import DEFAULT_FOLDER, FIX_CASES, load_cases
from app.evaluation.claims import load_claims
from app.evaluation.fixing import run_fixes
from app.evaluation.run import EvaluationSetup
from app.evaluation.verifier_figures import verifier_figures
from app.evaluation.verifying import run_claims

RECORDED = DEFAULT_FOLDER.parent / "recorded"


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


async def test_a_recorded_fix_is_refused_once_confirmed_and_judged() -> None:
    setup, _, _ = replay(EvaluationSetup(), RECORDED / "fix-readers")
    names = ("go-link-preview", "py-payment-status")
    cases = load_cases(DEFAULT_FOLDER, FIX_CASES, patterns=names)
    runs = await run_fixes(cases, setup)
    shown = {run.case.name: (run.made.status.value, run.graded and run.graded.by) for run in runs if run.made}
    assert shown == snapshot(
        {"go-link-preview": ("confirmed", "gpt:gpt-6.2-sol"), "py-payment-status": ("failed", None)}
    )
    assert all(run.is_right for run in runs if run.is_confirmed)


async def test_recorded_verdicts_keep_true_claims_and_refute_false_ones() -> None:
    setup, _, _ = replay(EvaluationSetup(), RECORDED / "verifier-readers")
    cases = load_cases(patterns=("py-order-export", "go-session-index", "clean-py-token-hash"))
    runs = await run_claims(cases, load_claims(cases), replace(setup, max_concurrent=8))
    figures = verifier_figures([each for run in runs for each in run.judged])
    assert (figures.true.confirmed, figures.true.claims) == snapshot((7, 7))
    assert (figures.false.refuted, figures.false.claims) == snapshot((7, 7))
