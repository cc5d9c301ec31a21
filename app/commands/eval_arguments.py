"""The arguments of `quorum eval`. Imports no SDK, like the rest of the command line."""

from pathlib import Path
from typing import Annotated

import typer

from app.commands.choices import TableFormat
from app.domain.configuration import Profile
from app.domain.finding import Stage
from app.domain.model_call import Provider


def evaluate(
    *,
    fix: Annotated[
        bool, typer.Option("--fix", help="Measure fixes of the known defects instead of reviews.")
    ] = False,
    verifier: Annotated[
        bool, typer.Option("--verifier", help="Measure the verifier on known claims instead of reviews.")
    ] = False,
    case: Annotated[
        list[str] | None, typer.Option(help="Run only these cases (shell patterns); repeatable.")
    ] = None,
    stage: Annotated[list[Stage] | None, typer.Option(help="Run only this stage; repeatable.")] = None,
    provider: Annotated[
        list[Provider] | None,
        typer.Option(help="Use only this provider; `analyzers` uses no model. Repeatable."),
    ] = None,
    answers: Annotated[Path | None, typer.Option(help="Replay the recorded answers in this folder.")] = None,
    record: Annotated[Path | None, typer.Option(help="Record the models' answers in this folder.")] = None,
    by_hand: Annotated[
        Path | None,
        typer.Option(help="Write each request to this folder, and read the answers from it; ask no model."),
    ] = None,
    profile: Annotated[Profile, typer.Option(help="How much to report.")] = Profile.NORMAL,
    quorum: Annotated[
        int, typer.Option(min=1, max=3, help="Number of vendors that must agree on a finding.")
    ] = 2,
    finders: Annotated[int, typer.Option(min=1, max=3, help="How many vendors search.")] = 1,
    table_format: Annotated[TableFormat, typer.Option("--format", help="Output format.")] = TableFormat.TEXT,
    out: Annotated[Path | None, typer.Option(help="Also write the figures as JSON to this file.")] = None,
    at_once: Annotated[int, typer.Option(min=1, help="Number of cases to review at the same time.")] = 4,
) -> None:
    """Measure reviews, fixes or verdicts on pull requests with known defects. Exit: 0 done, 3 something is not answered."""
    from app.commands.eval import evaluate as run
    from app.commands.eval_setup import EvalOptions, Subject

    if fix and verifier:
        raise typer.BadParameter("--fix and --verifier cannot be combined.")
    if answers and by_hand:
        raise typer.BadParameter("--answers and --by-hand cannot be combined.")
    options = EvalOptions(
        subject=Subject.FIX if fix else Subject.VERIFIER if verifier else Subject.REVIEW,
        by_hand=by_hand,
        cases=tuple(case or ()),
        stages=tuple(stage or Stage),
        providers=tuple(provider or ()),
        answers=answers,
        record=record,
        profile=profile,
        quorum=quorum,
        finders=finders,
        report_format=table_format.value,
        out=out,
        at_once=at_once,
    )
    raise typer.Exit(run(options))
