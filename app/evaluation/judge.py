"""Holds what a review says against what is known of the case. Pure.

A finding meets a golden one if it names the same file, lines within `LINE_SLACK` and the same CWE or family of rules.
Each golden one is met once; what meets one again is a duplicate. What meets none is false, except that on a change
which has defects, an unlisted finding confirmed by another vendor is counted as `plausible` too.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.finding import Finding, Placement
from app.domain.review import ReviewReport
from app.domain.rules import rule_for
from app.evaluation.cases import Case, Golden, Kind

LINE_SLACK = 3
NOT_JUDGED = frozenset({"documentation", "test"})  # families: remarks that no case lists


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One finding with the golden one that it meets; `is_duplicate` where another finding met that one before."""

    finding: Finding
    golden: Golden | None = None
    is_duplicate: bool = False
    is_plausible: bool = False

    @property
    def is_true(self) -> bool:
        """Whether it counts as a defect found."""
        return self.golden is not None and not self.is_duplicate

    @property
    def is_on_line(self) -> bool:
        """Whether its lines touch the golden ones, without slack."""
        return self.golden is not None and _distance(self.finding, self.golden) == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a set of findings is worth on one case."""

    judged: tuple[Judged, ...]
    missed: tuple[Golden, ...]
    remarks: int = 0  # on documentation or tests: said, but not judged


def claims_of(report: ReviewReport) -> tuple[Finding, ...]:
    """Everything that was claimed, before verification took anything away; each once."""
    claims: dict[str, Finding] = {}
    for each in (*report.findings, *(rejection.finding for rejection in report.rejected)):
        claims.setdefault(each.fingerprint, each)
    return tuple(claims.values())


def inline_of(report: ReviewReport) -> tuple[Finding, ...]:
    """What stands on the lines of the diff."""
    return tuple(each for each in report.findings if each.placement is Placement.INLINE)


def judge(findings: Sequence[Finding], case: Case) -> Verdict:
    """Each finding with what it meets, in the findings' order."""
    open_goldens = list(case.goldens)
    judged: list[Judged] = []
    counted = [each for each in findings if rule_for(each.rule_id).family not in NOT_JUDGED]
    for finding in counted:
        golden = _nearest(finding, open_goldens)
        if golden is not None:
            open_goldens.remove(golden)
            judged.append(Judged(finding=finding, golden=golden))
            continue
        known = _nearest(finding, case.goldens)
        plausible = known is None and case.kind is Kind.DEFECT and bool(finding.confirmed_by)
        judged.append(
            Judged(finding=finding, golden=known, is_duplicate=known is not None, is_plausible=plausible)
        )
    return Verdict(judged=tuple(judged), missed=tuple(open_goldens), remarks=len(findings) - len(counted))


def _nearest(finding: Finding, goldens: Sequence[Golden]) -> Golden | None:
    fitting = [golden for golden in goldens if meets(finding, golden)]
    return min(fitting, key=lambda golden: _distance(finding, golden), default=None)


def meets(finding: Finding, golden: Golden) -> bool:
    """Whether both speak of the same defect."""
    if finding.path != golden.path or finding.side is not golden.side:
        return False
    same_kind = finding.cwe == golden.cwe or rule_for(finding.rule_id).family in golden.families
    return same_kind and _distance(finding, golden) <= LINE_SLACK


def _distance(finding: Finding, golden: Golden) -> int:
    """Lines between the two ranges; 0 where they touch."""
    first, last = golden.lines
    return max(first - finding.end_line, finding.start_line - last, 0)
