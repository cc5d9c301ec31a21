"""Reviews and their status. Each function is one short transaction or part of the caller's."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import bindparam, func, null, or_
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, exists, select, update
from sqlmodel.sql.expression import SelectOfScalar

from app.domain.finding import Stage
from app.domain.pull_request import PullRequestRef
from app.domain.review import ReviewRequest, ReviewStatus
from app.store.columns import DriverStatement
from app.store.database import Database, driver_of
from app.store.job_tables import DeliveryRow
from app.store.review_tables import ReviewRow

UNFINISHED = (ReviewStatus.QUEUED, ReviewStatus.RUNNING)

_RESET: dict[str, Any] = {
    "started_at": None,
    "finished_at": None,
    "cost_usd": None,
    "error": None,
    "notes": [],
    "duration_ms": None,
    "stations": [],
}
_IMMUTABLE = ("id", "head_sha", "created_at")
_MARK_ENDED = DriverStatement(
    update(ReviewRow)
    .where(
        col(ReviewRow.delivery) == bindparam("of"),
        or_(*(col(ReviewRow.status) == status for status in UNFINISHED)),
    )
    .values(status=bindparam("new"), finished_at=bindparam("at"), error=bindparam("error"))
)


def add_queued_review(session: Session, request: ReviewRequest, *, delivery: str, at: datetime) -> None:
    """Queue a review; a review that failed or was re-queued keeps its creation time.

    It keeps its head as well, because its writes to GitHub refer to that head.
    """
    values = _RESET | {
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
    driver = driver_of(session)
    _add(driver.dialect.name, tuple(values)).execute(driver, values)


@cache
def _add(dialect: str, names: tuple[str, ...]) -> DriverStatement:
    """Build the statement that inserts a row, or resets an existing one except for its immutable columns."""
    insert = (postgresql if dialect == "postgresql" else sqlite).insert(ReviewRow)
    written = {name: insert.excluded[name] for name in names if name not in _IMMUTABLE}
    return DriverStatement(
        insert.values({name: bindparam(name) for name in names}).on_conflict_do_update(
            index_elements=["id"], set_=written | {"coverage": null()}
        )
    )


def record_review_begun(database: Database, request: ReviewRequest, *, delivery: str, at: datetime) -> None:
    """Add a review that a running job starts by itself, with status `running`."""
    with database.write() as session:
        add_queued_review(session, request, delivery=delivery, at=at)
        mark_running(session, delivery=delivery, at=at)


def record_review_head(
    database: Database,
    review_id: str,
    head_sha: str,
    *,
    gate: str,
    read_at: datetime,
    names: Mapping[str, str] | None = None,
) -> None:
    """Record the head that is actually reviewed, and the gate configured in its base branch.

    Args:
        read_at: the time just before the request to GitHub.
        names: the pull request's `title` (redacted), `author` and `branch`.
    """
    with database.write() as session:
        session.exec(
            update(ReviewRow)
            .where(col(ReviewRow.id) == review_id)
            .values(head_sha=head_sha, gate=gate, head_read_at=read_at, **(names or {}))
        )


def record_head_confirmed(database: Database, review_id: str, *, read_at: datetime) -> None:
    """Record that GitHub still returned the same head in a request made at `read_at`."""
    with database.write() as session:
        session.exec(update(ReviewRow).where(col(ReviewRow.id) == review_id).values(head_read_at=read_at))


def record_cancelled(database: Database, review_id: str, *, reason: str, at: datetime) -> None:
    """Record that the review was not run, and the reason."""
    with database.write() as session:
        session.exec(
            update(ReviewRow)
            .where(col(ReviewRow.id) == review_id)
            .values(status=ReviewStatus.CANCELLED, finished_at=at, error=reason)
        )


def mark_running(session: Session, *, delivery: str, at: datetime) -> None:
    """Mark the delivery's review as running; keep the time of the first start."""
    session.exec(
        update(ReviewRow)
        .where(col(ReviewRow.delivery) == delivery, col(ReviewRow.status).in_(UNFINISHED))
        .values(status=ReviewStatus.RUNNING, started_at=func.coalesce(ReviewRow.started_at, at))
    )


def mark_ended(
    session: Session, *, delivery: str, status: ReviewStatus, at: datetime | None, error: str | None
) -> None:
    """Set the status of the delivery's review unless it is finished; `queued` re-queues it."""
    values = {"of": delivery, "new": status, "at": at, "error": error}
    _MARK_ENDED.execute(driver_of(session), values)


def load_review(database: Database, review_id: str) -> ReviewRow | None:
    """Return the review with this id."""
    with database.read() as session:
        return session.get(ReviewRow, review_id)


def load_reviews_of_delivery(database: Database, delivery: str) -> list[ReviewRow]:
    """Return the reviews that a delivery requested."""
    with database.read() as session:
        return list(session.exec(select(ReviewRow).where(ReviewRow.delivery == delivery)).all())


def is_superseded(database: Database, *, delivery: str) -> bool:
    """Whether a review of a newer head was requested later; a review without a head yet will read the newest.

    Webhooks arrive in any order: a head that a known push has replaced is not newer, and neither is one requested before
    GitHub returned this review's head.
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
    """Return the ids of the newest reviews of a pull request."""
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
    """Return the newest completed review of this head that includes all of `stages`."""
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
    """Return the most recently requested review."""
    with database.read() as session:
        return session.exec(select(ReviewRow).order_by(col(ReviewRow.created_at).desc())).first()


def load_unreplaced_review(
    database: Database, ref: PullRequestRef, *, except_trigger: str
) -> ReviewRow | None:
    """Return the newest superseded review that no completed review followed; the request was lost.

    Args:
        except_trigger: ignore reviews with this trigger.
    """
    same_pull_request = (ReviewRow.repository == ref.repository, ReviewRow.pull_request == ref.number)
    newest_first = col(ReviewRow.created_at).desc()
    with database.read() as session:
        lost = session.exec(
            select(ReviewRow)
            .where(
                *same_pull_request,
                ReviewRow.status == ReviewStatus.SUPERSEDED,
                ReviewRow.trigger != except_trigger,
            )
            .order_by(newest_first)
        ).first()
        if lost is None:
            return None
        followed = session.exec(
            select(ReviewRow).where(
                *same_pull_request,
                ReviewRow.status == ReviewStatus.COMPLETED,
                col(ReviewRow.created_at) > lost.created_at,
            )
        ).first()
        return None if followed else lost


def load_last_gate(database: Database, repository: str) -> str | None:
    """Return the gate that the repository's newest review read; None if no review read one."""
    statement = (
        select(ReviewRow.gate)
        .where(ReviewRow.repository == repository, col(ReviewRow.gate).is_not(None))
        .order_by(col(ReviewRow.created_at).desc())
        .limit(1)
    )
    with database.read() as session:
        return session.exec(statement).first()


def has_queued_review(database: Database, ref: PullRequestRef, *, trigger: str, after: str) -> bool:
    """Whether a review whose trigger starts with `trigger` waits and was requested later than the review `after`."""
    begun = select(ReviewRow.created_at).where(ReviewRow.id == after).scalar_subquery()
    statement = exists().where(
        col(ReviewRow.repository) == ref.repository,
        col(ReviewRow.pull_request) == ref.number,
        col(ReviewRow.status) == ReviewStatus.QUEUED,
        col(ReviewRow.trigger).startswith(trigger, autoescape=True),
        col(ReviewRow.created_at) > begun,
    )
    with database.read() as session:
        return bool(session.exec(select(statement)).one())


def load_recent_reviews(database: Database, count: int) -> list[ReviewRow]:
    """Return the most recently requested reviews, newest first."""
    statement = select(ReviewRow).order_by(col(ReviewRow.created_at).desc()).limit(count)
    with database.read() as session:
        return list(session.exec(statement).all())


def load_pull_requests_of_heads(database: Database, repository: str, head_shas: Collection[str]) -> list[int]:
    """Return the pull requests with a review of one of these heads, in any status."""
    statement = (
        select(ReviewRow.pull_request)
        .where(ReviewRow.repository == repository, col(ReviewRow.head_sha).in_(head_shas))
        .distinct()
    )
    with database.read() as session:
        return sorted(session.exec(statement))
