"""`quorum eval`: measures reviews, fixes (`--fix`) or verdicts (`--verifier`) on the pull requests in `evals/`.

With keys it uses real models, which costs money; without keys only the analyzers review. With `--answers` it replays recorded
answers, and with `--by-hand` it reads them from a folder; both send no request. It reads no `.env` and writes only the files
named on the command line.
"""

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from app.commands.eval_setup import EvalOptions, Subject, prepare
from app.errors import InputError
from app.evaluation.cases import FIX_CASES, load_cases
from app.evaluation.claims import load_claims
from app.evaluation.fix_report import render_fix_json, render_fix_text
from app.evaluation.fixing import FixRun, run_fixes
from app.evaluation.report import render_json, render_text
from app.evaluation.run import CaseRun, EvaluationSetup, run_cases
from app.evaluation.verifier_report import render_verifier_json, render_verifier_text
from app.evaluation.verifying import ClaimsRun, run_claims

DONE, INCOMPLETE = 0, 3


def evaluate(options: EvalOptions) -> int:
    """Measure, print the figures, and return the exit code.

    Raises:
        InputError, ConfigurationError: the cases, the recording or the settings cannot be read.
    """
    setup, notes, finish = prepare(options)
    measured = asyncio.run(_MEASURES[options.subject](options, setup))
    notes = [*notes, *finish()]
    render = measured.json if options.report_format == "json" else measured.text
    sys.stdout.write(render(notes=notes))
    if options.out:
        options.out.write_text(measured.json(notes=notes), encoding="utf-8")
    return DONE if measured.is_complete else INCOMPLETE


class Render(Protocol):
    """Renders the figures."""

    def __call__(self, *, notes: Sequence[str]) -> str:
        """Return the report with these notes."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What was measured, as reports; not complete if a stage or an answer is missing."""

    text: Render
    json: Render
    is_complete: bool


async def _measure_reviews(options: EvalOptions, setup: EvaluationSetup) -> Measured:
    cases = load_cases(options.folder, patterns=options.cases or tuple(setup.stages_of))
    runs = await run_cases(cases, setup, report=_print_review)
    return Measured(
        text=partial(render_text, runs),
        json=partial(render_json, runs),
        is_complete=not any(run.failures for run in runs),
    )


async def _measure_fixes(options: EvalOptions, setup: EvaluationSetup) -> Measured:
    cases = load_cases(options.folder, FIX_CASES, patterns=options.cases)
    runs = await run_fixes(cases, setup, report=_print_fix)
    if not runs:
        raise InputError("None of these cases has a known defect.")
    return Measured(
        text=partial(render_fix_text, runs),
        json=partial(render_fix_json, runs),
        is_complete=not any(run.waits for run in runs),
    )


async def _measure_verifier(options: EvalOptions, setup: EvaluationSetup) -> Measured:
    cases = load_cases(options.folder, patterns=options.cases)
    runs = await run_claims(cases, load_claims(cases), setup, report=_print_claims)
    return Measured(
        text=partial(render_verifier_text, runs),
        json=partial(render_verifier_json, runs),
        is_complete=all(each.verdict for run in runs for each in run.judged),
    )


_MEASURES = {
    Subject.REVIEW: _measure_reviews,
    Subject.FIX: _measure_fixes,
    Subject.VERIFIER: _measure_verifier,
}


def _print_progress(name: str, state: str) -> None:
    """Print progress to stderr, so that stdout contains only the figures."""
    sys.stderr.write(f"{name:<36} {state}\n")


def _print_review(run: CaseRun) -> None:
    _print_progress(run.case.name, "; ".join(run.failures) or f"{len(run.report.findings)} findings")


def _print_fix(run: FixRun) -> None:
    grade = f", {run.graded.grade}" if run.graded else ""
    state = f"{run.made.status}{grade}" if run.made and not run.waits else "waits for an answer"
    _print_progress(run.case.name, state)


def _print_claims(name: str, run: ClaimsRun) -> None:
    answered = sum(each.verdict is not None for each in run.judged)
    _print_progress(name, f"{answered} of {len(run.judged)} claims judged")
