"""`quorum review`: runs the pipeline on a range, a patch, standard input or a pull request's URL, without the App.

It runs in untrusted checkouts, so it reads no `.env`, no data and no configuration from the working directory.
"""

import asyncio
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

from app.commands.own_settings import isolated_settings
from app.commands.review_output import (
    INCOMPLETE,
    STDIN,
    UNREADABLE,
    Output,
    empty_report,
    exit_code,
    headline,
)
from app.commands.review_progress import show_stations
from app.commands.review_target import Target, described, open_target, read_file, read_text
from app.domain.finding import Severity, Stage
from app.domain.model_call import Provider
from app.domain.review import ReviewReport, Watch
from app.errors import ConfigurationError, GitHubError, InputError
from app.gather import Gathered
from app.llm.client import CallScope
from app.main import Network, Program, build_program
from app.pipeline import PipelineOptions, gather_change, review_gathered
from app.pipeline.inputs import REVIEW_SPAN, Stations
from app.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewOptions:
    """The options of the command line."""

    target: str | None = None  # None: the current branch
    repo: Path = Path()
    title: str = ""
    description: Path | None = None
    report_format: str = "text"
    stages: tuple[Stage, ...] = tuple(Stage)
    named_stages: tuple[
        Stage, ...
    ] = ()  # requested by name: if one of them does not run, the review is incomplete
    fail_on: Severity | None = None
    config: Path | None = None
    post: bool = False
    no_models: bool = False
    finders: int | None = None  # None: the configuration decides


def review(options: ReviewOptions, *, network: Network | None = None) -> int:
    """Review the target, print the report to stdout, and return the exit code."""
    settings = isolated_settings()
    try:
        return asyncio.run(_review(options, settings, network or Network()))
    except (InputError, GitHubError, ConfigurationError) as error:
        sys.stderr.write(f"quorum: {error}\n")
        return UNREADABLE


async def _review(options: ReviewOptions, settings: Settings, network: Network) -> int:
    _check(options)
    texts = PullRequestText(
        configuration=read_file(options.config) if options.config else None,
        description=read_text(options.description) if options.description else "",
    )
    target = await open_target(options.target, options.repo, settings, network)
    program = build_program(settings, network=network)
    try:
        gathered, report = await run_review(options, target, program, texts)
        Output(options.report_format, redact=program.services.redactor.redact).write(report, gathered)
        if options.post and report.coverage.files and not await _post(target, gathered, report, program):
            return INCOMPLETE
    finally:
        await target.close()
        await program.close()
    return exit_code(report, named_stages=options.named_stages, fail_on=options.fail_on)


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequestText:
    """The files that the options name."""

    configuration: bytes | None
    description: str = ""


def _check(options: ReviewOptions) -> None:
    is_url = "://" in (options.target or "")
    if options.post and not is_url:
        raise InputError("--post requires the URL of a pull request.")
    if is_url and (options.title or options.description):
        raise InputError("--title and --description are for a change without a pull request.")
    if options.target == STDIN == str(options.description):
        raise InputError("Standard input can be either the patch or the description.")


async def run_review(
    options: ReviewOptions, target: Target, program: Program, texts: PullRequestText
) -> tuple[Gathered, ReviewReport]:
    """Say what is reviewed, then gather and review it, with progress on stderr."""
    review_id = str(uuid4())
    pipeline_options = PipelineOptions(
        scope=CallScope(
            review_id=review_id,
            repository=target.ref.repository if target.ref else "local",
            pull_request=target.ref.number if target.ref else None,
        ),
        stages=options.stages,
        finders=options.finders,
    )
    services = program.services
    with services.tracer.span(REVIEW_SPAN, {"quorum.review.id": review_id}):
        gathered = await gather_change(
            target.source, pipeline_options, services, configuration=texts.configuration
        )
        if not gathered.coverage.files:
            return gathered, empty_report(gathered.snapshot, options.target, name=target.name)
        sys.stderr.writelines(f"quorum: {problem.message}\n" for problem in gathered.problems)
        _write_headline(headline(target.name, gathered.snapshot.diff), options.report_format)
        gathered = described(gathered, title=options.title, body=texts.description)
        gathered = _without_models(gathered) if options.no_models else gathered
        with show_stations() as watch:
            report = await _review_gathered(pipeline_options, gathered, target, program, watch=watch)
    return gathered, report


def _write_headline(line: str, report_format: str) -> None:
    """Say what is reviewed before the work begins: in a report for people as its first line, or else on stderr."""
    stream = sys.stdout if report_format == "text" else sys.stderr
    stream.write(f"{line}\n")
    stream.flush()


async def _review_gathered(
    options: PipelineOptions, gathered: Gathered, target: Target, program: Program, *, watch: Watch
) -> ReviewReport:
    tracer = program.services.tracer
    return await review_gathered(
        options,
        gathered,
        program.services,
        stations=Stations(options.scope.review_id or "", watch, tracer=tracer),
        lookup_advisories=target.lookup_advisories,
    )


def _without_models(gathered: Gathered) -> Gathered:
    """The same change, reviewed only by the analyzers."""
    config = replace(gathered.config, providers=(Provider.ANALYZERS.value,))
    return replace(gathered, configuration=replace(gathered.configuration, config=config))


async def _post(target: Target, gathered: Gathered, report: ReviewReport, program: Program) -> bool:
    """Post one review if the pull request still has the reviewed head; returns whether it was posted.

    It creates no check runs, because only an App may do so.
    """
    from app.github.writer import PullRequestWriter
    from app.publish.plan import PublicationRequest
    from app.publish.publisher import Publisher
    from app.store.ledger import Ledger

    assert target.client, "--post comes with a URL"
    assert target.ref, "--post comes with a URL"
    assert report.head_sha, "a pull request has a head"
    writer = PullRequestWriter(target.client, target.ref)
    if await writer.head_sha() != report.head_sha:
        sys.stderr.write("quorum: the pull request has a new head, so nothing was posted.\n")
        return False
    run = f"cli:{target.ref}@{report.head_sha}:{uuid4()}"
    publisher = Publisher(
        request=PublicationRequest(
            report=report,
            config=gathered.config,
            diff=gathered.context.diff,
            head_sha=report.head_sha,
            review_id=run,
            key=str(target.ref),
            redact=program.services.redactor.redact,
            commanded=True,
            shown={thread.fingerprint for thread in gathered.snapshot.threads},
        ),
        writer=writer,
        ledger=Ledger(program.database, review_id=run),
        summary_comment_id=gathered.snapshot.summary_comment_id,
    )
    await publisher.publish()
    return True
