"""What is worth most comes first; what is worth little, or too much at once, waits in the summary."""

from typing import Any

import pytest

from app.domain.configuration import Profile, RepositoryConfig
from app.domain.finding import Finding, Placement, RejectionCode, SettlementCode, SettlementNote, Severity
from app.findings.settle import rank
from tests.unit.findings.making import CLAUDE, GPT, RUFF, finding


def confirmed(title: str, worth: int | None, **fields: object) -> Finding:
    return finding(
        **{"title": title, "worth": worth, "confirmed_by": (GPT,), "placement": Placement.INLINE, **fields}
    )


def inline(findings: list[Finding], **config: Any) -> list[str]:
    ranked = rank(findings, RepositoryConfig(**config))  # pyright: ignore[reportArgumentType]
    assert len(ranked.findings) + len(ranked.rejected) == len(findings)
    return [each.title for each in ranked.findings if each.placement is not Placement.SUMMARY]


def test_the_order_depends_on_worth_and_not_on_the_finders_severity() -> None:
    loud = confirmed("loud", 6, severity=Severity.CRITICAL)
    assert inline([loud, confirmed("useful", 9, severity=Severity.LOW)]) == ["useful", "loud"]


@pytest.mark.parametrize(
    ("profile", "count"), [(Profile.QUIET, 3), (Profile.NORMAL, 6), (Profile.THOROUGH, 10)]
)
def test_a_profile_limits_the_number_of_inline_findings(profile: Profile, count: int) -> None:
    assert len(inline([confirmed(f"{n}", 10) for n in range(10)], profile=profile)) == count


@pytest.mark.parametrize(
    ("profile", "least"), [(Profile.QUIET, 7), (Profile.NORMAL, 5), (Profile.THOROUGH, 0)]
)
def test_a_profile_sets_the_minimum_worth_of_inline_findings(profile: Profile, least: int) -> None:
    spoken = [inline([confirmed(f"{worth}", worth)], profile=profile) for worth in range(11)]
    assert [bool(each) for each in spoken] == [worth >= least for worth in range(11)]


@pytest.mark.parametrize("limit", [0, 2, 8])
def test_a_configured_limit_replaces_that_of_the_profile(limit: int) -> None:
    assert len(inline([confirmed(f"{n}", 9) for n in range(10)], max_inline=limit)) == limit


def test_the_rest_is_in_the_summary_in_order() -> None:
    ranked = rank([confirmed(f"{n}", n) for n in range(10)], RepositoryConfig(profile=Profile.QUIET))
    assert [each.title for each in ranked.findings] == ["9", "8", "7", "6", "5", "4", "3", "2", "1", "0"]


def test_file_comments_count_like_inline_comments() -> None:
    findings = [confirmed(f"{n}", 9, placement=Placement.FILE) for n in range(5)]
    assert len(inline(findings, profile=Profile.QUIET)) == 3


def test_findings_on_existing_code_are_not_inline() -> None:
    assert inline([confirmed("old", 10, pre_existing=True)]) == []


def test_an_unconfirmed_finding_does_not_become_inline() -> None:
    assert inline([confirmed("unsure", 10, placement=Placement.SUMMARY)], profile=Profile.THOROUGH) == []


def test_findings_below_the_minimum_severity_are_rejected_with_a_reason() -> None:
    ranked = rank(
        [confirmed("small", 9, severity=Severity.LOW)], RepositoryConfig(min_severity=Severity.MEDIUM)
    )
    assert [(each.code, each.detail) for each in ranked.rejected] == [(RejectionCode.BELOW_MINIMUM, "medium")]


def test_analyzers_findings_come_after_confirmed_ones() -> None:
    analyzer_finding = finding(
        title="S608", found_by=(RUFF,), severity=Severity.CRITICAL, placement=Placement.INLINE
    )
    assert inline([analyzer_finding, confirmed("rated", 5)]) == ["rated", "S608"]


def test_without_models_analyzers_findings_are_ordered_by_severity() -> None:
    findings = [
        finding(title=severity.value, severity=severity, found_by=(RUFF,), placement=Placement.INLINE)
        for severity in reversed(Severity)
    ]
    assert inline(findings, profile=Profile.QUIET) == ["critical", "high", "medium"]


def test_an_unrated_finding_of_two_vendors_is_inline() -> None:
    both = confirmed("both", None, found_by=(CLAUDE, GPT))
    assert inline([both], profile=Profile.QUIET) == ["both"]


def test_claims_of_two_vendors_on_the_same_quote_get_one_comment() -> None:
    cause = confirmed(
        "no check of the index", 7, found_by=(CLAUDE,), confirmed_by=(GPT,), quote="return a[i]"
    )
    effect = confirmed(
        "reads another's order", 9, found_by=(GPT,), confirmed_by=(CLAUDE,), quote="return  a[i]"
    )
    assert inline([cause, effect]) == ["reads another's order"]  # the other one is in the summary
    assert inline([cause, confirmed("elsewhere", 9, found_by=(GPT,), confirmed_by=(CLAUDE,), line=2)]) == [
        "elsewhere",
        "no check of the index",
    ]


def test_two_claims_of_one_vendor_on_a_line_get_two_comments() -> None:
    assert inline([confirmed("leaks", 7), confirmed("overflows", 9)]) == ["overflows", "leaks"]


def test_an_analyzers_finding_stays_inline_next_to_a_models_finding() -> None:
    assert (
        len(inline([confirmed("a", 9), finding(title="b", found_by=(RUFF,), placement=Placement.INLINE)]))
        == 2
    )


def all_read(finding: Finding) -> bool:
    del finding
    return True


def by_tool(tool: str, **fields: object) -> Finding:
    return finding(
        **{"title": tool, "found_by": (f"analyzers:{tool}",), "placement": Placement.INLINE, **fields}
    )


@pytest.mark.parametrize("tool", ["ruff", "patterns", "oxlint", "shellcheck", "hadolint"])
def test_a_pattern_finding_that_no_model_reported_is_in_the_summary_with_its_severity(tool: str) -> None:
    ranked = rank([by_tool(tool, severity=Severity.CRITICAL)], RepositoryConfig(), is_read=all_read)
    assert [(each.placement, each.severity) for each in ranked.findings] == [
        (Placement.SUMMARY, Severity.CRITICAL)
    ]
    assert ranked.rejected == ()
    assert ranked.notes == (SettlementNote(code=SettlementCode.UNSHARED_PATTERNS, values=("1",)),)


def test_a_pattern_finding_that_no_model_reported_is_in_the_summary_in_the_quiet_profile() -> None:
    quiet = RepositoryConfig(profile=Profile.QUIET)
    ranked = rank([by_tool("ruff", severity=Severity.CRITICAL)], quiet, is_read=all_read)
    assert [each.placement for each in ranked.findings] == [Placement.SUMMARY]


@pytest.mark.parametrize("tool", ["ruff", "patterns", "oxlint", "shellcheck", "hadolint"])
def test_the_thorough_profile_shows_pattern_findings_inline(tool: str) -> None:
    thorough = RepositoryConfig(profile=Profile.THOROUGH)
    ranked = rank([by_tool(tool)], thorough, is_read=all_read)
    assert [each.placement for each in ranked.findings] == [Placement.INLINE]
    assert ranked.notes == ()


@pytest.mark.parametrize("tool", ["secrets", "dependencies", "zizmor", "hidden"])
def test_facts_stay_inline_regardless_of_models(tool: str) -> None:
    ranked = rank([by_tool(tool)], RepositoryConfig(), is_read=all_read)
    assert [each.placement for each in ranked.findings] == [Placement.INLINE]
    assert ranked.notes == ()


@pytest.mark.parametrize("tool", ["ruff", "patterns", "oxlint", "shellcheck", "hadolint"])
def test_a_pattern_finding_on_code_that_no_model_read_stays_inline(tool: str) -> None:
    assert inline([by_tool(tool)]) == [tool]


def test_a_pattern_finding_that_a_model_also_reported_stays_inline() -> None:
    shared = confirmed("shared", 8, found_by=(CLAUDE, RUFF))
    ranked = rank([shared], RepositoryConfig(), is_read=all_read)
    assert [each.placement for each in ranked.findings] == [Placement.INLINE]


def test_a_pattern_finding_on_the_line_of_a_secret_stays_inline() -> None:
    both = by_tool("secrets", found_by=("analyzers:secrets", RUFF))
    ranked = rank([both], RepositoryConfig(), is_read=all_read)
    assert [each.placement for each in ranked.findings] == [Placement.INLINE]


def test_a_pattern_finding_in_the_summary_frees_its_inline_slot() -> None:
    rated = [confirmed(f"{n}", 9) for n in range(6)]
    ranked = rank([by_tool("ruff"), *rated], RepositoryConfig(), is_read=all_read)
    assert sum(each.placement is Placement.INLINE for each in ranked.findings) == 6
