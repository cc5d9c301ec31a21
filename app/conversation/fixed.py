"""Asks a small model whether findings whose code changed are fixed: one call for a whole push.

The model sees the current code, never what people say about it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from app.domain.configuration import RepositoryConfig
from app.domain.finding import Finding, Judgement
from app.domain.step import Checkpoint, Step
from app.errors import ModelError
from app.llm.client import CallScope
from app.pipeline.inputs import Services
from app.prompting.parsing import parse_verdicts
from app.prompting.prompts import fence, visible
from app.stages.asking import Question, StageContext, ask
from app.syntax import enclosing_definition

FIXED = "fixed"
WINDOW_LINES = 40  # shown at least, before and after the line
MAX_EXCERPT_LINES = 160
MAX_FINDINGS = 30  # of one push; the others become outdated
DEADLINE_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FixJudgement:
    """A model's judgement on whether one finding is fixed."""

    fingerprint: str
    judgement: Judgement  # refuted: the finding is fixed
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFixJudge:
    """Asks a model whether findings are fixed, as a step of the job."""

    services: Services
    config: RepositoryConfig
    scope: CallScope
    step: Step

    async def judge(self, changed: Sequence[tuple[Finding, str]]) -> Sequence[FixJudgement]:
        """Judge findings, each with the current text of its file."""
        return await self.step(
            Checkpoint("judge fixes", tuple[FixJudgement, ...]),
            lambda: judge_fixes(changed, services=self.services, config=self.config, scope=self.scope),
        )


async def judge_fixes(
    changed: Sequence[tuple[Finding, str]],
    *,
    services: Services,
    config: RepositoryConfig,
    scope: CallScope,
) -> tuple[FixJudgement, ...]:
    """Judge findings, each with the current text of its file; empty if no model could be asked."""
    asked = changed[:MAX_FINDINGS]
    if not asked or not any(map(config.permits, services.models.providers)):
        return ()
    claims = {f"c{number}": finding for number, (finding, _) in enumerate(asked, 1)}
    question = Question(
        kind=FIXED,
        prompt_id="conversation/fixed",
        inputs={"claims": fence("claims", _json_lines(claims), services.secret)},
        parse=lambda value: parse_verdicts(value, ids=list(claims)),
    )
    context = StageContext(
        models=services.models,
        prompts=services.prompts,
        redactor=services.redactor,
        secret=services.secret,
        scope=replace(scope, budget=config.budget),
        config=config,
        tier="lite",
        deadline_s=DEADLINE_S,
    )
    excerpts = dict.fromkeys(excerpt(finding, services.redactor.redact(text)) for finding, text in asked)
    material = "\n\n".join(fence("code", each, services.secret) for each in excerpts)
    try:
        answer = await ask(context, question, material=material)
    except ModelError:
        return ()
    redact = services.redactor.redact
    return tuple(
        FixJudgement(
            fingerprint=claims[verdict.id].fingerprint,
            judgement=verdict.judgement,
            evidence=redact(verdict.evidence),
        )
        for verdict in answer.value
    )


def excerpt(finding: Finding, text: str) -> str:
    """Return the definition around the finding's line and the lines near it, with line numbers.

    The line is that of an earlier head, so a push may have moved the code of the finding out of that definition.
    """
    lines = text.split("\n")
    line = min(finding.start_line, len(lines))
    around = enclosing_definition(finding.path, text, line)
    first, last = (around[0], around[1]) if around else (line, line)
    start = max(1, min(first, line - WINDOW_LINES), line - MAX_EXCERPT_LINES // 2)
    end = min(len(lines), max(last, line + WINDOW_LINES), start + MAX_EXCERPT_LINES - 1)
    rows = [f"{number}|{lines[number - 1]}" for number in range(start, end + 1)]
    return "\n".join([f"=== {visible(finding.path)}", *rows])


def _json_lines(claims: Mapping[str, Finding]) -> str:
    return "\n".join(
        json.dumps(
            {"id": id_, "path": finding.path, "finding": finding.title, "lines_then": finding.quote},
            ensure_ascii=False,
        )
        for id_, finding in claims.items()
    )
