"""What became of findings, in shares: resolved, dismissed, met with silence; by provider, model, stage, rule or repository.

Each finding of a pull request counts once, as it was found last, however many reviews found it.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlmodel import col, select

from app.store.database import Database
from app.store.findings import FindingOutcome
from app.store.tables import FindingRow


class Dimension(StrEnum):
    """By what findings are counted; a finding of two vendors counts for both."""

    PROVIDER = "provider"
    MODEL = "model"
    STAGE = "stage"
    RULE = "rule"
    REPOSITORY = "repository"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeRate:
    """One line. `decided` are those of which something is known: fixed, dismissed, or nothing until the end."""

    name: str
    findings: int
    resolved: int
    dismissed: int
    silent: int  # open when the pull request was closed or merged, without a thumb
    thumbs_up: int
    thumbs_down: int

    @property
    def decided(self) -> int:
        """Findings of which the end is known."""
        return self.resolved + self.dismissed + self.silent

    @property
    def resolution_rate(self) -> float | None:
        """Share of the decided that were fixed or resolved by hand; None: nothing is decided."""
        return self.resolved / self.decided if self.decided else None

    @property
    def dismissal_rate(self) -> float | None:
        """Share of the decided that were dismissed."""
        return self.dismissed / self.decided if self.decided else None

    @property
    def silence_rate(self) -> float | None:
        """Share of the decided that nobody answered."""
        return self.silent / self.decided if self.decided else None


def load_outcome_rates(
    database: Database, since: datetime, *, by: Dimension, repository: str | None = None
) -> list[OutcomeRate]:
    """The lines since a moment, those with most findings first."""
    return _rates(_load_newest(database, since, repository), by)


def load_outcomes(database: Database, since: datetime) -> dict[Dimension, list[OutcomeRate]]:
    """`load_outcome_rates` by everything; the findings are read once."""
    newest = _load_newest(database, since, None)
    return {by: _rates(newest, by) for by in Dimension}


def _load_newest(database: Database, since: datetime, repository: str | None) -> list[FindingRow]:
    statement = (
        select(FindingRow)
        .where(col(FindingRow.created_at) >= since, col(FindingRow.shown))
        .order_by(col(FindingRow.created_at), col(FindingRow.id))
    )
    if repository is not None:
        statement = statement.where(FindingRow.repository == repository)
    with database.read() as session:
        newest = {(row.repository, row.pull_request, row.fingerprint): row for row in session.exec(statement)}
    return list(newest.values())


def _rates(rows: Iterable[FindingRow], by: Dimension) -> list[OutcomeRate]:
    counted: dict[str, Counter[str]] = {}
    for row in rows:
        for name in _names(row, by):
            counted.setdefault(name, Counter()).update(_count(row))
    lines = [_rate(name, counts) for name, counts in counted.items()]
    return sorted(lines, key=lambda line: (-line.findings, line.name))


def _names(row: FindingRow, by: Dimension) -> Iterable[str]:
    match by:
        case Dimension.PROVIDER:
            return dict.fromkeys(source.partition(":")[0] for source in row.found_by)
        case Dimension.MODEL:
            return row.found_by
        case Dimension.STAGE:
            return (row.stage,)
        case Dimension.RULE:
            return (row.rule_id,)
        case Dimension.REPOSITORY:
            return (row.repository,)


def _count(row: FindingRow) -> dict[str, int]:
    is_open = row.outcome in (FindingOutcome.OPEN, FindingOutcome.OUTDATED)
    closed = is_open and row.decided_at is not None and (row.reason or "").startswith("still open")
    return {
        "findings": 1,
        "resolved": int(row.outcome == FindingOutcome.RESOLVED),
        "dismissed": int(row.outcome == FindingOutcome.DISMISSED),
        "silent": int(closed and not row.reactions_up and not row.reactions_down),
        "thumbs_up": row.reactions_up,
        "thumbs_down": row.reactions_down,
    }


def _rate(name: str, counts: Counter[str]) -> OutcomeRate:
    return OutcomeRate(
        name=name,
        findings=counts["findings"],
        resolved=counts["resolved"],
        dismissed=counts["dismissed"],
        silent=counts["silent"],
        thumbs_up=counts["thumbs_up"],
        thumbs_down=counts["thumbs_down"],
    )
