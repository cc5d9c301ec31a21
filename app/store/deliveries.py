"""Deliveries: what was accepted, and how its job went. One short transaction each, or part of the caller's."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, TypeAdapter
from sqlalchemy import func
from sqlmodel import Session, col, select, update

from app.domain.job import Delivery, Job
from app.store.database import Database
from app.store.tables import DeliveryRow

_JOB: TypeAdapter[Job] = TypeAdapter(Annotated[Job, Field(discriminator="kind")])


class DeliveryState(StrEnum):
    """Where a delivery stands; `DUPLICATE` asks what another one asked before."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    SUPERSEDED = "superseded"
    DUPLICATE = "duplicate"


UNFINISHED = (DeliveryState.QUEUED, DeliveryState.RUNNING)


def job_to_json(job: Job) -> dict[str, Any]:
    """The job as it is stored."""
    return _JOB.dump_python(job, mode="json")


def parse_job(stored: Mapping[str, Any]) -> Job:
    """The job that was stored."""
    return _JOB.validate_python(stored)


def load_delivery(database: Database, guid: str) -> DeliveryRow | None:
    """The delivery with this guid."""
    with database.read() as session:
        return session.get(DeliveryRow, guid)


def find_same_job(session: Session, job: Job) -> DeliveryRow | None:
    """A delivery that asked the same and did not fail."""
    statement = select(DeliveryRow).where(
        DeliveryRow.job_key == job.key,
        col(DeliveryRow.state).in_((*UNFINISHED, DeliveryState.DONE)),
    )
    return session.exec(statement).first()


def new_delivery(delivery: Delivery, job: Job, *, repository: str | None, number: int | None) -> DeliveryRow:
    """The row of a delivery that is about to be stored."""
    return DeliveryRow(
        guid=delivery.guid,
        event=delivery.event,
        action=delivery.action,
        installation_id=job.installation_id,
        repository=repository,
        pull_request=number,
        received_at=delivery.received_at,
        state=DeliveryState.QUEUED,
        job_key=job.key,
        request=job_to_json(job),
    )


def record_delivery_state(
    database: Database,
    guid: str,
    state: DeliveryState,
    *,
    at: datetime,
    reason: str | None = None,
) -> None:
    """How the job goes; `at` is kept when that is final."""
    finished_at = None if state in UNFINISHED else at
    with database.write() as session:
        session.exec(
            update(DeliveryRow)
            .where(col(DeliveryRow.guid) == guid)
            .values(state=state, reason=reason, finished_at=finished_at)
        )


def load_queue_depth(database: Database) -> dict[str, int]:
    """State → number of deliveries, of those that are not finished."""
    statement = (
        select(DeliveryRow.state, func.count())
        .where(col(DeliveryRow.state).in_(UNFINISHED))
        .group_by(DeliveryRow.state)
    )
    with database.read() as session:
        found = dict(session.exec(statement).all())
    return {state.value: found.get(state, 0) for state in UNFINISHED}
