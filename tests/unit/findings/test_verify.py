"""A claim reaches the pull request only when another vendor's model says that it holds."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.finding import (
    Finding,
    Judgement,
    Placement,
    RejectionCode,
    SettlementCode,
    SettlementNote,
    Severity,
    VerifierVerdict,
)
from app.domain.model_call import Provider
from app.errors import AllModelsFailed
from app.findings.finders import backers, is_by_analyzers
from app.findings.merge import MergedClaim, merge
from app.findings.pairs import Comparisons
from app.findings.verify import Verification, verify
from tests.unit.findings.making import CLAUDE, GEMINI, GPT, RUFF, finding

C, U, R = Judgement.CONFIRMED, Judgement.UNSURE, Judgement.REFUTED
ALL = (Provider.CLAUDE, Provider.GPT, Provider.GEMINI)


class Judges:
    """Verifying vendors with prepared judgements; the first that is not excluded answers. None: it is out."""

    def __init__(
        self,
        judgements: dict[str, Judgement | None],
        *,
        worth: int = 8,
        vendors: Sequence[Provider] = ALL,
        same: dict[str, str] | None = None,
        restated: str | None = None,
    ) -> None:
        self.calls: list[tuple[str, list[str]]] = []
        self.compared: Comparisons = {}
        self._same = same or {}
        self._restated = restated
        self._judgements = judgements
        self._worth = worth
        self._vendors = vendors

    async def __call__(
        self, candidates: Sequence[Finding], excluded: Sequence[Provider], near: Comparisons
    ) -> list[VerifierVerdict]:
        self.compared = near
        able = [vendor for vendor in self._vendors if vendor not in excluded]
        for vendor in able:
            judgement = self._judgements.get(vendor)
            if judgement is not None:
                self.calls.append((vendor, [each.fingerprint for each in candidates]))
                by = f"{vendor}:judge"
                return [
                    VerifierVerdict(
                        id=each.fingerprint,
                        judgement=judgement,
                        evidence="see line 3",
                        worth=self._worth,
                        by=by,
                        same_as=self._same.get(each.fingerprint),
                        restated=self._restated,
                    )
                    for each in candidates
                ]
        raise AllModelsFailed([])


def claim(*found_by: str, line: int = 1, **fields: object) -> Finding:
    name = f"{line}"
    return finding(
        **{"line": line, "found_by": found_by, "placement": Placement.INLINE, "fingerprint": name, **fields}
    )


async def settle(
    findings: Sequence[Finding], judges: Judges, *, quorum: int = 2, vendors: Sequence[Provider] = ALL
) -> Verification:
    return await verify(merge(findings), quorum=quorum, vendors=vendors, ask_verdicts=judges)


async def test_a_confirmed_claim_keeps_its_placement_and_names_its_verifier() -> None:
    result = await settle([claim(CLAUDE)], Judges({"gpt": C}))
    (one,) = result.findings
    assert (one.placement, one.confirmed_by, one.worth) == (Placement.INLINE, ("gpt:judge",), 8)
    assert one.verifier_evidence == "see line 3"
    assert result.notes == ()


async def test_a_refuted_claim_is_kept_with_the_reason() -> None:
    result = await settle([claim(CLAUDE)], Judges({"gpt": R}))
    assert result.findings == ()
    assert [(each.code, each.by, each.detail) for each in result.rejected] == [
        (RejectionCode.REFUTED, "gpt:judge", "see line 3")
    ]


async def test_no_vendor_judges_its_own_claims() -> None:
    judges = Judges({"claude": C, "gpt": C, "gemini": C})
    await settle([claim(CLAUDE, line=1), claim(GPT, line=2)], judges)
    assert judges.calls == [("gemini", ["1", "2"])]


async def test_claims_of_all_vendors_need_two_calls() -> None:
    judges = Judges({"claude": C, "gpt": C, "gemini": C})
    result = await settle([claim(CLAUDE, line=1), claim(GPT, line=2), claim(GEMINI, line=3)], judges)
    assert len(judges.calls) == 2
    assert all(len(backers(each)) == 2 for each in result.findings)


async def test_without_claims_no_vendor_is_asked() -> None:
    judges = Judges({"gpt": C})
    result = await settle([claim(RUFF), claim(CLAUDE, GPT, line=2)], judges)
    assert judges.calls == []
    assert len(result.findings) == 2


async def test_a_finding_of_two_vendors_is_rated_if_a_call_is_made_anyway() -> None:
    judges = Judges({"gemini": R, "gpt": R, "claude": R}, worth=2)
    result = await settle([claim(CLAUDE, line=1), claim(CLAUDE, GPT, line=2)], judges)
    (kept,) = result.findings
    assert (kept.fingerprint, kept.worth, kept.confirmed_by) == ("2", 2, ())
    assert len(judges.calls) == 1


async def test_if_one_vendor_is_unsure_the_third_decides() -> None:
    judges = Judges({"gpt": U, "gemini": C})
    (one,) = (await settle([claim(CLAUDE)], judges)).findings
    assert (one.confirmed_by, one.placement) == (("gemini:judge",), Placement.INLINE)
    assert [vendor for vendor, _ in judges.calls] == ["gpt", "gemini"]


async def test_an_unsure_claim_is_only_in_the_summary_with_a_note() -> None:
    result = await settle([claim(CLAUDE)], Judges({"gpt": U, "gemini": U}))
    assert [each.placement for each in result.findings] == [Placement.SUMMARY]
    assert result.notes == (SettlementNote(code=SettlementCode.QUORUM_MISSED, values=("1",)),)


async def test_if_the_chosen_vendor_is_unavailable_the_next_one_is_asked() -> None:
    judges = Judges({"gpt": None, "gemini": C})
    (one,) = (await settle([claim(CLAUDE)], judges)).findings
    assert one.confirmed_by == ("gemini:judge",)


async def test_an_unchecked_claim_keeps_its_severity_but_is_not_inline() -> None:
    result = await settle([claim(CLAUDE, severity=Severity.CRITICAL)], Judges({}))
    (one,) = result.findings
    assert (one.placement, one.severity, one.confirmed_by) == (Placement.SUMMARY, Severity.CRITICAL, ())
    assert result.notes == (SettlementNote(code=SettlementCode.UNVERIFIED, values=("1",)),)


async def test_a_note_says_that_no_vendor_is_available() -> None:
    result = await settle([claim(CLAUDE)], Judges({}), vendors=())
    assert [each.placement for each in result.findings] == [Placement.SUMMARY]
    assert len(result.notes) == 1


async def test_with_one_vendor_another_of_its_models_confirms_and_a_note_names_it() -> None:
    judges = Judges({"claude": C})
    result = await settle([claim(CLAUDE)], judges, vendors=(Provider.CLAUDE,))
    assert result.findings[0].placement is Placement.INLINE
    assert result.notes == (
        SettlementNote(code=SettlementCode.CHECKED_BY_SIBLING, values=("claude", "claude:judge")),
    )
    assert len(judges.calls) == 1


async def test_a_note_says_that_a_model_checked_its_own_findings() -> None:
    result = await settle([claim("claude:judge")], Judges({"claude": C}), vendors=(Provider.CLAUDE,))
    assert result.notes == (
        SettlementNote(code=SettlementCode.CHECKED_BY_ITSELF, values=("claude", "claude:judge")),
    )


async def test_a_quorum_of_one_makes_no_calls() -> None:
    judges = Judges({"gpt": R})
    result = await settle([claim(CLAUDE)], judges, quorum=1)
    assert (judges.calls, result.findings[0].placement) == ([], Placement.INLINE)


async def test_a_quorum_of_three_needs_both_other_vendors() -> None:
    judges = Judges({"gpt": C, "gemini": C})
    (one,) = (await settle([claim(CLAUDE)], judges, quorum=3)).findings
    assert (one.confirmed_by, one.placement) == (("gpt:judge", "gemini:judge"), Placement.INLINE)
    result = await settle([claim(CLAUDE)], Judges({"gpt": C, "gemini": R}), quorum=3)
    assert result.findings == ()
    result = await settle([claim(CLAUDE)], Judges({"gpt": C, "gemini": U}), quorum=3)
    assert result.findings[0].placement is Placement.SUMMARY


async def test_a_quorum_of_three_with_two_vendors_is_lowered_with_a_note() -> None:
    two = (Provider.CLAUDE, Provider.GPT)
    result = await settle([claim(CLAUDE)], Judges({"gpt": C}, vendors=two), quorum=3, vendors=two)
    assert result.findings[0].placement is Placement.INLINE
    assert result.notes == (SettlementNote(code=SettlementCode.QUORUM_LOWERED, values=("3", "2", "2")),)


@pytest.mark.parametrize("judgement", [R, U])
async def test_if_a_models_claim_is_rejected_the_analyzers_finding_stays(judgement: Judgement) -> None:
    both = [claim(RUFF, title="S608"), claim(CLAUDE, title="The id reaches the query")]
    result = await settle(both, Judges({"gpt": judgement, "gemini": judgement}))
    (kept,) = result.findings
    assert (kept.title, kept.found_by, kept.placement) == ("S608", (RUFF,), Placement.INLINE)
    (fallen,) = result.rejected
    assert (fallen.finding.title, fallen.finding.found_by) == ("The id reaches the query", (CLAUDE,))


finders = st.lists(st.sampled_from([CLAUDE, GPT, GEMINI, RUFF]), min_size=1, max_size=3, unique=True)
judgements = st.dictionaries(st.sampled_from(["claude", "gpt", "gemini"]), st.sampled_from([C, U, R, None]))


@settings(max_examples=150, deadline=None)
@given(
    found=st.lists(finders, max_size=6), given=judgements, quorum=st.integers(1, 3), count=st.integers(0, 3)
)
async def test_no_claim_is_lost_and_no_analyzers_finding_is_rejected(
    found: list[list[str]], given: dict[str, Judgement | None], quorum: int, count: int
) -> None:
    candidates = merge([claim(*names, line=10 * n) for n, names in enumerate(found, 1)])
    vendors = ALL[:count]
    judges = Judges(given, vendors=vendors)
    result = await verify(candidates, quorum=quorum, vendors=vendors, ask_verdicts=judges)
    shown = {each.fingerprint for each in result.findings}
    assert shown | {each.finding.fingerprint for each in result.rejected} == {
        str(10 * n) for n in range(1, len(found) + 1)
    }
    assert all(_is_kept(candidate, shown) for candidate in candidates if candidate.by_analyzers)
    assert len(judges.calls) <= 2 * quorum
    for each in result.findings:
        if each.placement is Placement.INLINE and quorum > 1 and count > 1 and not is_by_analyzers(each):
            assert len(backers(each)) >= min(quorum, count)


def _is_kept(candidate: MergedClaim, shown: set[str]) -> bool:
    return candidate.finding.fingerprint in shown


def by_title(finding: Finding) -> bool:
    return finding.title.startswith("undocumented")


@pytest.mark.parametrize("vendors", [ALL, ALL[:1]])
async def test_a_claim_that_parsing_proved_is_not_verified(vendors: Sequence[Provider]) -> None:
    judges = Judges({"claude": R, "gpt": R, "gemini": R})
    result = await verify(
        merge([claim(GEMINI, title="undocumented load_orders")]),
        quorum=2,
        vendors=vendors,
        ask_verdicts=judges,
        is_established=by_title,
    )
    assert judges.calls == []
    assert [each.placement for each in result.findings] == [
        Placement.SUMMARY
    ]  # nobody has said what it is worth
    assert (result.rejected, result.notes) == ((), ())


async def test_a_claim_that_parsing_proved_is_rated_but_cannot_be_refuted() -> None:
    judges = Judges({"claude": C, "gpt": R})
    result = await verify(
        merge([claim(GEMINI, title="undocumented load_orders"), claim(CLAUDE, line=9)]),
        quorum=2,
        vendors=ALL,
        ask_verdicts=judges,
        is_established=by_title,
    )
    assert judges.calls == [("gpt", ["9", "1"])]
    (kept,) = result.findings
    assert (kept.title, kept.worth, kept.placement) == ("undocumented load_orders", 8, Placement.INLINE)


async def test_the_finders_own_rating_of_a_proved_claim_is_no_confirmation() -> None:
    both = [claim(GPT, title="undocumented load_orders"), claim(CLAUDE, line=9)]
    result = await verify(
        merge(both), quorum=2, vendors=ALL[:2], ask_verdicts=Judges({"gpt": C}), is_established=by_title
    )
    assert [(each.found_by, each.confirmed_by) for each in result.findings] == [
        ((GPT,), ()),
        ((CLAUDE,), ("gpt:judge",)),
    ]


async def test_a_vendor_that_checks_its_own_claims_confirms_none_of_them() -> None:
    result = await settle([claim(CLAUDE)], Judges({"claude": C}), vendors=ALL[:1])
    assert [(each.placement, each.confirmed_by) for each in result.findings] == [(Placement.INLINE, ())]


def two_rules(**fields: Any) -> list[Finding]:
    """Claims of two vendors about one line, under rules of different families."""
    return [
        claim(CLAUDE, fingerprint="a", rule_id="weak-authentication", title="Anybody gets in"),
        claim(GPT, fingerprint="b", rule_id="wrong-condition", title="The check is inverted", **fields),
    ]


@pytest.mark.parametrize("judgement", [C, U])
@pytest.mark.parametrize("vendors", [ALL, ALL[:2]])
@pytest.mark.parametrize("same", [{"b": "a"}, {"a": "b"}])
async def test_claims_that_a_verifier_calls_the_same_defect_are_one_inline_finding(
    judgement: Judgement, vendors: Sequence[Provider], same: dict[str, str]
) -> None:
    judges = Judges({vendor.value: judgement for vendor in vendors}, vendors=vendors, same=same)
    result = await settle(two_rules(), judges, vendors=vendors)
    (one,) = result.findings
    assert (set(one.found_by), one.placement) == ({CLAUDE, GPT}, Placement.INLINE)
    assert one.confirmed_by == (("gemini:judge",) if len(vendors) == 3 and judgement is C else ())
    assert (result.rejected, result.notes) == ((), ())


async def test_claims_about_different_things_on_one_line_stay_two_findings() -> None:
    judges = Judges({"gemini": C})
    result = await settle(two_rules(), judges)
    assert [each.fingerprint for each in result.findings] == ["a", "b"]
    assert judges.compared == {"a": ["b"], "b": ["a"]}


async def test_a_verifier_joins_only_claims_that_code_proposes() -> None:
    judges = Judges({"gemini": C}, same={"b": "a"})
    for other in (two_rules(line=40), two_rules(path="order.py"), two_rules(found_by=("claude:haiku",))):
        result = await settle(other, judges)
        assert [each.fingerprint for each in result.findings] == ["a", "b"]


async def test_claims_nearby_are_proposed_only_within_one_symbol() -> None:
    judges = Judges({"gemini": C}, same={"b": "a"})
    for symbol, count in (("login", 1), (None, 2)):
        result = await verify(
            merge(two_rules(line=3)),
            quorum=2,
            vendors=ALL,
            ask_verdicts=judges,
            symbol_of=lambda each, name=symbol: name,
        )
        assert len(result.findings) == count


async def test_a_refuted_claim_is_not_joined() -> None:
    judges = Judges({"gemini": R}, same={"b": "a"})
    result = await settle(two_rules(), judges)
    assert [each.finding.fingerprint for each in result.rejected] == ["a", "b"]


@pytest.mark.parametrize(
    ("judgement", "restated", "title"),
    [
        (C, "An empty password is accepted", "An empty password is accepted"),
        (U, "An empty password is accepted", "The total is wrong"),
        (C, "x" * 2_000, "The total is wrong"),
        (C, None, "The total is wrong"),
    ],
)
async def test_a_confirmed_claim_is_shown_as_its_verifier_restated_it(
    judgement: Judgement, restated: str | None, title: str
) -> None:
    result = await settle([claim(CLAUDE)], Judges({"gpt": judgement}, restated=restated))
    assert [each.title for each in result.findings] == [title]
