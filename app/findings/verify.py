"""Applies the quorum: decides which claims are confirmed. Pure, except for the verifiers, which are passed in.

With `quorum: 2`, a claim needs its finder's vendor and one other vendor. Vendors that found the same defect independently
count for each other, without a call; a verifier that reads both claims may say so. Analyzers are not a vendor, and no model
removes their findings.

A claim that no other vendor could check is neither refuted nor confirmed. It is shown in the summary as unconfirmed and
keeps its severity, so a gate still counts it. Showing it inline would let anyone who can disable one vendor and deceive
another bypass the quorum.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from app.domain.finding import (
    Finding,
    Placement,
    RejectedClaim,
    RejectionCode,
    SettlementCode,
    SettlementNote,
    VerifierVerdict,
)
from app.domain.model_call import Provider, vendors_of
from app.errors import ModelError
from app.findings.finders import backers, is_by_analyzers
from app.findings.merge import MergedClaim, SymbolOf, in_no_symbol, merged_finding
from app.findings.pairs import Comparisons, propose
from app.findings.pending import PendingClaim, VerificationBatch, compare_along, join_same, plan, rate_along

IsEstablished = Callable[[Finding], bool]
AskVerdicts = Callable[
    [Sequence[Finding], Sequence[Provider], Comparisons], Awaitable[Sequence[VerifierVerdict]]
]
"""Asks one model of a vendor that is not excluded, also which of the claims named together are the same defect.
`VerifierVerdict.id` is the finding's fingerprint; a claim without a verdict could not be verified."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The findings, the rejected claims, and notes for people."""

    findings: tuple[Finding, ...]
    rejected: tuple[RejectedClaim, ...] = ()
    notes: tuple[SettlementNote, ...] = ()


def nothing_is_established(finding: Finding) -> bool:
    """An `IsEstablished` for callers without facts."""
    del finding
    return False


async def verify(
    candidates: Sequence[MergedClaim],
    *,
    quorum: int,
    vendors: Sequence[Provider],
    ask_verdicts: AskVerdicts,
    is_established: IsEstablished = nothing_is_established,
    symbol_of: SymbolOf = in_no_symbol,
) -> Verification:
    """Return every claim as a finding (in its placement, or unconfirmed in the summary) or as a rejection.

    Args:
        quorum: how many vendors must support a finding, at most the available ones; 1 makes no calls.
        vendors: the vendors that may be asked.
        is_established: whether parsing the code proved a claim; such claims are only rated along with other calls.
        symbol_of: the function or class around a claim.
    """
    cases = [
        PendingClaim(candidate, candidate.finding, established=is_established(candidate.finding))
        for candidate in candidates
    ]
    claims = [case for case in cases if not is_by_analyzers(case.finding)]
    if quorum <= 1 or not claims:
        return Verification(findings=tuple(case.finding for case in cases))
    if len(vendors) == 1:
        judged = [case for case in claims if not case.established]
        if judged:
            established = [case for case in claims if case.established]
            await _ask(VerificationBatch(vendors[0], judged, established), (), ask_verdicts, {})
        return _settle(cases, _is_confirmed_at_all, notes=_notes_of_one_vendor(claims, vendors[0]))
    needed = min(quorum, max(2, len(vendors)))
    near = propose([case.finding for case in claims], symbol_of)
    cases = await _ask_others(cases, needed, vendors, ask_verdicts, near)
    lowered = SettlementNote(
        code=SettlementCode.QUORUM_LOWERED, values=(str(quorum), str(needed), str(len(vendors)))
    )
    return _settle(
        cases,
        lambda case: len(backers(case.finding)) >= needed,
        notes=(lowered,) if needed < quorum else (),
    )


async def _ask_others(
    cases: list[PendingClaim],
    needed: int,
    vendors: Sequence[Provider],
    ask_verdicts: AskVerdicts,
    near: Comparisons,
) -> list[PendingClaim]:
    """One call per verifying vendor; claims that stay open go to the next vendor, if any.

    Returns the cases; those that a verifier called the same defect are one.
    """
    for turn in range(needed):
        claims = [case for case in cases if not is_by_analyzers(case.finding)]
        batches = plan(claims, needed=needed, vendors=vendors)
        if turn == 0:
            rate_along(batches, claims)
        compare_along(batches, claims, near)
        await asyncio.gather(*(_ask(batch, batch.excluded, ask_verdicts, near) for batch in batches))
        cases = join_same(cases)
    return cases


async def _ask(
    batch: VerificationBatch, excluded: Sequence[Provider], ask_verdicts: AskVerdicts, near: Comparisons
) -> None:
    """Make one call; its vendor counts as tried even if the call fails."""
    try:
        verdicts = await ask_verdicts([case.finding for case in batch.cases], excluded, near)
    except ModelError:
        verdicts = ()
    by_id = {verdict.id: verdict for verdict in verdicts}
    for case in batch.cases:
        name = case.finding.fingerprint
        verdict = by_id.get(name)
        if verdict and verdict.same_as is not None and verdict.same_as in near.get(name, ()):
            case.same.add(verdict.same_as)
    for case in (*batch.judged, *batch.rated):
        case.tried.add(batch.vendor)
        if verdict := by_id.get(case.finding.fingerprint):
            case.apply(verdict)


def _notes_of_one_vendor(claims: Sequence[PendingClaim], vendor: Provider) -> tuple[SettlementNote, ...]:
    own = [case for case in claims if vendor in vendors_of(case.finding.found_by)]
    judges = dict.fromkeys(verdict.by for case in own for verdict in case.verdicts)
    finders = {name for case in claims for name in case.finding.found_by}
    return tuple(
        SettlementNote(
            code=SettlementCode.CHECKED_BY_ITSELF if judge in finders else SettlementCode.CHECKED_BY_SIBLING,
            values=(vendor.value, judge),
        )
        for judge in judges
    )


def _is_confirmed_at_all(case: PendingClaim) -> bool:
    """With only one vendor, its own second check counts; a note says so."""
    return case.checked_by_finder or bool(case.finding.confirmed_by)


def _settle(
    cases: Sequence[PendingClaim],
    has_quorum: Callable[[PendingClaim], bool],
    *,
    notes: tuple[SettlementNote, ...],
) -> Verification:
    findings: list[Finding] = []
    rejected: list[RejectedClaim] = []
    unconfirmed: list[PendingClaim] = []
    for case in cases:
        if is_by_analyzers(case.finding) or (not case.refutation and has_quorum(case)):
            findings.append(case.finding)
            continue
        if case.established:  # true, but without a rating its worth is unknown
            rated = case.finding.worth is not None
            findings.append(case.finding if rated else replace(case.finding, placement=Placement.SUMMARY))
            continue
        if case.refutation or case.candidate.by_analyzers:
            rejected.append(_rejected(case))
        else:
            unconfirmed.append(case)
            findings.append(replace(case.finding, placement=Placement.SUMMARY))
        if case.candidate.by_analyzers:
            findings.append(merged_finding(case.candidate.by_analyzers))
    return Verification(findings=tuple(findings), rejected=tuple(rejected), notes=notes + _notes(unconfirmed))


def _rejected(case: PendingClaim) -> RejectedClaim:
    claim, refutation = _models_claim(case), case.refutation
    if refutation is None:
        return RejectedClaim(finding=claim, code=RejectionCode.UNCONFIRMED)
    return RejectedClaim(
        finding=claim, code=RejectionCode.REFUTED, by=refutation.by, detail=refutation.evidence
    )


def _models_claim(case: PendingClaim) -> Finding:
    """The models' claim without the analyzers' findings on the same code."""
    models = [member for member in case.candidate.members if not is_by_analyzers(member)]
    claim = merged_finding(models) if models else case.finding
    judged = {"worth": case.finding.worth, "verifier_evidence": case.finding.verifier_evidence}
    return replace(claim, **judged)


def _notes(unconfirmed: Sequence[PendingClaim]) -> tuple[SettlementNote, ...]:
    unverified = sum(not case.verdicts for case in unconfirmed)
    counts = {
        SettlementCode.UNVERIFIED: unverified,
        SettlementCode.QUORUM_MISSED: len(unconfirmed) - unverified,
    }
    return tuple(
        SettlementNote(code=code, values=(str(number),)) for code, number in counts.items() if number
    )
