"""Matches the findings of a review with the known defects of a case. Pure.

A finding matches a defect if both have the same file, lines within `LINE_SLACK`, and the same CWE or family of rules.
Each defect is matched once; further matches are duplicates. A finding without a match is false. If the case has defects
and another provider's model confirmed such a finding, it also counts as plausible.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.finding import Finding, Placement
from app.domain.model_call import ModelCall
from app.domain.review import ReviewReport, StageStatus
from app.domain.rules import rule_for
from app.evaluation.cases import CaseKind, EvaluationCase, KnownDefect
from app.findings.finders import backers

LINE_SLACK = 3
NOT_JUDGED = frozenset({"documentation", "test"})  # families of rules that cases do not list


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedFinding:
    """A finding and the defect that it matches; `is_duplicate` if an earlier finding matched the same defect."""

    finding: Finding
    defect: KnownDefect | None = None
    is_duplicate: bool = False
    is_plausible: bool = False

    @property
    def is_true(self) -> bool:
        """Whether it counts as a found defect."""
        return self.defect is not None and not self.is_duplicate

    @property
    def is_on_line(self) -> bool:
        """Whether its lines overlap those of the defect."""
        return self.defect is not None and _distance(self.finding, self.defect) == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeVerdict:
    """A set of findings judged against the known defects of a case."""

    judged: tuple[JudgedFinding, ...]
    missed: tuple[KnownDefect, ...]
    remarks: int = 0  # findings about documentation or tests, which are not judged


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRun:
    """The review of a case: report, calls, and the verdicts on all claims, on the findings and on inline comments."""

    case: EvaluationCase
    report: ReviewReport
    calls: tuple[ModelCall, ...]
    claimed: JudgeVerdict
    shown: JudgeVerdict
    inline: JudgeVerdict

    @property
    def failures(self) -> tuple[str, ...]:
        """Failed stages with their errors."""
        return tuple(
            f"{result.stage}: {result.error}"
            for result in self.report.stages
            if result.status is StageStatus.FAILED
        )


def claims_of(report: ReviewReport) -> tuple[Finding, ...]:
    """Return every claim before verification, each once."""
    claims: dict[str, Finding] = {}
    for each in (*report.findings, *(rejection.finding for rejection in report.rejected)):
        claims.setdefault(each.fingerprint, each)
    return tuple(claims.values())


def inline_of(report: ReviewReport) -> tuple[Finding, ...]:
    """Return the findings posted on lines of the diff."""
    return tuple(each for each in report.findings if each.placement is Placement.INLINE)


def judge(findings: Sequence[Finding], case: EvaluationCase) -> JudgeVerdict:
    """Match each finding with a known defect, in the order of the findings."""
    unmatched = list(case.defects)
    judged: list[JudgedFinding] = []
    counted = [each for each in findings if rule_for(each.rule_id).family not in NOT_JUDGED]
    for finding in counted:
        defect = _nearest(finding, unmatched)
        if defect is not None:
            unmatched.remove(defect)
            judged.append(JudgedFinding(finding=finding, defect=defect))
            continue
        known = _nearest(finding, case.defects)
        plausible = known is None and case.kind is CaseKind.DEFECT and len(backers(finding)) > 1
        judged.append(
            JudgedFinding(
                finding=finding, defect=known, is_duplicate=known is not None, is_plausible=plausible
            )
        )
    remarks = len(findings) - len(counted)
    return JudgeVerdict(judged=tuple(judged), missed=tuple(unmatched), remarks=remarks)


def _nearest(finding: Finding, defects: Sequence[KnownDefect]) -> KnownDefect | None:
    matching = [defect for defect in defects if matches(finding, defect)]
    return min(matching, key=lambda defect: _distance(finding, defect), default=None)


def matches(finding: Finding, defect: KnownDefect) -> bool:
    """Whether the finding describes the defect."""
    if finding.path != defect.path or finding.side is not defect.side:
        return False
    same_kind = finding.cwe == defect.cwe or rule_for(finding.rule_id).family in defect.families
    return same_kind and _distance(finding, defect) <= LINE_SLACK


def _distance(finding: Finding, defect: KnownDefect) -> int:
    """Return the number of lines between both; 0 if they overlap."""
    first, last = defect.lines
    return max(first - finding.end_line, finding.start_line - last, 0)
