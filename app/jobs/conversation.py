"""A question on a pull request: one finished comment, and a record of the turn."""

import asyncio
from datetime import timedelta
from uuid import NAMESPACE_OID, uuid5

from app.conversation.answering import Answered, Asked, answer
from app.conversation.history import Turn, turns_of
from app.conversation.product import documentation, figures
from app.conversation.schemas import Intent
from app.domain.diff import Side
from app.domain.step import Checkpoint
from app.errors import ModelError
from app.jobs import dismissal
from app.jobs.visit import Visit, moved_to
from app.llm.client import CallScope
from app.publish import replies
from app.store.model_calls import CallDimension, load_stats
from app.store.reports import ConversationTurn, load_turns, record_turn

FIGURES_OF = timedelta(days=30)
NO_MODEL = "no model has a key here, or the configuration allows none."


async def converse(visit: Visit, question: str, *, intent: Intent | None = None) -> None:
    """Answer a question; with `intent` given it is not asked for."""
    asked = await _asked(visit, question)
    services = visit.review.services
    if not set(services.models.providers) & set(asked.config.providers):
        await _answer_without_model(visit, asked, NO_MODEL)
        return
    scope = CallScope(
        installation_id=visit.job.installation_id,
        repository=visit.ref.repository,
        pull_request=visit.ref.number,
        review_id=_turn_id(visit),
    )
    try:
        answered = await visit.step(
            Checkpoint("converse", Answered),
            lambda: answer(asked, services=services, scope=scope, intent=intent),
        )
    except ModelError as error:
        await _answer_without_model(visit, asked, str(error))
        return
    await _say(visit, asked, answered)


async def _answer_without_model(visit: Visit, asked: Asked, reason: str) -> None:
    await visit.answer(replies.render_no_answer(reason, asked.finding, key=visit.key, redact=visit.redact))


def _turn_id(visit: Visit) -> str:
    return str(uuid5(NAMESPACE_OID, visit.job.key))


async def _asked(visit: Visit, question: str) -> Asked:
    snapshot, thread, known = await visit.snapshot(), await visit.thread(), await visit.known_finding()
    finding = moved_to(known.finding, thread) if known else None
    code = await visit.access.source.blob(finding.path, Side.RIGHT) if finding else None
    if thread is not None:
        history = [turn for turn in turns_of(thread) if turn.text != visit.job.body]
    else:
        turns = await asyncio.to_thread(load_turns, visit.review.database, visit.ref)
        history = [
            said
            for turn in turns
            for said in (
                Turn(author=turn.author, text=turn.question),
                Turn(author="Quorum", text=turn.answer),
            )
        ]
    return Asked(
        question=question,
        diff=snapshot.diff,
        config=(await visit.configuration()).config,
        finding=finding,
        code=code.decode("utf-8", "replace") if code is not None else None,
        history=history,
        product=lambda: f"{documentation()}\n\nFigures of this repository:\n{_figures(visit)}",
    )


def _figures(visit: Visit) -> str:
    since = visit.now() - FIGURES_OF
    rows = load_stats(visit.review.database, since, by=(CallDimension.REPOSITORY,))
    return figures([row for row in rows if row.repository == visit.ref.repository])


async def _say(visit: Visit, asked: Asked, answered: Answered) -> None:
    withdraws = answered.said.withdraws and answered.intent is Intent.COMPLAINT
    if withdraws and asked.finding is not None:
        await asyncio.to_thread(
            dismissal.dismiss,
            visit.review.database,
            visit.ref,
            [asked.finding],
            installation_id=visit.job.installation_id,
            by=visit.job.author,
            reason=f"withdrawn after a complaint: {answered.said.evidence}",
            at=visit.now(),
        )
        body = replies.render_withdrawn(
            answered.said.answer, asked.finding, answered_by=answered.by, key=visit.key, redact=visit.redact
        )
    else:
        body = replies.render_answer(
            answered.said.answer, answered_by=answered.by, key=visit.key, redact=visit.redact
        )
    await _record(visit, asked, answered, answer_comment_id=await visit.answer(body))
    if withdraws:
        await visit.refresh()


async def _record(visit: Visit, asked: Asked, answered: Answered, *, answer_comment_id: int) -> None:
    turn = ConversationTurn(
        id=_turn_id(visit),
        comment_id=visit.job.comment_id,
        author=visit.job.author,
        intent=answered.intent,
        question=visit.redact(asked.question),
        answer=answered.said.answer,
        fingerprint=asked.finding.fingerprint if asked.finding else None,
        answer_comment_id=answer_comment_id,
        call_ids=answered.call_ids,
    )
    await asyncio.to_thread(
        record_turn,
        visit.review.database,
        visit.ref,
        turn,
        installation_id=visit.job.installation_id,
        at=visit.now(),
    )
