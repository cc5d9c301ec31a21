"""Tables of what Quorum remembers of installations, pull requests and people: conversations, learned rules, its own secrets."""

from datetime import datetime

from sqlalchemy import JSON, BigInteger, Index
from sqlmodel import Field

from app.store.columns import AnyText, UtcDateTime
from app.store.tables.row import Row


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


class SecretRow(Row, table=True):
    """A secret that Quorum made for itself, e.g. the dashboard's token; the file is readable by its owner alone."""

    __tablename__ = "secrets"

    name: str = Field(primary_key=True)
    value: str
    created_at: datetime = Field(sa_type=UtcDateTime)
