"""The filter of the list of findings as conditions of a query, its order, and its cursor."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    ColumnElement,
    SQLColumnExpression,
    Text,
    and_,
    cast,
    exists,
    func,
    literal_column,
    not_,
    or_,
    true,
)
from sqlalchemy.orm import aliased
from sqlmodel import col

from app.domain.finding import Severity
from app.domain.viewer import Viewer
from app.store.dashboard import visible
from app.store.findings import FindingOutcome
from app.store.review_tables import FindingRow, ReviewRow

SEPARATOR = "~"


class FindingState(StrEnum):
    """The outcomes that a filter shows; `open` includes findings whose outcome is not known yet."""

    OPEN = "open"
    RESOLVED = "resolved"
    DISMISSED = "dismissed"
    OUTDATED = "outdated"
    ALL = "all"


class FindingOrder(StrEnum):
    """The order of the list; the most recently found first within a severity."""

    SEVERITY = "severity"
    NEWEST = "newest"
    OLDEST = "oldest"


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingFilter:
    """A filter of the list of findings; an empty value matches all."""

    state: FindingState = FindingState.OPEN
    severity: str = ""
    repository: str = ""
    rule: str = ""
    path: str = ""  # a file, or a folder that ends with a slash
    author: str = ""  # of the pull request
    found_by: str = ""  # a provider
    search: str = ""  # words of the title, the path or the rule
    found_after: datetime | None = None
    found_before: datetime | None = None
    order: FindingOrder = FindingOrder.SEVERITY


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingCursor:
    """The last line of a page in the chosen order; the next page starts after it."""

    severity: str
    at: datetime
    id: str

    def __str__(self) -> str:
        return SEPARATOR.join((self.severity, self.at.isoformat(), self.id))


def parse_finding_cursor(text: str) -> FindingCursor | None:
    """Parse the cursor in a URL; None if it is invalid."""
    severity, _, rest = text.partition(SEPARATOR)
    at, _, row_id = rest.partition(SEPARATOR)
    try:
        timestamp = datetime.fromisoformat(at)
    except ValueError:
        return None
    is_valid = timestamp.tzinfo and row_id and severity in list(Severity)
    return FindingCursor(severity=severity, at=timestamp, id=row_id) if is_valid else None


def conditions_of(viewer: Viewer, wanted: FindingFilter) -> Iterator[ColumnElement[bool]]:
    """Yield the conditions of a filter, and the rule for what the viewer may see."""
    yield visible(viewer, FindingRow)
    yield _STATES[wanted.state]()
    for column, value in (
        (FindingRow.severity, wanted.severity),
        (FindingRow.repository, wanted.repository),
        (FindingRow.rule_id, wanted.rule),
    ):
        if value:
            yield col(column) == value
    if wanted.path:
        yield _is_at(wanted.path)
    if wanted.author:
        yield _is_by(wanted.author)
    if wanted.found_by:
        yield _found_by(wanted.found_by)
    yield from _ages(wanted)
    for word in wanted.search.split():
        yield or_(*(each.icontains(word, autoescape=True) for each in _SEARCHED))


def _ages(wanted: FindingFilter) -> Iterator[ColumnElement[bool]]:
    if wanted.found_after:
        yield not_(_was_found_before(wanted.found_after))
    if wanted.found_before:
        yield _was_found_before(wanted.found_before)


_SEARCHED: tuple[
    SQLColumnExpression[str], ...
] = (  # as in `ix_findings_list`, whose rows PostgreSQL limits to 2.7 kB
    func.substr(FindingRow.title, literal_column("1"), literal_column("120"), type_=Text),
    func.substr(FindingRow.path, literal_column("1"), literal_column("200"), type_=Text),
    col(FindingRow.rule_id),
)
_STATES: dict[FindingState, Callable[[], ColumnElement[bool]]] = {
    FindingState.OPEN: lambda: or_(
        col(FindingRow.outcome) == FindingOutcome.OPEN, col(FindingRow.outcome).is_(None)
    ),
    FindingState.RESOLVED: lambda: col(FindingRow.outcome) == FindingOutcome.RESOLVED,
    FindingState.DISMISSED: lambda: col(FindingRow.outcome) == FindingOutcome.DISMISSED,
    FindingState.OUTDATED: lambda: col(FindingRow.outcome) == FindingOutcome.OUTDATED,
    FindingState.ALL: true,
}


def _is_at(path: str) -> ColumnElement[bool]:
    if path.endswith("/"):
        return col(FindingRow.path).startswith(path, autoescape=True)
    return col(FindingRow.path) == path


def _is_by(author: str) -> ColumnElement[bool]:
    return exists().where(
        col(ReviewRow.id) == col(FindingRow.review_id), func.lower(ReviewRow.author) == author.lower()
    )


def _found_by(provider: str) -> ColumnElement[bool]:
    return cast(FindingRow.found_by, Text).contains(f'"{provider}:', autoescape=True)


def _was_found_before(at: datetime) -> ColumnElement[bool]:
    earlier = aliased(FindingRow)
    return or_(
        col(FindingRow.created_at) < at,
        exists().where(
            and_(
                col(earlier.repository) == col(FindingRow.repository),
                col(earlier.pull_request) == col(FindingRow.pull_request),
                col(earlier.fingerprint) == col(FindingRow.fingerprint),
                col(earlier.created_at) < at,
            )
        ),
    )
