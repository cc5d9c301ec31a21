"""Shares of findings that were resolved, dismissed, or ignored, by provider, model, stage, rule, or repository.

A finding counts once per pull request, as found most recently, even if several reviews found it. The database counts.
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
from app.store.review_tables import FindingRow


class OutcomeDimension(StrEnum):
    """How findings are grouped; a finding of two providers counts for both."""

    PROVIDER = "provider"
    MODEL = "model"
    STAGE = "stage"
    RULE = "rule"
    REPOSITORY = "repository"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeRate:
    """The outcomes of one group of findings."""

    name: str
    findings: int
    resolved: int
    dismissed: int
    silent: int  # still open when the pull request was closed or merged, without a reaction
    thumbs_up: int
    thumbs_down: int

    @property
    def decided(self) -> int:
        """Findings with a known outcome."""
        return self.resolved + self.dismissed + self.silent

    @property
    def resolution_rate(self) -> float | None:
        """Share of decided findings that were fixed or resolved manually; None if none is decided."""
        return self.resolved / self.decided if self.decided else None

    @property
    def dismissal_rate(self) -> float | None:
        """Share of decided findings that were dismissed."""
        return self.dismissed / self.decided if self.decided else None

    @property
    def silence_rate(self) -> float | None:
        """Share of decided findings without any response."""
        return self.silent / self.decided if self.decided else None


def load_outcomes(
    database: Database, since: datetime, *, repository: str | None = None
) -> dict[OutcomeDimension, list[OutcomeRate]]:
    """Return the lines of every dimension since `since`, the largest groups first; reads the findings once."""
    lines: defaultdict[OutcomeDimension, defaultdict[str, Counter[str]]]
    lines = defaultdict(lambda: defaultdict(Counter[str]))
    with database.read() as session:
        for column, value, *sums in session.connection().execute(_totals(since, repository)):
            counts = {name: int(number) for name, number in zip(_COUNTED, sums, strict=True)}
            for by, name in _names(column, value):
                lines[by][name].update(counts)
    return {by: _rates(lines[by]) for by in OutcomeDimension}


_GROUPS = ("found_by", "stage", "rule_id", "repository")
_COUNTED = ("findings", "resolved", "dismissed", "silent", "thumbs_up", "thumbs_down")


def _totals(since: datetime, repository: str | None) -> CompoundSelect[*tuple[Any, ...]]:
    """Select a column's name, its value and `_COUNTED`, for each of `_GROUPS`."""
    each = _groups(since, repository).cte("each")
    sums = [func.sum(each.c[name]) for name in _COUNTED]
    return union_all(*(select(literal(name), each.c[name], *sums).group_by(each.c[name]) for name in _GROUPS))


def _groups(since: datetime, repository: str | None) -> Select[*tuple[Any, ...]]:
    """Group the findings in one pass, which leaves few lines per repository to add up."""
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


def _names(column: str, value: str) -> Iterable[tuple[OutcomeDimension, str]]:
    match column:
        case "found_by":
            sources: list[str] = json.loads(value)
            vendors = dict.fromkeys(source.partition(":")[0] for source in sources)
            return [
                *((OutcomeDimension.PROVIDER, vendor) for vendor in vendors),
                *((OutcomeDimension.MODEL, source) for source in sources),
            ]
        case "rule_id":
            return [(OutcomeDimension.RULE, value)]
        case _:
            return [(OutcomeDimension(column), value)]


def _rates(lines: Mapping[str, Mapping[str, int]]) -> list[OutcomeRate]:
    rates = [OutcomeRate(name=name, **counts) for name, counts in lines.items()]
    return sorted(rates, key=lambda line: (-line.findings, line.name))
