"""Findings over the life of a pull request: which are open, where their threads are, what became of them."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, exists, tuple_
from sqlalchemy.orm import aliased
from sqlmodel import col, select, update

from app.domain.diff import Side
from app.domain.finding import Finding, Placement, Severity, Stage
from app.domain.pull_request import PullRequestRef, Thread
from app.store.database import Database
from app.store.tables import FindingRow


class FindingOutcome(StrEnum):
    """What became of a finding; not known yet: null."""

    OPEN = "open"
    RESOLVED = "resolved"
    DISMISSED = "dismissed"
    OUTDATED = "outdated"


def load_finding_rows(database: Database, ref: PullRequestRef) -> list[FindingRow]:
    """Of each fingerprint the newest row, oldest first."""
    statement = (
        select(FindingRow)
        .where(FindingRow.repository == ref.repository, FindingRow.pull_request == ref.number)
        .order_by(col(FindingRow.created_at), col(FindingRow.id))
    )
    with database.read() as session:
        return list({row.fingerprint: row for row in session.exec(statement)}.values())


def load_open_findings(database: Database, ref: PullRequestRef) -> tuple[Finding, ...]:
    """What was found in earlier reviews of the pull request and is neither dismissed nor resolved."""
    settled = (FindingOutcome.DISMISSED, FindingOutcome.RESOLVED)
    return tuple(finding_of(row) for row in load_finding_rows(database, ref) if row.outcome not in settled)


def finding_of(row: FindingRow) -> Finding:
    """The finding that a row holds."""
    return Finding(
        stage=Stage(row.stage),
        severity=Severity(row.severity),
        rule_id=row.rule_id,
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
    """Where the findings' threads are, as GitHub's snapshot names them."""
    with database.write() as session:
        for thread in threads:
            session.exec(
                update(FindingRow)
                .where(*_of(ref, [thread.fingerprint]))
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
    """What became of findings, in all reviews of the pull request; the number of rows."""
    statement = (
        update(FindingRow)
        .where(*_of(ref, fingerprints))
        .values(outcome=outcome, decided_at=at, reason=reason)
    )
    with database.write() as session:
        return session.exec(statement).rowcount


def record_reactions(
    database: Database, ref: PullRequestRef, fingerprint: str, *, up: int, down: int
) -> None:
    """The thumbs under a finding's comment."""
    with database.write() as session:
        session.exec(
            update(FindingRow).where(*_of(ref, [fingerprint])).values(reactions_up=up, reactions_down=down)
        )


def _of(ref: PullRequestRef, fingerprints: Iterable[str]):  # noqa: ANN202 - SQLAlchemy's conditions
    return (
        col(FindingRow.repository) == ref.repository,
        col(FindingRow.pull_request) == ref.number,
        col(FindingRow.fingerprint).in_(list(fingerprints)),
    )


def is_newest(*, shown: bool = False) -> ColumnElement[bool]:
    """That no later review of the pull request found the same; `shown`: none whose findings could be seen there."""
    newer = aliased(FindingRow)
    later = exists().where(
        col(newer.repository) == col(FindingRow.repository),
        col(newer.pull_request) == col(FindingRow.pull_request),
        col(newer.fingerprint) == col(FindingRow.fingerprint),
        tuple_(col(newer.created_at), col(newer.id)) > tuple_(col(FindingRow.created_at), col(FindingRow.id)),
    )
    return ~(later.where(col(newer.shown)) if shown else later)


def load_finding_row(database: Database, fingerprint: str) -> FindingRow | None:
    """The newest row of a finding, whatever its pull request."""
    statement = (
        select(FindingRow)
        .where(FindingRow.fingerprint == fingerprint)
        .order_by(col(FindingRow.created_at).desc())
        .limit(1)
    )
    with database.read() as session:
        return session.exec(statement).first()
