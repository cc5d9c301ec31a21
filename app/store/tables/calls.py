"""Tables of the calls of models: what they were and cost, answers kept for later, spending, slots and circuits."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Index
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlmodel import Field

from app.store.columns import AnyText, UtcDateTime
from app.store.tables.row import Row


def day_of(started_at: datetime) -> str:
    """`day`: a column of its own, so that an index can hold the days together."""
    return started_at.astimezone(UTC).date().isoformat()


def _day_of_start(context: DefaultExecutionContext) -> str:
    return day_of(context.get_current_parameters()["started_at"])


class ModelCallRow(Row, table=True):
    """One attempt on the wire, one cache hit or one refusal by budget (`app.domain.model_call.ModelCall`)."""

    __tablename__ = "model_calls"
    __table_args__ = (
        Index("ix_model_calls_started_at", "started_at", "provider", "model"),
        Index("ix_model_calls_review_id", "review_id"),
        Index(  # the per-model table, from the index alone: app/store/model_calls.py
            "ix_model_calls_stats",
            "provider",
            "model",
            "latency_ms",
            "started_at",
            "outcome",
            "input_tokens",
            "cached_input_tokens",
            "output_tokens",
            "cost_usd",
            "stage",
            "installation_id",
            "repository",
        ),
        Index("ix_model_calls_repository", "installation_id", "repository", "started_at"),
        Index(  # the charts over time, grouped in the order of the index: app/store/dashboard/overview.py
            "ix_model_calls_days",
            "provider",
            "model",
            "outcome",
            "day",
            "started_at",
            "latency_ms",
            "input_tokens",
            "cached_input_tokens",
            "output_tokens",
            "cost_usd",
            "installation_id",
            "repository",
        ),
    )

    id: str = Field(primary_key=True)
    review_id: str | None = None
    installation_id: int | None = Field(default=None, sa_type=BigInteger)
    repository: str | None = Field(default=None, sa_type=AnyText)
    pull_request: int | None = None
    stage: str
    provider: str
    model: str
    prompt_id: str
    prompt_version: str
    attempt: int
    parent_id: str | None = None
    outcome: str
    latency_ms: int
    input_tokens: int = 0
    cached_input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = None
    started_at: datetime = Field(sa_type=UtcDateTime)
    day: str | None = Field(default=None, sa_column_kwargs={"default": _day_of_start})  # 2026-11-22, in UTC
    tier: str | None = None
    reason: str | None = None
    error: str | None = Field(default=None, sa_type=AnyText)
    request_id: str | None = None


class CachedAnswerRow(Row, table=True):
    """An answer of a model, of one tenant; `key` is a hash over everything that decides it."""

    __tablename__ = "cached_answers"

    installation_id: int = Field(primary_key=True, sa_type=BigInteger)
    repository: str = Field(primary_key=True, sa_type=AnyText)
    key: str = Field(primary_key=True)
    provider: str
    model: str
    prompt_id: str
    prompt_version: str
    answer: Any = Field(sa_type=JSON)
    input_tokens: int = 0
    cached_input_tokens: int = 0
    output_tokens: int = 0
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime, index=True)


class SpendRow(Row, table=True):
    """What was spent, or is reserved for calls under way, on one account of a budget (`app.store.spend`)."""

    __tablename__ = "spend"

    account: str = Field(primary_key=True, sa_type=AnyText)
    spent_usd: float
    updated_at: datetime = Field(sa_type=UtcDateTime, index=True)
    # What held when room was last taken: the lower of the operator's and the repository's.
    limit_usd: float | None = None


class CallSlotRow(Row, table=True):
    """A slot that a call to a provider holds (`app.store.slots`); one that was not renewed is free."""

    __tablename__ = "call_slots"

    provider: str = Field(primary_key=True)
    number: int = Field(  # below zero: no place, but word of one who waits
        primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False}
    )
    holder: str  # a process
    expires_at: datetime = Field(sa_type=UtcDateTime)


class CircuitRow(Row, table=True):
    """A provider that is out, as one process has learnt and all go by (`app.store.circuits`)."""

    __tablename__ = "circuits"

    provider: str = Field(primary_key=True)
    model: str = Field(primary_key=True)  # empty: all of the provider's
    access: str = Field(primary_key=True)  # a short digest of key and address
    kind: str
    error: str
    opened_at: datetime = Field(sa_type=UtcDateTime)
    open_until: datetime = Field(sa_type=UtcDateTime)
