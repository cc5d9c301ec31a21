"""The same defect is one finding, whoever found it; two defects stay two."""

from collections.abc import Sequence
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from app.domain.finding import Finding, Placement, Severity, Stage
from app.domain.model_call import vendor_of
from app.findings.merge import MergedClaim, is_same, merge
from tests.unit.findings.making import CLAUDE, GEMINI, GPT, RUFF, finding


def placed(**fields: object) -> Finding:
    return finding(**{"placement": Placement.INLINE, "rule_id": "sql-injection", **fields})


def test_the_same_finding_of_two_vendors_is_merged_and_nobody_confirms_the_own_finding() -> None:
    (one,) = merge(
        [
            placed(line=8, found_by=(CLAUDE,)),
            placed(line=8, found_by=(GPT,), stage=Stage.SECURITY, title="Injection", severity=Severity.HIGH),
        ]
    )
    assert set(one.finding.found_by) == {CLAUDE, GPT}
    assert one.finding.confirmed_by == ()
    assert (one.finding.title, one.finding.severity) == ("Injection", Severity.HIGH)


def test_two_models_of_one_vendor_confirm_nothing() -> None:
    (one,) = merge([placed(found_by=("claude:opus",)), placed(found_by=("claude:haiku",))])
    assert one.finding.confirmed_by == ()


def test_an_analyzer_confirms_nothing_and_the_models_text_is_shown() -> None:
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


def test_overlapping_lines_with_the_same_family_are_one_defect() -> None:
    assert len(merge([placed(start_line=5, end_line=8), placed(line=8, rule_id="command-injection")])) == 1


def test_different_families_on_one_line_are_two_defects() -> None:
    assert (
        len(merge([placed(title="Query from input"), placed(rule_id="resource-leak", title="Never closed")]))
        == 2
    )


def test_different_families_with_the_same_title_are_one_defect() -> None:
    one = placed(title="Missing await on connection close", rule_id="missing-await")
    other = placed(title="missing `await` on the connection's close()", rule_id="other", found_by=(GEMINI,))
    assert len(merge([one, other])) == 1


def test_the_same_rule_on_other_lines_or_files_is_another_defect() -> None:
    assert len(merge([placed(line=3), placed(line=4), placed(line=3, path="order.py")])) == 3


def test_equal_fingerprints_are_one_defect_regardless_of_lines() -> None:
    assert len(merge([placed(line=3, fingerprint="f"), placed(line=5, fingerprint="f")])) == 1


def test_no_two_candidates_share_a_fingerprint() -> None:
    candidates = merge(
        [
            placed(start_line=1, end_line=9, fingerprint="a"),
            placed(line=20, fingerprint="b"),
            placed(line=5, fingerprint="b"),
        ]
    )
    assert [each.finding.fingerprint for each in candidates] == ["a", "b"]


def test_a_suggestion_for_other_lines_is_not_used() -> None:
    best = placed(start_line=5, end_line=8, severity=Severity.HIGH)
    other = placed(line=8, suggestion="x = 1")
    assert merge([best, other])[0].finding.suggestion is None
    assert merge([best, placed(start_line=5, end_line=8, suggestion="x")])[0].finding.suggestion == "x"


def test_findings_on_whole_files_merge_only_with_the_same_title() -> None:
    def on_file(title: str) -> Finding:
        return finding(placement=Placement.FILE, title=title)

    assert len(merge([on_file("No test covers refunds"), on_file("No test covers the refunds")])) == 1
    assert len(merge([on_file("No test covers refunds"), on_file("Logs hold card numbers")])) == 2


def in_one_function(findings: Sequence[Finding]) -> list[MergedClaim]:
    return list(merge(findings, symbol_of=lambda each: "load"))


def test_claims_of_two_vendors_in_one_function_are_one_defect() -> None:
    (one,) = in_one_function(
        [
            placed(start_line=26, end_line=27, found_by=(CLAUDE,), severity=Severity.HIGH),
            placed(line=35, found_by=(GPT,), fingerprint="precise", title="Unlike in every word"),
        ]
    )
    assert (one.finding.start_line, one.finding.end_line, one.finding.fingerprint) == (35, 35, "precise")
    assert one.finding.severity is Severity.HIGH
    assert one.finding.found_by == (GPT, CLAUDE)
    assert one.finding.confirmed_by == ()


def test_the_line_that_most_vendors_name_is_shown() -> None:
    (one,) = in_one_function(
        [
            placed(line=26, found_by=(CLAUDE,)),
            placed(start_line=35, end_line=36, found_by=(GPT,)),
            placed(line=36, found_by=(GEMINI,)),
        ]
    )
    assert one.finding.start_line == 35


def test_two_injections_in_one_function_stay_separate_if_one_vendor_names_both() -> None:
    first, second = placed(line=5, found_by=(CLAUDE,)), placed(line=9, found_by=(CLAUDE,))
    other = placed(line=9, found_by=(GPT,))
    assert [each.finding.start_line for each in in_one_function([first, second, other])] == [5, 9]
    assert [each.finding.start_line for each in in_one_function([first, other, second])] == [5, 9]


def test_two_injections_stay_separate_if_analyzers_found_both() -> None:
    seen = [placed(line=line, found_by=(RUFF,)) for line in (5, 9)]
    said = [placed(line=5, found_by=(CLAUDE,)), placed(line=9, found_by=(GPT,))]
    assert len(in_one_function([*seen, *said])) == 2


def test_nearby_claims_of_one_family_merge_only_if_their_titles_share_words() -> None:
    one = placed(line=5, title="The report's name reaches the query unescaped")
    akin = placed(line=9, found_by=(GPT,), rule_id="nosql-injection", title="Report name reaches the query")
    unlike = placed(line=9, found_by=(GPT,), rule_id="log-injection", title="User agent breaks log lines")
    assert len(in_one_function([one, akin])) == 1
    assert len(in_one_function([one, unlike])) == 2


def test_claims_in_other_functions_or_outside_functions_are_other_defects() -> None:
    findings = [placed(line=5, found_by=(CLAUDE,)), placed(line=9, found_by=(GPT,))]
    assert len(merge(findings, symbol_of=lambda each: f"function_{each.start_line}")) == 2
    assert len(merge(findings, symbol_of=lambda each: None)) == 2


VENDORS = st.sampled_from([CLAUDE, GPT, GEMINI])
RULES = st.sampled_from(["sql-injection", "resource-leak", "other"])


def said_at(line: int, vendor: str, rule_id: str) -> Finding:
    return placed(line=line, found_by=(vendor,), rule_id=rule_id)


PLACED = st.builds(said_at, st.integers(1, 40), VENDORS, RULES)
FINDINGS = st.lists(PLACED, max_size=8, unique_by=lambda each: each.start_line)


def parts(candidates: Sequence[MergedClaim]) -> set[frozenset[int]]:
    return {frozenset(member.start_line for member in each.members) for each in candidates}


@given(FINDINGS)
def test_every_claim_is_in_exactly_one_candidate_and_no_vendor_twice_in_one(
    findings: list[Finding],
) -> None:
    candidates = in_one_function(findings)
    assert sorted(m.start_line for each in candidates for m in each.members) == sorted(
        each.start_line for each in findings
    )
    for each in candidates:
        vendors = [vendor_of(name) for member in each.members for name in member.found_by]
        assert len(vendors) == len(set(vendors))
        assert {member.rule_id for member in each.members} == {each.finding.rule_id}


@given(FINDINGS)
def test_a_vendor_that_names_two_defects_keeps_all_claims_of_that_rule_separate(
    findings: list[Finding],
) -> None:
    named = [(each.found_by, each.rule_id) for each in findings]
    doubled = {rule for vendor, rule in named if named.count((vendor, rule)) > 1} | {"other"}
    for each in in_one_function(findings):
        assert len(each.members) == 1 or each.finding.rule_id not in doubled


@given(FINDINGS, st.randoms(use_true_random=False))
def test_merging_does_not_depend_on_the_order_of_answers(findings: list[Finding], random: Random) -> None:
    shuffled = list(findings)
    random.shuffle(shuffled)
    assert parts(in_one_function(findings)) == parts(in_one_function(shuffled))


def compared_with_every_group(findings: Sequence[Finding]) -> list[list[Finding]]:
    """The groups if each finding is compared with every earlier one; takes quadratic time."""
    groups: list[list[Finding]] = []
    for each in findings:
        known = (
            group
            for group in groups
            for one in group
            if one.fingerprint and one.fingerprint == each.fingerprint
        )
        same = (group for group in groups for one in group if is_same(each, one))
        group = next(known, None) or next(same, None)
        if group is None:
            groups.append([each])
        else:
            group.append(each)
    return groups


def by_ruff(line: int, height: int, fields: dict[str, object]) -> Finding:
    return finding(line=line, end_line=line + height, found_by=(RUFF,), **fields)


BY_RUFF = st.builds(
    by_ruff,
    st.integers(1, 12),
    st.integers(0, 4),
    st.fixed_dictionaries(
        {
            "path": st.sampled_from(["a.py", "b.py"]),
            "rule_id": st.sampled_from(["sql-injection", "logic-error", "xss"]),
            "title": st.sampled_from(
                ["The query is built from input", "The index is wrong", "Input reaches the page"]
            ),
            "placement": st.sampled_from(Placement),
            "fingerprint": st.sampled_from(["", "", "f1", "f2"]),
        }
    ),
)


@given(st.lists(BY_RUFF, max_size=12))
def test_comparing_only_claims_that_share_a_key_finds_the_same_groups(findings: list[Finding]) -> None:
    expected = compared_with_every_group(findings)
    assert [list(each.members) for each in merge(findings)] == expected
