"""The list of reviews, page by page, and everything that is kept of one."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, true, tuple_
from sqlmodel import Session, col, exists, select

from app.domain.viewer import Viewer
from app.store.database import Database
from app.store.tables import FindingRow, ModelCallRow, RejectionRow, ReviewRow, StageResultRow
from app.store.viewer import visible

PAGE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """The last line of a page: the next one begins after it."""

    at: datetime
    id: str

    def __str__(self) -> str:
        return f"{self.at.isoformat()}~{self.id}"


def parse_cursor(text: str) -> Cursor | None:
    """The cursor that an address holds; None where it holds none that can be read."""
    at, _, row_id = text.partition("~")
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        return None
    return Cursor(at=moment, id=row_id) if moment.tzinfo and row_id else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewFilter:
    """Which reviews are listed; empty: all."""

    repository: str = ""
    status: str = ""
    provider: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewLine:
    """One line of the list."""

    review: ReviewRow
    findings: int
    worst: str | None  # severity
    providers: tuple[str, ...]  # that were asked


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewPage:
    """Some reviews, newest first; `next` None: there are no older ones."""

    lines: tuple[ReviewLine, ...]
    next: Cursor | None


def load_reviews(
    database: Database,
    viewer: Viewer,
    wanted: ReviewFilter,
    *,
    after: Cursor | None = None,
    limit: int = PAGE,
) -> ReviewPage:
    """A page of the list."""
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
    return ReviewPage(lines=lines, next=Cursor(at=shown[-1].created_at, id=shown[-1].id) if more else None)


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


def _older(after: Cursor | None) -> ColumnElement[bool]:
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
    return tuple(
        ReviewLine(
            review=review,
            findings=len(severities[review.id]),
            worst=min(severities[review.id], key=_rank, default=None),
            providers=tuple(providers[review.id]),
        )
        for review in reviews
    )


def _rank(severity: str) -> int:
    return ("critical", "high", "medium", "low", "info").index(severity)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewDetail:
    """Everything that is kept of one review."""

    review: ReviewRow
    stages: tuple[StageResultRow, ...]
    findings: tuple[FindingRow, ...]  # dearest first
    rejections: tuple[RejectionRow, ...]
    calls: tuple[ModelCallRow, ...]  # in the order in which they began


def load_review_detail(database: Database, viewer: Viewer, review_id: str) -> ReviewDetail | None:
    """The review; None where there is none that this viewer may see."""
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
    """The repositories that have reviews, for a filter."""
    statement = (
        select(ReviewRow.repository).where(visible(viewer, ReviewRow)).group_by(col(ReviewRow.repository))
    )
    with database.read() as session:
        return sorted(session.exec(statement).all(), key=str.lower)


def count_reviews_by_status(database: Database, viewer: Viewer) -> dict[str, int]:
    """Status → number of all reviews."""
    statement = (
        select(ReviewRow.status, func.count()).where(visible(viewer, ReviewRow)).group_by(ReviewRow.status)
    )
    with database.read() as session:
        return dict(session.exec(statement).all())
