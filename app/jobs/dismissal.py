"""Findings that people do not want, and those that they want back. Each decision is recorded with who made it and why."""

from collections.abc import Sequence
from datetime import datetime

from app.domain.finding import Finding
from app.domain.pull_request import PullRequestRef
from app.jobs.experience import learn, unlearn
from app.store.database import Database
from app.store.findings import FindingOutcome, load_rules, record_outcome, record_rules_removed
from app.store.pull_requests import PullRequestMemory

SHORTEST_ID = 6


def dismiss(
    database: Database,
    ref: PullRequestRef,
    findings: Sequence[Finding],
    *,
    installation_id: int,
    by: str,
    reason: str,
    at: datetime,
) -> None:
    """Record the dismissals, and what follows from them for findings like these."""
    said = f"{by}: {reason}" if reason else by
    for finding in findings:
        record_outcome(database, ref, [finding.fingerprint], FindingOutcome.DISMISSED, at=at, reason=said)
        learn(database, ref, finding, installation_id=installation_id, at=at)


def undismiss(
    database: Database,
    ref: PullRequestRef,
    remembered: PullRequestMemory,
    id_: str,
    *,
    installation_id: int,
    by: str,
    at: datetime,
) -> Finding | None:
    """The finding that is open again; None where no dismissed one has an id that begins so."""
    dismissed = remembered.with_outcome(FindingOutcome.DISMISSED)
    if len(id_) < SHORTEST_ID:
        return None
    for known in remembered.findings:
        finding = known.finding
        if finding.fingerprint in dismissed and finding.fingerprint.startswith(id_):
            record_outcome(database, ref, [finding.fingerprint], FindingOutcome.OPEN, at=at)
            unlearn(database, ref, finding, installation_id=installation_id, by=by, at=at)
            return finding
    return None


def take_back_rule(
    database: Database, ref: PullRequestRef, id_: str, *, installation_id: int, by: str, at: datetime
) -> bool:
    """Whether a learned rule with an id that begins so was in force; it no longer is."""
    if len(id_) < SHORTEST_ID:
        return False
    rules = load_rules(database, installation_id, ref.repository)
    ids = [rule.id for rule in rules if rule.id.startswith(id_)]
    return bool(ids) and record_rules_removed(database, ids, by=by, at=at) > 0
