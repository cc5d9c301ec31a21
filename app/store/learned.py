"""What a repository has dismissed so often that it is shown less: the rules, and the dismissals they come from."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from sqlmodel import col, select, update

from app.store.database import Database
from app.store.findings import FindingOutcome
from app.store.tables import FindingRow, LearnedRuleRow


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedRule:
    """Findings of `rule_id` with evidence near to this one are not shown as findings."""

    id: str
    rule_id: str
    evidence: str
    dismissals: int
    removed_at: datetime | None = None  # None: in force


@dataclass(frozen=True, slots=True, kw_only=True)
class Dismissal:
    """A finding that was dismissed; `quote` is the code it spoke of."""

    quote: str
    decided_at: datetime | None


def load_rules(database: Database, installation_id: int, repository: str) -> list[LearnedRule]:
    """All rules of a repository, also those that were taken back."""
    statement = (
        select(LearnedRuleRow)
        .where(
            LearnedRuleRow.installation_id == installation_id,
            LearnedRuleRow.repository == repository,
        )
        .order_by(col(LearnedRuleRow.created_at))
    )
    with database.read() as session:
        return [
            LearnedRule(
                id=row.id,
                rule_id=row.rule_id,
                evidence=row.evidence,
                dismissals=row.dismissals,
                removed_at=row.removed_at,
            )
            for row in session.exec(statement)
        ]


def load_dismissals(
    database: Database, installation_id: int, repository: str, rule_id: str
) -> list[Dismissal]:
    """Each dismissed finding of a rule once, however many reviews found it."""
    statement = (
        select(FindingRow)
        .where(
            FindingRow.installation_id == installation_id,
            FindingRow.repository == repository,
            FindingRow.rule_id == rule_id,
            FindingRow.outcome == FindingOutcome.DISMISSED,
        )
        .order_by(col(FindingRow.created_at))
    )
    with database.read() as session:
        rows = {(row.pull_request, row.fingerprint): row for row in session.exec(statement)}
    return [Dismissal(quote=row.quote, decided_at=row.decided_at) for row in rows.values()]


def record_rule(
    database: Database,
    *,
    installation_id: int,
    repository: str,
    rule_id: str,
    evidence: str,
    dismissals: int,
    at: datetime,
) -> None:
    """A new rule in force."""
    with database.write() as session:
        session.add(
            LearnedRuleRow(
                id=uuid4().hex,
                installation_id=installation_id,
                repository=repository,
                rule_id=rule_id,
                evidence=evidence,
                dismissals=dismissals,
                created_at=at,
            )
        )


def record_rules_removed(database: Database, ids: Sequence[str], *, by: str, at: datetime) -> int:
    """Take rules back; the number of those that were in force."""
    statement = (
        update(LearnedRuleRow)
        .where(col(LearnedRuleRow.id).in_(list(ids)), col(LearnedRuleRow.removed_by).is_(None))
        .values(removed_by=by, removed_at=at)
    )
    with database.write() as session:
        return session.exec(statement).rowcount
