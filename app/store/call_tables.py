"""Tables of model calls: each call, cached answers, spend, slots and circuit breakers."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Index
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlmodel import Field

from app.store.columns import AnyText, Row, UtcDateTime


def day_of(started_at: datetime) -> str:
    """Return the value of `day`, a separate column so that an index can group by day."""
    return started_at.astimezone(UTC).date().isoformat()


def _day_of_start(context: DefaultExecutionContext) -> str:
    return day_of(context.get_current_parameters()["started_at"])


class ModelCallRow(Row, table=True):
    """An attempt on the wire, a cache hit or a call over budget (`app.domain.model_call.ModelCall`)."""

    __tablename__ = "model_calls"
    __table_args__ = (
        Index(  # covers the cost of a period: app/store/dashboard/periods.py
            "ix_model_calls_started_at",
            "started_at",
            "provider",
            "model",
            "outcome",
            "installation_id",
            "repository",
            "cost_usd",
        ),
        Index("ix_model_calls_review_id", "review_id"),
        Index(  # covers the per-model table: app/store/model_calls.py
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
        Index(  # the charts over time, grouped in index order: app/store/dashboard/time_series.py
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
    first_token_ms: int | None = None  # of a streamed answer, thoughts included


class CachedAnswerRow(Row, table=True):
    """A cached answer of a model for one tenant; `key` is a hash of everything that determines the answer."""

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
    """The amount spent from one account of a budget, including reservations for running calls (`app.store.calls`)."""

    __tablename__ = "spend"

    account: str = Field(primary_key=True, sa_type=AnyText)
    spent_usd: float
    updated_at: datetime = Field(sa_type=UtcDateTime, index=True)
    # The limit at the last reservation: the lower of the operator's and the repository's.
    limit_usd: float | None = None


class CallSlotRow(Row, table=True):
    """A slot that a process holds for its calls to a provider (`app.store.providers`); free once expired."""

    __tablename__ = "call_slots"

    provider: str = Field(primary_key=True)
    number: int = Field(  # negative: not a slot, but a request from a process that waits for one
        primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False}
    )
    holder: str  # a process
    expires_at: datetime = Field(sa_type=UtcDateTime)


class CircuitRow(Row, table=True):
    """An open circuit breaker, shared by all processes (`app.store.providers`)."""

    __tablename__ = "circuits"

    provider: str = Field(primary_key=True)
    model: str = Field(primary_key=True)  # empty: all models of the provider
    access: str = Field(primary_key=True)  # a short digest of API key and address
    kind: str
    error: str
    opened_at: datetime = Field(sa_type=UtcDateTime)
    open_until: datetime = Field(sa_type=UtcDateTime)


class RungRow(Row, table=True):
    """The way in which a model is asked for JSON after it refused a better one (`app.store.rungs`)."""

    __tablename__ = "rungs"

    provider: str = Field(primary_key=True)
    model: str = Field(primary_key=True)
    schema_digest: str = Field(primary_key=True)
    access: str = Field(primary_key=True)  # a short digest of API key and address
    rung: str
    error: str
    expires_at: datetime = Field(sa_type=UtcDateTime)
