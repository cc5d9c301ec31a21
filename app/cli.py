"""The command line: names, options and exit codes. It imports no SDK: each command loads when it is called."""

import logging
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from app.domain.configuration import Profile
from app.domain.finding import Severity, Stage
from app.domain.model_call import Provider
from app.errors import QuorumError

INTERNAL_ERROR = 70  # EX_SOFTWARE of sysexits.h

cli = typer.Typer(
    name="quorum",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


class ReportFormat(StrEnum):
    """How a report is printed."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"
    SARIF = "sarif"


class TableFormat(StrEnum):
    """How a table is printed."""

    TEXT = "text"
    JSON = "json"


class Role(StrEnum):
    """Which part of the App a process runs."""

    WEB = "web"
    WORKER = "worker"
    ALL = "all"


class FailOn(StrEnum):
    """The lowest severity for which `quorum review` exits with 1."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    NEVER = "never"


Port = Annotated[int, typer.Option(min=0, max=65_535, help="Port to listen on; 0 selects a free one.")]


def _print_version(requested: bool) -> None:
    if requested:
        from importlib.metadata import version

        typer.echo(f"quorum {version('quorum-review')}")
        raise typer.Exit


@cli.callback()
def about(
    *,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Three vendors' models review every pull request, and each finding is checked before it is posted."""
    del version


@cli.command()
def demo(
    *,
    once: Annotated[bool, typer.Option("--once", help="Show the review and exit.")] = False,
    github: Annotated[
        bool, typer.Option("--github", help="Run only the stand-in for GitHub, to rehearse setup and serve.")
    ] = False,
    port: Port = 0,
) -> None:
    """Run the whole App on this machine and review a sample pull request."""
    from app.commands.demo import demo as run
    from app.commands.rehearsal import rehearse

    raise typer.Exit(rehearse(port=port) if github else run(once=once, port=port))


@cli.command()
def review(
    target: Annotated[
        str | None,
        typer.Argument(
            help="A git range (main...HEAD), a patch file, - (standard input) or a pull request's URL."
        ),
    ] = None,
    *,
    staged: Annotated[bool, typer.Option("--staged", help="Review the staged changes.")] = False,
    repo: Annotated[Path, typer.Option(help="The repository of a range.")] = Path(),
    report_format: Annotated[
        ReportFormat, typer.Option("--format", help="Output format.")
    ] = ReportFormat.TEXT,
    stage: Annotated[list[Stage] | None, typer.Option(help="Run only this stage; repeatable.")] = None,
    fail_on: Annotated[
        FailOn, typer.Option(help="Exit with 1 for a finding of this severity or higher.")
    ] = FailOn.NEVER,
    config: Annotated[
        Path | None, typer.Option(help="Use this configuration instead of the base commit's.")
    ] = None,
    post: Annotated[bool, typer.Option("--post", help="Post the review (only with a URL).")] = False,
    no_models: Annotated[bool, typer.Option("--no-models", help="Use only the built-in analyzers.")] = False,
) -> None:
    """Review a change without the App. Exit: 0 done, 1 a finding at or above --fail-on, 2 unreadable input, 3 incomplete."""
    from app.commands.review import STAGED, ReviewOptions
    from app.commands.review import review as run

    if bool(target) is staged:
        raise typer.BadParameter("pass either a TARGET or --staged")
    options = ReviewOptions(
        target=target or STAGED,
        repo=repo,
        report_format=report_format.value,
        stages=tuple(stage or Stage),
        named_stages=tuple(stage or ()),
        fail_on=None if fail_on is FailOn.NEVER else Severity(fail_on.value),
        config=config,
        post=post,
        no_models=no_models,
    )
    raise typer.Exit(run(options))


@cli.command()
def fix(
    target: Annotated[str, typer.Argument(help="A git range (main...HEAD) or a pull request's URL.")],
    *,
    repo: Annotated[
        Path, typer.Option(help="The repository of a range, and the checkout of --apply.")
    ] = Path(),
    severity: Annotated[
        Severity, typer.Option(help="Fix findings of this severity or higher.")
    ] = Severity.LOW,
    config: Annotated[
        Path | None, typer.Option(help="Use this configuration instead of the base commit's.")
    ] = None,
    apply: Annotated[
        bool, typer.Option("--apply", help="Write the fixes to the working tree, which must be clean.")
    ] = False,
    unconfirmed: Annotated[
        bool, typer.Option("--unconfirmed", help="Also use fixes that no other vendor's model confirmed.")
    ] = False,
) -> None:
    """Review a change, fix its findings, and print a patch. Exit: 0 all fixed, 1 a finding is not fixed, 2 unreadable input, 3 incomplete."""
    from app.commands.fix import FixOptions
    from app.commands.fix import fix as run

    options = FixOptions(
        target=target, repo=repo, severity=severity, config=config, apply=apply, unconfirmed=unconfirmed
    )
    raise typer.Exit(run(options))


@cli.command()
def serve(
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Port = 8000,
    role: Annotated[Role, typer.Option(help="Which part of the App to run.")] = Role.ALL,
    poll: Annotated[
        bool, typer.Option("--poll", help="Read deliveries from the App's log; needs no public address.")
    ] = False,
) -> None:
    """Run the App: webhook receiver, workers, dashboard and MCP endpoint."""
    from app.commands.serve import serve as run

    raise typer.Exit(run(host=host, port=port, role=role.value, poll=poll))


@cli.command()
def setup(
    *,
    organization: Annotated[
        str | None,
        typer.Option("--org", help="Register the App for this organization instead of your account."),
    ] = None,
    url: Annotated[
        str | None, typer.Option(help="Public address of `quorum serve`; leave it out to poll.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="The App's name; unique on GitHub.")] = None,
    port: Port = 0,
    browser: Annotated[bool, typer.Option(help="Open the page in a browser.")] = True,
) -> None:
    """Register the App on GitHub in the browser and write its credentials to .env."""
    from app.commands.setup import SetupOptions
    from app.commands.setup import setup as run

    options = SetupOptions(organization=organization, url=url, name=name, port=port, browser=browser)
    raise typer.Exit(run(options))


@cli.command()
def doctor(
    live: Annotated[
        bool, typer.Option("--live", help="Also send four paid requests to each model; costs a few cents.")
    ] = False,
) -> None:
    """Check settings, key, webhook address, permissions, models and database. Exit: 0 no failures, 1 failures."""
    from app.commands.doctor import doctor as run

    raise typer.Exit(run(live=live))


@cli.command()
def mcp() -> None:
    """Serve the MCP tools on standard input and output."""
    from app.commands.mcp import mcp as run

    raise typer.Exit(run())


@cli.command()
def stats(
    *,
    since: Annotated[str, typer.Option(help="Period: 12h, 7d, 4w.")] = "7d",
    table_format: Annotated[TableFormat, typer.Option("--format", help="Output format.")] = TableFormat.TEXT,
    routing: Annotated[
        bool, typer.Option("--routing", help="Show the order that learned routing would choose.")
    ] = False,
) -> None:
    """Print calls, success, latency, tokens and cost of each model."""
    from app.commands.stats import stats as run

    raise typer.Exit(run(since=since, table_format=table_format.value, routing=routing))


@cli.command()
def replay(
    delivery_id: Annotated[str, typer.Argument(help="The delivery's id (X-GitHub-Delivery).")],
) -> None:
    """Run a stored delivery again."""
    from app.commands.replay import replay as run

    raise typer.Exit(run(delivery_id))


@cli.command(name="eval")
def evaluate(
    *,
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
    profile: Annotated[Profile, typer.Option(help="How much to report.")] = Profile.NORMAL,
    quorum: Annotated[
        int, typer.Option(min=1, max=3, help="Number of vendors that must agree on a finding.")
    ] = 2,
    table_format: Annotated[TableFormat, typer.Option("--format", help="Output format.")] = TableFormat.TEXT,
    out: Annotated[Path | None, typer.Option(help="Also write the figures as JSON to this file.")] = None,
    at_once: Annotated[int, typer.Option(min=1, help="Number of cases to review at the same time.")] = 4,
) -> None:
    """Measure reviews of pull requests with known defects. Exit: 0 done, 3 a stage was not completed."""
    from app.commands.eval import EvalOptions
    from app.commands.eval import evaluate as run

    options = EvalOptions(
        cases=tuple(case or ()),
        stages=tuple(stage or Stage),
        providers=tuple(provider or ()),
        answers=answers,
        record=record,
        profile=profile,
        quorum=quorum,
        report_format=table_format.value,
        out=out,
        at_once=at_once,
    )
    raise typer.Exit(run(options))


def main() -> None:
    """Entry point: an error becomes one sentence on stderr and an exit code, not a traceback."""
    logging.getLogger().setLevel(logging.ERROR)  # reports list problems; `serve` and `mcp` configure logging
    try:
        cli()
    except QuorumError as error:
        sys.stderr.write(f"quorum: {error}\n")
        sys.exit(2)
    except Exception as error:
        if os.environ.get("QUORUM_DEBUG"):
            raise
        message = f"quorum: internal error ({type(error).__name__}); set QUORUM_DEBUG=1 for the traceback.\n"
        sys.stderr.write(message)
        sys.exit(INTERNAL_ERROR)
