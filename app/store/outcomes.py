"""What became of findings, in shares: resolved, dismissed, met with silence; by provider, model, stage, rule or repository.

Each finding of a pull request counts once, as it was found last, however many reviews found it. The database counts.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CompoundSelect, Select, Text, and_, case, cast, func, literal, select, true, union_all
from sqlmodel import col

from app.store.database import Database
from app.store.findings import FindingOutcome, is_newest
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
    return load_outcomes(database, since, repository=repository)[by]


def load_outcomes(
    database: Database, since: datetime, *, repository: str | None = None
) -> dict[Dimension, list[OutcomeRate]]:
    """`load_outcome_rates` by everything; the findings are read once."""
    lines: defaultdict[Dimension, defaultdict[str, Counter[str]]]
    lines = defaultdict(lambda: defaultdict(Counter[str]))
    with database.read() as session:
        for column, value, *sums in session.connection().execute(_totals(since, repository)):
            counts = {name: int(number) for name, number in zip(_COUNTED, sums, strict=True)}
            for by, name in _names(column, value):
                lines[by][name].update(counts)
    return {by: _rates(lines[by]) for by in Dimension}


_GROUPS = ("found_by", "stage", "rule_id", "repository")
_COUNTED = ("findings", "resolved", "dismissed", "silent", "thumbs_up", "thumbs_down")


def _totals(since: datetime, repository: str | None) -> CompoundSelect[*tuple[Any, ...]]:
    """Lines of a column's name, its value and `_COUNTED`, for each of `_GROUPS`."""
    each = _groups(since, repository).cte("each")
    sums = [func.sum(each.c[name]) for name in _COUNTED]
    return union_all(*(select(literal(name), each.c[name], *sums).group_by(each.c[name]) for name in _GROUPS))


def _groups(since: datetime, repository: str | None) -> Select[*tuple[Any, ...]]:
    """One pass over the findings; what is left to add up are a few lines a repository."""
    keys = [
        cast(FindingRow.found_by, Text).label("found_by"),
        col(FindingRow.stage),
        col(FindingRow.rule_id),
        col(FindingRow.repository),
    ]
    outcome = col(FindingRow.outcome)
    silent = and_(
        outcome.in_((FindingOutcome.OPEN, FindingOutcome.OUTDATED)),
        col(FindingRow.decided_at).is_not(None),
        col(FindingRow.reason).startswith("still open"),
        col(FindingRow.reactions_up) == 0,
        col(FindingRow.reactions_down) == 0,
    )
    counts = (
        func.count(),
        func.count(case((outcome == FindingOutcome.RESOLVED, 1))),
        func.count(case((outcome == FindingOutcome.DISMISSED, 1))),
        func.count(case((silent, 1))),
        func.sum(FindingRow.reactions_up),
        func.sum(FindingRow.reactions_down),
    )
    return (
        select(*keys, *(count.label(name) for count, name in zip(counts, _COUNTED, strict=True)))
        .where(
            col(FindingRow.created_at) >= since,
            col(FindingRow.shown),
            is_newest(shown=True),
            true() if repository is None else col(FindingRow.repository) == repository,
        )
        .group_by(*keys)
    )


def _names(column: str, value: str) -> Iterable[tuple[Dimension, str]]:
    match column:
        case "found_by":
            sources: list[str] = json.loads(value)
            vendors = dict.fromkeys(source.partition(":")[0] for source in sources)
            return [
                *((Dimension.PROVIDER, vendor) for vendor in vendors),
                *((Dimension.MODEL, source) for source in sources),
            ]
        case "rule_id":
            return [(Dimension.RULE, value)]
        case _:
            return [(Dimension(column), value)]


def _rates(lines: Mapping[str, Mapping[str, int]]) -> list[OutcomeRate]:
    rates = [OutcomeRate(name=name, **counts) for name, counts in lines.items()]
    return sorted(rates, key=lambda line: (-line.findings, line.name))
