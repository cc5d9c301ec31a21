"""Every table of Quorum's own. What is written here has been redacted by its caller: never a diff, never a prompt.

Ids of GitHub are 64 bits wide. Moments are UTC. `model_calls`, `reviews` and `findings` are part of the contract:
their columns may be added to, never renamed. The engine (DBOS) keeps its own tables beside these.
"""

from datetime import UTC, datetime
from typing import Any, ClassVar, cast

from sqlalchemy import JSON, BigInteger, Index, Table, UniqueConstraint, text
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlmodel import Field, SQLModel

from app.store.columns import AnyText, UtcDateTime


class Row(SQLModel):
    """A row of a table that is named by its class."""

    __tablename__: ClassVar[str]  # pyright: ignore[reportIncompatibleVariableOverride]


def table_of(row: type[Row]) -> Table:
    """The table of a class, for statements of the driver's own."""
    return cast("Table", row.__table__)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]


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


class ReviewRow(Row, table=True):
    """One review; its id is derived from repository, pull request, head and trigger (`app.domain.job`)."""

    __tablename__ = "reviews"
    __table_args__ = (
        Index("ix_reviews_pull_request", "repository", "pull_request", "created_at"),
        Index(  # the overview's charts and the repositories' sums, from the index alone
            "ix_reviews_created_at", "created_at", "status", "installation_id", "repository", "cost_usd"
        ),
        Index("ix_reviews_status", "status", "installation_id"),
        Index("ix_reviews_delivery", "delivery"),
    )

    id: str = Field(primary_key=True)
    installation_id: int = Field(sa_type=BigInteger)
    repository: str = Field(sa_type=AnyText)
    pull_request: int
    head_sha: str | None = None  # None: the worker has not asked yet
    head_read_at: datetime | None = Field(
        default=None, sa_type=UtcDateTime
    )  # GitHub named it then; None: a webhook did
    gate: str | None = (
        None  # that the base asks for: what was begun fails closed, also where the base is out of reach
    )
    trigger: str
    status: str
    created_at: datetime = Field(sa_type=UtcDateTime)
    started_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    cost_usd: float | None = None
    delivery: str | None = None  # guid of the delivery that asked for it
    stages: list[str] = Field(default_factory=list, sa_type=JSON)
    full: bool = False
    commanded: bool = False
    error: str | None = Field(default=None, sa_type=AnyText)
    notes: list[str] = Field(default_factory=list, sa_type=JSON)
    coverage: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    duration_ms: int | None = None
    stations: list[dict[str, Any]] = Field(
        default_factory=list, sa_type=JSON
    )  # app.domain.progress.StationTime


class StageResultRow(Row, table=True):
    """How one stage of a review ended, with what the docs stage wrote."""

    __tablename__ = "stage_results"

    review_id: str = Field(primary_key=True, foreign_key="reviews.id", ondelete="CASCADE")
    stage: str = Field(primary_key=True)
    status: str
    provider: str | None = None
    model: str | None = None
    error: str | None = Field(default=None, sa_type=AnyText)
    route: str | None = Field(default=None, sa_type=AnyText)
    notes: list[str] = Field(default_factory=list, sa_type=JSON)
    documents: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSON)
    walkthrough: dict[str, Any] | None = Field(default=None, sa_type=JSON)


class FindingRow(Row, table=True):
    """A finding as it was shown, and what became of it. `line` is its last line, as GitHub's `line`."""

    __tablename__ = "findings"
    __table_args__ = (
        UniqueConstraint("review_id", "fingerprint", "stage", name="uq_findings_in_review"),
        Index("ix_findings_pull_request", "repository", "pull_request", "fingerprint"),
        Index("ix_findings_rule", "installation_id", "repository", "rule_id", "outcome"),
        Index("ix_findings_created_at", "created_at"),
        Index(  # what became of each finding, grouped in the order of the index: app/store/dashboard/overview.py
            "ix_findings_outcomes",
            "installation_id",
            "repository",
            "pull_request",
            "fingerprint",
            "outcome",
            "created_at",
            "reactions_up",
            "reactions_down",
            text("CAST(found_by AS TEXT)"),  # PostgreSQL holds no JSON in an index
            text("CAST(confirmed_by AS TEXT)"),
        ),
        Index("ix_findings_comment_id", "comment_id"),
    )

    id: str = Field(primary_key=True)
    review_id: str = Field(foreign_key="reviews.id", ondelete="CASCADE")
    installation_id: int = Field(sa_type=BigInteger)
    repository: str = Field(sa_type=AnyText)
    pull_request: int
    fingerprint: str
    stage: str
    severity: str
    path: str = Field(sa_type=AnyText)
    line: int
    start_line: int
    side: str
    found_by: list[str] = Field(default_factory=list, sa_type=JSON)
    confirmed_by: list[str] = Field(default_factory=list, sa_type=JSON)
    placement: str
    outcome: str | None = None
    reactions_up: int = 0
    reactions_down: int = 0
    rule_id: str
    cwe: str | None = None
    title: str = Field(sa_type=AnyText)
    explanation: str = Field(sa_type=AnyText)
    quote: str = Field(default="", sa_type=AnyText)  # at most 20 lines
    suggestion: str | None = Field(default=None, sa_type=AnyText)
    evidence: str = Field(default="", sa_type=AnyText)
    verifier_evidence: str = Field(default="", sa_type=AnyText)
    worth: int | None = None
    pre_existing: bool = False
    shown: bool = True  # False: of a shadow review, that nobody saw on the pull request
    comment_id: int | None = Field(default=None, sa_type=BigInteger)
    thread_id: str | None = None  # GraphQL node id
    reason: str | None = Field(default=None, sa_type=AnyText)  # why it was dismissed
    created_at: datetime = Field(sa_type=UtcDateTime)
    decided_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class RejectionRow(Row, table=True):
    """A finding that was not shown, and why."""

    __tablename__ = "rejections"
    __table_args__ = (
        Index("ix_rejections_review_id", "review_id"),
        Index("ix_rejections_created_at", "created_at"),
    )

    id: str = Field(primary_key=True)
    review_id: str = Field(foreign_key="reviews.id", ondelete="CASCADE")
    stage: str
    severity: str
    rule_id: str
    path: str = Field(sa_type=AnyText)
    line: int
    title: str = Field(sa_type=AnyText)
    reason: str = Field(sa_type=AnyText)
    found_by: list[str] = Field(default_factory=list, sa_type=JSON)
    created_at: datetime = Field(sa_type=UtcDateTime)


class DeliveryRow(Row, table=True):
    """One webhook that was accepted: committed together with its workflow, before the 202.

    `request` is the job in our own words (`app.domain.job`), never GitHub's payload.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        Index("ix_deliveries_received_at", "received_at"),
        Index("ix_deliveries_state", "state"),
        Index("ix_deliveries_job_key", "job_key"),
        Index("ix_deliveries_pull_request", "repository", "pull_request", "received_at"),
    )

    guid: str = Field(primary_key=True)
    event: str
    action: str | None = None
    installation_id: int | None = Field(default=None, sa_type=BigInteger)
    repository: str | None = Field(default=None, sa_type=AnyText)
    pull_request: int | None = None
    received_at: datetime = Field(sa_type=UtcDateTime)
    state: str  # app.store.deliveries.DeliveryState
    job_key: str
    request: dict[str, Any] = Field(sa_type=JSON)
    attempts: int = 0
    workflow_id: str | None = None
    lives: int = 0  # of its processes in a row in which none of its steps ended
    steps: int = 0  # that had ended when the last of them began
    waits_since: datetime | None = Field(
        default=None, sa_type=UtcDateTime
    )  # of a push: when the first of those began to wait whose turn it has
    reason: str | None = Field(default=None, sa_type=AnyText)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class PullRequestRow(Row, table=True):
    """What is remembered of a pull request between its reviews."""

    __tablename__ = "pull_requests"

    repository: str = Field(primary_key=True, sa_type=AnyText)
    number: int = Field(primary_key=True)
    installation_id: int = Field(sa_type=BigInteger, index=True)
    paused_by: str | None = None  # login of who said /pause; None: not paused
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)  # None: open, as far as was heard
    summary_comment_id: int | None = Field(default=None, sa_type=BigInteger)
    reviewed_sha: str | None = None  # head of the last completed review
    hunk_keys: list[str] = Field(default_factory=list, sa_type=JSON)  # hunks that every stage has read
    hunk_keys_before: list[str] = Field(
        default_factory=list, sa_type=JSON
    )  # what it was before `reviewed_sha`
    updated_at: datetime = Field(sa_type=UtcDateTime)


class WriteRow(Row, table=True):
    """A write to GitHub that was begun, and what it made (`app.store.ledger`)."""

    __tablename__ = "writes"

    review_id: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    github_id: int | None = Field(default=None, sa_type=BigInteger)
    begun_at: datetime = Field(sa_type=UtcDateTime, index=True)
    done_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


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
    limit_usd: float | None = (
        None  # that held when room was last taken: the lower of the operator's and the repository's
    )


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


class ConversationTurnRow(Row, table=True):
    """One question on a pull request and its answer; both redacted."""

    __tablename__ = "conversation_turns"
    __table_args__ = (
        Index("ix_conversation_turns_pull_request", "repository", "pull_request", "created_at"),
        Index("ix_conversation_turns_created_at", "created_at"),
    )

    id: str = Field(primary_key=True)
    installation_id: int = Field(sa_type=BigInteger)
    repository: str = Field(sa_type=AnyText)
    pull_request: int
    comment_id: int = Field(sa_type=BigInteger)
    answer_comment_id: int | None = Field(default=None, sa_type=BigInteger)
    fingerprint: str | None = None  # the finding whose thread it is
    author: str
    intent: str
    question: str = Field(sa_type=AnyText)
    answer: str = Field(default="", sa_type=AnyText)
    call_ids: list[str] = Field(default_factory=list, sa_type=JSON)  # `model_calls.id` of its good answers
    created_at: datetime = Field(sa_type=UtcDateTime)


class LearnedRuleRow(Row, table=True):
    """What a repository has dismissed often enough to be shown less; reversible."""

    __tablename__ = "learned_rules"
    __table_args__ = (Index("ix_learned_rules_repository", "installation_id", "repository", "rule_id"),)

    id: str = Field(primary_key=True)
    installation_id: int = Field(sa_type=BigInteger)
    repository: str = Field(sa_type=AnyText)
    rule_id: str
    evidence: str = Field(sa_type=AnyText)  # normalised
    dismissals: int
    created_at: datetime = Field(sa_type=UtcDateTime)
    removed_by: str | None = None  # login, or "reaction"; None: in force
    removed_at: datetime | None = Field(
        default=None, sa_type=UtcDateTime
    )  # dismissals before it count no more


class InstallationRow(Row, table=True):
    """An installation of the App; its data goes after the retention time once it is deleted."""

    __tablename__ = "installations"

    id: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    account: str
    state: str  # active, suspended or deleted
    permissions: dict[str, str] = Field(default_factory=dict, sa_type=JSON)
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)
    deleted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class LeaseRow(Row, table=True):
    """A living process; a row that ran out names a dead one, whose work the others take over."""

    __tablename__ = "leases"

    executor_id: str = Field(primary_key=True)
    role: str
    started_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)


class SecretRow(Row, table=True):
    """A secret that Quorum made for itself, e.g. the dashboard's token; the file is readable by its owner alone."""

    __tablename__ = "secrets"

    name: str = Field(primary_key=True)
    value: str
    created_at: datetime = Field(sa_type=UtcDateTime)
