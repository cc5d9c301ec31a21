"""Tables of reviews: reviews, stage results, findings, rejections, and what the App remembers about pull requests.

Callers redact what they write; no table holds a diff or a prompt. Timestamps are UTC. The columns of `model_calls`,
`reviews` and `findings` are part of the public contract: columns may be added, but not renamed.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Index, UniqueConstraint, text
from sqlmodel import Field

from app.domain.model_call import vendors_of
from app.store.columns import AnyText, Row, UtcDateTime


class ReviewRow(Row, table=True):
    """A review; its id is derived from repository, pull request, head and trigger (`app.domain.job`)."""

    __tablename__ = "reviews"
    __table_args__ = (
        Index("ix_reviews_pull_request", "repository", "pull_request", "created_at"),
        Index(  # covers the overview's charts and the totals of repositories
            "ix_reviews_created_at", "created_at", "status", "installation_id", "repository", "cost_usd"
        ),
        Index("ix_reviews_status", "status", "installation_id"),
        Index("ix_reviews_delivery", "delivery"),
    )

    id: str = Field(primary_key=True)
    installation_id: int = Field(sa_type=BigInteger)
    repository: str = Field(sa_type=AnyText)
    pull_request: int
    head_sha: str | None = None  # None: no worker has read the pull request yet
    head_read_at: datetime | None = Field(
        default=None, sa_type=UtcDateTime
    )  # when GitHub's API returned the head; None: a webhook named it
    gate: str | None = (
        None  # from the base branch; stored so that check runs fail closed even if the base is unreachable
    )
    trigger: str
    status: str
    created_at: datetime = Field(sa_type=UtcDateTime)
    started_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    cost_usd: float | None = None
    delivery: str | None = None  # GUID of the delivery that requested it
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
    title: str | None = Field(default=None, sa_type=AnyText)  # of the pull request, as the review read it
    author: str | None = Field(default=None, sa_type=AnyText)
    branch: str | None = Field(default=None, sa_type=AnyText)  # the head's


class StageResultRow(Row, table=True):
    """The result of one stage of a review, with the output of the docs stage."""

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
    """A finding and its outcome. `line` is its last line, as in GitHub's API."""

    __tablename__ = "findings"
    __table_args__ = (
        UniqueConstraint("review_id", "fingerprint", "stage", name="uq_findings_in_review"),
        Index("ix_findings_pull_request", "repository", "pull_request", "fingerprint"),
        Index("ix_findings_rule", "installation_id", "repository", "rule_id", "outcome"),
        Index(  # covers the most frequent rules: app/store/dashboard/periods.py
            "ix_findings_created_at", "created_at", "rule_id", "shown", "installation_id", "repository"
        ),
        Index("ix_findings_newest", "repository", "pull_request", "fingerprint", "created_at", "id"),
        Index(  # covers filters, search and totals of the list: app/store/dashboard/finding_filter.py
            "ix_findings_list",
            "severity",
            "created_at",
            "id",
            "outcome",
            "installation_id",
            "repository",
            "pull_request",
            "fingerprint",
            "rule_id",
            text("substr(path, 1, 200)"),  # PostgreSQL's index rows have at most 2.7 kB
            text("substr(title, 1, 120)"),
            text("CAST(found_by AS TEXT)"),
        ),
        Index(  # the outcome of each finding, grouped in index order: app/store/dashboard/overview.py
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
            text("CAST(found_by AS TEXT)"),  # PostgreSQL cannot index JSON
            text("CAST(confirmed_by AS TEXT)"),
            "decided_at",
            "owners",
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
    shown: bool = True  # False: from a shadow review, not posted to the pull request
    comment_id: int | None = Field(default=None, sa_type=BigInteger)
    thread_id: str | None = None  # GraphQL node id
    reason: str | None = Field(default=None, sa_type=AnyText)  # why it was dismissed or how it was resolved
    created_at: datetime = Field(sa_type=UtcDateTime)
    decided_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    owners: str | None = Field(
        default=None, sa_type=AnyText
    )  # of `path` in CODEOWNERS, separated by spaces; None: not known; short, because an index holds it
    own_rule: str | None = Field(default=None, sa_type=AnyText)  # the model's word, if `rule_id` is "other"

    @property
    def is_found_independently(self) -> bool:
        """Whether two vendors found it."""
        return self.vendor_count > 1

    @property
    def vendor_count(self) -> int:
        """The number of vendors whose models found it."""
        return len(vendors_of(self.found_by))


class RejectionRow(Row, table=True):
    """A finding that was not posted, and the reason."""

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


class PullRequestRow(Row, table=True):
    """The state of a pull request that the App keeps between reviews."""

    __tablename__ = "pull_requests"

    repository: str = Field(primary_key=True, sa_type=AnyText)
    number: int = Field(primary_key=True)
    installation_id: int = Field(sa_type=BigInteger, index=True)
    paused_by: str | None = None  # login of the user who commented /pause; None: not paused
    closed_at: datetime | None = Field(
        default=None, sa_type=UtcDateTime
    )  # None: open, as far as the App knows
    summary_comment_id: int | None = Field(default=None, sa_type=BigInteger)
    reviewed_sha: str | None = None  # head of the last completed review
    hunk_keys: list[str] = Field(default_factory=list, sa_type=JSON)  # hunks that every stage has reviewed
    hunk_keys_before: list[str] = Field(default_factory=list, sa_type=JSON)  # the value before `reviewed_sha`
    updated_at: datetime = Field(sa_type=UtcDateTime)


class ConversationTurnRow(Row, table=True):
    """A question on a pull request and its answer, both redacted."""

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
    fingerprint: str | None = None  # of the finding if the question is in its thread
    author: str
    intent: str
    question: str = Field(sa_type=AnyText)
    answer: str = Field(default="", sa_type=AnyText)
    call_ids: list[str] = Field(
        default_factory=list, sa_type=JSON
    )  # `model_calls.id` of the calls that succeeded
    created_at: datetime = Field(sa_type=UtcDateTime)


class LearnedRuleRow(Row, table=True):
    """A kind of finding that is no longer shown: dismissed so often (`evidence`), or muted for `path`; reversible."""

    __tablename__ = "learned_rules"
    __table_args__ = (Index("ix_learned_rules_repository", "installation_id", "repository", "rule_id"),)

    id: str = Field(primary_key=True)
    installation_id: int = Field(sa_type=BigInteger)
    repository: str = Field(sa_type=AnyText)
    rule_id: str
    evidence: str = Field(sa_type=AnyText)  # normalized
    dismissals: int
    created_at: datetime = Field(sa_type=UtcDateTime)
    removed_by: str | None = None  # login, or "reaction"; None: active
    removed_at: datetime | None = Field(
        default=None, sa_type=UtcDateTime
    )  # earlier dismissals no longer count
    path: str | None = Field(default=None, sa_type=AnyText)  # a glob; None: learned from dismissals
    created_by: str | None = None  # who muted it


class RememberedRow(Row, table=True):
    """An instruction that a repository's team gave with `/remember`; its id comes from the comment."""

    __tablename__ = "remembered"
    __table_args__ = (Index("ix_remembered_repository", "installation_id", "repository"),)

    id: str = Field(primary_key=True)
    installation_id: int = Field(sa_type=BigInteger)
    repository: str = Field(sa_type=AnyText)
    text: str = Field(sa_type=AnyText)  # redacted; empty once forgotten
    author: str
    created_at: datetime = Field(sa_type=UtcDateTime)
    removed_by: str | None = None  # login; None: active
    removed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class RepositorySettingsRow(Row, table=True):
    """The configuration that the last review of a repository used (`app.store.repository_settings`)."""

    __tablename__ = "repository_settings"

    installation_id: int = Field(
        primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False}
    )
    repository: str = Field(primary_key=True, sa_type=AnyText)
    entries: dict[str, list[str]] = Field(default_factory=dict, sa_type=JSON)  # key: value as JSON, origin
    problems: list[str] = Field(default_factory=list, sa_type=JSON)
    read_at: datetime = Field(sa_type=UtcDateTime)  # when this configuration was first used
