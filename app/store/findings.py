"""Findings across the reviews of a pull request, their outcomes, and the rules learned from dismissals."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import uuid4

from sqlalchemy import ColumnElement, case, exists, literal, or_, tuple_
from sqlalchemy.orm import aliased
from sqlmodel import col, select, update

from app.domain.diff import Side
from app.domain.finding import Finding, Placement, Severity, Stage
from app.domain.model_call import Provider
from app.domain.pull_request import PullRequestRef, Thread
from app.store.database import Database
from app.store.review_tables import FindingRow, LearnedRuleRow


class FindingOutcome(StrEnum):
    """The outcome of a finding; null in the database if not known yet."""

    OPEN = "open"
    RESOLVED = "resolved"
    DISMISSED = "dismissed"
    OUTDATED = "outdated"


def has_two_vendors(found_by: ColumnElement[str], confirmed_by: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether a second vendor confirmed a finding, or found it independently; both columns as text."""
    named = (
        or_(found_by.contains(f'"{each}:'), found_by.contains(f'"{each}@')) for each in Provider.vendors()
    )
    finders = sum((case((name, 1), else_=0) for name in named), literal(0))
    return or_(confirmed_by != "[]", finders > 1)


def finding_of(row: FindingRow) -> Finding:
    """Convert a row to a finding."""
    return Finding(
        stage=Stage(row.stage),
        severity=Severity(row.severity),
        rule_id=row.rule_id,
        own_rule=row.own_rule or "",
        path=row.path,
        start_line=row.start_line,
        end_line=row.line,
        title=row.title,
        explanation=row.explanation,
        cwe=row.cwe,
        side=Side(row.side),
        quote=row.quote,
        evidence=row.evidence,
        suggestion=row.suggestion,
        found_by=tuple(row.found_by),
        confirmed_by=tuple(row.confirmed_by),
        fingerprint=row.fingerprint,
        placement=Placement(row.placement),
        worth=row.worth,
        verifier_evidence=row.verifier_evidence,
        pre_existing=row.pre_existing,
    )


def record_threads(database: Database, ref: PullRequestRef, threads: Iterable[Thread]) -> None:
    """Record the review threads of findings, as read from GitHub."""
    with database.write() as session:
        for thread in threads:
            session.exec(
                update(FindingRow)
                .where(*_are_in(ref, [thread.fingerprint]))
                .values(thread_id=thread.node_id, comment_id=thread.comment_id)
            )


def record_outcome(
    database: Database,
    ref: PullRequestRef,
    fingerprints: Iterable[str],
    outcome: FindingOutcome,
    *,
    at: datetime,
    reason: str | None = None,
) -> int:
    """Record the outcome of findings in every review of the pull request; return the number of rows."""
    statement = (
        update(FindingRow)
        .where(*_are_in(ref, fingerprints))
        .values(outcome=outcome, decided_at=at, reason=reason)
    )
    with database.write() as session:
        return session.exec(statement).rowcount


def record_reactions(
    database: Database, ref: PullRequestRef, fingerprint: str, *, up: int, down: int
) -> None:
    """Record the number of thumbs under a finding's review comment."""
    with database.write() as session:
        session.exec(
            update(FindingRow)
            .where(*_are_in(ref, [fingerprint]))
            .values(reactions_up=up, reactions_down=down)
        )


def _are_in(ref: PullRequestRef, fingerprints: Iterable[str]) -> tuple[ColumnElement[bool], ...]:
    return (
        col(FindingRow.repository) == ref.repository,
        col(FindingRow.pull_request) == ref.number,
        col(FindingRow.fingerprint).in_(list(fingerprints)),
    )


def is_newest(*, shown: bool = False) -> ColumnElement[bool]:
    """Match findings that no later review of the pull request found again; `shown`: no review that posted its findings."""
    newer = aliased(FindingRow)
    later = exists().where(
        col(newer.repository) == col(FindingRow.repository),
        col(newer.pull_request) == col(FindingRow.pull_request),
        col(newer.fingerprint) == col(FindingRow.fingerprint),
        tuple_(col(newer.created_at), col(newer.id)) > tuple_(col(FindingRow.created_at), col(FindingRow.id)),
    )
    return ~(later.where(col(newer.shown)) if shown else later)


def count_severities(database: Database, review_id: str) -> dict[str, int]:
    """Count the findings of a review by severity, the worst first."""
    query = select(FindingRow.severity).where(FindingRow.review_id == review_id)
    with database.read() as session:
        counted = Counter(session.exec(query).all())
    return {severity.value: counted[severity.value] for severity in Severity if counted[severity.value]}


def load_finding_row(database: Database, fingerprint: str) -> FindingRow | None:
    """Return the newest row with this fingerprint in any pull request."""
    statement = (
        select(FindingRow)
        .where(FindingRow.fingerprint == fingerprint)
        .order_by(col(FindingRow.created_at).desc())
        .limit(1)
    )
    with database.read() as session:
        return session.exec(statement).first()


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedRule:
    """A rule by which findings of `rule_id` are no longer shown: those in `path`, or those similar to `evidence`."""

    id: str
    rule_id: str
    evidence: str
    dismissals: int
    removed_at: datetime | None = None  # None: active
    path: str | None = None  # a glob; None: learned from dismissals


@dataclass(frozen=True, slots=True, kw_only=True)
class Dismissal:
    """A dismissed finding; `quote` is the code it is about."""

    quote: str
    decided_at: datetime | None


def load_rules(database: Database, installation_id: int, repository: str) -> list[LearnedRule]:
    """Return all learned rules of a repository, including removed ones."""
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
                path=row.path,
            )
            for row in session.exec(statement)
        ]


def load_dismissals(
    database: Database, installation_id: int, repository: str, rule_id: str
) -> list[Dismissal]:
    """Return the dismissed findings of a rule, each once, even if several reviews found it."""
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
    path: str | None = None,
    by: str | None = None,
) -> None:
    """Add a learned rule, or one that a person muted for a path."""
    with database.write() as session:
        session.add(
            LearnedRuleRow(
                id=uuid4().hex,
                installation_id=installation_id,
                repository=repository,
                rule_id=rule_id,
                evidence=evidence,
                dismissals=dismissals,
                path=path,
                created_by=by,
                created_at=at,
            )
        )


def record_rules_removed(database: Database, ids: Sequence[str], *, by: str, at: datetime) -> int:
    """Remove learned rules; return how many were active."""
    statement = (
        update(LearnedRuleRow)
        .where(col(LearnedRuleRow.id).in_(list(ids)), col(LearnedRuleRow.removed_by).is_(None))
        .values(removed_by=by, removed_at=at)
    )
    with database.write() as session:
        return session.exec(statement).rowcount
