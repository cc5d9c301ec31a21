"""Dismisses and restores findings, and learns rules from dismissals.

A learned rule is local and explainable: it matches the same rule ID and nearly the same words in the code. It uses no model.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from app.domain.finding import Finding, Rejection
from app.domain.pull_request import PullRequestRef, Thread
from app.domain.review import ReviewReport
from app.findings.quotes import words
from app.gather.selection import Globs
from app.publish.notes import DISMISSED, render_learned, render_muted
from app.store.database import Database
from app.store.findings import (
    FindingOutcome,
    LearnedRule,
    load_dismissals,
    load_rules,
    record_outcome,
    record_reactions,
    record_rule,
    record_rules_removed,
)
from app.store.pull_requests import PullRequestMemory

MIN_ID_CHARACTERS = 6
DISMISSALS_TO_LEARN = 3
MIN_OVERLAP = 0.8  # share of common words


def normalized(quote: str) -> str:
    """Return the words and symbols of a quote in lower case."""
    return words(quote).strip().lower()


def is_similar(one: str, other: str) -> bool:
    """Whether two normalized quotes are nearly the same."""
    first, second = Counter(one.split()), Counter(other.split())
    return bool(first) and (first & second).total() / (first | second).total() >= MIN_OVERLAP


def rules_for(finding: Finding, rules: Sequence[LearnedRule]) -> list[LearnedRule]:
    """Return the active rules that match a finding."""
    evidence = normalized(finding.quote)
    return [
        rule
        for rule in rules
        if rule.removed_at is None
        and rule.rule_id == finding.rule_id
        and (is_similar(rule.evidence, evidence) if rule.path is None else is_in(rule.path, finding.path))
    ]


def is_in(pattern: str, path: str) -> bool:
    """Whether a path matches a glob, as in `ignore_paths`."""
    return Globs([pattern]).matches(path)


def without_dismissed(
    report: ReviewReport, *, dismissed: Collection[str], rules: Sequence[LearnedRule]
) -> ReviewReport:
    """Move findings that were dismissed, or that match a learned rule, to the rejections, each with its reason."""
    kept: list[Finding] = []
    rejected = list(report.rejected)
    for finding in report.findings:
        matching = rules_for(finding, rules)
        if finding.fingerprint in dismissed:
            rejected.append(Rejection(finding=finding, reason=DISMISSED))
        elif matching:
            rejected.append(Rejection(finding=finding, reason=_reason(matching[0])))
        else:
            kept.append(finding)
    return replace(report, findings=tuple(kept), rejected=tuple(rejected))


def _reason(rule: LearnedRule) -> str:
    if rule.path is not None:
        return render_muted(rule.rule_id, rule.path, rule.id)
    return render_learned(rule.dismissals, rule.id)


def learn(
    database: Database, ref: PullRequestRef, finding: Finding, *, installation_id: int, at: datetime
) -> bool:
    """Learn from a dismissal; return whether it created a rule."""
    evidence = normalized(finding.quote)
    rules = load_rules(database, installation_id, ref.repository)
    if not evidence or rules_for(finding, rules):
        return False
    similar = [
        rule for rule in rules if rule.rule_id == finding.rule_id and is_similar(rule.evidence, evidence)
    ]
    restored_at = max((rule.removed_at for rule in similar if rule.removed_at), default=None)
    dismissals = [
        each
        for each in load_dismissals(database, installation_id, ref.repository, finding.rule_id)
        if is_similar(normalized(each.quote), evidence) and _is_after(each.decided_at, restored_at)
    ]
    if len(dismissals) < DISMISSALS_TO_LEARN:
        return False
    record_rule(
        database,
        installation_id=installation_id,
        repository=ref.repository,
        rule_id=finding.rule_id,
        evidence=evidence,
        dismissals=len(dismissals),
        at=at,
    )
    return True


def _is_after(decided_at: datetime | None, restored_at: datetime | None) -> bool:
    return restored_at is None or (decided_at is not None and decided_at > restored_at)


def unlearn(
    database: Database, ref: PullRequestRef, finding: Finding, *, installation_id: int, by: str, at: datetime
) -> int:
    """Remove the rules that hide findings like this one; return how many."""
    rules = load_rules(database, installation_id, ref.repository)
    ids = [rule.id for rule in rules_for(finding, rules) if rule.path is None]  # what a person muted stays
    return record_rules_removed(database, ids, by=by, at=at) if ids else 0


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
    """Record the dismissals and learn from them."""
    stored_reason = f"{by}: {reason}" if reason else by
    for finding in findings:
        record_outcome(
            database, ref, [finding.fingerprint], FindingOutcome.DISMISSED, at=at, reason=stored_reason
        )
        learn(database, ref, finding, installation_id=installation_id, at=at)


def undismiss(
    database: Database,
    ref: PullRequestRef,
    memory: PullRequestMemory,
    id_: str,
    *,
    installation_id: int,
    by: str,
    at: datetime,
) -> Finding | None:
    """Reopen the dismissed finding whose ID starts with `id_`; return None if there is none."""
    dismissed = memory.with_outcome(FindingOutcome.DISMISSED)
    if len(id_) < MIN_ID_CHARACTERS:
        return None
    for known in memory.findings:
        finding = known.finding
        if finding.fingerprint in dismissed and finding.fingerprint.startswith(id_):
            record_outcome(database, ref, [finding.fingerprint], FindingOutcome.OPEN, at=at)
            unlearn(database, ref, finding, installation_id=installation_id, by=by, at=at)
            return finding
    return None


def remove_rule(
    database: Database, ref: PullRequestRef, id_: str, *, installation_id: int, by: str, at: datetime
) -> bool:
    """Remove the learned rules whose ID starts with `id_`; return whether one was active."""
    if len(id_) < MIN_ID_CHARACTERS:
        return False
    rules = load_rules(database, installation_id, ref.repository)
    ids = [rule.id for rule in rules if rule.id.startswith(id_)]
    return bool(ids) and record_rules_removed(database, ids, by=by, at=at) > 0


def record_thumbs(
    database: Database,
    ref: PullRequestRef,
    memory: PullRequestMemory,
    threads: Sequence[Thread],
    *,
    installation_id: int,
    at: datetime,
) -> None:
    """Record the thumbs under the findings' comments; a thumbs-up removes learned rules."""
    known = {each.finding.fingerprint: each.finding for each in memory.findings}
    for thread in threads:
        fingerprint = thread.fingerprint
        if not (thread.thumbs_up or thread.thumbs_down) or fingerprint not in known:
            continue
        record_reactions(database, ref, fingerprint, up=thread.thumbs_up, down=thread.thumbs_down)
        if thread.thumbs_up:
            unlearn(database, ref, known[fingerprint], installation_id=installation_id, by="reaction", at=at)
