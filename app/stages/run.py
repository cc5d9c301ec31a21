"""Runs one stage: every chunk at once, answers joined, what failed said. Never raises for a model's failure.

Who is asked and how often is the model layer's; whether a finding holds is verification's.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import assert_never

from app.domain.analysis import Analysis
from app.domain.configuration import RepositoryConfig
from app.domain.finding import Document, Finding, Stage
from app.domain.model_call import Provider
from app.domain.review import Chunk, ReviewContext, StageResult, StageStatus
from app.errors import ModelError, QuorumError
from app.llm.client import CallScope, Completion
from app.prompting.prompts import Prompts
from app.stages.asking import CallIdsByStage, ModelLayer, Question, StageContext, ask, parent_of
from app.stages.documents import analysis_documents
from app.stages.material import render_material
from app.stages.questions import StageAnswer, docs_question, join, review_question, security_question
from app.stages.sections import without_secrets

log = logging.getLogger(__name__)

MAX_CHUNKS_AT_ONCE = 8  # of one stage: vendors limit requests a minute
LAST_CHANCE_S = 1.0  # for a chunk that waited until the stage's deadline
MAX_PATHS_SAID = 5  # of unread files, in one sentence
NOTHING_TO_READ = "No model was asked: there is nothing new to read."


async def run_stage(
    stage: Stage,
    context: ReviewContext,
    config: RepositoryConfig,
    *,
    models: ModelLayer,
    prompts: Prompts,
    scope: CallScope,
    analysis: Analysis,
    tier: str,
    redact: Callable[[str], str],
    secret: bytes,
    handover: Sequence[Finding] = (),
    parents: CallIdsByStage | None = None,
    deadline_s: float = 600.0,
) -> StageResult:
    """One stage's result, with the analysers' findings of that stage in it, whatever became of the models.

    Args:
        redact: takes secrets out of everything that goes to a model; keeps the number of lines.
        secret: the installation's, for the fences.
        handover: findings of earlier stages, for docs in the sequential pipeline; other stages never see them.
        parents: the calls that found what is handed over; written on the row of the call that is told.
    """
    own = tuple(finding for finding in analysis.findings if finding.stage is stage)
    documents = analysis_documents(analysis) if stage is Stage.DOCS else ()
    if models.is_keyless or set(config.providers) <= {Provider.ANALYZERS}:
        return _by_analyzers(stage, own, documents)
    desk = StageContext(
        models=models,
        prompts=prompts,
        scope=replace(scope, stage=stage.value),
        redact=redact,
        secret=secret,
        tier=tier,
        routing=config.routing,
        allowed=config.providers,
        deadline_s=deadline_s,
        prefix_reused=config.quorum > 1 or len(models.providers) < len(config.stages),
    )
    try:
        result = await _ask_chunks(
            stage, without_secrets(context, redact), config, desk, analysis, handover, parents or {}
        )
    except Exception as error:
        log.exception("stage failed", extra={"stage": stage.value, "review_id": scope.review_id})
        result = _failed(stage, f"Quorum made an error in this stage ({type(error).__name__}).")
    fallback = documents if result.status is StageStatus.FAILED else ()
    return replace(result, findings=(*result.findings, *own), documents=(*result.documents, *fallback))


async def _ask_chunks(
    stage: Stage,
    context: ReviewContext,
    config: RepositoryConfig,
    desk: StageContext,
    analysis: Analysis,
    handover: Sequence[Finding],
    parents: CallIdsByStage,
) -> StageResult:
    if not context.chunks:
        return StageResult(stage=stage, status=StageStatus.COMPLETED, notes=(NOTHING_TO_READ,))

    room = asyncio.Semaphore(MAX_CHUNKS_AT_ONCE)
    now_s = asyncio.get_running_loop().time
    ends_at_s = now_s() + desk.deadline_s

    async def ask_one(place: int, chunk: Chunk) -> Completion:
        shown = {file.path for file in chunk.files}
        told = [finding for finding in handover if finding.path in shown]
        question = _question(stage, chunk, context, config, desk.secret, analysis, told)
        material = render_material(
            chunk, guidelines=context.guidelines, secret=desk.secret, redact=desk.redact
        )
        async with room:
            rest = replace(desk, deadline_s=max(ends_at_s - now_s(), LAST_CHANCE_S))
            parent_id = parent_of(told, place, parents)
            return await ask(rest, question, material=material, parent_id=parent_id)

    asked = [ask_one(place, chunk) for place, chunk in enumerate(context.chunks)]
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException) and not isinstance(outcome, QuorumError):
            raise outcome
    return _result(stage, context.chunks, outcomes)


def _question(
    stage: Stage,
    chunk: Chunk,
    context: ReviewContext,
    config: RepositoryConfig,
    secret: bytes,
    analysis: Analysis,
    handover: Sequence[Finding],
) -> Question:
    match stage:
        case Stage.REVIEW:
            return review_question(chunk, context, config, secret=secret)
        case Stage.SECURITY:
            return security_question(chunk, context, config, secret=secret)
        case Stage.DOCS:
            return docs_question(chunk, context, config, secret=secret, analysis=analysis, handover=handover)
        case _:
            assert_never(stage)


def _result(
    stage: Stage, chunks: Sequence[Chunk], outcomes: Sequence[Completion | BaseException]
) -> StageResult:
    answers = [outcome for outcome in outcomes if isinstance(outcome, Completion)]
    errors = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    unread = [
        file.path
        for chunk, outcome in zip(chunks, outcomes, strict=True)
        if isinstance(outcome, BaseException)
        for file in chunk.files
    ]
    said = join([_signed(answer) for answer in answers])
    failures = dict.fromkeys(failure for answer in answers for failure in answer.failures)
    first = answers[0] if answers else None
    return StageResult(
        stage=stage,
        status=StageStatus.FAILED if errors else StageStatus.COMPLETED,
        findings=said.findings,
        documents=said.documents,
        walkthrough=said.walkthrough,
        provider=first.response.provider if first else None,
        model=first.response.model if first else None,
        error=_not_reviewed(errors[0], unread, partly=bool(answers)) if errors else None,
        route=first.route if first else None,
        notes=(*failures, *said.notes),
        call_ids=tuple(each.call_id if isinstance(each, Completion) else "" for each in outcomes),
    )


def _signed(answer: Completion) -> StageAnswer:
    said: StageAnswer = answer.value
    finder = f"{answer.response.provider}:{answer.response.model}"
    return replace(said, findings=tuple(replace(each, found_by=(finder,)) for each in said.findings))


def _not_reviewed(error: BaseException, unread: Sequence[str], *, partly: bool) -> str:
    reason = str(error) if isinstance(error, ModelError | QuorumError) else type(error).__name__
    if not partly:
        return reason
    named = ", ".join(unread[:MAX_PATHS_SAID])
    more = f" and {len(unread) - MAX_PATHS_SAID} more" if len(unread) > MAX_PATHS_SAID else ""
    return f"Not read: {named}{more}. {reason}"


def _failed(stage: Stage, error: str) -> StageResult:
    return StageResult(stage=stage, status=StageStatus.FAILED, error=error)


def _by_analyzers(
    stage: Stage, findings: tuple[Finding, ...], documents: tuple[Document, ...]
) -> StageResult:
    return StageResult(
        stage=stage,
        status=StageStatus.COMPLETED,
        findings=findings,
        documents=documents,
        provider=Provider.ANALYZERS,
        model="built-in",
        route="analyzers: no model has a key or is allowed",
    )
