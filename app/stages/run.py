"""Runs one stage: asks about all chunks concurrently, joins the answers, and reports what failed, without raising.

The model layer decides which model is asked and how often; verification decides whether a finding holds.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from app.domain.analysis import Analysis
from app.domain.finding import Document, Finding, Stage
from app.domain.model_call import Provider
from app.domain.review import Chunk, ReviewContext, StageResult, StageStatus
from app.errors import (
    ChunksNotReviewed,
    ModelContextTooLong,
    ModelReadPart,
    ModelTruncated,
    QuorumError,
    StageCrashed,
)
from app.llm.client import Completion
from app.stages.asking import CallIdsByStage, Question, StageContext, StageQueue, parent_of
from app.stages.documents import analysis_documents
from app.stages.further import ask_further, change_for_further, finder_order
from app.stages.halves import halves_of, join_halves, with_finder
from app.stages.looking import ask_looking, render_offer
from app.stages.material import in_order_of, render_material
from app.stages.questions import ChunkAnswer, join, stage_question
from app.stages.sections import without_secrets

log = logging.getLogger(__name__)

NOTHING_TO_REVIEW = "No model was asked: there is nothing new to review."


@dataclass(frozen=True, slots=True, kw_only=True)
class _ChunkQuestion:
    question: Question[ChunkAnswer]
    material: str
    parent_id: str | None
    rounds: int = 0  # of look-ups


async def run_stage(
    stage: Stage,
    change: ReviewContext,
    context: StageContext,
    *,
    analysis: Analysis,
    handover: Sequence[Finding] = (),
    parents: CallIdsByStage | None = None,
) -> StageResult:
    """Return the stage's result. It includes the analyzers' findings of that stage, even if every model fails.

    Args:
        stage: the stage to run.
        change: the code shown to the models.
        context: what all questions of the review share.
        analysis: what the analyzers found.
        handover: findings of earlier stages, for docs in the sequential pipeline; other stages never see them.
        parents: the calls that made the findings of `handover`; stored with the call that gets them.
    """
    own = tuple(finding for finding in analysis.findings if finding.stage is stage)
    documents = analysis_documents(analysis) if stage is Stage.DOCS else ()
    if context.is_keyless:
        return _by_analyzers(stage, own, documents)
    try:
        build = partial(
            _chunk_questions,
            stage,
            context=context,
            analysis=analysis,
            handover=handover,
            parents=parents or {},
        )
        queue = StageQueue(deadline_s=context.deadline_s)
        order = await finder_order(stage.value, context)
        first = order[0] if order else None
        asking = asyncio.gather(
            *(
                _ask_chunk(
                    context,
                    asked,
                    place=place,
                    queue=queue,
                    halves=lambda place=place: build(_only(change, change.chunks[place]), vendor=first),
                )
                for place, asked in enumerate(build(change, vendor=first))
            ),
            return_exceptions=True,
        )
        further = asyncio.gather(
            *(
                ask_further(
                    context, asked.question, material=asked.material, vendor=vendor, place=place, queue=queue
                )
                for vendor in (() if stage is Stage.DOCS else order[1 : context.finders])
                for place, asked in enumerate(build(change_for_further(change, context), vendor=vendor))
            )
        )
        outcomes, found = await asyncio.gather(asking, further)
        result = _result(stage, change.chunks, outcomes, further=found)
    except Exception as error:
        log.exception("stage failed", extra={"stage": stage.value, "review_id": context.scope.review_id})
        result = StageResult(
            stage=stage,
            status=StageStatus.FAILED,
            error=str(StageCrashed(error)),
            unread_paths=_paths(change.chunks),
        )
    fallback = documents if result.status is StageStatus.FAILED else ()
    return replace(result, findings=(*result.findings, *own), documents=(*result.documents, *fallback))


async def _ask_chunk(
    context: StageContext,
    asked: _ChunkQuestion,
    *,
    place: int,
    queue: StageQueue,
    halves: Callable[[], Sequence[_ChunkQuestion]],
) -> Completion[ChunkAnswer]:
    """Ask about a chunk; if the answer or the request is too long for a model, ask the same models about its halves."""
    ask_about = partial(_ask_looking, context, queue=queue)
    try:
        answered = await ask_about(asked, can_split=True)
    except (ModelTruncated, ModelContextTooLong, ModelReadPart) as error:
        parts = halves()
        if len(parts) < 2:
            return await ask_about(asked)
        answers = await asyncio.gather(
            *(ask_about(replace(each, parent_id=asked.parent_id)) for each in parts), return_exceptions=True
        )
        failed = next((each for each in answers if isinstance(each, BaseException)), None)
        if failed is not None:
            raise failed from error
        return join_halves([each for each in answers if isinstance(each, Completion)], error)
    context.cache_fill.mark(answered.response.provider, place)
    return answered


async def _ask_looking(
    context: StageContext, asked: _ChunkQuestion, *, queue: StageQueue, can_split: bool = False
) -> Completion[ChunkAnswer]:
    looked = await ask_looking(
        context,
        asked.question,
        material=asked.material,
        rounds=asked.rounds,
        parent_id=asked.parent_id,
        queue=queue,
        can_split=can_split,
    )
    answer = replace(looked.completion.value, looked_up=looked.looked_up)
    return replace(looked.completion, value=answer)


def _only(change: ReviewContext, chunk: Chunk) -> ReviewContext:
    return replace(change, chunks=halves_of(chunk))


def _chunk_questions(
    stage: Stage,
    change: ReviewContext,
    context: StageContext,
    analysis: Analysis,
    handover: Sequence[Finding],
    parents: CallIdsByStage,
    *,
    vendor: Provider | None = None,
) -> list[_ChunkQuestion]:
    """One question for each chunk, with the files in the order of the vendor that is asked."""
    change = without_secrets(change, context.redactor)
    config = context.config
    rounds = 0 if stage is Stage.DOCS else context.finder_rounds
    is_prefix_reused = config.quorum > 1 or len(context.allowed) < len(config.stages)
    is_prefix_reused = is_prefix_reused or context.finders > 1
    questions: list[_ChunkQuestion] = []
    for place, chunk in enumerate(change.chunks):
        paths = {file.path for file in chunk.files}
        passed_on = [finding for finding in handover if finding.path in paths]
        question = stage_question(
            stage,
            chunk,
            change,
            config,
            secret=context.secret,
            analysis=analysis,
            handover=passed_on,
            offer=render_offer(rounds),
        )
        material = render_material(
            in_order_of(vendor, chunk),
            guidelines=change.guidelines,
            secret=context.secret,
            redactor=context.redactor,
        )
        questions.append(
            _ChunkQuestion(
                question=replace(question, prefix_reused=is_prefix_reused),
                material=material,
                parent_id=parent_of(passed_on, place, parents),
                rounds=rounds,
            )
        )
    return questions


def _result(
    stage: Stage,
    chunks: Sequence[Chunk],
    outcomes: Sequence[Completion[ChunkAnswer] | BaseException],
    *,
    further: Sequence[ChunkAnswer],
) -> StageResult:
    if not chunks:
        return StageResult(stage=stage, status=StageStatus.COMPLETED, notes=(NOTHING_TO_REVIEW,))
    completions = [outcome for outcome in outcomes if isinstance(outcome, Completion)]
    answer = join([*map(with_finder, completions), *further])
    failures = dict.fromkeys(failure for completion in completions for failure in completion.failures)
    error = _error(chunks, outcomes)
    first = completions[0] if completions else None
    failed = [
        chunk for chunk, outcome in zip(chunks, outcomes, strict=True) if isinstance(outcome, QuorumError)
    ]
    return StageResult(
        stage=stage,
        status=StageStatus.FAILED if error else StageStatus.COMPLETED,
        findings=answer.findings,
        rejected=answer.rejected,
        documents=answer.documents,
        walkthrough=answer.walkthrough,
        provider=first.response.provider if first else None,
        model=first.response.model if first else None,
        error=str(error) if error else None,
        route=first.route if first else None,
        notes=(*failures, *answer.notes),
        looked_up=answer.looked_up,
        call_ids=tuple(each.call_id if isinstance(each, Completion) else "" for each in outcomes),
        unread_paths=_paths(failed),
    )


def _paths(chunks: Iterable[Chunk]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(file.path for chunk in chunks for file in chunk.files))


def _error(chunks: Sequence[Chunk], outcomes: Sequence[object]) -> QuorumError | None:
    """Return the first error, with the files that were not reviewed if some were; raises what is not a `QuorumError`."""
    errors: list[QuorumError] = []
    paths: list[str] = []
    for chunk, outcome in zip(chunks, outcomes, strict=True):
        if isinstance(outcome, QuorumError):
            errors.append(outcome)
            paths += [file.path for file in chunk.files]
        elif isinstance(outcome, BaseException):
            raise outcome
    if errors and len(errors) < len(chunks):
        return ChunksNotReviewed(errors[0], paths)
    return errors[0] if errors else None


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
