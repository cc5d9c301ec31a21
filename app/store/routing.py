"""What the recorded calls and findings say of each provider at each stage. Reads only; decides nothing."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlmodel import Session, col, select

from app.domain.finding import Stage
from app.domain.model_call import Outcome, Provider
from app.domain.routing import ProviderRecord
from app.store.database import Database
from app.store.model_calls import NEVER_SENT
from app.store.tables import FindingRow, ModelCallRow, RejectionRow

WINDOW = 100  # latest calls, and latest findings judged, of each provider at each stage
SINCE_DAYS = 90
REFUTED = (
    "Refuted"  # how the reason of a finding begins that a second vendor refuted (app/findings/verify.py)
)
_READ = 10_000  # rows looked at

Place = tuple[str, Provider]


class RoutingTable:
    """The records, for the learned order."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load_records(self) -> list[ProviderRecord]:
        """Each provider's latest record at each stage."""
        since = datetime.now(UTC) - timedelta(days=SINCE_DAYS)
        return await asyncio.to_thread(load_provider_records, self._database, since)


def load_provider_records(database: Database, since: datetime) -> list[ProviderRecord]:
    """The records over the last `WINDOW` calls and judged findings since a moment."""
    with database.read() as session:
        calls, judged = _load_calls(session, since), _load_judged(session, since)
    return [
        _with_findings(_record(place, calls.get(place, [])), judged.get(place, []))
        for place in sorted({*calls, *judged})
    ]


def _load_calls(session: Session, since: datetime) -> dict[Place, list[ModelCallRow]]:
    statement = (
        select(ModelCallRow)
        .where(
            col(ModelCallRow.started_at) >= since,
            col(ModelCallRow.stage).in_([stage.value for stage in Stage]),
            col(ModelCallRow.outcome).not_in(NEVER_SENT),
        )
        .order_by(col(ModelCallRow.started_at).desc())
        .limit(_READ)
    )
    latest: defaultdict[Place, list[ModelCallRow]] = defaultdict(list)
    for row in session.exec(statement):
        at = latest[row.stage, Provider(row.provider)]
        if len(at) < WINDOW:
            at.append(row)
    return latest


def _record(place: Place, calls: Sequence[ModelCallRow]) -> ProviderRecord:
    answered = [call for call in calls if call.outcome == Outcome.OK]
    return ProviderRecord(
        stage=place[0],
        provider=place[1],
        calls=len(calls),
        answered=len(answered),
        average_ms=sum(call.latency_ms for call in answered) / len(answered) if answered else 0.0,
        cost_usd=sum(call.cost_usd or 0.0 for call in calls),
    )


def _with_findings(record: ProviderRecord, judged: Sequence[bool]) -> ProviderRecord:
    return replace(record, held=sum(judged), fell=len(judged) - sum(judged))


def _load_judged(session: Session, since: datetime) -> dict[Place, list[bool]]:
    """Whether the latest findings held, of those of which it is known."""
    shown = session.exec(
        select(FindingRow)
        .where(col(FindingRow.created_at) >= since)
        .order_by(col(FindingRow.created_at).desc())
        .limit(_READ)
    ).all()
    rejected = session.exec(
        select(RejectionRow)
        .where(col(RejectionRow.created_at) >= since, col(RejectionRow.reason).startswith(REFUTED))
        .order_by(col(RejectionRow.created_at).desc())
        .limit(_READ)
    ).all()
    newest: dict[tuple[str, int, str], FindingRow] = {}
    for row in shown:  # however many reviews of its pull request found it
        newest.setdefault((row.repository, row.pull_request, row.fingerprint), row)
    verdicts = [(row.created_at, row.stage, row.found_by, _held(row)) for row in newest.values()]
    verdicts += [(row.created_at, row.stage, row.found_by, False) for row in rejected]
    judged: defaultdict[Place, list[bool]] = defaultdict(list)
    for _, stage, found_by, held in sorted(verdicts, key=lambda verdict: verdict[0], reverse=True):
        for provider in _vendors(found_by):
            if held is not None and len(judged[stage, provider]) < WINDOW:
                judged[stage, provider].append(held)
    return judged


def _held(row: FindingRow) -> bool | None:
    """None: nothing is known yet."""
    if row.outcome == "dismissed":
        return False
    return True if row.outcome == "resolved" or row.confirmed_by else None


def _vendors(found_by: Iterable[str]) -> set[Provider]:
    names = {name.partition(":")[0] for name in found_by}
    return {
        provider for provider in Provider if provider.value in names and provider is not Provider.ANALYZERS
    }
