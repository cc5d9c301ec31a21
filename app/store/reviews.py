"""Reviews: their rows from `queued` to the end. One short transaction each, or part of the caller's."""

from datetime import datetime

from sqlmodel import Session, col, exists, select, update

from app.domain.pull_request import PullRequestRef
from app.domain.review import ReviewRequest, ReviewStatus
from app.store.database import Database
from app.store.tables import ReviewRow

UNFINISHED = (ReviewStatus.QUEUED, ReviewStatus.RUNNING)


def add_queued_review(session: Session, request: ReviewRequest, *, delivery: str, at: datetime) -> None:
    """The row of a review that waits; one that failed before waits again, under its old id."""
    session.merge(
        ReviewRow(
            id=request.review_id,
            installation_id=request.installation_id,
            repository=request.ref.repository,
            pull_request=request.ref.number,
            head_sha=request.head_sha,
            trigger=request.trigger,
            status=ReviewStatus.QUEUED,
            created_at=at,
            delivery=delivery,
            stages=[stage.value for stage in request.stages],
            full=request.full,
            commanded=request.commanded,
        )
    )


def record_review_queued(database: Database, request: ReviewRequest, *, delivery: str, at: datetime) -> None:
    """`add_queued_review` in a transaction of its own, for a review that a comment asked for."""
    with database.write() as session:
        add_queued_review(session, request, delivery=delivery, at=at)


def record_review_running(database: Database, review_id: str, *, at: datetime) -> None:
    """A worker has taken it; the first time counts."""
    with database.write() as session:
        row = session.get(ReviewRow, review_id)
        if row and row.status in UNFINISHED:
            row.status = ReviewStatus.RUNNING
            row.started_at = row.started_at or at


def record_review_head(database: Database, review_id: str, head_sha: str) -> None:
    """The head that is reviewed in truth, where it is another one than the webhook named, or it named none."""
    with database.write() as session:
        session.exec(update(ReviewRow).where(col(ReviewRow.id) == review_id).values(head_sha=head_sha))


def record_review_ended(
    database: Database, review_id: str, status: ReviewStatus, *, at: datetime, error: str | None = None
) -> bool:
    """Close a review that is not closed yet; whether it was this call."""
    statement = (
        update(ReviewRow)
        .where(col(ReviewRow.id) == review_id, col(ReviewRow.status).in_(UNFINISHED))
        .values(status=status, finished_at=at, error=error)
    )
    with database.write() as session:
        return session.exec(statement).rowcount > 0


def load_review(database: Database, review_id: str) -> ReviewRow | None:
    """The review with this id."""
    with database.read() as session:
        return session.get(ReviewRow, review_id)


def is_superseded(database: Database, review_id: str) -> bool:
    """Whether a review of another head was asked for later and waits; one that knows no head yet will see the newest."""
    with database.read() as session:
        mine = session.get(ReviewRow, review_id)
        if mine is None or mine.head_sha is None:
            return False
        later = (
            col(ReviewRow.repository) == mine.repository,
            col(ReviewRow.pull_request) == mine.pull_request,
            col(ReviewRow.created_at) > mine.created_at,
            col(ReviewRow.status) == ReviewStatus.QUEUED,
            col(ReviewRow.head_sha).is_not(None),
            col(ReviewRow.head_sha) != mine.head_sha,
        )
        return bool(session.exec(select(exists().where(*later))).one())


def load_review_of_head(database: Database, ref: PullRequestRef, head_sha: str) -> ReviewRow | None:
    """The newest completed review of this head."""
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
        return session.exec(statement).first()
