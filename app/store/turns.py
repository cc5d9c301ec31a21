"""Turns of conversation on a pull request: what was asked, what was answered, with which calls. All redacted."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import col, select

from app.domain.pull_request import PullRequestRef
from app.store.database import Database
from app.store.tables import ConversationTurnRow

MOST_TURNS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedTurn:
    """A question and its answer."""

    id: str
    comment_id: int
    author: str
    intent: str
    question: str
    answer: str
    fingerprint: str | None = None
    answer_comment_id: int | None = None
    call_ids: tuple[str, ...] = ()


def record_turn(
    database: Database, ref: PullRequestRef, turn: RecordedTurn, *, installation_id: int, at: datetime
) -> None:
    """The turn, in place of what an earlier attempt of it left."""
    with database.write() as session:
        session.merge(
            ConversationTurnRow(
                id=turn.id,
                installation_id=installation_id,
                repository=ref.repository,
                pull_request=ref.number,
                comment_id=turn.comment_id,
                answer_comment_id=turn.answer_comment_id,
                fingerprint=turn.fingerprint,
                author=turn.author,
                intent=turn.intent,
                question=turn.question,
                answer=turn.answer,
                call_ids=list(turn.call_ids),
                created_at=at,
            )
        )


def load_turns(database: Database, ref: PullRequestRef) -> list[RecordedTurn]:
    """The newest turns of a pull request's conversation outside of threads, oldest first."""
    statement = (
        select(ConversationTurnRow)
        .where(
            ConversationTurnRow.repository == ref.repository,
            ConversationTurnRow.pull_request == ref.number,
            col(ConversationTurnRow.fingerprint).is_(None),
        )
        .order_by(col(ConversationTurnRow.created_at).desc())
        .limit(MOST_TURNS)
    )
    with database.read() as session:
        rows = list(session.exec(statement))
    return [
        RecordedTurn(
            id=row.id,
            comment_id=row.comment_id,
            author=row.author,
            intent=row.intent,
            question=row.question,
            answer=row.answer,
            fingerprint=row.fingerprint,
            answer_comment_id=row.answer_comment_id,
            call_ids=tuple(row.call_ids),
        )
        for row in reversed(rows)
    ]
