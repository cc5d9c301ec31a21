"""`quorum review`: runs the pipeline on a range, a patch, standard input or a pull request's URL, without the App.

It runs in untrusted checkouts, so it reads no `.env`, no data and no configuration from the working directory.
"""

import asyncio
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from app.commands.review_output import INCOMPLETE, STDIN, UNREADABLE, empty_report, exit_code, render
from app.domain.analysis import AdvisoryLookup
from app.domain.finding import Severity, Stage
from app.domain.model_call import Provider
from app.domain.pull_request import PullRequestRef, Source
from app.domain.review import ReviewReport, StationEvent, StationState
from app.errors import ConfigurationError, GitHubError, InputError
from app.gather import Gathered
from app.github.local import STAGED, GitRangeSource, PatchSource, parse_pull_request_url
from app.llm.client import CallScope
from app.main import Network, Program, build_program
from app.pipeline import PipelineOptions, gather_change, review_gathered
from app.pipeline.inputs import REVIEW_SPAN, Stations
from app.settings import Settings, load_settings, user_state_dir

if TYPE_CHECKING:
    import httpx

    from app.github.client import RepositoryClient


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewOptions:
    """The options of the command line."""

    target: str
    repo: Path = Path()
    report_format: str = "text"
    stages: tuple[Stage, ...] = tuple(Stage)
    named_stages: tuple[
        Stage, ...
    ] = ()  # requested by name: if one of them does not run, the review is incomplete
    fail_on: Severity | None = None
    config: Path | None = None
    post: bool = False
    no_models: bool = False


def review(options: ReviewOptions, *, network: Network | None = None) -> int:
    """Review the target, print the report to stdout, and return the exit code."""
    settings = isolated_settings()
    try:
        return asyncio.run(_review(options, settings, network or Network()))
    except (InputError, GitHubError, ConfigurationError) as error:
        sys.stderr.write(f"quorum: {error}\n")
        return UNREADABLE


def isolated_settings() -> Settings:
    """Settings from the environment only, with the data in the user's state directory."""
    settings = load_settings(env_file=None)
    if "QUORUM_DATA_DIR" in os.environ:
        return settings
    return settings.model_copy(update={"quorum_data_dir": user_state_dir(dict(os.environ))})


async def _review(options: ReviewOptions, settings: Settings, network: Network) -> int:
    configuration = read_configuration_file(options.config)
    target = open_target(options, settings, network)
    program = build_program(settings, network=network)
    try:
        gathered, report = await run_review(options, target, program, configuration)
        sys.stdout.write(render(report, options.report_format, redact=program.services.redactor.redact))
        if options.post and report.coverage.files and not await _post(target, gathered, report, program):
            return INCOMPLETE
    finally:
        await target.close()
        await program.close()
    return exit_code(report, named_stages=options.named_stages, fail_on=options.fail_on)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What to review: a source and, for a URL, the pull request with its client."""

    source: Source
    ref: PullRequestRef | None = None
    lookup_advisories: AdvisoryLookup | None = None
    client: "RepositoryClient | None" = None
    transport: "httpx.AsyncBaseTransport | None" = None

    async def close(self) -> None:
        """Close open connections."""
        if self.transport:
            await self.transport.aclose()


def open_target(options: ReviewOptions, settings: Settings, network: Network) -> Target:
    """Open the source of a range, a patch, or a pull request; raises `InputError`."""
    target = options.target
    if options.post and "://" not in target:
        raise InputError("--post requires the URL of a pull request.")
    if target == STDIN:
        return Target(source=PatchSource(sys.stdin.buffer.read()))
    if "://" in target:
        return _open_pull_request(target, settings, network)
    if target == STAGED:
        return Target(source=GitRangeSource(options.repo, STAGED, index_file=_index_file()))
    path = Path(target)
    if path.is_file():
        return Target(source=PatchSource(_read(path)))
    return Target(source=GitRangeSource(options.repo, target))


def _index_file() -> Path | None:
    """The index of the current commit if a hook runs; `git commit FILE` uses a separate one."""
    index_file = os.environ.get("GIT_INDEX_FILE")
    return Path(index_file).absolute() if index_file else None


def _open_pull_request(url: str, settings: Settings, network: Network) -> Target:
    from app.github.client import token_client
    from app.github.reader import PullRequestSource
    from app.github.transport import open_transport

    ref = parse_pull_request_url(url, settings.github_api_url)
    if not settings.github_token:
        raise InputError("Set GITHUB_TOKEN to a token that can read this pull request.")
    token, api_url = settings.github_token.get_secret_value(), settings.github_api_url
    transport = network.github or open_transport(api_url)
    client = token_client(token, ref.repository, api_url, transport=transport)
    source = PullRequestSource(client, ref)
    return Target(
        source=source,
        ref=ref,
        lookup_advisories=source.look_up_advisories,
        client=client,
        transport=transport,
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error


def read_configuration_file(path: Path | None) -> bytes | None:
    """Read the file of `--config`; raises `InputError`."""
    return _read(path) if path else None


async def run_review(
    options: ReviewOptions, target: Target, program: Program, configuration: bytes | None
) -> tuple[Gathered, ReviewReport]:
    """Gather and review the target, with progress on stderr."""
    review_id = str(uuid4())
    pipeline_options = PipelineOptions(
        scope=CallScope(
            review_id=review_id,
            repository=target.ref.repository if target.ref else "local",
            pull_request=target.ref.number if target.ref else None,
        ),
        stages=options.stages,
    )
    with program.services.tracer.span(REVIEW_SPAN, {"quorum.review.id": review_id}):
        return await _run_stations(options, target, program, configuration, pipeline_options)


async def _run_stations(
    options: ReviewOptions,
    target: Target,
    program: Program,
    configuration: bytes | None,
    pipeline_options: PipelineOptions,
) -> tuple[Gathered, ReviewReport]:
    stations = Stations(
        pipeline_options.scope.review_id or "", _print_progress, tracer=program.services.tracer
    )
    with stations.timed("gather"):
        gathered = await gather_change(
            target.source, pipeline_options, program.services, configuration=configuration
        )
    for problem in gathered.problems:
        sys.stderr.write(f"quorum: {problem.message}\n")
    if not gathered.coverage.files:
        return gathered, empty_report(gathered.snapshot, options.target)
    if options.no_models:
        gathered = _without_models(gathered)
    report = await review_gathered(
        pipeline_options,
        gathered,
        program.services,
        stations=stations,
        lookup_advisories=target.lookup_advisories,
    )
    return gathered, report


def _without_models(gathered: Gathered) -> Gathered:
    """The same change, reviewed only by the analyzers."""
    config = replace(gathered.config, providers=(Provider.ANALYZERS,))
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


def _print_progress(event: StationEvent) -> None:
    """Print progress to stderr, so that stdout contains only the report. A failed station is reported with its error."""
    if event.state is StationState.FINISHED:
        sys.stderr.write(f"{event.station:<10}{(event.duration_ms or 0) / 1_000:6.1f} s\n")
