"""The stations of a review in order: gather → analyse → ask → settle. Every door enters here; nothing is posted here.

What holds the text of the change (gathering, the analysers) is done again after a crash; what was paid for is a step.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, replace

from app.analyzers.analysis import analyze
from app.domain.analysis import AdvisoryLookup, Analysis
from app.domain.configuration import Pipeline
from app.domain.diff import Side
from app.domain.finding import Finding, Stage, VerifierVerdict
from app.domain.model_call import Provider
from app.domain.pull_request import Source
from app.domain.review import ReviewReport, StageResult, StageStatus
from app.domain.step import Checkpoint, Step, run_at_once
from app.findings.finders import is_by_analyzers
from app.findings.settle import Settled, settle
from app.gather import BASE_PATHS, Gathered, gather, read_configuration
from app.llm.client import CallScope
from app.publish.wording import context_notes
from app.services import Services
from app.stages import ask_verdicts, has_read, run_stage
from app.stations import Stations
from app.syntax import count_errors, enclosing_symbol

MISSING_DOCUMENTATION = "missing-documentation"  # a rule of app/domain/rules.py
NOT_ASKED_FOR = "this stage was not asked for"
SWITCHED_OFF = "the repository's configuration leaves this stage out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is asked of the pipeline.

    `seen` are keys of hunks that earlier reviews of this pull request have read, `earlier` what they found; with
    `full` everything is read anew. `dependencies_only`: of a dependency bot's change, nothing but manifests and locks.
    """

    scope: CallScope
    stages: tuple[Stage, ...] = tuple(Stage)
    full: bool = False
    seen: Collection[str] = ()
    earlier: Sequence[Finding] = ()
    dependencies_only: bool = False


async def gather_change(
    source: Source,
    order: Order,
    services: Services,
    *,
    organisation_default: bytes | None = None,
    configuration: bytes | None = None,
) -> Gathered:
    """What the models see of a change, and the configuration that its base gives.

    Raises:
        GitHubError, InputError: the change cannot be read.
    """
    snapshot = await source.snapshot(BASE_PATHS)
    return await gather(
        source,
        snapshot=snapshot,
        configuration=read_configuration(
            snapshot,
            organisation=organisation_default,
            operator_budget=services.budget,
            override=configuration,
        ),
        thresholds=services.thresholds,
        chunk_tokens=services.chunk_tokens,
        earlier_findings=order.earlier,
        seen=() if order.full else order.seen,
        for_models=not services.models.is_keyless,
        dependencies_only=order.dependencies_only,
    )


async def review_gathered(
    order: Order,
    gathered: Gathered,
    services: Services,
    *,
    stations: Stations,
    step: Step = run_at_once,
    lookup_advisories: AdvisoryLookup | None = None,
) -> ReviewReport:
    """The report on a change that has been gathered.

    Args:
        lookup_advisories: asked only where a manifest or lock file brings new packages.

    Raises:
        Superseded: a newer head has taken this one's place.
    """
    scope = replace(order.scope, budget=gathered.config.budget, bypass_cache=order.full)
    order = replace(order, scope=scope)
    with stations.timed("analyse"):
        analysis = await analyze(
            gathered.changed_files, redactor=services.redactor, lookup_advisories=lookup_advisories
        )
    results = await _ask_stages(order, gathered, analysis, services, stations=stations, step=step)
    with stations.timed("verify"):
        settled = await step(
            Checkpoint("settle", Settled), lambda: _settle(order, gathered, results, analysis, services)
        )
    pull_request = gathered.context.pull_request
    return ReviewReport(
        findings=settled.findings,
        rejected=settled.rejected,
        stages=tuple(replace(result, findings=()) for result in results),
        coverage=gathered.coverage,
        usage=await services.models.usage(order.scope.review_id or ""),
        duration_ms=stations.elapsed_ms,
        head_sha=pull_request.head_sha if pull_request else None,
        keyless=_is_keyless(gathered, services),
        stations=tuple(stations.times),
        notes=(
            *gathered.snapshot.notes,
            *context_notes(
                gathered.context, cut_files=gathered.cut_files, invalid_patterns=gathered.invalid_patterns
            ),
            *analysis.notes,
            *settled.notes,
        ),
    )


async def _ask_stages(
    order: Order,
    gathered: Gathered,
    analysis: Analysis,
    services: Services,
    *,
    stations: Stations,
    step: Step,
) -> list[StageResult]:
    """One result a stage, in the stages' order, also for those that are not run.

    Checkpoints hold what models said of redacted text; what the analysers quote from the code is added afterwards.
    """
    wanted = [stage for stage in Stage if stage in order.stages and stage in gathered.config.stages]

    def ask(stage: Stage, earlier: Sequence[StageResult] = ()) -> Awaitable[StageResult]:
        async def work() -> StageResult:
            result = await run_stage(
                stage,
                gathered.context,
                gathered.config,
                models=services.models,
                prompts=services.prompts,
                scope=order.scope,
                analysis=analysis,
                tier=gathered.tier,
                redact=services.redactor.redact,
                secret=services.secret,
                handover=[finding for result in earlier for finding in result.findings],
                parents=_calls_that_found(earlier),
                deadline_s=services.stage_deadline_s,
            )
            return replace(result, findings=tuple(f for f in result.findings if not is_by_analyzers(f)))

        async def with_analyzers(asked: Awaitable[StageResult]) -> StageResult:
            with stations.timed(stage.value):
                result = await asked
            own = (finding for finding in analysis.findings if finding.stage is stage)
            return replace(result, findings=(*result.findings, *own))

        reserved = step(Checkpoint(f"stage:{stage}", StageResult), work)
        return with_analyzers(reserved)

    if gathered.config.pipeline is Pipeline.PARALLEL:
        asked = list(await asyncio.gather(*map(ask, wanted)))
    else:
        asked: list[StageResult] = []
        for stage in wanted:
            asked.append(await ask(stage, asked if stage is Stage.DOCS else ()))
    answered = {result.stage: result for result in asked}
    return [answered.get(stage) or _skipped(stage, order) for stage in Stage]


def _calls_that_found(results: Sequence[StageResult]) -> dict[Stage, tuple[str, ...]]:
    """The calls of the stages whose model found something; what analysers found is no call's."""
    return {
        result.stage: result.call_ids
        for result in results
        if not all(is_by_analyzers(finding) for finding in result.findings)
    }


def _skipped(stage: Stage, order: Order) -> StageResult:
    reason = SWITCHED_OFF if stage in order.stages else NOT_ASKED_FOR
    return StageResult(stage=stage, status=StageStatus.SKIPPED, error=reason)


async def _settle(
    order: Order,
    gathered: Gathered,
    results: Sequence[StageResult],
    analysis: Analysis,
    services: Services,
) -> Settled:
    async def ask(candidates: Sequence[Finding], excluded: Sequence[Provider]) -> list[VerifierVerdict]:
        return await ask_verdicts(
            candidates,
            excluded,
            context=gathered.context,
            config=gathered.config,
            models=services.models,
            prompts=services.prompts,
            scope=order.scope,
            tier=gathered.tier,
            redact=services.redactor.redact,
            secret=services.secret,
            parents=_calls_that_found(results),
            deadline_s=services.stage_deadline_s,
        )

    settled = await settle(
        [finding for result in results for finding in result.findings],
        diff=gathered.context.diff,
        config=gathered.config,
        ask_verdicts=ask,
        source_of=_sources(gathered),
        enclosing_symbol=enclosing_symbol,
        count_errors=count_errors,
        vendors=services.models.providers,
        is_established=_established_by(analysis),
        is_read=lambda finding: has_read(finding, results, gathered.context.chunks),
        left_out=_left_out(gathered),
    )
    return _redacted(settled, services.redactor.redact)


def _left_out(gathered: Gathered) -> set[str]:
    """Changed files of which models saw nothing; pictures are left out of the text, and shown."""
    shown = {image.path for image in gathered.context.images}
    return {omission.path for omission in gathered.coverage.omitted} - shown


def _sources(gathered: Gathered) -> Callable[[str, Side], str | None]:
    """The text of a changed file on a side; None where there is none."""
    contents = {(file.path, Side.RIGHT): file.head for file in gathered.changed_files}
    contents |= {(file.path, Side.LEFT): file.base for file in gathered.changed_files}

    def source_of(path: str, side: Side) -> str | None:
        content = contents.get((path, side))
        return None if content is None else content.decode("utf-8", "replace")

    return source_of


def _established_by(analysis: Analysis) -> Callable[[Finding], bool]:
    """Whether plain code has seen what a finding says: then no model is asked whether it holds."""
    undocumented = {(symbol.path, symbol.line) for symbol in analysis.undocumented}

    def is_established(finding: Finding) -> bool:
        lines = range(finding.start_line, finding.end_line + 1)
        return finding.rule_id == MISSING_DOCUMENTATION and any(
            (finding.path, line) in undocumented for line in lines
        )

    return is_established


def _redacted(settled: Settled, redact: Callable[[str], str]) -> Settled:
    return replace(
        settled,
        findings=tuple(redact_finding(finding, redact) for finding in settled.findings),
        rejected=tuple(
            replace(each, finding=redact_finding(each.finding, redact)) for each in settled.rejected
        ),
    )


def redact_finding(finding: Finding, redact: Callable[[str], str]) -> Finding:
    """The finding as it may be kept and shown."""
    return replace(
        finding,
        title=redact(finding.title),
        explanation=redact(finding.explanation),
        quote=redact(finding.quote),
        evidence=redact(finding.evidence),
        verifier_evidence=redact(finding.verifier_evidence),
        suggestion=redact(finding.suggestion) if finding.suggestion else None,
    )


def _is_keyless(gathered: Gathered, services: Services) -> bool:
    """Whether no model could be asked: none has a key, or the repository allows none of those that have one."""
    return not set(services.models.providers) & set(gathered.config.providers)
