"""The list of findings over all repositories: filters, order, pages by keyset, and totals.

A finding that several reviews of a pull request found is one line, as its newest review found it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy import func, tuple_
from sqlmodel import Session, col, select

from app.domain.finding import Severity
from app.domain.viewer import Viewer
from app.store.dashboard import visible
from app.store.dashboard.finding_filter import FindingCursor, FindingFilter, FindingOrder, conditions_of
from app.store.database import Database
from app.store.findings import is_newest
from app.store.review_tables import FindingRow, ReviewRow

PAGE_SIZE = 50
EXPORT_PAGE = 1_000
CHUNK = 200  # values in one statement
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingLine:
    """A line of the list; `first_found` is the time of the first review that found it."""

    finding: FindingRow
    first_found: datetime
    head_sha: str | None  # of the newest review that found it


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingPage:
    """A page of findings; `next` is None on the last page."""

    lines: tuple[FindingLine, ...]
    next: FindingCursor | None


def load_findings(
    database: Database,
    viewer: Viewer,
    wanted: FindingFilter,
    *,
    after: FindingCursor | None = None,
    limit: int = PAGE_SIZE,
) -> FindingPage:
    """Load a page of findings."""
    with database.read() as session:
        rows = _load_rows(session, viewer, wanted, after=after, limit=limit + 1)
        shown = rows[:limit]
        lines = _lines(session, shown)
    last = shown[-1] if len(rows) > limit else None
    return FindingPage(
        lines=lines,
        next=FindingCursor(severity=last.severity, at=last.created_at, id=last.id) if last else None,
    )


def each_finding(database: Database, viewer: Viewer, wanted: FindingFilter) -> Iterator[FindingLine]:
    """Yield every matching finding, page by page, for an export."""
    after = None
    while True:
        page = load_findings(database, viewer, wanted, after=after, limit=EXPORT_PAGE)
        yield from page.lines
        if page.next is None:
            return
        after = page.next


def load_finding(database: Database, viewer: Viewer, finding_id: str) -> FindingLine | None:
    """Return a finding with this ID; None unless it exists and the viewer may see it."""
    with database.read() as session:
        row = session.exec(
            select(FindingRow).where(FindingRow.id == finding_id, visible(viewer, FindingRow))
        ).first()
        return _lines(session, [row])[0] if row else None


def load_selected(database: Database, viewer: Viewer, ids: Sequence[str]) -> list[FindingRow]:
    """Return the findings with these IDs that the viewer may see."""
    with database.read() as session:
        statement = select(FindingRow).where(col(FindingRow.id).in_(list(ids)), visible(viewer, FindingRow))
        return list(session.exec(statement.order_by(FindingRow.id)).all())


def load_history(database: Database, row: FindingRow) -> list[tuple[FindingRow, str | None]]:
    """Return every review's record of a finding with the review's head, newest first."""
    statement = (
        select(FindingRow, ReviewRow.head_sha)
        .join(ReviewRow, col(ReviewRow.id) == col(FindingRow.review_id))
        .where(
            FindingRow.installation_id == row.installation_id,
            FindingRow.repository == row.repository,
            FindingRow.pull_request == row.pull_request,
            FindingRow.fingerprint == row.fingerprint,
        )
        .order_by(col(FindingRow.created_at).desc(), col(FindingRow.id).desc())
    )
    with database.read() as session:
        return list(session.exec(statement))


def count_by_severity(database: Database, viewer: Viewer, wanted: FindingFilter) -> dict[str, int]:
    """Count the matching findings of each severity, most severe first."""
    statement = (
        select(FindingRow.severity, func.count())
        .where(*conditions_of(viewer, wanted), is_newest())
        .group_by(FindingRow.severity)
    )
    with database.read() as session:
        found = dict(session.exec(statement).all())
    return {severity.value: found[severity] for severity in Severity if severity in found}


def load_rule_names(database: Database, viewer: Viewer) -> list[str]:
    """Return the rules that have findings, for the filter."""
    statement = select(FindingRow.rule_id).where(visible(viewer, FindingRow)).distinct()
    with database.read() as session:
        return sorted(session.exec(statement).all())


def _load_rows(
    session: Session, viewer: Viewer, wanted: FindingFilter, *, after: FindingCursor | None, limit: int
) -> list[FindingRow]:
    if wanted.order is not FindingOrder.SEVERITY:
        return _load_part(session, viewer, wanted, after=after, limit=limit)
    rows: list[FindingRow] = []
    for severity in Severity:  # one range of the index each, so that nothing is sorted
        if len(rows) >= limit or (after and list(Severity).index(Severity(after.severity)) > _rank(severity)):
            continue
        if wanted.severity in ("", severity):
            part = after if after and after.severity == severity else None
            rows += _load_part(
                session, viewer, wanted, after=part, limit=limit - len(rows), severity=severity
            )
    return rows


def _rank(severity: str) -> int:
    return list(Severity).index(Severity(severity))


def _load_part(
    session: Session,
    viewer: Viewer,
    wanted: FindingFilter,
    *,
    after: FindingCursor | None,
    limit: int,
    severity: str = "",
) -> list[FindingRow]:
    key = (col(FindingRow.created_at), col(FindingRow.id))
    is_ascending = wanted.order is FindingOrder.OLDEST
    statement = (
        select(FindingRow)
        .where(*conditions_of(viewer, wanted), is_newest())
        .order_by(*(each.asc() if is_ascending else each.desc() for each in key))
        .limit(limit)
    )
    if severity:
        statement = statement.where(FindingRow.severity == severity)
    if after is not None:
        place, last = tuple_(*key), tuple_(after.at, after.id)
        statement = statement.where(place > last if is_ascending else place < last)
    return list(session.exec(statement).all())


def _lines(session: Session, rows: Sequence[FindingRow]) -> tuple[FindingLine, ...]:
    keys = {(row.repository, row.pull_request, row.fingerprint) for row in rows}
    columns = (col(FindingRow.repository), col(FindingRow.pull_request), col(FindingRow.fingerprint))
    first: dict[tuple[str, int, str], datetime] = {}
    statement = select(*columns, func.min(FindingRow.created_at)).group_by(*columns)
    for chunk in _chunks(sorted(keys)):
        found = session.exec(statement.where(tuple_(*columns).in_(chunk)))
        first.update({(name, number, fingerprint): at for name, number, fingerprint, at in found})
    ids = sorted({row.review_id for row in rows})
    heads = dict[str, str | None]()
    for chunk in _chunks(ids):
        heads.update(
            session.exec(select(ReviewRow.id, ReviewRow.head_sha).where(col(ReviewRow.id).in_(chunk))).all()
        )
    return tuple(
        FindingLine(
            finding=row,
            first_found=first[row.repository, row.pull_request, row.fingerprint],
            head_sha=heads.get(row.review_id),
        )
        for row in rows
    )


def _chunks(values: Sequence[T], size: int = CHUNK) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]
