"""Asks the product's verifier about known claims, as a review would: by change, by finder, and never the finder's vendor."""

import asyncio
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.domain.diff import Side
from app.domain.finding import Finding, Judgement, Placement, Severity, Stage, VerifierVerdict
from app.domain.model_call import ModelCall, Provider
from app.evaluation.cases import CaseSource, EvaluationCase, commit_case
from app.evaluation.claims import KnownClaim
from app.evaluation.fixing import FINDERS
from app.evaluation.run import EvaluationSetup, configuration_of, services_for
from app.gather import Gathered
from app.llm.calls import MemoryCalls
from app.llm.client import CallScope
from app.pipeline import PipelineOptions, Services, gather_change
from app.stages import StageContext, ask_verdicts


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedClaim:
    """A claim with the verifier's verdict; None if no verifier answered."""

    case: str
    claim: KnownClaim
    verdict: VerifierVerdict | None
    prompt_version: str = ""

    @property
    def judgement(self) -> Judgement | None:
        """The verifier's opinion."""
        return self.verdict.judgement if self.verdict else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimsRun:
    """The claims about one change, and the calls that judged them."""

    judged: tuple[JudgedClaim, ...]
    calls: tuple[ModelCall, ...]


async def run_claims(
    cases: Sequence[EvaluationCase],
    claims: Mapping[str, Sequence[KnownClaim]],
    setup: EvaluationSetup,
    *,
    report: Callable[[str, ClaimsRun], None] = lambda _name, _run: None,
) -> list[ClaimsRun]:
    """Have the claims about these cases verified, several cases concurrently; call `report` as each ends."""
    semaphore = asyncio.Semaphore(setup.max_concurrent)

    async def run(case: EvaluationCase) -> ClaimsRun:
        async with semaphore:
            result = await _run_case(case, claims[case.name], setup)
        report(case.name, result)
        return result

    return await asyncio.gather(*(run(case) for case in cases if case.name in claims))


async def _run_case(case: EvaluationCase, claims: Sequence[KnownClaim], setup: EvaluationSetup) -> ClaimsRun:
    calls = MemoryCalls()
    services = services_for(case, setup, calls)
    scope = CallScope(review_id=case.name, repository=f"evals/{case.name}", pull_request=1)
    try:
        with tempfile.TemporaryDirectory(prefix="quorum-eval-") as directory:
            source = await commit_case(case, Path(directory))
            gathered = await gather_change(
                source, PipelineOptions(scope=scope), services, configuration=configuration_of(setup)
            )
            findings = [await _finding(number, claim, source) for number, claim in enumerate(claims)]
            verdicts = await _ask(findings, gathered, _context(gathered, services, scope))
    finally:
        await services.models.aclose()
    return ClaimsRun(
        judged=tuple(
            _judged(case, claim, verdicts.get(finding.fingerprint), calls.calls)
            for claim, finding in zip(claims, findings, strict=True)
        ),
        calls=tuple(calls.calls),
    )


async def _finding(number: int, claim: KnownClaim, source: CaseSource) -> Finding:
    """The claim after anchoring: on the lines that it quotes."""
    text = (await source.blob(claim.path, claim.side) or b"").decode("utf-8", "replace")
    first, last = claim.lines
    return Finding(
        stage=claim.stage,
        severity=Severity.MEDIUM,
        rule_id="other",
        path=claim.path,
        start_line=first,
        end_line=last,
        side=claim.side,
        title=claim.claim,
        explanation="",
        quote="\n".join(text.split("\n")[first - 1 : last]),
        found_by=(f"{FINDERS[claim.stage]}:known",),
        fingerprint=f"claim-{number}",
        placement=Placement.INLINE if claim.side is Side.RIGHT else Placement.FILE,
    )


def _context(gathered: Gathered, services: Services, scope: CallScope) -> StageContext:
    return StageContext(
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
    )


async def _ask(
    findings: Sequence[Finding], gathered: Gathered, context: StageContext
) -> dict[str, VerifierVerdict]:
    """One question for each finder and chunk; claims of one finder are judged together, as in a review."""
    by_finder: dict[Provider, list[Finding]] = {}
    for finding in findings:
        by_finder.setdefault(FINDERS[Stage(finding.stage)], []).append(finding)
    answers = await asyncio.gather(
        *(
            ask_verdicts(own, [finder], near={}, change=gathered.context, context=context)
            for finder, own in by_finder.items()
        )
    )
    return {verdict.id: verdict for answer in answers for verdict in answer.verdicts}


def _judged(
    case: EvaluationCase,
    claim: KnownClaim,
    verdict: VerifierVerdict | None,
    calls: Sequence[ModelCall],
) -> JudgedClaim:
    own = [call for call in calls if verdict and f"{call.provider}:{call.model}" == verdict.by]
    version = own[-1].prompt_version if own else ""
    return JudgedClaim(case=case.name, claim=claim, verdict=verdict, prompt_version=version)
