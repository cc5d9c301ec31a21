"""Learning from no: what a repository dismissed is not shown as a finding again, and what resembles it soon is not.

Local and explainable: the same rule, and nearly the same words in the code. No model is asked, nothing leaves the database.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from app.domain.finding import Finding, Rejection
from app.domain.pull_request import PullRequestRef
from app.domain.review import ReviewReport
from app.findings.quotes import words
from app.store.database import Database
from app.store.findings import LearnedRule, load_dismissals, load_rules, record_rule, record_rules_removed

DISMISSALS_TO_LEARN = 3
NEAR = 0.8  # share of the words of both that both have
DISMISSED = "Dismissed on this pull request."


def normalised(quote: str) -> str:
    """The words and signs of a quote, in lower case."""
    return words(quote).strip().lower()


def is_near(one: str, other: str) -> bool:
    """Whether two normalised quotes are nearly the same."""
    first, second = Counter(one.split()), Counter(other.split())
    return bool(first) and (first & second).total() / (first | second).total() >= NEAR


def rules_for(finding: Finding, rules: Sequence[LearnedRule]) -> list[LearnedRule]:
    """The rules in force that a finding falls under."""
    evidence = normalised(finding.quote)
    return [
        rule
        for rule in rules
        if rule.removed_at is None and rule.rule_id == finding.rule_id and is_near(rule.evidence, evidence)
    ]


def sort_out(
    report: ReviewReport, *, dismissed: Collection[str], rules: Sequence[LearnedRule]
) -> ReviewReport:
    """The report with the findings that this repository does not want among the rejected, each with its reason."""
    kept: list[Finding] = []
    rejected = list(report.rejected)
    for finding in report.findings:
        applying = rules_for(finding, rules)
        if finding.fingerprint in dismissed:
            rejected.append(Rejection(finding=finding, reason=DISMISSED))
        elif applying:
            rejected.append(Rejection(finding=finding, reason=_learned(applying[0])))
        else:
            kept.append(finding)
    return replace(report, findings=tuple(kept), rejected=tuple(rejected))


def _learned(rule: LearnedRule) -> str:
    return (
        f"Dismissed here before: {rule.dismissals} findings like it were. "
        f"A comment /undismiss {rule.id[:12]} has such findings shown again."
    )


def learn(
    database: Database, ref: PullRequestRef, finding: Finding, *, installation_id: int, at: datetime
) -> bool:
    """After a dismissal: whether it made a rule."""
    evidence = normalised(finding.quote)
    rules = load_rules(database, installation_id, ref.repository)
    if not evidence or rules_for(finding, rules):
        return False
    near = [rule for rule in rules if rule.rule_id == finding.rule_id and is_near(rule.evidence, evidence)]
    forgiven_at = max((rule.removed_at for rule in near if rule.removed_at), default=None)
    dismissals = [
        each
        for each in load_dismissals(database, installation_id, ref.repository, finding.rule_id)
        if is_near(normalised(each.quote), evidence) and _is_after(each.decided_at, forgiven_at)
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


def _is_after(decided_at: datetime | None, forgiven_at: datetime | None) -> bool:
    return forgiven_at is None or (decided_at is not None and decided_at > forgiven_at)


def unlearn(
    database: Database, ref: PullRequestRef, finding: Finding, *, installation_id: int, by: str, at: datetime
) -> int:
    """Somebody wants findings like this one after all; the number of rules that were taken back."""
    rules = load_rules(database, installation_id, ref.repository)
    ids = [rule.id for rule in rules_for(finding, rules)]
    return record_rules_removed(database, ids, by=by, at=at) if ids else 0
