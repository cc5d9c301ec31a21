"""Reviews cases by the production pipeline (gather, analysers, stages, settle) and judges what comes out.

Posts nothing and keeps nothing: each case has its own model layer over rows in memory, so that no case learns from or
is answered out of another.
"""

import asyncio
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from app.domain.configuration import Profile
from app.domain.finding import Stage
from app.domain.model_call import ModelCall, Provider
from app.domain.review import ReviewReport, StageStatus
from app.evaluation.cases import Case
from app.evaluation.judge import Verdict, claims_of, inline_of, judge
from app.evaluation.source import commit_case
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

Wrap = Callable[[Case], Callable[[ModelClient], ModelClient]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What all cases of a run have in common. Without `access` the analysers are the reviewer.

    `stages_of` names, by case, the only stages that can be asked of it, where not all can.
    """

    access: Mapping[Provider, VendorAccess] = field(default_factory=dict[Provider, VendorAccess])
    stages: tuple[Stage, ...] = tuple(Stage)
    stages_of: Mapping[str, tuple[Stage, ...]] = field(default_factory=dict[str, tuple[Stage, ...]])
    prompts: Prompts = field(default_factory=Prompts)
    profile: Profile = Profile.NORMAL
    quorum: int = 2
    call_timeout_s: float = 240.0
    stage_deadline_s: float = 600.0
    at_once: int = 4
    http_client: "httpx2.AsyncClient | None" = None  # stands in for the network in tests
    wrap: Wrap | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRun:
    """One case reviewed: the report, the calls it took, and the verdict on what was claimed, shown and put inline."""

    case: Case
    report: ReviewReport
    calls: tuple[ModelCall, ...]
    claimed: Verdict
    shown: Verdict
    inline: Verdict

    @property
    def failures(self) -> tuple[str, ...]:
        """Stages that were not completed, with the reason."""
        return tuple(
            f"{result.stage}: {result.error}"
            for result in self.report.stages
            if result.status is StageStatus.FAILED
        )


async def run_cases(
    cases: Sequence[Case], setup: Setup, *, tell: Callable[[CaseRun], None] = lambda _: None
) -> list[CaseRun]:
    """Every case, some at once, in the cases' order; `tell` hears of each as it ends."""
    room = asyncio.Semaphore(setup.at_once)

    async def run(case: Case) -> CaseRun:
        async with room:
            done = await run_case(case, setup)
        tell(done)
        return done

    return await asyncio.gather(*map(run, cases))


async def run_case(case: Case, setup: Setup) -> CaseRun:
    """One case from its two commits to the verdicts."""
    calls = MemoryCalls()
    services = _services(case, setup, calls)
    options = PipelineOptions(
        scope=CallScope(review_id=case.name, repository=f"evals/{case.name}", pull_request=1),
        stages=tuple(each for each in setup.stages if each in setup.stages_of.get(case.name, setup.stages)),
    )
    try:
        with tempfile.TemporaryDirectory(prefix="quorum-eval-") as directory:
            source = await commit_case(case, Path(directory))
            gathered = await gather_change(source, options, services, configuration=_configuration(setup))
            report = await review_gathered(options, gathered, services, stations=Stations(case.name))
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


def _services(case: Case, setup: Setup, calls: MemoryCalls) -> Services:
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


def _configuration(setup: Setup) -> bytes:
    return f"profile: {setup.profile.value}\nquorum: {setup.quorum}\n".encode()
