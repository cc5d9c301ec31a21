"""Accepted deliveries and the state of their jobs. Each function is one short transaction or part of the caller's."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, TypeAdapter
from sqlalchemy import and_, bindparam, func, or_
from sqlmodel import Session, col, exists, select, update

from app.domain.job import (
    ChangedJob,
    CheckActionJob,
    CheckSuiteJob,
    ClosedJob,
    CommentJob,
    Delivery,
    InstallationJob,
    Job,
    MergeGroupJob,
    NotificationJob,
    ReviewJob,
)
from app.domain.pull_request import PullRequestRef
from app.domain.review import ReviewStatus
from app.store import reviews
from app.store.columns import DriverStatement, Insert, table_of
from app.store.database import Database, driver_of
from app.store.job_tables import DeliveryRow

_JOB: TypeAdapter[Job] = TypeAdapter(Annotated[Job, Field(discriminator="kind")])


class DeliveryState(StrEnum):
    """The state of a delivery; `DUPLICATE`: an earlier delivery requested the same job."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    SUPERSEDED = "superseded"
    DUPLICATE = "duplicate"


_REPOSITORY_EVENTS = ("installation", "installation_repositories", "repository")
BATCH_SIZE = 500  # values in one statement
UNFINISHED = (DeliveryState.QUEUED, DeliveryState.RUNNING)
_REVIEW_STATUS = {
    DeliveryState.DONE: ReviewStatus.COMPLETED,
    DeliveryState.FAILED: ReviewStatus.FAILED,
    DeliveryState.SUPERSEDED: ReviewStatus.SUPERSEDED,
}

# The statements for every delivery.
_EARLIER = DriverStatement(
    select(DeliveryRow.guid, DeliveryRow.state).where(
        or_(
            col(DeliveryRow.guid) == bindparam("guid"),
            and_(
                col(DeliveryRow.job_key) == bindparam("job_key"),
                or_(*(col(DeliveryRow.state) == state for state in (*UNFINISHED, DeliveryState.DONE))),
            ),
        )
    )
)
_INSERT = Insert(table_of(DeliveryRow))
_COUNT_STARTED = select(func.count()).where(
    col(DeliveryRow.state).in_(UNFINISHED),
    col(DeliveryRow.installation_id).is_not_distinct_from(bindparam("installation_id")),
    col(DeliveryRow.workflow_id).is_not(None),
    col(DeliveryRow.guid) != bindparam("except_guid"),
)
_SET_STATE = DriverStatement(
    update(DeliveryRow)
    .where(col(DeliveryRow.guid) == bindparam("of_guid"))
    .values(state=bindparam("state"), reason=bindparam("reason"), finished_at=bindparam("at"))
)


def job_to_json(job: Job) -> dict[str, Any]:
    """Convert a job to JSON for storage."""
    return _JOB.dump_python(job, mode="json")


def parse_job(stored: Mapping[str, Any]) -> Job:
    """Convert stored JSON to a job."""
    return _JOB.validate_python(stored)


def load_delivery(database: Database, guid: str) -> DeliveryRow | None:
    """Return the delivery with this GUID."""
    with database.read() as session:
        return session.get(DeliveryRow, guid)


def load_known_guids(database: Database, guids: Collection[str]) -> set[str]:
    """Return the GUIDs whose deliveries were accepted."""
    known: set[str] = set()
    ordered = sorted(guids)
    with database.read() as session:
        for start in range(0, len(ordered), BATCH_SIZE):
            batch = ordered[start : start + BATCH_SIZE]
            known |= set(session.exec(select(DeliveryRow.guid).where(col(DeliveryRow.guid).in_(batch))).all())
    return known


def find_earlier(session: Session, guid: str, job: Job) -> tuple[DeliveryState | None, str | None]:
    """Return the state of the delivery itself if known, and the GUID of an earlier one for the same job that has not failed."""
    states = dict(_EARLIER.rows(driver_of(session), {"guid": guid, "job_key": job.key}))
    itself = states.pop(guid, None)
    return DeliveryState(itself) if itself else None, next(iter(states), None)


def insert_delivery(session: Session, row: DeliveryRow) -> None:
    """Insert the row of a new delivery."""
    _INSERT.execute(driver_of(session), [{name: getattr(row, name) for name in DeliveryRow.model_fields}])


def new_delivery(delivery: Delivery, job: Job) -> DeliveryRow:
    """Create the row of a new delivery."""
    repository, number = _place(job)
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


def _place(job: Job) -> tuple[str | None, int | None]:
    match job:
        case ReviewJob():
            return job.request.ref.repository, job.request.ref.number
        case CommentJob() | CheckActionJob() | ClosedJob() | ChangedJob():
            return job.ref.repository, job.ref.number
        case CheckSuiteJob() | MergeGroupJob():
            return job.repository, None
        case NotificationJob():
            return job.news.repository, job.news.pull_request
        case InstallationJob():
            return None, None


def has_news(database: Database, ref: PullRequestRef, *, installation_id: int, since: datetime) -> bool:
    """Whether a delivery arrived later than `since` that says that the pull request or its repository changed."""
    about_pull_request = and_(
        col(DeliveryRow.repository) == ref.repository,
        col(DeliveryRow.pull_request) == ref.number,
        col(DeliveryRow.event) == "pull_request",
    )
    about_repository = and_(
        col(DeliveryRow.installation_id) == installation_id,
        col(DeliveryRow.event).in_(_REPOSITORY_EVENTS),
    )
    statement = exists().where(
        col(DeliveryRow.received_at) > since, or_(about_pull_request, about_repository)
    )
    with database.read() as session:
        return bool(session.exec(select(statement)).one())


def load_merge_groups(database: Database, repository: str, head_shas: Collection[str]) -> list[str]:
    """Return the merge queue branches whose head is one of these commits."""
    request = col(DeliveryRow.request)
    statement = select(request["head_ref"].as_string()).where(
        DeliveryRow.repository == repository,
        DeliveryRow.event == "merge_group",
        request["head_sha"].as_string().in_(head_shas),
    )
    with database.read() as session:
        return list(session.exec(statement))


def record_running(database: Database, guid: str, *, lives: int, steps: int, at: datetime) -> bool:
    """Mark the delivery as running; return False if it has been finished in the meantime.

    Args:
        lives: consecutive runs in which no step completed, including this one.
        steps: steps completed so far.
    """
    with database.write() as session:
        row = session.get_one(DeliveryRow, guid, with_for_update=True)
        if row.state not in UNFINISHED:
            return False
        row.lives, row.steps = lives, steps
        _set_state(session, guid, DeliveryState.RUNNING, reason=None, at=None)
        reviews.mark_running(session, delivery=guid, at=at)
    return True


def mark_finished(
    session: Session, guid: str, state: DeliveryState, *, at: datetime, reason: str | None = None
) -> None:
    """Mark the delivery, and its review unless that is already finished, as finished."""
    _set_state(session, guid, state, reason=reason, at=at)
    reviews.mark_ended(session, delivery=guid, status=_REVIEW_STATUS[state], at=at, error=reason)


def count_started(session: Session, installation_id: int | None, *, except_guid: str = "") -> int:
    """Count an installation's deliveries that are queued with the engine or running, in all processes.

    Args:
        except_guid: the GUID of a delivery to leave out.
    """
    params = {"installation_id": installation_id, "except_guid": except_guid}
    return session.exec(_COUNT_STARTED, params=params).one()


def find_waiting(session: Session, installation_id: int | None, *, limit: int) -> Sequence[DeliveryRow]:
    """Return the installation's oldest deliveries that wait for its share of the workers."""
    statement = (
        select(DeliveryRow)
        .where(
            DeliveryRow.state == DeliveryState.QUEUED,
            DeliveryRow.installation_id == installation_id,
            col(DeliveryRow.workflow_id).is_(None),
        )
        .order_by(func.coalesce(DeliveryRow.waits_since, DeliveryRow.received_at))
        .limit(limit)
    )
    return session.exec(statement).all()


def load_waiting_installations(database: Database) -> list[int | None]:
    """Return the installations with deliveries that wait for their share of the workers."""
    statement = (
        select(DeliveryRow.installation_id)
        .where(DeliveryRow.state == DeliveryState.QUEUED, col(DeliveryRow.workflow_id).is_(None))
        .distinct()
    )
    with database.read() as session:
        return list(session.exec(statement).all())


def _set_state(
    session: Session, guid: str, state: DeliveryState, *, reason: str | None, at: datetime | None
) -> None:
    values = {"of_guid": guid, "state": state, "reason": reason, "at": at}
    _SET_STATE.execute(driver_of(session), values)


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedDeliveries:
    """The failed deliveries of a period, and the newest of them."""

    count: int
    newest: str  # its event, repository and reason


def load_failed(database: Database, *, since: datetime) -> FailedDeliveries | None:
    """Return the deliveries that arrived since then and whose jobs failed; None if there are none."""
    failed = (col(DeliveryRow.state) == DeliveryState.FAILED, col(DeliveryRow.received_at) >= since)
    newest_first = col(DeliveryRow.received_at).desc()
    with database.read() as session:
        found = session.exec(select(func.count()).select_from(DeliveryRow).where(*failed)).one()
        row = session.exec(select(DeliveryRow).where(*failed).order_by(newest_first).limit(1)).first()
    if row is None:
        return None
    place = f"{row.repository}#{row.pull_request}" if row.pull_request else row.repository or ""
    return FailedDeliveries(count=found, newest=f"{row.event} {place}: {row.reason or 'no reason recorded'}")


def load_queue_depth(database: Database) -> dict[str, int]:
    """Count unfinished deliveries by state."""
    statement = (
        select(DeliveryRow.state, func.count())
        .where(col(DeliveryRow.state).in_(UNFINISHED))
        .group_by(DeliveryRow.state)
    )
    with database.read() as session:
        found = dict(session.exec(statement).all())
    return {state.value: found.get(state, 0) for state in UNFINISHED}
