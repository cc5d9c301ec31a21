"""Reviews cases with the production pipeline (gather, analyzers, stages, settle) and judges the results.

Posts and stores nothing. Each case has its own model layer with rows in memory, so that cases share neither cached answers
nor learned routes.
"""

import asyncio
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from app.domain.configuration import Profile
from app.domain.finding import Stage
from app.domain.model_call import Provider
from app.evaluation.cases import EvaluationCase, commit_case
from app.evaluation.judge import CaseRun, claims_of, inline_of, judge
from app.llm.build import ModelEnvironment, ModelSettings, ModelStores, VendorAccess, build_models
from app.llm.calls import MemoryCalls
from app.llm.client import CallScope, ModelClient
from app.pipeline import PipelineOptions, gather_change, review_gathered
from app.pipeline.inputs import Services, Stations
from app.prompting.prompts import Prompts
from app.redaction import Redactor

if TYPE_CHECKING:
    import httpx2

FENCE_SECRET = b"quorum eval"  # fixed, so that a request has the same bytes in every run

WrapClients = Callable[[EvaluationCase], Callable[[ModelClient], ModelClient]]


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationSetup:
    """What all cases of a run share. Without `access`, only the analyzers review.

    `stages_of` limits the stages of a case, e.g. to those with recorded answers.
    """

    access: Mapping[Provider, VendorAccess] = field(default_factory=dict[Provider, VendorAccess])
    stages: tuple[Stage, ...] = tuple(Stage)
    stages_of: Mapping[str, tuple[Stage, ...]] = field(default_factory=dict[str, tuple[Stage, ...]])
    prompts: Prompts = field(default_factory=Prompts)
    profile: Profile = Profile.NORMAL
    quorum: int = 2
    finders: int = 1
    call_timeout_s: float | None = None
    stage_deadline_s: float = 600.0
    max_concurrent: int = 4
    http_client: "httpx2.AsyncClient | None" = None  # replaces the network in tests
    wrap: WrapClients | None = None


async def run_cases(
    cases: Sequence[EvaluationCase],
    setup: EvaluationSetup,
    *,
    report: Callable[[CaseRun], None] = lambda _: None,
) -> list[CaseRun]:
    """Run the cases, several concurrently; call `report` as each ends and return the results in order."""
    semaphore = asyncio.Semaphore(setup.max_concurrent)

    async def run(case: EvaluationCase) -> CaseRun:
        async with semaphore:
            result = await run_case(case, setup)
        report(result)
        return result

    return await asyncio.gather(*map(run, cases))


async def run_case(case: EvaluationCase, setup: EvaluationSetup) -> CaseRun:
    """Commit, review and judge one case."""
    calls = MemoryCalls()
    services = services_for(case, setup, calls)
    pipeline_options = PipelineOptions(
        scope=CallScope(review_id=case.name, repository=f"evals/{case.name}", pull_request=1),
        stages=tuple(each for each in setup.stages if each in setup.stages_of.get(case.name, setup.stages)),
    )
    try:
        with tempfile.TemporaryDirectory(prefix="quorum-eval-") as directory:
            source = await commit_case(case, Path(directory))
            gathered = await gather_change(
                source, pipeline_options, services, configuration=configuration_of(setup)
            )
            report = await review_gathered(pipeline_options, gathered, services, stations=Stations(case.name))
    finally:
        await services.models.aclose()
    return CaseRun(
        case=case,
        report=report,
        calls=tuple(calls.calls),
        claimed=judge(claims_of(report), case),
        shown=judge(report.findings, case),
        inline=judge(inline_of(report), case),
    )


def services_for(case: EvaluationCase, setup: EvaluationSetup, calls: MemoryCalls) -> Services:
    """Build the services of one case, with its calls in `calls`."""
    models = build_models(
        ModelSettings(access=setup.access, call_timeout_s=setup.call_timeout_s),
        ModelEnvironment(
            stores=ModelStores(calls=calls),
            http_client=setup.http_client,
            wrap=setup.wrap(case) if setup.wrap else None,
        ),
    )
    return Services(
        models=models,
        prompts=setup.prompts,
        redactor=Redactor(),
        secret=FENCE_SECRET,
        stage_deadline_s=setup.stage_deadline_s,
    )


def configuration_of(setup: EvaluationSetup) -> bytes:
    """The configuration of every case's repository."""
    return f"profile: {setup.profile.value}\nquorum: {setup.quorum}\nfinders: {setup.finders}\n".encode()
