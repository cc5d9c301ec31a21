"""The command line: names, options and exit codes, nothing else. Never imports an SDK: commands load when called."""

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
    """Which part of the App a process is."""

    WEB = "web"
    WORKER = "worker"
    ALL = "all"


class FailOn(StrEnum):
    """From which severity on `quorum review` ends with 1."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    NEVER = "never"


Port = Annotated[int, typer.Option(min=0, max=65_535, help="Port to listen on; 0 takes a free one.")]


def _print_version(asked: bool) -> None:
    if asked:
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
    """Three vendors' models review every pull request, and only what holds is posted."""
    del version


@cli.command()
def demo(
    *,
    once: Annotated[bool, typer.Option("--once", help="Show the review and end.")] = False,
    github: Annotated[
        bool, typer.Option("--github", help="Only the stand-in for GitHub: rehearse setup and serve on it.")
    ] = False,
    port: Port = 0,
) -> None:
    """Review a sample pull request on this machine: the whole App, nothing to configure."""
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
    staged: Annotated[
        bool, typer.Option("--staged", help="Review what is staged for the next commit.")
    ] = False,
    repo: Annotated[Path, typer.Option(help="The repository of a range.")] = Path(),
    report_format: Annotated[
        ReportFormat, typer.Option("--format", help="How to print.")
    ] = ReportFormat.TEXT,
    stage: Annotated[list[Stage] | None, typer.Option(help="Only this stage; repeatable.")] = None,
    fail_on: Annotated[FailOn, typer.Option(help="Exit 1 for a finding this bad or worse.")] = FailOn.NEVER,
    config: Annotated[Path | None, typer.Option(help="Configuration to use instead of the base's.")] = None,
    post: Annotated[bool, typer.Option("--post", help="Post the review (only for a URL).")] = False,
    no_models: Annotated[
        bool, typer.Option("--no-models", help="Ask no model: the built-in analysers alone.")
    ] = False,
) -> None:
    """Review a change without the App. Exit: 0 done, 1 --fail-on, 2 unreadable input, 3 a stage is missing."""
    from app.commands.review import STAGED, ReviewOptions
    from app.commands.review import review as run

    if bool(target) is staged:
        raise typer.BadParameter("give either a TARGET or --staged")
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
def serve(
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Port = 8000,
    role: Annotated[Role, typer.Option(help="Which part this process is.")] = Role.ALL,
    poll: Annotated[
        bool, typer.Option("--poll", help="Read the App's delivery log: no public address.")
    ] = False,
) -> None:
    """Run the App: webhook receiver, workers, dashboard and MCP endpoint."""
    from app.commands.serve import serve as run

    raise typer.Exit(run(host=host, port=port, role=role.value, poll=poll))


@cli.command()
def setup(
    *,
    organisation: Annotated[
        str | None, typer.Option("--org", help="Register the App for this organisation, not for you.")
    ] = None,
    url: Annotated[
        str | None, typer.Option(help="Public address of `quorum serve`; none: it will poll.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="The App's name; unique on GitHub.")] = None,
    port: Port = 0,
    browser: Annotated[bool, typer.Option(help="Open the page in a browser.")] = True,
) -> None:
    """Register the App on GitHub in the browser, and write its credentials to .env."""
    from app.commands.setup import SetupOptions
    from app.commands.setup import setup as run

    options = SetupOptions(organisation=organisation, url=url, name=name, port=port, browser=browser)
    raise typer.Exit(run(options))


@cli.command()
def doctor() -> None:
    """Check settings, key, webhook address, permissions, models and database. Exit: 0 sound, 1 something fails."""
    from app.commands.doctor import doctor as run

    raise typer.Exit(run())


@cli.command()
def mcp() -> None:
    """Serve the MCP tools on standard input and output."""
    from app.commands.mcp import mcp as run

    raise typer.Exit(run())


@cli.command()
def stats(
    *,
    since: Annotated[str, typer.Option(help="How far back: 12h, 7d, 4w.")] = "7d",
    table_format: Annotated[TableFormat, typer.Option("--format", help="How to print.")] = TableFormat.TEXT,
    routing: Annotated[
        bool, typer.Option("--routing", help="Show the order that learning would choose.")
    ] = False,
) -> None:
    """Print the per-model table: calls, success, latency, tokens, cost."""
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
        list[str] | None, typer.Option(help="Only these cases (shell patterns); repeatable.")
    ] = None,
    stage: Annotated[list[Stage] | None, typer.Option(help="Only this stage; repeatable.")] = None,
    provider: Annotated[
        list[Provider] | None, typer.Option(help="Only this provider; analyzers: no model. Repeatable.")
    ] = None,
    answers: Annotated[Path | None, typer.Option(help="Replay the recorded answers of this folder.")] = None,
    record: Annotated[Path | None, typer.Option(help="Keep the models' answers in this folder.")] = None,
    profile: Annotated[Profile, typer.Option(help="How much is said.")] = Profile.NORMAL,
    quorum: Annotated[int, typer.Option(min=1, max=3, help="Vendors behind a finding.")] = 2,
    table_format: Annotated[TableFormat, typer.Option("--format", help="How to print.")] = TableFormat.TEXT,
    out: Annotated[Path | None, typer.Option(help="Write the figures as JSON to this file too.")] = None,
    at_once: Annotated[int, typer.Option(min=1, help="Cases reviewed at the same time.")] = 4,
) -> None:
    """Measure reviews on pull requests whose defects are known. Exit: 0 done, 3 a stage was not completed."""
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
    """The program's entry: errors become one sentence on stderr and the exit code 2, never a traceback."""
    logging.getLogger().setLevel(logging.ERROR)  # reports say what was wrong; `serve` and `mcp` set up a log
    try:
        cli()
    except QuorumError as error:
        sys.stderr.write(f"quorum: {error}\n")
        sys.exit(2)
    except Exception as error:
        if os.environ.get("QUORUM_DEBUG"):
            raise
        said = f"quorum: this is a fault of Quorum's ({type(error).__name__}); QUORUM_DEBUG=1 shows where.\n"
        sys.stderr.write(said)
        sys.exit(INTERNAL_ERROR)
