"""Runs the stations of a review in order: gather, analyze, run the stages, verify. Posts nothing.

Gathering and analyzing keep the text of the change in memory only, so they run again after a crash. Every paid call is a
checkpointed step.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial

from app.analyzers.analysis import analyze
from app.domain.analysis import AdvisoryLookup, Analysis
from app.domain.configuration import Pipeline
from app.domain.finding import Stage
from app.domain.model_call import Provider
from app.domain.pull_request import Snapshot, Source
from app.domain.review import (
    Coverage,
    Omission,
    ReviewReport,
    StageResult,
    StageStatus,
    join_reasons,
    without_unanswered,
)
from app.domain.step import Checkpoint, Step, run_directly
from app.findings.finders import is_by_analyzers
from app.findings.settle import Settlement
from app.gather import BASE_PATHS, Configuration, Gathered, gather, read_configuration
from app.pipeline.finders import plan_finders
from app.pipeline.inputs import PipelineOptions, Services, Stations, WhenAnswered, ignore_answers
from app.pipeline.settling import finding_calls, settle_results
from app.pipeline.stage_files import at_places, for_stage, is_wanted, left_out_of
from app.publish.looked_up import lookup_notes
from app.publish.notes import (
    EVERY_FILE_LEFT_OUT,
    LEFT_OUT_OF_STAGE,
    LINES_CUT,
    NO_FILE_READ,
    STAGE_DISABLED,
    STAGE_NOT_REQUESTED,
    context_notes,
    explain_note,
    explain_rejection,
    further_finder_notes,
)
from app.publish.undocumented import with_undocumented, without_undocumented, without_undocumented_claims
from app.stages import StageContext, run_stage


async def gather_change(
    source: Source, options: PipelineOptions, services: Services, *, configuration: bytes | None = None
) -> Gathered:
    """Take the snapshot, read the configuration from it, and gather the context for the models.

    Args:
        configuration: replaces the base ref's file.

    Raises:
        GitHubError, InputError: the change cannot be read.
    """
    snapshot = await source.snapshot(BASE_PATHS)
    effective = read_configuration(
        snapshot,
        override=configuration,
        operator_budget=services.budget,
        configured=services.models.providers,
    )
    return await gather_snapshot(source, snapshot, effective, options=options, services=services)


async def gather_snapshot(
    source: Source,
    snapshot: Snapshot,
    configuration: Configuration,
    *,
    options: PipelineOptions,
    services: Services,
) -> Gathered:
    """Gather the context of a snapshot for the models, within the limits of the options and the services.

    Raises:
        GitHubError, InputError: the change cannot be read.
    """
    return await gather(
        source,
        snapshot=snapshot,
        configuration=configuration,
        thresholds=services.thresholds,
        chunk_tokens=services.chunk_tokens,
        earlier_findings=options.earlier,
        seen=() if options.full else options.seen,
        remembered=options.remembered,
        for_models=not services.models.is_keyless,
        dependencies_only=options.dependencies_only,
    )


async def review_gathered(
    options: PipelineOptions,
    gathered: Gathered,
    services: Services,
    *,
    stations: Stations,
    step: Step = run_directly,
    lookup_advisories: AdvisoryLookup | None = None,
    when_answered: WhenAnswered = ignore_answers,
) -> ReviewReport:
    """Review a change that has been gathered.

    Args:
        lookup_advisories: called only if a manifest or lock file adds packages.
        when_answered: called with the result of each stage that a model has answered, and with the coverage so far.

    Raises:
        Superseded: a newer head replaces this one.
    """
    scope = replace(options.scope, budget=gathered.config.budget, bypass_cache=options.full)
    with stations.timed("analyze"):
        analysis = await analyze(
            gathered.changed_files, redactor=services.redactor, lookup_advisories=lookup_advisories
        )
    plan = plan_finders(options, gathered, services)
    context = StageContext(
        models=services.models,
        prompts=services.prompts,
        redactor=services.redactor,
        secret=services.secret,
        scope=scope,
        config=gathered.config,
        tier=gathered.tier,
        deadline_s=services.stage_deadline_s,
        look_up=gathered.look_up,
        lookup_rounds=services.lookup_rounds,
        finders=plan.finders,
        further_paths=plan.paths,
    )
    keyless = _is_keyless(gathered, services)
    coverage = _coverage(gathered, analysis, keyless=keyless)
    results = await _run_stages(
        options,
        gathered,
        analysis,
        context,
        stations=stations,
        step=step,
        when_answered=partial(when_answered, coverage=coverage),
    )
    with stations.timed("verify"):
        settled = await step(
            Checkpoint("settle", Settlement),
            lambda: settle_results(results, gathered, analysis, context),
        )
    looked_up = (*(each for result in results for each in result.looked_up), *settled.looked_up)
    pull_request = gathered.context.pull_request
    return ReviewReport(
        findings=without_undocumented(settled.findings, gathered.rules),
        rejected=tuple(map(explain_rejection, without_undocumented_claims(settled.rejected, gathered.rules))),
        stages=with_undocumented(
            [replace(result, findings=()) for result in results],
            settled.findings,
            settled.rejected,
            symbols=analysis.undocumented,
            rules=gathered.rules,
        ),
        coverage=without_unanswered(coverage, results),
        usage=await services.models.usage(scope.review_id or ""),
        duration_ms=stations.elapsed_ms,
        head_sha=pull_request.head_sha if pull_request else None,
        looked_up=looked_up,
        keyless=keyless,
        stations=tuple(stations.times),
        notes=(
            *gathered.snapshot.notes,
            *context_notes(gathered.context, invalid_patterns=gathered.invalid_patterns),
            *analysis.notes,
            *further_finder_notes(plan.paths, vendors=context.vendors),
            *(() if keyless else [f"{each.path}: {each.reason}." for each in analysis.unparsed]),
            *map(explain_note, settled.notes),
            *lookup_notes(looked_up),
        ),
    )


def _coverage(gathered: Gathered, analysis: Analysis, *, keyless: bool) -> Coverage:
    """The coverage of the selection, with the files that were read only in part."""
    cut = [Omission(path=path, reason=LINES_CUT) for path in gathered.cut_files]
    of_reviewer = analysis.unparsed if keyless else cut  # models read code that does not parse
    omitted = {each.path for each in gathered.coverage.omitted}
    partly = join_reasons(
        each
        for each in [*gathered.coverage.partly, *analysis.partly, *of_reviewer]
        if each.path not in omitted
    )
    return replace(gathered.coverage, partly=partly)


async def _run_stages(
    options: PipelineOptions,
    gathered: Gathered,
    analysis: Analysis,
    context: StageContext,
    *,
    stations: Stations,
    step: Step,
    when_answered: Callable[[StageResult], None],
) -> list[StageResult]:
    """Return one result for each stage, in order, including stages that did not run."""

    async def finish(stage: Stage, answer: Awaitable[StageResult]) -> StageResult:
        result = await _finish_stage(stage, answer, gathered, analysis, stations)
        if result.status is StageStatus.COMPLETED and result.provider is not Provider.ANALYZERS:
            when_answered(result)
        return result

    def run(stage: Stage, earlier: Sequence[StageResult] = ()) -> Awaitable[StageResult]:
        answer = step(  # reserves its checkpoint here, so that stages can run concurrently
            Checkpoint(f"stage:{stage}", StageResult),
            lambda: _ask_stage(stage, earlier, gathered, analysis, context),
        )
        return finish(stage, answer)

    selected = [stage for stage in Stage if stage in options.stages and stage in gathered.rules.stages]
    if gathered.config.pipeline is Pipeline.PARALLEL:
        results = list(await asyncio.gather(*map(run, selected)))
    else:
        results: list[StageResult] = []
        for stage in selected:
            results.append(await run(stage, results if stage is Stage.DOCS else ()))
    by_stage = {result.stage: result for result in results}
    return [by_stage.get(stage) or _skipped(stage, options, gathered) for stage in Stage]


async def _ask_stage(
    stage: Stage,
    earlier: Sequence[StageResult],
    gathered: Gathered,
    analysis: Analysis,
    context: StageContext,
) -> StageResult:
    """Run one stage and keep only models' claims, which are about redacted text, because the result becomes a checkpoint."""
    coverage = gathered.coverage
    if coverage.files and not coverage.reviewed:
        return _without_files(stage, coverage)
    if coverage.reviewed and coverage.reviewed == len(left_out_of(stage, gathered)):
        return StageResult(stage=stage, status=StageStatus.SKIPPED, error=LEFT_OUT_OF_STAGE)
    change, places = for_stage(stage, gathered)
    result = await run_stage(
        stage,
        change,
        context,
        analysis=analysis,
        handover=[finding for each in earlier for finding in each.findings],
        parents=finding_calls(earlier),
    )
    result = at_places(result, places, len(gathered.context.chunks))
    return replace(result, findings=tuple(each for each in result.findings if not is_by_analyzers(each)))


async def _finish_stage(
    stage: Stage,
    answer: Awaitable[StageResult],
    gathered: Gathered,
    analysis: Analysis,
    stations: Stations,
) -> StageResult:
    """Add the analyzers' findings, which quote unredacted code and so must not be in the checkpoint."""
    with stations.timed(stage.value):
        result = await answer
    own = [each for each in analysis.findings if each.stage is stage and is_wanted(each, gathered)]
    left_out = left_out_of(stage, gathered)
    return replace(result, findings=(*result.findings, *own), left_out=left_out)


def _without_files(stage: Stage, coverage: Coverage) -> StageResult:
    """The result of a stage that no changed file reached."""
    if coverage.unread:
        return StageResult(stage=stage, status=StageStatus.FAILED, error=NO_FILE_READ)
    return StageResult(stage=stage, status=StageStatus.SKIPPED, error=EVERY_FILE_LEFT_OUT)


def _skipped(stage: Stage, options: PipelineOptions, gathered: Gathered) -> StageResult:
    reason = STAGE_DISABLED if stage in options.stages else STAGE_NOT_REQUESTED
    left_out = left_out_of(stage, gathered)
    return StageResult(stage=stage, status=StageStatus.SKIPPED, error=reason, left_out=left_out)


def _is_keyless(gathered: Gathered, services: Services) -> bool:
    """Return whether no model can run: none has a key, or the configuration allows none that has one."""
    return not any(map(gathered.config.permits, services.models.providers))
