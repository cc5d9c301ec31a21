"""Answers a question on a pull request with one comment, and records the turn."""

import asyncio
from datetime import timedelta
from uuid import NAMESPACE_OID, uuid5

from app.conversation.answering import ConversationAnswer, ConversationQuestion, answer
from app.conversation.history import Turn, turns_of
from app.conversation.product import documentation, figures
from app.conversation.schemas import Intent
from app.domain.diff import Side
from app.domain.step import Checkpoint
from app.errors import ModelError
from app.jobs import dismissals
from app.jobs.comment import IncomingComment, moved_to
from app.jobs.remembering import worth_remembering
from app.llm.client import CallScope
from app.publish import replies
from app.publish.remembered import render_offer
from app.store.model_calls import CallDimension, load_stats
from app.store.reports import ConversationTurn, load_turns, record_turn

FIGURES_OF = timedelta(days=30)
NO_MODEL = "no model has a key, or the configuration allows none."


async def converse(comment: IncomingComment, question: str, *, intent: Intent | None = None) -> None:
    """Answer a question; `intent` skips the call that classifies it."""
    conversation_question = await _collect(comment, question)
    services = comment.environment.services
    if not any(map(conversation_question.config.permits, services.models.providers)):
        await _answer_without_model(comment, conversation_question, NO_MODEL)
        return
    scope = CallScope(
        installation_id=comment.job.installation_id,
        repository=comment.ref.repository,
        pull_request=comment.ref.number,
        review_id=_turn_id(comment),
    )
    try:
        completed = await comment.step(
            Checkpoint("converse", ConversationAnswer),
            lambda: answer(conversation_question, services=services, scope=scope, intent=intent),
        )
    except ModelError as error:
        await _answer_without_model(comment, conversation_question, str(error))
        return
    await _post_answer(comment, conversation_question, completed)


async def _answer_without_model(
    comment: IncomingComment, question: ConversationQuestion, reason: str
) -> None:
    await comment.answer(
        replies.render_no_answer(reason, question.finding, key=comment.key, redact=comment.redact)
    )


def _turn_id(comment: IncomingComment) -> str:
    return str(uuid5(NAMESPACE_OID, comment.job.key))


async def _collect(comment: IncomingComment, question: str) -> ConversationQuestion:
    snapshot, thread, known = await comment.snapshot(), await comment.thread(), await comment.known_finding()
    finding = moved_to(known.finding, thread) if known else None
    code = await comment.access.source.blob(finding.path, Side.RIGHT) if finding else None
    if thread is not None:
        history = [turn for turn in turns_of(thread) if turn.text != comment.job.body]
    else:
        turns = await asyncio.to_thread(load_turns, comment.environment.database, comment.ref)
        history = [
            message
            for turn in turns
            for message in (
                Turn(author=turn.author, text=turn.question),
                Turn(author="Quorum", text=turn.answer),
            )
        ]
    return ConversationQuestion(
        question=question,
        diff=snapshot.diff,
        config=(await comment.configuration()).config,
        finding=finding,
        code=code.decode("utf-8", "replace") if code is not None else None,
        history=history,
        product=lambda: f"{documentation()}\n\nFigures of this repository:\n{_figures(comment)}",
    )


def _figures(comment: IncomingComment) -> str:
    since = comment.now() - FIGURES_OF
    rows = load_stats(comment.environment.database, since, by=(CallDimension.REPOSITORY,))
    return figures([row for row in rows if row.repository == comment.ref.repository])


async def _post_answer(
    comment: IncomingComment, question: ConversationQuestion, completed: ConversationAnswer
) -> None:
    complains = completed.intent is Intent.COMPLAINT
    withdraws = completed.reply.withdraws and complains
    offer = render_offer(worth_remembering(question.question) if complains else "", redact=comment.redact)
    if withdraws and question.finding is not None:
        await asyncio.to_thread(
            dismissals.dismiss,
            comment.environment.database,
            comment.ref,
            [question.finding],
            installation_id=comment.job.installation_id,
            by=comment.job.author,
            reason=f"withdrawn after a complaint: {completed.reply.evidence}",
            at=comment.now(),
        )
        body = replies.render_withdrawn(
            completed.reply.answer,
            question.finding,
            answered_by=completed.by,
            key=comment.key,
            redact=comment.redact,
            offer=offer,
        )
    else:
        body = replies.render_answer(
            completed.reply.answer,
            answered_by=completed.by,
            key=comment.key,
            redact=comment.redact,
            offer=offer,
        )
    await _record(comment, question, completed, answer_comment_id=await comment.answer(body))
    if withdraws:
        await comment.refresh()


async def _record(
    comment: IncomingComment,
    question: ConversationQuestion,
    completed: ConversationAnswer,
    *,
    answer_comment_id: int,
) -> None:
    turn = ConversationTurn(
        id=_turn_id(comment),
        comment_id=comment.job.comment_id,
        author=comment.job.author,
        intent=completed.intent,
        question=comment.redact(question.question),
        answer=completed.reply.answer,
        fingerprint=question.finding.fingerprint if question.finding else None,
        answer_comment_id=answer_comment_id,
        call_ids=completed.call_ids,
    )
    await asyncio.to_thread(
        record_turn,
        comment.environment.database,
        comment.ref,
        turn,
        installation_id=comment.job.installation_id,
        at=comment.now(),
    )
