"""Deliveries: what was accepted, and how its job went. One short transaction each, or part of the caller's."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, TypeAdapter
from sqlalchemy import and_, bindparam, func, or_
from sqlmodel import Session, col, select, update

from app.domain.job import (
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


MOST_NAMED = 500  # values in one statement
UNFINISHED = (DeliveryState.QUEUED, DeliveryState.RUNNING)
_REVIEW_STATUS = {
    DeliveryState.DONE: ReviewStatus.COMPLETED,
    DeliveryState.FAILED: ReviewStatus.FAILED,
    DeliveryState.SUPERSEDED: ReviewStatus.SUPERSEDED,
}

# Those that every delivery needs are built once: to build one takes as long as the database takes to answer it.
_EARLIER = select(DeliveryRow).where(
    or_(
        col(DeliveryRow.guid) == bindparam("guid"),
        and_(
            col(DeliveryRow.job_key) == bindparam("job_key"),
            col(DeliveryRow.state).in_((*UNFINISHED, DeliveryState.DONE)),
        ),
    )
)
_WAITING_REVIEWS = (
    select(DeliveryRow.guid, func.coalesce(DeliveryRow.waits_since, DeliveryRow.received_at))
    .where(
        col(DeliveryRow.repository) == bindparam("repository"),
        col(DeliveryRow.pull_request) == bindparam("number"),
        col(DeliveryRow.state) == DeliveryState.QUEUED,
        col(DeliveryRow.attempts) == 1,
        col(DeliveryRow.request)["kind"].as_string() == "review",
        col(DeliveryRow.request)["request", "trigger"].as_string() == bindparam("trigger"),
    )
    .with_for_update()
)
_BEGUN = select(func.count()).where(
    col(DeliveryRow.state).in_(UNFINISHED),
    col(DeliveryRow.installation_id).is_not_distinct_from(bindparam("installation_id")),
    col(DeliveryRow.workflow_id).is_not(None),
    col(DeliveryRow.guid) != bindparam("but"),
)
_SET_STATE = (
    update(DeliveryRow)
    .where(col(DeliveryRow.guid) == bindparam("of"))
    .values(state=bindparam("state"), reason=bindparam("reason"), finished_at=bindparam("at"))
    .execution_options(synchronize_session=False)
)


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


def load_known_guids(database: Database, guids: Collection[str]) -> set[str]:
    """Which of these deliveries were accepted."""
    known: set[str] = set()
    wanted = sorted(guids)
    with database.read() as session:
        for first in range(0, len(wanted), MOST_NAMED):
            some = wanted[first : first + MOST_NAMED]
            known |= set(session.exec(select(DeliveryRow.guid).where(col(DeliveryRow.guid).in_(some))).all())
    return known


def find_earlier(session: Session, guid: str, job: Job) -> tuple[DeliveryRow | None, DeliveryRow | None]:
    """The delivery itself, where it has come before, and another one that asked the same and did not fail."""
    found = session.exec(_EARLIER, params={"guid": guid, "job_key": job.key}).all()
    itself = next((row for row in found if row.guid == guid), None)
    return itself, next((row for row in found if row is not itself), None)


def new_delivery(delivery: Delivery, job: Job) -> DeliveryRow:
    """The row of a delivery that is about to be stored."""
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
        case CommentJob() | CheckActionJob() | ClosedJob():
            return job.ref.repository, job.ref.number
        case CheckSuiteJob() | MergeGroupJob():
            return job.repository, None
        case NotificationJob():
            return job.news.repository, job.news.pull_request
        case InstallationJob():
            return None, None


def load_merge_groups(database: Database, repository: str, head_shas: Collection[str]) -> list[str]:
    """The branches of the merge queue whose newest commit is one of these."""
    request = col(DeliveryRow.request)
    statement = select(request["head_ref"].as_string()).where(
        DeliveryRow.repository == repository,
        DeliveryRow.event == "merge_group",
        request["head_sha"].as_string().in_(head_shas),
    )
    with database.read() as session:
        return list(session.exec(statement))


def record_running(database: Database, guid: str, *, lives: int, steps: int, at: datetime) -> bool:
    """A worker has taken it: the `lives`th in a row since a step of it ended, when `steps` have.

    False, and nothing, where it was closed meanwhile.
    """
    with database.write() as session:
        row = session.get_one(DeliveryRow, guid, with_for_update=True)
        if row.state not in UNFINISHED:
            return False
        row.lives, row.steps = lives, steps
        _set_state(session, guid, DeliveryState.RUNNING, reason=None, at=None)
        reviews.mark_running(session, delivery=guid, at=at)
    return True


def record_finished(
    database: Database, guid: str, state: DeliveryState, *, at: datetime, reason: str | None = None
) -> None:
    """The job has ended, and with it its review, unless that has said so itself."""
    with database.write() as session:
        mark_finished(session, guid, state, at=at, reason=reason)


def mark_finished(
    session: Session, guid: str, state: DeliveryState, *, at: datetime, reason: str | None = None
) -> None:
    """`record_finished` as a part of the caller's transaction."""
    _set_state(session, guid, state, reason=reason, at=at)
    reviews.mark_ended(session, delivery=guid, status=_REVIEW_STATUS[state], at=at, error=reason)


def count_begun(session: Session, installation_id: int | None, *, but: str = "") -> int:
    """How many of an installation's deliveries are queued with the engine or running, in whatever process.

    Args:
        but: the guid of one that does not count.
    """
    return session.exec(_BEGUN, params={"installation_id": installation_id, "but": but}).one()


def find_waiting(session: Session, installation_id: int | None, *, limit: int) -> Sequence[DeliveryRow]:
    """The installation's oldest deliveries that wait for its share of the workers."""
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


def supersede_waiting(
    session: Session, ref: PullRequestRef, *, trigger: str, at: datetime, reason: str
) -> datetime | None:
    """Close the deliveries that ask for a review of the pull request for this reason and wait for their first attempt.

    No worker takes them meanwhile. Since when the first of them has waited; None: there were none.
    """
    place = {"repository": ref.repository, "number": ref.number, "trigger": trigger}
    waiting = session.exec(_WAITING_REVIEWS, params=place).all()
    for guid, _ in waiting:
        mark_finished(session, guid, DeliveryState.SUPERSEDED, at=at, reason=reason)
    return min((since for _, since in waiting), default=None)


def load_waiting_installations(database: Database) -> list[int | None]:
    """Installations of which deliveries wait for their share."""
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
    session.exec(_SET_STATE, params={"of": guid, "state": state, "reason": reason, "at": at})


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
