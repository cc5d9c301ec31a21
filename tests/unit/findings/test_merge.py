"""The same defect is one finding, whoever found it; two defects stay two."""

from app.domain.finding import Finding, Placement, Severity, Stage
from app.findings.merge import merge
from tests.unit.findings.making import CLAUDE, GEMINI, GPT, RUFF, finding


def placed(**fields: object) -> Finding:
    return finding(**{"placement": Placement.INLINE, "rule_id": "sql-injection", **fields})


def test_two_vendors_finding_is_one_and_each_confirms_the_other() -> None:
    (one,) = merge(
        [
            placed(line=8, found_by=(CLAUDE,)),
            placed(line=8, found_by=(GPT,), stage=Stage.SECURITY, title="Injection", severity=Severity.HIGH),
        ]
    )
    assert set(one.finding.found_by) == {CLAUDE, GPT}
    assert one.finding.confirmed_by == (CLAUDE,)
    assert (one.finding.title, one.finding.severity) == ("Injection", Severity.HIGH)


def test_two_models_of_one_vendor_confirm_nothing() -> None:
    (one,) = merge([placed(found_by=("claude:opus",)), placed(found_by=("claude:haiku",))])
    assert one.finding.confirmed_by == ()


def test_an_analyser_confirms_nothing_and_a_models_words_are_shown() -> None:
    (one,) = merge(
        [
            placed(found_by=(RUFF,), title="S608", severity=Severity.CRITICAL, cwe="CWE-89"),
            placed(found_by=(CLAUDE,), title="The id reaches the query"),
        ]
    )
    assert one.finding.title == "The id reaches the query"
    assert one.finding.found_by == (CLAUDE, RUFF)
    assert one.finding.confirmed_by == ()
    assert (one.finding.severity, one.finding.cwe) == (Severity.CRITICAL, "CWE-89")
    assert [member.title for member in one.by_analyzers] == ["S608"]


def test_overlapping_lines_and_one_family_are_one_defect() -> None:
    assert len(merge([placed(start_line=5, end_line=8), placed(line=8, rule_id="command-injection")])) == 1


def test_other_families_on_one_line_are_two_defects() -> None:
    assert (
        len(merge([placed(title="Query from input"), placed(rule_id="resource-leak", title="Never closed")]))
        == 2
    )


def test_other_families_with_the_same_title_are_one_defect() -> None:
    one = placed(title="Missing await on connection close", rule_id="missing-await")
    other = placed(title="missing `await` on the connection's close()", rule_id="other", found_by=(GEMINI,))
    assert len(merge([one, other])) == 1


def test_the_same_rule_on_other_lines_or_files_is_another_defect() -> None:
    assert len(merge([placed(line=3), placed(line=4), placed(line=3, path="order.py")])) == 3


def test_equal_names_are_one_defect_whatever_their_lines() -> None:
    assert len(merge([placed(line=3, fingerprint="f"), placed(line=5, fingerprint="f")])) == 1


def test_no_two_candidates_share_a_name() -> None:
    candidates = merge(
        [
            placed(start_line=1, end_line=9, fingerprint="a"),
            placed(line=20, fingerprint="b"),
            placed(line=5, fingerprint="b"),
        ]
    )
    assert [each.finding.fingerprint for each in candidates] == ["a", "b"]


def test_a_suggestion_for_other_lines_is_not_borrowed() -> None:
    best = placed(start_line=5, end_line=8, severity=Severity.HIGH)
    other = placed(line=8, suggestion="x = 1")
    assert merge([best, other])[0].finding.suggestion is None
    assert merge([best, placed(start_line=5, end_line=8, suggestion="x")])[0].finding.suggestion == "x"


def test_findings_on_whole_files_are_one_only_with_the_same_title() -> None:
    def on_file(title: str) -> Finding:
        return finding(placement=Placement.FILE, title=title)

    assert len(merge([on_file("No test covers refunds"), on_file("No test covers the refunds")])) == 1
    assert len(merge([on_file("No test covers refunds"), on_file("Logs hold card numbers")])) == 2
