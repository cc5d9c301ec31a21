"""Each provider's record at each stage, from calls and findings. Reads only; the router decides."""

import asyncio
import json
from collections import defaultdict
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    CompoundSelect,
    Label,
    Subquery,
    Text,
    case,
    cast,
    desc,
    func,
    literal,
    or_,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.types import NullType
from sqlmodel import Session, col

from app.clock import utc_now
from app.domain.finding import REFUTED_BY, Stage
from app.domain.model_call import Outcome, Provider, ProviderRecord
from app.store.call_tables import ModelCallRow
from app.store.database import Database
from app.store.findings import FindingOutcome, has_two_vendors, is_newest
from app.store.model_calls import NEVER_SENT
from app.store.review_tables import FindingRow, RejectionRow

WINDOW = 100  # latest calls, and latest judged findings, of each provider at each stage
SINCE_DAYS = 90
_READ_LIMIT = 10_000  # latest calls, and latest judged findings, to search for the windows

Place = tuple[str, Provider]


class RoutingTable:
    """The records of providers, for the learned order."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load_records(self) -> list[ProviderRecord]:
        """Return each provider's latest record at each stage."""
        since = utc_now() - timedelta(days=SINCE_DAYS)
        return await asyncio.to_thread(load_provider_records, self._database, since)


def load_provider_records(database: Database, since: datetime) -> list[ProviderRecord]:
    """Return the records over the last `WINDOW` calls and judged findings since `since`."""
    with database.read() as session:
        records, judged = _load_calls(session, since), _load_judged(session, since)
    for place, verdicts in judged.items():
        record = records.get(place) or ProviderRecord(stage=place[0], provider=place[1])
        held = [is_alone for is_held, is_alone in verdicts if is_held]
        records[place] = replace(record, held=len(held), held_alone=sum(held), fell=len(verdicts) - len(held))
    return [records[place] for place in sorted(records)]


def _load_calls(session: Session, since: datetime) -> dict[Place, ProviderRecord]:
    """Return the totals of each provider's latest calls."""
    calls = _numbered_calls(since).c
    good = calls.outcome == Outcome.OK
    sums = (
        func.count(),
        func.count(case((good, 1))),
        func.avg(case((good, calls.latency_ms))),
        func.sum(calls.cost_usd),
    )
    key = (calls.stage, calls.provider)
    statement = select(*key, *sums).where(calls.number <= WINDOW).group_by(*key)
    return {
        (stage, Provider(provider)): ProviderRecord(
            stage=stage,
            provider=Provider(provider),
            calls=count,
            answered=answered,
            average_ms=float(average_ms or 0.0),
            cost_usd=float(cost_usd or 0.0),
        )
        for stage, provider, count, answered, average_ms, cost_usd in session.connection().execute(statement)
    }


def _numbered_calls(since: datetime) -> Subquery:
    """Select the latest calls; `number` 1 is the latest of a provider at a stage."""
    columns = (
        col(ModelCallRow.id),
        col(ModelCallRow.started_at),
        col(ModelCallRow.stage),
        col(ModelCallRow.provider),
        col(ModelCallRow.outcome),
        col(ModelCallRow.latency_ms),
        col(ModelCallRow.cost_usd),
    )
    read = (
        select(*columns)
        .where(
            col(ModelCallRow.started_at) >= since,
            col(ModelCallRow.stage).in_([stage.value for stage in Stage]),
            col(ModelCallRow.outcome).not_in(NEVER_SENT),
        )
        .order_by(col(ModelCallRow.started_at).desc())
        .limit(_READ_LIMIT)
        .subquery()
        .c
    )
    number = func.row_number().over(
        partition_by=(read.stage, read.provider), order_by=(read.started_at.desc(), read.id.desc())
    )
    return select(*read, number.label("number")).subquery()


def _load_judged(session: Session, since: datetime) -> dict[Place, list[tuple[bool, bool]]]:
    """Return whether each provider's latest judged findings were confirmed, and whether it found them alone, by stage."""
    judged: defaultdict[Place, list[tuple[bool, bool]]] = defaultdict(list)
    vendors_of = cache(_vendors)  # few finders, thousands of findings
    for _, stage, found_by, held in session.connection().execute(_verdicts(since)):
        finders = vendors_of(found_by)
        for vendor in finders:
            if len(verdicts := judged[stage, vendor]) < WINDOW:
                verdicts.append((bool(held), len(finders) == 1))
    return judged


def _verdicts(since: datetime) -> CompoundSelect[Any, Any, Any, Any]:
    """Select time, stage, finders and 1 (confirmed) or 0 (refuted), newest first; a finding counts once per pull request."""
    outcome, refuted = col(FindingRow.outcome), col(RejectionRow.reason).startswith(REFUTED_BY)
    confirmed = has_two_vendors(cast(FindingRow.found_by, Text), cast(FindingRow.confirmed_by, Text))
    held = case(
        (outcome == FindingOutcome.DISMISSED, 0),
        (or_(outcome == FindingOutcome.RESOLVED, confirmed), 1),
    )
    shown = select(*_of(FindingRow), held.label("held")).where(
        col(FindingRow.created_at) >= since, held.is_not(None), is_newest()
    )
    fell = select(*_of(RejectionRow), literal(0)).where(col(RejectionRow.created_at) >= since, refuted)
    return union_all(shown, fell).order_by(desc("at")).limit(_READ_LIMIT)  # merges two index scans


def _of(table: type[FindingRow] | type[RejectionRow]) -> tuple[Label[Any], ...]:
    return (
        type_coerce(col(table.created_at), NullType).label("at"),  # only to order by
        col(table.stage).label("stage"),
        cast(table.found_by, Text).label("found_by"),  # as text: equal values are parsed once
    )


def _vendors(found_by: str) -> frozenset[Provider]:
    names = {source.partition(":")[0] for source in json.loads(found_by)}
    return frozenset(Provider(name) for name in names if name != Provider.ANALYZERS)
