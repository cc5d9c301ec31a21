"""The details of one review, and the list of deliveries, page by page."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import true, tuple_
from sqlmodel import Session, col, select

from app.domain.viewer import Viewer
from app.store.call_tables import ModelCallRow
from app.store.dashboard import visible
from app.store.dashboard.review_list import PAGE_SIZE, PageCursor, load_jobs, severity_rank
from app.store.database import Database
from app.store.job_tables import DeliveryRow
from app.store.review_tables import FindingRow, RejectionRow, ReviewRow, StageResultRow


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewDetail:
    """Everything stored about one review."""

    review: ReviewRow
    stages: tuple[StageResultRow, ...]
    findings: tuple[FindingRow, ...]  # most severe first
    job: dict[str, Any] | None  # of the delivery that requested it
    rejections: tuple[RejectionRow, ...]
    calls: tuple[ModelCallRow, ...]  # in the order of their start


def load_review_detail(database: Database, viewer: Viewer, review_id: str) -> ReviewDetail | None:
    """Load a review; None unless it exists and the viewer may see it."""
    with database.read() as session:
        review = session.exec(
            select(ReviewRow).where(ReviewRow.id == review_id, visible(viewer, ReviewRow))
        ).first()
        if review is None:
            return None
        return ReviewDetail(
            review=review,
            stages=tuple(session.exec(select(StageResultRow).where(StageResultRow.review_id == review_id))),
            findings=_load_findings(session, review_id),
            job=load_jobs(session, [review]).get(review.id),
            rejections=tuple(
                session.exec(
                    select(RejectionRow)
                    .where(RejectionRow.review_id == review_id)
                    .order_by(RejectionRow.path, col(RejectionRow.line), col(RejectionRow.id))
                )
            ),
            calls=tuple(
                session.exec(
                    select(ModelCallRow)
                    .where(ModelCallRow.review_id == review_id)
                    .order_by(col(ModelCallRow.started_at), col(ModelCallRow.id))
                )
            ),
        )


def _load_findings(session: Session, review_id: str) -> tuple[FindingRow, ...]:
    rows = session.exec(select(FindingRow).where(FindingRow.review_id == review_id))
    return tuple(
        sorted(rows, key=lambda row: (severity_rank(row.severity), -(row.worth or 0), row.path, row.line))
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryPage:
    """A page of deliveries, newest first; `next` is None on the last page."""

    rows: tuple[DeliveryRow, ...]
    next: PageCursor | None


def load_deliveries(
    database: Database,
    viewer: Viewer,
    *,
    state: str = "",
    after: PageCursor | None = None,
    limit: int = PAGE_SIZE,
) -> DeliveryPage:
    """Load a page of deliveries; an empty `state` matches all."""
    older = true()
    if after is not None:
        older = tuple_(col(DeliveryRow.received_at), col(DeliveryRow.guid)) < tuple_(after.at, after.id)
    statement = (
        select(DeliveryRow)
        .where(visible(viewer, DeliveryRow), older, col(DeliveryRow.state) == state if state else true())
        .order_by(col(DeliveryRow.received_at).desc(), col(DeliveryRow.guid).desc())
        .limit(limit + 1)
    )
    with database.read() as session:
        rows = session.exec(statement).all()
    shown = tuple(rows[:limit])
    more = len(rows) > limit
    return DeliveryPage(
        rows=shown, next=PageCursor(at=shown[-1].received_at, id=shown[-1].guid) if more else None
    )
