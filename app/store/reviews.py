"""Reviews: their rows from `queued` to the end. One short transaction each, or part of the caller's."""

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Executable, bindparam, func, null
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, exists, select, update
from sqlmodel.sql.expression import SelectOfScalar

from app.domain.finding import Stage
from app.domain.pull_request import PullRequestRef
from app.domain.review import ReviewRequest, ReviewStatus
from app.store.database import Database
from app.store.tables import DeliveryRow, ReviewRow

UNFINISHED = (ReviewStatus.QUEUED, ReviewStatus.RUNNING)

_BEGUN_ANEW: dict[str, Any] = {
    "started_at": None,
    "finished_at": None,
    "cost_usd": None,
    "error": None,
    "notes": [],
    "duration_ms": None,
    "stations": [],
}
_KEPT = ("id", "head_sha", "created_at")
_MARK_ENDED = (
    update(ReviewRow)
    .where(col(ReviewRow.delivery) == bindparam("of"), col(ReviewRow.status).in_(UNFINISHED))
    .values(status=bindparam("status"), finished_at=bindparam("at"), error=bindparam("error"))
    .execution_options(synchronize_session=False)
)


def add_queued_review(session: Session, request: ReviewRequest, *, delivery: str, at: datetime) -> None:
    """The row of a review that waits; one that failed or was put back waits again, as old as it is.

    What it has begun on GitHub is about the head that was read, so that is kept, too.
    """
    values = _BEGUN_ANEW | {
        "id": request.review_id,
        "installation_id": request.installation_id,
        "repository": request.ref.repository,
        "pull_request": request.ref.number,
        "head_sha": request.head_sha,
        "trigger": request.trigger,
        "status": ReviewStatus.QUEUED,
        "created_at": at,
        "delivery": delivery,
        "stages": [stage.value for stage in request.stages],
        "full": request.full,
        "commanded": request.commanded,
    }
    session.connection().execute(_add(session.get_bind().dialect.name, tuple(values)), values)


@cache
def _add(dialect: str, names: tuple[str, ...]) -> Executable:
    """A row that is there already is written anew, but for what it keeps."""
    insert = (postgresql if dialect == "postgresql" else sqlite).insert(ReviewRow)
    written = {name: insert.excluded[name] for name in names if name not in _KEPT}
    return insert.values({name: bindparam(name) for name in names}).on_conflict_do_update(
        index_elements=["id"], set_=written | {"coverage": null()}
    )


def record_review_begun(database: Database, request: ReviewRequest, *, delivery: str, at: datetime) -> None:
    """The row of a review that a running job does on its way: it has waited with its job, and runs from now on."""
    with database.write() as session:
        add_queued_review(session, request, delivery=delivery, at=at)
        mark_running(session, delivery=delivery, at=at)


def record_review_head(
    database: Database, review_id: str, head_sha: str, *, gate: str, read_at: datetime
) -> None:
    """The head that is reviewed in truth, whatever the webhook named, and the gate that its base asks for.

    Args:
        read_at: before GitHub was asked.
    """
    with database.write() as session:
        session.exec(
            update(ReviewRow)
            .where(col(ReviewRow.id) == review_id)
            .values(head_sha=head_sha, gate=gate, head_read_at=read_at)
        )


def record_head_confirmed(database: Database, review_id: str, *, read_at: datetime) -> None:
    """GitHub was asked again, from `read_at` on, and named the same head."""
    with database.write() as session:
        session.exec(update(ReviewRow).where(col(ReviewRow.id) == review_id).values(head_read_at=read_at))


def record_left_out(database: Database, review_id: str, *, reason: str, at: datetime) -> None:
    """The review is not done, and why."""
    with database.write() as session:
        session.exec(
            update(ReviewRow)
            .where(col(ReviewRow.id) == review_id)
            .values(status=ReviewStatus.CANCELLED, finished_at=at, error=reason)
        )


def mark_running(session: Session, *, delivery: str, at: datetime) -> None:
    """A worker has taken the delivery's review; the first time counts."""
    session.exec(
        update(ReviewRow)
        .where(col(ReviewRow.delivery) == delivery, col(ReviewRow.status).in_(UNFINISHED))
        .values(status=ReviewStatus.RUNNING, started_at=func.coalesce(ReviewRow.started_at, at))
    )


def mark_ended(
    session: Session, *, delivery: str, status: ReviewStatus, at: datetime | None, error: str | None
) -> None:
    """Close the delivery's review unless it is closed already (or let it wait again: `queued`)."""
    session.exec(_MARK_ENDED, params={"of": delivery, "status": status, "at": at, "error": error})


def load_review(database: Database, review_id: str) -> ReviewRow | None:
    """The review with this id."""
    with database.read() as session:
        return session.get(ReviewRow, review_id)


def load_reviews_of_delivery(database: Database, delivery: str) -> list[ReviewRow]:
    """The reviews that a delivery has asked for."""
    with database.read() as session:
        return list(session.exec(select(ReviewRow).where(ReviewRow.delivery == delivery)).all())


def is_superseded(database: Database, *, delivery: str) -> bool:
    """Whether a review of another head was asked for later; one that knows no head yet will see the newest.

    Webhooks come in any order: a head that some push is known to have replaced is no newer one, and what had been asked
    for before GitHub named this head is none either.
    """
    with database.read() as session:
        mine = session.exec(select(ReviewRow).where(ReviewRow.delivery == delivery)).first()
        if mine is None or mine.head_sha is None:
            return False
        later = (
            col(ReviewRow.repository) == mine.repository,
            col(ReviewRow.pull_request) == mine.pull_request,
            col(ReviewRow.created_at) > (mine.head_read_at or mine.created_at),
            col(ReviewRow.status).in_((*UNFINISHED, ReviewStatus.COMPLETED)),
            col(ReviewRow.head_sha).is_not(None),
            col(ReviewRow.head_sha) != mine.head_sha,
            col(ReviewRow.head_sha).not_in(_replaced_heads(mine)),
        )
        return bool(session.exec(select(exists().where(*later))).one())


def _replaced_heads(review: ReviewRow) -> SelectOfScalar[str]:
    before_sha = col(DeliveryRow.request)["before_sha"].as_string()
    return select(before_sha).where(
        DeliveryRow.repository == review.repository,
        DeliveryRow.pull_request == review.pull_request,
        before_sha.is_not(None),
    )


def load_review_ids(database: Database, ref: PullRequestRef, *, limit: int) -> list[str]:
    """The newest reviews of a pull request."""
    statement = (
        select(ReviewRow.id)
        .where(ReviewRow.repository == ref.repository, ReviewRow.pull_request == ref.number)
        .order_by(col(ReviewRow.created_at).desc())
        .limit(limit)
    )
    with database.read() as session:
        return list(session.exec(statement))


def load_review_of_head(
    database: Database, ref: PullRequestRef, head_sha: str, *, stages: Sequence[Stage] = tuple(Stage)
) -> ReviewRow | None:
    """The newest completed review of this head that was asked for all of `stages`."""
    statement = (
        select(ReviewRow)
        .where(
            ReviewRow.repository == ref.repository,
            ReviewRow.pull_request == ref.number,
            ReviewRow.head_sha == head_sha,
            ReviewRow.status == ReviewStatus.COMPLETED,
        )
        .order_by(col(ReviewRow.created_at).desc())
    )
    with database.read() as session:
        found = session.exec(statement).all()
    return next((row for row in found if set(stages) <= set(row.stages)), None)


def load_newest_review(database: Database) -> ReviewRow | None:
    """The review that was asked for last."""
    with database.read() as session:
        return session.exec(select(ReviewRow).order_by(col(ReviewRow.created_at).desc())).first()


def load_lost_review(database: Database, ref: PullRequestRef, *, but_of: str) -> ReviewRow | None:
    """The newest review that was superseded and that no completed one has followed: nobody got what it was asked for.

    Args:
        but_of: a trigger whose reviews do not count.
    """
    of_it = (ReviewRow.repository == ref.repository, ReviewRow.pull_request == ref.number)
    newest_first = col(ReviewRow.created_at).desc()
    with database.read() as session:
        lost = session.exec(
            select(ReviewRow)
            .where(*of_it, ReviewRow.status == ReviewStatus.SUPERSEDED, ReviewRow.trigger != but_of)
            .order_by(newest_first)
        ).first()
        if lost is None:
            return None
        followed = session.exec(
            select(ReviewRow).where(
                *of_it,
                ReviewRow.status == ReviewStatus.COMPLETED,
                col(ReviewRow.created_at) > lost.created_at,
            )
        ).first()
        return None if followed else lost


def load_recent_reviews(database: Database, count: int) -> list[ReviewRow]:
    """The reviews that were asked for last, the newest first."""
    statement = select(ReviewRow).order_by(col(ReviewRow.created_at).desc()).limit(count)
    with database.read() as session:
        return list(session.exec(statement).all())


def load_pull_requests_of_heads(database: Database, repository: str, head_shas: Collection[str]) -> list[int]:
    """The pull requests that were reviewed, or are to be, at one of these heads."""
    statement = (
        select(ReviewRow.pull_request)
        .where(ReviewRow.repository == repository, col(ReviewRow.head_sha).in_(head_shas))
        .distinct()
    )
    with database.read() as session:
        return sorted(session.exec(statement))
