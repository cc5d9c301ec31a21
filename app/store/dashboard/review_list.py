"""The list of reviews: filters, search, totals, and pages by keyset."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, case, func, or_, true, tuple_
from sqlmodel import Session, col, exists, select

from app.domain.review import ReviewStatus, StageStatus
from app.domain.viewer import Viewer
from app.store.call_tables import ModelCallRow
from app.store.dashboard import visible
from app.store.database import Database
from app.store.job_tables import DeliveryRow
from app.store.review_tables import FindingRow, ReviewRow, StageResultRow

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
    severity: str = ""  # with a finding of this severity
    search: str = ""  # words of the title, the repository, the author or the branch
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewLine:
    """A line of the list of reviews."""

    review: ReviewRow
    findings: int
    worst: str | None  # severity
    providers: tuple[str, ...]  # that were called
    failed_stages: tuple[str, ...]
    job: dict[str, Any] | None  # of the delivery that requested it


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewTotals:
    """The figures of all reviews that match a filter; `cost_usd` leaves out calls without a known price."""

    reviews: int
    failed: int
    cost_usd: float


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
    if wanted.severity:
        condition &= exists().where(
            col(FindingRow.review_id) == col(ReviewRow.id), col(FindingRow.severity) == wanted.severity
        )
    if wanted.since:
        condition &= col(ReviewRow.created_at) >= wanted.since
    if wanted.until:
        condition &= col(ReviewRow.created_at) < wanted.until
    searched = (ReviewRow.title, ReviewRow.repository, ReviewRow.author, ReviewRow.branch)
    for word in wanted.search.split():
        condition &= or_(*(col(each).icontains(word, autoescape=True) for each in searched))
    return condition


def load_review_totals(database: Database, viewer: Viewer, wanted: ReviewFilter) -> ReviewTotals:
    """Add up the reviews that match a filter."""
    failed = func.sum(case((col(ReviewRow.status) == ReviewStatus.FAILED, 1), else_=0))
    statement = select(func.count(), func.coalesce(failed, 0), func.sum(ReviewRow.cost_usd)).where(
        visible(viewer, ReviewRow), _matches(wanted)
    )
    with database.read() as session:
        reviews, failed_reviews, cost = session.connection().execute(statement).one()
    return ReviewTotals(reviews=reviews, failed=failed_reviews, cost_usd=float(cost or 0.0))


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
    jobs = load_jobs(session, reviews)
    return tuple(
        ReviewLine(
            review=review,
            findings=len(severities[review.id]),
            worst=min(severities[review.id], key=severity_rank, default=None),
            providers=tuple(providers[review.id]),
            failed_stages=tuple(failed[review.id]),
            job=jobs.get(review.id),
        )
        for review in reviews
    )


def load_jobs(session: Session, reviews: Sequence[ReviewRow]) -> dict[str, dict[str, Any]]:
    """Return the stored jobs of the deliveries that requested reviews through a command or a button, by review."""
    asked = {
        review.delivery: review.id
        for review in reviews
        if review.delivery and review.trigger.startswith(("comment:", "check_action:", "refresh:"))
    }
    if not asked:
        return {}
    statement = select(DeliveryRow).where(col(DeliveryRow.guid).in_(list(asked)))
    return {asked[row.guid]: dict(row.request) for row in session.exec(statement)}


def severity_rank(severity: str) -> int:
    """Return 0 for the most severe."""
    return ("critical", "high", "medium", "low", "info").index(severity)


def load_repository_names(database: Database, viewer: Viewer) -> list[str]:
    """Return the repositories with reviews, for the filter."""
    statement = (
        select(ReviewRow.repository).where(visible(viewer, ReviewRow)).group_by(col(ReviewRow.repository))
    )
    with database.read() as session:
        return sorted(session.exec(statement).all(), key=str.lower)
