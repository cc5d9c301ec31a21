"""Has the product fix known defects, and grades each fix: by the case's check, by an analyzer, or by a judge.

Each known defect is given to the fix stage as if it had been posted. The product applies and checks the edits by its own
rules and asks another vendor to confirm. The grade is independent of that: a model of a further vendor judges only if
neither a check nor an analyzer can tell.
"""

import asyncio
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.analyzers.analysis import analyze
from app.domain.analysis import ChangedFile
from app.domain.finding import Finding, Placement, Stage
from app.domain.fix import FindingFix, FixedFile, FixStatus
from app.domain.model_call import ModelCall, Provider, vendors_of
from app.domain.rules import RULES, rule_for
from app.errors import AnswerMissing, ModelError
from app.evaluation.cases import EvaluationCase, KnownDefect, commit_case
from app.evaluation.checks import FixGrade, GradedFix, run_check
from app.evaluation.run import EvaluationSetup, configuration_of, services_for
from app.fixes.checks import FixState, apply_allowed
from app.fixes.fixing import fix_finding
from app.fixes.questions import FixQuestions
from app.llm.calls import MemoryCalls
from app.llm.client import CallScope
from app.pipeline import PipelineOptions, Services, gather_change
from app.redaction import Redactor

# The vendor that finds this kind of defect in a review; it must not confirm the fix.
FINDERS = {Stage.REVIEW: Provider.CLAUDE, Stage.SECURITY: Provider.GPT, Stage.DOCS: Provider.GEMINI}
WORTH = 8  # any posted finding has one


@dataclass(frozen=True, slots=True, kw_only=True)
class FixRun:
    """The fix of one known defect; `waits` if an answer is missing, perhaps only the judge's."""

    case: EvaluationCase
    defect: KnownDefect
    calls: tuple[ModelCall, ...] = ()
    made: FindingFix | None = None
    graded: GradedFix | None = None
    waits: bool = False

    @property
    def is_confirmed(self) -> bool:
        """Whether another vendor's model confirmed the fix."""
        return self.made is not None and self.made.status is FixStatus.CONFIRMED

    @property
    def is_right(self) -> bool:
        """Whether the grade is `right`."""
        return self.graded is not None and self.graded.grade is FixGrade.RIGHT

    @property
    def is_wrong(self) -> bool:
        """Whether the grade is `wrong`."""
        return self.graded is not None and self.graded.grade is FixGrade.WRONG


async def run_fixes(
    cases: Sequence[EvaluationCase],
    setup: EvaluationSetup,
    *,
    report: Callable[[FixRun], None] = lambda _: None,
) -> list[FixRun]:
    """Fix every known defect of the cases, several cases concurrently; call `report` as each ends."""
    semaphore = asyncio.Semaphore(setup.max_concurrent)

    async def run(case: EvaluationCase, defect: KnownDefect) -> FixRun:
        async with semaphore:
            result = await _run_fix(case, defect, setup)
        report(result)
        return result

    return await asyncio.gather(*(run(case, defect) for case in cases for defect in case.defects))


async def _run_fix(case: EvaluationCase, defect: KnownDefect, setup: EvaluationSetup) -> FixRun:
    calls = MemoryCalls()
    services = services_for(case, setup, calls)
    made, graded, waits = None, None, False
    try:
        with tempfile.TemporaryDirectory(prefix="quorum-eval-") as directory:
            fixing = await _open(case, defect, services, setup, Path(directory))
            made = await fix_finding(fixing.finding, fixing.state, fixing.questions)
            graded = await _grade(case, defect, made, fixing) if made.edits else None
    except AnswerMissing:
        waits = True
    finally:
        await services.models.aclose()
    return FixRun(case=case, defect=defect, calls=tuple(calls.calls), made=made, graded=graded, waits=waits)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fixing:
    """What the fix stage gets."""

    finding: Finding
    state: FixState
    questions: FixQuestions


async def _open(
    case: EvaluationCase, defect: KnownDefect, services: Services, setup: EvaluationSetup, directory: Path
) -> _Fixing:
    scope = CallScope(review_id=case.name, repository=f"evals/{case.name}", pull_request=1)
    source = await commit_case(case, directory)
    gathered = await gather_change(
        source, PipelineOptions(scope=scope), services, configuration=configuration_of(setup)
    )
    content = await source.blob(defect.path, defect.side) or b""
    return _Fixing(
        finding=known_finding(case, defect, content.decode("utf-8", "replace")),
        state=FixState(diff=gathered.context.diff, head=source.head_files(), fixed={}),
        questions=FixQuestions(
            services=services, config=gathered.config, scope=scope, snapshot=gathered.snapshot
        ),
    )


def known_finding(case: EvaluationCase, defect: KnownDefect, source: str) -> Finding:
    """Return the defect as the finding that a review would have posted."""
    first, last = defect.lines
    rule = defect.rules[0]
    stage = Stage.SECURITY if case.topic == Stage.SECURITY else Stage.REVIEW
    return Finding(
        stage=stage,
        severity=defect.severity,
        rule_id=rule,
        cwe=RULES[rule].cwe,
        path=defect.path,
        start_line=first,
        end_line=last,
        side=defect.side,
        title=defect.what,
        explanation=defect.what,
        quote="\n".join(source.split("\n")[first - 1 : last]),
        found_by=(f"{FINDERS[stage]}:known",),
        fingerprint=f"{case.name}:{defect.path}:{first}",
        placement=Placement.INLINE,
        worth=WORTH,
    )


async def _grade(case: EvaluationCase, defect: KnownDefect, made: FindingFix, fixing: _Fixing) -> GradedFix:
    fixed = await apply_allowed(made.edits, fixing.state)
    graded = await run_check(case, fixed)
    if graded.grade is FixGrade.UNKNOWN:
        graded = await grade_by_analyzer(defect, fixed) or graded
    if graded.grade is FixGrade.UNKNOWN and made.status is FixStatus.CONFIRMED:
        graded = await _judge(made, fixed, fixing)
    return graded


async def grade_by_analyzer(defect: KnownDefect, fixed: Sequence[FixedFile]) -> GradedFix | None:
    """Return `RIGHT` if analyzers found the defect and are silent now; None if they cannot tell.

    A pattern that still matches proves nothing: it may not know this kind of fix.
    """
    [file, *_] = [*(each for each in fixed if each.path == defect.path), None]
    if file is None or file.before is None:
        return None
    before, after = [await _count(defect, content) for content in (file.before, file.after)]
    return GradedFix(grade=FixGrade.RIGHT, by="analyzer") if before and not after else None


async def _count(defect: KnownDefect, content: bytes) -> int:
    """The number of analyzers' findings of the defect's kind in the file, wherever they are."""
    added = frozenset(range(1, content.count(b"\n") + 2))
    file = ChangedFile(path=defect.path, head=content, base=None, added=added)
    findings = (await analyze([file], redactor=Redactor())).findings
    return sum(
        each.cwe == defect.cwe or rule_for(each.rule_id).family in defect.families for each in findings
    )


async def _judge(made: FindingFix, fixed: Sequence[FixedFile], fixing: _Fixing) -> GradedFix:
    """Ask a vendor that neither wrote nor confirmed the fix."""
    source = await fixing.state.head.read(fixing.finding.path) or b""
    part = vendors_of(name for name in (made.fixed_by, made.confirmed_by) if name)
    try:
        judged = await fixing.questions.ask_verdict(
            fixing.finding,
            {fixing.finding.path: source},
            fixed=fixed,
            exclude=part,
            parent_id=made.call_ids[-1],
        )
    except ModelError as error:
        return GradedFix(grade=FixGrade.UNKNOWN, by="judge", detail=str(error))
    return GradedFix(
        grade=FixGrade.RIGHT if judged.value.is_right else FixGrade.WRONG,
        by=f"{judged.response.provider}:{judged.response.model}",
        detail="" if judged.value.is_right else judged.value.evidence,
    )
