"""The command line: names, options and exit codes. It imports no SDK: each command loads when it is called."""

import logging
import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from typer.exceptions import TyperException

from app.commands.choices import FailOn, ReportFormat, Role, TableFormat, examples
from app.commands.eval_arguments import evaluate
from app.commands.usage import explain_usage
from app.domain.finding import Severity, Stage
from app.errors import QuorumError

INTERRUPTED = 130
INTERNAL_ERROR = 70  # EX_SOFTWARE of sysexits.h

cli = typer.Typer(
    name="quorum",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


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


@cli.command(
    epilog=examples(
        "quorum demo",
        "quorum demo --once --analyzers-only",
        "quorum demo --github --port 4000",
    )
)
def demo(
    *,
    once: Annotated[bool, typer.Option("--once", help="Show the review and exit.")] = False,
    github: Annotated[
        bool, typer.Option("--github", help="Run only the stand-in for GitHub, to rehearse setup and serve.")
    ] = False,
    analyzers_only: Annotated[
        bool, typer.Option("--analyzers-only", help="Use no model and no recorded answers.")
    ] = False,
    port: Port = 0,
) -> None:
    """Run the whole App on this machine and review a sample pull request. Without a key, models' answers are recorded ones."""
    from app.commands.demo import demo as run
    from app.commands.rehearsal import rehearse

    raise typer.Exit(
        rehearse(port=port) if github else run(once=once, port=port, analyzers_only=analyzers_only)
    )


@cli.command(
    epilog=examples(
        "quorum review",
        "quorum review main",
        "quorum review main...HEAD --fail-on high",
        "quorum review --staged --no-models",
        "git diff | quorum review -",
        "quorum review https://github.com/octo/shop/pull/7 --post",
    )
)
def review(
    target: Annotated[
        str | None,
        typer.Argument(
            help="A range (main...HEAD), a branch (from its merge base to HEAD), a commit, a patch file, - (standard "
            "input) or a pull request's URL. By default the current branch, from its upstream or the default branch.",
            metavar="TARGET",
        ),
    ] = None,
    *,
    staged: Annotated[bool, typer.Option("--staged", help="Review the staged changes.")] = False,
    repo: Annotated[Path, typer.Option(help="The repository of a range.")] = Path(),
    report_format: Annotated[
        ReportFormat, typer.Option("--format", help="Output format.")
    ] = ReportFormat.TEXT,
    stage: Annotated[list[Stage] | None, typer.Option(help="Run only this stage; repeatable.")] = None,
    title: Annotated[str, typer.Option(help="What the change does, in one line.")] = "",
    description: Annotated[
        Path | None, typer.Option(help="A file that describes the change; - is standard input.")
    ] = None,
    fail_on: Annotated[
        FailOn, typer.Option(help="Exit with 1 for a finding of this severity or higher.")
    ] = FailOn.NEVER,
    config: Annotated[
        Path | None, typer.Option(help="Use this configuration instead of the base commit's.")
    ] = None,
    post: Annotated[bool, typer.Option("--post", help="Post the review (only with a URL).")] = False,
    no_models: Annotated[bool, typer.Option("--no-models", help="Use only the built-in analyzers.")] = False,
    finders: Annotated[int | None, typer.Option(min=1, max=3, help="How many vendors search.")] = None,
) -> None:
    """Review a change without the App. Exit: 0 done, 1 a finding at or above --fail-on, 2 unreadable input, 3 incomplete."""
    from app.commands.review import ReviewOptions
    from app.commands.review import review as run
    from app.github.local import STAGED

    if target is not None and (staged or not target):
        raise typer.BadParameter("Pass either a TARGET or --staged." if staged else "TARGET is empty.")
    options = ReviewOptions(
        target=STAGED if staged else target,
        repo=repo,
        title=title,
        description=description,
        report_format=report_format.value,
        stages=tuple(stage or Stage),
        named_stages=tuple(stage or ()),
        finders=finders,
        fail_on=None if fail_on is FailOn.NEVER else Severity(fail_on.value),
        config=config,
        post=post,
        no_models=no_models,
    )
    raise typer.Exit(run(options))


@cli.command(
    epilog=examples("quorum fix main", "quorum fix main...HEAD --apply", "quorum fix main | git apply")
)
def fix(
    target: Annotated[
        str, typer.Argument(help="A range (main...HEAD), a branch or a pull request's URL.", metavar="TARGET")
    ],
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


@cli.command(
    epilog=examples(
        "quorum serve",
        "quorum serve --host 0.0.0.0 --port 8000",
        "quorum serve --poll",
    )
)
def serve(
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Port = 8000,
    role: Annotated[Role, typer.Option(help="Which part of the App to run.")] = Role.ALL,
    poll: Annotated[
        bool, typer.Option("--poll", help="Read deliveries from the App's log; needs no public address.")
    ] = False,
    json_logs: Annotated[bool, typer.Option("--json", help="Log JSON on a terminal, too.")] = False,
) -> None:
    """Run the App: webhook receiver, workers, dashboard and MCP endpoint."""
    from app.commands.serve import serve as run

    raise typer.Exit(run(host=host, port=port, role=role.value, poll=poll, json_logs=json_logs))


@cli.command(
    epilog=examples(
        "quorum setup",
        "quorum setup --org acme --url https://quorum.example.com",
    )
)
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


@cli.command(epilog=examples("quorum doctor", "quorum doctor --live"))
def doctor(
    live: Annotated[
        bool, typer.Option("--live", help="Also send four paid requests to each model; costs a few cents.")
    ] = False,
) -> None:
    """Check settings, key, webhook address, permissions, models and database. Exit: 0 no failures, 1 failures."""
    from app.commands.doctor import doctor as run

    raise typer.Exit(run(live=live))


@cli.command(epilog=examples("quorum mcp", "claude mcp add quorum -- quorum mcp"))
def mcp() -> None:
    """Serve the MCP tools on standard input and output."""
    from app.commands.mcp import mcp as run

    raise typer.Exit(run())


@cli.command(epilog=examples("quorum stats", "quorum stats --since 4w --format json"))
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


@cli.command(epilog=examples("quorum replay 7f3c2a10-8f4e-11ef-9d0a-2b1c3d4e5f60"))
def replay(
    delivery_id: Annotated[
        str, typer.Argument(help="The delivery's id (X-GitHub-Delivery).", metavar="DELIVERY_ID")
    ],
) -> None:
    """Run a stored delivery again."""
    from app.commands.replay import replay as run

    raise typer.Exit(run(delivery_id))


cli.command(name="eval", epilog=examples("quorum eval --answers evals/recorded/three-readers"))(evaluate)


def main() -> None:
    """Entry point: an error becomes one sentence on stderr and an exit code, not a traceback."""
    logging.getLogger().setLevel(logging.ERROR)  # reports list problems; `serve` and `mcp` configure logging
    try:
        sys.exit(cli(standalone_mode=False, prog_name="quorum"))
    except TyperException as error:
        sys.stderr.write(explain_usage(error))
        sys.exit(2)
    except (typer.Abort, KeyboardInterrupt):
        sys.exit(INTERRUPTED)
    except QuorumError as error:
        sys.stderr.write(f"quorum: {error}\n")
        sys.exit(2)
    except Exception as error:
        if os.environ.get("QUORUM_DEBUG"):
            raise
        message = f"quorum: internal error ({type(error).__name__}); set QUORUM_DEBUG=1 for the traceback.\n"
        sys.stderr.write(message)
        sys.exit(INTERNAL_ERROR)
