"""The lists of reviews and deliveries, page by page, and the details of one review."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, true, tuple_
from sqlmodel import Session, col, exists, select

from app.domain.review import StageStatus
from app.domain.viewer import Viewer
from app.store.call_tables import ModelCallRow
from app.store.dashboard import visible
from app.store.database import Database
from app.store.job_tables import DeliveryRow
from app.store.review_tables import FindingRow, RejectionRow, ReviewRow, StageResultRow

PAGE_SIZE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class PageCursor:
    """The last line of a page; the next page starts after it."""

    at: datetime
    id: str

    def __str__(self) -> str:
        return f"{self.at.isoformat()}~{self.id}"


def parse_cursor(text: str) -> PageCursor | None:
    """Parse the cursor in a URL; None if it is invalid."""
    at, _, row_id = text.partition("~")
    try:
        timestamp = datetime.fromisoformat(at)
    except ValueError:
        return None
    return PageCursor(at=timestamp, id=row_id) if timestamp.tzinfo and row_id else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewFilter:
    """A filter of the list of reviews; an empty value matches all."""

    repository: str = ""
    status: str = ""
    provider: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewLine:
    """A line of the list of reviews."""

    review: ReviewRow
    findings: int
    worst: str | None  # severity
    providers: tuple[str, ...]  # that were called
    failed_stages: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewPage:
    """A page of reviews, newest first; `next` is None on the last page."""

    lines: tuple[ReviewLine, ...]
    next: PageCursor | None


def load_reviews(
    database: Database,
    viewer: Viewer,
    wanted: ReviewFilter,
    *,
    after: PageCursor | None = None,
    limit: int = PAGE_SIZE,
) -> ReviewPage:
    """Load a page of reviews."""
    newest = (col(ReviewRow.created_at).desc(), col(ReviewRow.id).desc())
    statement = (
        select(ReviewRow)
        .where(visible(viewer, ReviewRow), _matches(wanted), _older(after))
        .order_by(*newest)
        .limit(limit + 1)
    )
    with database.read() as session:
        rows = session.exec(statement).all()
        shown = rows[:limit]
        lines = _lines(session, shown)
    more = len(rows) > limit
    return ReviewPage(
        lines=lines, next=PageCursor(at=shown[-1].created_at, id=shown[-1].id) if more else None
    )


def _matches(wanted: ReviewFilter) -> ColumnElement[bool]:
    condition: ColumnElement[bool] = true()
    if wanted.repository:
        condition &= col(ReviewRow.repository) == wanted.repository
    if wanted.status:
        condition &= col(ReviewRow.status) == wanted.status
    if wanted.provider:
        condition &= exists().where(
            col(ModelCallRow.review_id) == col(ReviewRow.id), col(ModelCallRow.provider) == wanted.provider
        )
    return condition


def _older(after: PageCursor | None) -> ColumnElement[bool]:
    if after is None:
        return true()
    return tuple_(col(ReviewRow.created_at), col(ReviewRow.id)) < tuple_(after.at, after.id)


def _lines(session: Session, reviews: Sequence[ReviewRow]) -> tuple[ReviewLine, ...]:
    ids = [review.id for review in reviews]
    severities: defaultdict[str, list[str]] = defaultdict(list)
    for review_id, severity in session.exec(
        select(FindingRow.review_id, FindingRow.severity).where(col(FindingRow.review_id).in_(ids))
    ):
        severities[review_id].append(severity)
    providers: defaultdict[str, list[str]] = defaultdict(list)
    for review_id, provider in session.exec(
        select(ModelCallRow.review_id, ModelCallRow.provider)
        .where(col(ModelCallRow.review_id).in_(ids))
        .distinct()
        .order_by(ModelCallRow.provider)
    ):
        providers[review_id or ""].append(provider)
    failed: defaultdict[str, list[str]] = defaultdict(list)
    for review_id, stage in session.exec(
        select(StageResultRow.review_id, StageResultRow.stage)
        .where(col(StageResultRow.review_id).in_(ids), StageResultRow.status == StageStatus.FAILED)
        .order_by(StageResultRow.stage)
    ):
        failed[review_id].append(stage)
    return tuple(
        ReviewLine(
            review=review,
            findings=len(severities[review.id]),
            worst=min(severities[review.id], key=_rank, default=None),
            providers=tuple(providers[review.id]),
            failed_stages=tuple(failed[review.id]),
        )
        for review in reviews
    )


def _rank(severity: str) -> int:
    return ("critical", "high", "medium", "low", "info").index(severity)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewDetail:
    """Everything stored about one review."""

    review: ReviewRow
    stages: tuple[StageResultRow, ...]
    findings: tuple[FindingRow, ...]  # most severe first
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
    return tuple(sorted(rows, key=lambda row: (_rank(row.severity), -(row.worth or 0), row.path, row.line)))


def load_repository_names(database: Database, viewer: Viewer) -> list[str]:
    """Return the repositories with reviews, for the filter."""
    statement = (
        select(ReviewRow.repository).where(visible(viewer, ReviewRow)).group_by(col(ReviewRow.repository))
    )
    with database.read() as session:
        return sorted(session.exec(statement).all(), key=str.lower)


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
