"""The fixes that people asked for and that agents reported, and what became of the committed ones."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import NAMESPACE_OID, uuid5

from sqlalchemy import ColumnElement, func
from sqlmodel import col, select, update

from app.domain.fix import FindingFix, FixStatus
from app.domain.pull_request import PullRequestRef
from app.store.call_tables import ModelCallRow
from app.store.database import Database
from app.store.fix_tables import FixRow

MARKED = "marked"  # the status of a fix that an agent reported


class FixOutcome(StrEnum):
    """What became of a committed fix."""

    KEPT = "kept"  # its finding was gone when the pull request was merged
    REVERTED = "reverted"  # its finding came back


def record_fixes(
    database: Database,
    ref: PullRequestRef,
    fixes: Iterable[FindingFix],
    *,
    installation_id: int,
    request: str,
    commit_sha: str | None,
    at: datetime,
) -> None:
    """Record the fixes of one request; recording them again changes only the commit."""
    with database.write() as session:
        for fix in fixes:
            id_ = str(uuid5(NAMESPACE_OID, f"{ref}:{request}:{fix.fingerprint}"))
            costs = session.exec(
                select(
                    func.count(col(ModelCallRow.id)),
                    func.count(col(ModelCallRow.cost_usd)),
                    func.sum(col(ModelCallRow.cost_usd)),
                ).where(col(ModelCallRow.id).in_(list(fix.call_ids)))
            ).one()
            row = session.get(FixRow, id_) or FixRow(
                id=id_,
                installation_id=installation_id,
                repository=ref.repository,
                pull_request=ref.number,
                fingerprint=fix.fingerprint,
                request=request,
                status=fix.status,
                fixed_by=fix.fixed_by,
                confirmed_by=fix.confirmed_by,
                cost_usd=(costs[2] or 0.0) if costs[0] == costs[1] else None,
                created_at=at,
            )
            row.commit_sha = commit_sha if fix.status is FixStatus.CONFIRMED else None
            session.add(row)


def record_marked(
    database: Database,
    ref: PullRequestRef,
    fingerprint: str,
    *,
    installation_id: int,
    commit_sha: str | None,
    at: datetime,
) -> None:
    """Record that an agent says that it fixed a finding; the next review decides."""
    with database.write() as session:
        id_ = str(uuid5(NAMESPACE_OID, f"{ref}:mcp:{fingerprint}"))
        row = session.get(FixRow, id_) or FixRow(
            id=id_,
            installation_id=installation_id,
            repository=ref.repository,
            pull_request=ref.number,
            fingerprint=fingerprint,
            request="mcp",
            status=MARKED,
            created_at=at,
        )
        row.commit_sha = commit_sha
        session.add(row)


def load_marked(database: Database, ref: PullRequestRef) -> Mapping[str, str | None]:
    """Map each finding that an agent marked as fixed to the commit that it named."""
    statement = select(FixRow).where(
        FixRow.repository == ref.repository, FixRow.pull_request == ref.number, FixRow.status == MARKED
    )
    with database.read() as session:
        return {row.fingerprint: row.commit_sha for row in session.exec(statement)}


def record_fix_outcomes(
    database: Database, ref: PullRequestRef, fingerprints: Iterable[str], outcome: FixOutcome, *, at: datetime
) -> None:
    """Record what became of the committed fixes of these findings."""
    statement = (
        update(FixRow)
        .where(
            col(FixRow.repository) == ref.repository,
            col(FixRow.pull_request) == ref.number,
            col(FixRow.fingerprint).in_(list(fingerprints)),
            col(FixRow.commit_sha).is_not(None),
            col(FixRow.status) == FixStatus.CONFIRMED,
        )
        .values(outcome=outcome, decided_at=at)
    )
    with database.write() as session:
        session.exec(statement)


@dataclass(frozen=True, slots=True, kw_only=True)
class FixFigures:
    """The fixes of one model (`provider:model`; None: no model proposed one); `cost_usd` is of all of them."""

    model: str | None
    asked: int
    proposed: int
    confirmed: int
    committed: int
    kept: int
    reverted: int
    cost_usd: float


def load_fix_figures(
    database: Database, since: datetime, *, where: ColumnElement[bool] | None = None
) -> list[FixFigures]:
    """Count the fixes that people asked for since then, by the model that wrote them; `where` selects some."""
    statement = select(FixRow).where(col(FixRow.created_at) >= since, col(FixRow.status) != MARKED)
    if where is not None:
        statement = statement.where(where)
    rows: defaultdict[str, list[FixRow]] = defaultdict(list)
    with database.read() as session:
        for row in session.exec(statement):
            rows[row.fixed_by or ""].append(row)
    return [_figures(model or None, own) for model, own in sorted(rows.items())]


def _figures(model: str | None, rows: Sequence[FixRow]) -> FixFigures:
    return FixFigures(
        model=model,
        asked=len(rows),
        proposed=sum(row.status != FixStatus.FAILED for row in rows),
        confirmed=sum(row.status == FixStatus.CONFIRMED for row in rows),
        committed=sum(row.commit_sha is not None for row in rows),
        kept=sum(row.outcome == FixOutcome.KEPT for row in rows),
        reverted=sum(row.outcome == FixOutcome.REVERTED for row in rows),
        cost_usd=sum(row.cost_usd or 0.0 for row in rows),
    )
