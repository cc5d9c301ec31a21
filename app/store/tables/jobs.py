"""Tables of the work: deliveries, writes on GitHub, and which processes live."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Index
from sqlmodel import Field

from app.store.columns import AnyText, UtcDateTime
from app.store.tables.row import Row


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


class WriteRow(Row, table=True):
    """A write to GitHub that was begun, and what it made (`app.store.ledger`)."""

    __tablename__ = "writes"

    review_id: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    github_id: int | None = Field(default=None, sa_type=BigInteger)
    begun_at: datetime = Field(sa_type=UtcDateTime, index=True)
    done_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class LeaseRow(Row, table=True):
    """A living process; a row that ran out names a dead one, whose work the others take over."""

    __tablename__ = "leases"

    executor_id: str = Field(primary_key=True)
    role: str
    started_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
