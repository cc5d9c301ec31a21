"""Tables of what was reviewed and found: reviews, their stages, findings, and what was refuted."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Index, UniqueConstraint, text
from sqlmodel import Field

from app.store.columns import AnyText, UtcDateTime
from app.store.tables.row import Row


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
    gate: str | None = None  # the base's: what was begun fails closed, also where the base is out of reach
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
    )  # app.domain.review.StationTime


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
            "shown",
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
