"""Tables of jobs and processes: deliveries, writes to GitHub, leases, installations and secrets.

The engine (DBOS) keeps its own tables in the same database.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Index
from sqlmodel import Field

from app.store.columns import AnyText, Row, UtcDateTime


class DeliveryRow(Row, table=True):
    """An accepted webhook delivery, committed together with its workflow before the 202 response.

    `request` is the job (`app.domain.job`), not GitHub's payload.
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
    lives: int = 0  # consecutive runs in which no step completed
    steps: int = 0  # steps completed before the last run
    waits_since: datetime | None = Field(
        default=None, sa_type=UtcDateTime
    )  # of a push: since when the oldest push that it supersedes has waited
    reason: str | None = Field(default=None, sa_type=AnyText)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class WriteRow(Row, table=True):
    """A write to GitHub that was started, and the id it returned (`app.store.ledger`)."""

    __tablename__ = "writes"

    review_id: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    github_id: int | None = Field(default=None, sa_type=BigInteger)
    begun_at: datetime = Field(sa_type=UtcDateTime, index=True)
    done_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class LeaseRow(Row, table=True):
    """A live process; after `expires_at` it counts as dead and other processes take over its jobs."""

    __tablename__ = "leases"

    executor_id: str = Field(primary_key=True)
    role: str
    started_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)


class InstallationRow(Row, table=True):
    """An installation of the App; once deleted, its data is removed after the retention period."""

    __tablename__ = "installations"

    id: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    account: str
    state: str  # active, suspended or deleted
    permissions: dict[str, str] = Field(default_factory=dict, sa_type=JSON)
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)
    deleted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class SecretRow(Row, table=True):
    """A generated secret, such as the dashboard's token; the SQLite file is readable by its owner only."""

    __tablename__ = "secrets"

    name: str = Field(primary_key=True)
    value: str
    created_at: datetime = Field(sa_type=UtcDateTime)
