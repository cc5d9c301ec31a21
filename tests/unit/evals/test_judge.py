"""What counts as finding a known defect, and what the figures make of it."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.diff import Side
from app.domain.finding import Finding, Placement, Rejection, Severity, Stage
from app.domain.review import Coverage, ReviewReport, UsageTotal
from app.domain.rules import RULES
from app.evaluation.cases import CaseKind, EvaluationCase, KnownDefect
from app.evaluation.figures import EvaluationFigures, figures_of
from app.evaluation.judge import LINE_SLACK, claims_of, inline_of, judge, matches

DEFECT = KnownDefect(
    path="pay.py",
    lines=(10, 12),
    severity=Severity.HIGH,
    cwe="CWE-89",
    rules=("sql-injection",),
    what="The id goes into the SQL text.",
)


def finding(
    *,
    path: str = "pay.py",
    lines: tuple[int, int] = (11, 11),
    rule_id: str = "sql-injection",
    fingerprint: str = "f",
    confirmed_by: tuple[str, ...] = (),
    placement: Placement = Placement.INLINE,
    side: Side = Side.RIGHT,
) -> Finding:
    return Finding(
        stage=Stage.SECURITY,
        severity=Severity.HIGH,
        rule_id=rule_id,
        cwe=RULES[rule_id].cwe,
        path=path,
        start_line=lines[0],
        end_line=lines[1],
        title="t",
        explanation="e",
        found_by=("gpt:m",),
        confirmed_by=confirmed_by,
        fingerprint=fingerprint,
        placement=placement,
        side=side,
    )


def case(*defects: KnownDefect, kind: CaseKind = CaseKind.DEFECT) -> EvaluationCase:
    return EvaluationCase(
        name="c",
        folder=Path("c"),
        title="t",
        body="b",
        language="python",
        kind=kind,
        topic=None,
        removed=(),
        why_fine=None,
        defects=defects,
    )


def report(findings: Sequence[Finding], rejected: Sequence[Finding] = ()) -> ReviewReport:
    return ReviewReport(
        findings=tuple(findings),
        rejected=tuple(Rejection(finding=each, reason="refuted") for each in rejected),
        stages=(),
        coverage=Coverage(files=1, reviewed=1),
        usage=UsageTotal(),
        duration_ms=0,
    )


@pytest.mark.parametrize(
    ("reported", "expected"),
    [
        (finding(), True),
        (finding(lines=(7, 7)), True),
        (finding(lines=(15, 20)), True),
        (finding(lines=(6, 6)), False),
        (finding(lines=(16, 16)), False),
        (finding(path="other.py"), False),
        (finding(side=Side.LEFT), False),
        (finding(rule_id="command-injection"), True),
        (finding(rule_id="xss"), False),
    ],
)
def test_a_finding_matches_a_defect_by_file_lines_and_family(reported: Finding, *, expected: bool) -> None:
    assert matches(reported, DEFECT) is expected


@given(st.integers(1, 40), st.integers(0, 10))
def test_lines_match_up_to_the_slack(start: int, length: int) -> None:
    reported = finding(lines=(start, start + length))
    gap = min(abs(a - b) for a in range(start, start + length + 1) for b in range(10, 13))
    assert matches(reported, DEFECT) is (gap <= LINE_SLACK)


def test_a_second_finding_on_the_same_defect_is_a_duplicate() -> None:
    verdict = judge([finding(), finding(lines=(12, 12), fingerprint="g")], case(DEFECT))
    assert [each.is_true for each in verdict.judged] == [True, False]
    assert figures_of([verdict]) == EvaluationFigures(cases=1, found=1, false=1, duplicates=1, on_line=1)


def test_two_defects_need_two_findings() -> None:
    other = DEFECT.model_copy(update={"lines": (14, 14)})
    verdict = judge([finding(lines=(13, 13)), finding(fingerprint="g")], case(DEFECT, other))
    assert verdict.missed == ()
    assert all(each.is_true for each in verdict.judged)


def test_confirmed_findings_are_plausible_only_in_cases_with_defects() -> None:
    unlisted = finding(path="other.py", confirmed_by=("claude:m",))
    assert judge([unlisted], case(DEFECT)).judged[0].is_plausible
    assert not judge([unlisted], case(kind=CaseKind.CLEAN)).judged[0].is_plausible
    assert not judge([finding(path="other.py")], case(DEFECT)).judged[0].is_plausible


def test_plausible_findings_only_lower_strict_precision() -> None:
    unlisted = finding(path="other.py", confirmed_by=("claude:m",), fingerprint="g")
    figures = figures_of([judge([finding(), unlisted], case(DEFECT))])
    assert (figures.precision, figures.lenient_precision, figures.recall) == (0.5, 1.0, 1.0)


def test_remarks_on_documentation_are_not_judged() -> None:
    verdict = judge([finding(rule_id="missing-documentation")], case(kind=CaseKind.CLEAN))
    assert (verdict.judged, verdict.remarks) == ((), 1)


def test_a_finding_near_the_lines_is_found_but_not_on_line() -> None:
    figures = figures_of([judge([finding(lines=(14, 14))], case(DEFECT))])
    assert (figures.found, figures.line_accuracy) == (1, 0.0)


def test_a_clean_change_without_findings_has_no_precision() -> None:
    figures = figures_of([judge([], case(kind=CaseKind.CLEAN))])
    assert (figures.precision, figures.recall, figures.f1, figures.comments_per_case) == (
        None,
        None,
        None,
        0.0,
    )


def test_before_verification_every_claim_counts_once() -> None:
    kept, refuted = finding(), finding(fingerprint="g")
    assert claims_of(report([kept], [refuted, kept])) == (kept, refuted)


def test_only_findings_on_lines_are_inline() -> None:
    inline, below = finding(), finding(fingerprint="g", placement=Placement.SUMMARY)
    assert inline_of(report([inline, below])) == (inline,)
