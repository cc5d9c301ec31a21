"""The table of fixes."""

from datetime import datetime

from sqlalchemy import BigInteger, Index
from sqlmodel import Field

from app.store.columns import AnyText, Row, UtcDateTime


class FixRow(Row, table=True):
    """A fix that somebody asked for, or that an agent reported; figures only, no code."""

    __tablename__ = "fixes"
    __table_args__ = (Index("ix_fixes_pull_request", "repository", "pull_request"),)

    id: str = Field(primary_key=True)  # from the request and the finding
    installation_id: int = Field(sa_type=BigInteger)
    repository: str = Field(sa_type=AnyText)
    pull_request: int
    fingerprint: str
    request: str  # the comment, the check run's button, or `mcp`
    status: str  # confirmed, unconfirmed, failed, marked (by an agent)
    fixed_by: str | None = None  # provider:model
    confirmed_by: str | None = None
    commit_sha: str | None = None
    cost_usd: float | None = None  # None: a price is unknown
    outcome: str | None = None  # kept or reverted; None: not known yet, or not committed
    created_at: datetime = Field(sa_type=UtcDateTime)
    decided_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
