"""Applies the quorum: decides which claims are confirmed. Pure, except for the verifiers, which are passed in.

With `quorum: 2`, a claim needs its finder's vendor and one other vendor. Vendors that found the same defect independently
count for each other, without a call. Analyzers are not a vendor, and no model removes their findings.

A claim that no other vendor could check is neither refuted nor confirmed. It is shown in the summary as unconfirmed and
keeps its severity, so a gate still counts it. Showing it inline would let anyone who can disable one vendor and deceive
another bypass the quorum.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

from app.domain.finding import (
    Finding,
    Judgement,
    Placement,
    RejectedClaim,
    RejectionCode,
    SettlementCode,
    SettlementNote,
    VerifierVerdict,
)
from app.domain.model_call import Provider
from app.errors import ModelError
from app.findings.finders import backers, is_by_analyzers, provider_of, vendors_of
from app.findings.merge import MergedClaim, merged_finding


@dataclass(slots=True, eq=False)
class PendingClaim:
    """A claim during verification. `tried`: vendors that were asked, whether or not they answered."""

    candidate: MergedClaim
    finding: Finding
    tried: set[Provider] = field(default_factory=set[Provider])
    verdicts: list[VerifierVerdict] = field(default_factory=list[VerifierVerdict])
    established: bool = False  # parsing the code proved it; no verdict can change that

    @property
    def excluded_vendors(self) -> set[Provider]:
        """Vendors that must not judge the claim: its finders, and those already asked."""
        return {*vendors_of(self.finding.found_by), *self.tried}

    @property
    def refutation(self) -> VerifierVerdict | None:
        """The verdict that refutes the claim; a claim that already has its quorum is only rated."""
        refuted = (verdict for verdict in self.verdicts if verdict.judgement is Judgement.REFUTED)
        settled = self.established or self.candidate.finding.confirmed_by
        return None if settled else next(refuted, None)

    def is_open(self, needed: int) -> bool:
        """Whether another verdict could still matter."""
        return not self.established and self.refutation is None and len(backers(self.finding)) < needed

    def apply(self, verdict: VerifierVerdict) -> None:
        """Apply a verdict; an unsure verdict neither confirms nor rates."""
        self.verdicts.append(verdict)
        if provider := provider_of(verdict.by):
            self.tried.add(provider)
        if verdict.judgement is not Judgement.UNSURE:
            self.finding = replace(self.finding, worth=max(0, min(10, verdict.worth)))
        if verdict.judgement is Judgement.CONFIRMED:
            confirmed_by = tuple(dict.fromkeys((*self.finding.confirmed_by, verdict.by)))
            self.finding = replace(self.finding, confirmed_by=confirmed_by)
        self.finding = replace(self.finding, verifier_evidence=verdict.evidence)


@dataclass(slots=True)
class VerificationBatch:
    """Claims for one call. `rated` claims already have their quorum and are included only to be rated."""

    vendor: Provider
    judged: list[PendingClaim]
    rated: list[PendingClaim] = field(default_factory=list[PendingClaim])

    @property
    def cases(self) -> list[PendingClaim]:
        """All claims of the call."""
        return [*self.judged, *self.rated]

    @property
    def excluded(self) -> list[Provider]:
        """Vendors that must not answer this call."""
        return sorted({vendor for case in self.judged for vendor in case.excluded_vendors})


def plan(
    cases: Sequence[PendingClaim], *, needed: int, vendors: Sequence[Provider]
) -> list[VerificationBatch]:
    """Plan the next calls: first the vendor that may judge the most open claims, then vendors for the rest.

    A claim that every vendor has found or judged is in no call.
    """
    batches: list[VerificationBatch] = []
    waiting = [case for case in cases if case.is_open(needed)]
    while waiting and vendors:
        vendor = max(vendors, key=lambda each: sum(each not in case.excluded_vendors for case in waiting))
        judged = [case for case in waiting if vendor not in case.excluded_vendors]
        if not judged:
            break
        batches.append(VerificationBatch(vendor, judged))
        waiting = [case for case in waiting if case not in judged]
    return batches


def rate_along(batches: Sequence[VerificationBatch], cases: Sequence[PendingClaim]) -> None:
    """Add claims that need no verdict to a planned call, preferably not one of their finders' vendors."""
    judged = [case for batch in batches for case in batch.judged]
    for case in cases if batches else ():
        if case not in judged:
            fitting = (batch for batch in batches if batch.vendor not in case.excluded_vendors)
            next(fitting, batches[0]).rated.append(case)


IsEstablished = Callable[[Finding], bool]
AskVerdicts = Callable[[Sequence[Finding], Sequence[Provider]], Awaitable[Sequence[VerifierVerdict]]]
"""Asks one model of a vendor that is not excluded. `VerifierVerdict.id` is the finding's fingerprint; a claim
without a verdict could not be verified."""


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
) -> Verification:
    """Return every claim as a finding (in its placement, or unconfirmed in the summary) or as a rejection.

    Args:
        quorum: how many vendors must support a finding, at most the available ones; 1 makes no calls.
        vendors: the vendors that may be asked.
        is_established: whether parsing the code proved a claim; such claims are only rated along with other calls.
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
            await _ask(VerificationBatch(vendors[0], judged, established), (), ask_verdicts)
        return _settle(cases, _confirmed_at_all, notes=_notes_of_one_vendor(claims, vendors[0]))
    needed = min(quorum, max(2, len(vendors)))
    await _ask_others(claims, needed, vendors, ask_verdicts)
    lowered = SettlementNote(
        code=SettlementCode.QUORUM_LOWERED, values=(str(quorum), str(needed), str(len(vendors)))
    )
    return _settle(
        cases, lambda finding: len(backers(finding)) >= needed, notes=(lowered,) if needed < quorum else ()
    )


async def _ask_others(
    claims: Sequence[PendingClaim], needed: int, vendors: Sequence[Provider], ask_verdicts: AskVerdicts
) -> None:
    """One call per verifying vendor; claims that stay open go to the next vendor, if any."""
    for turn in range(needed):
        batches = plan(claims, needed=needed, vendors=vendors)
        if turn == 0:
            rate_along(batches, claims)
        await asyncio.gather(*(_ask(batch, batch.excluded, ask_verdicts) for batch in batches))


async def _ask(batch: VerificationBatch, excluded: Sequence[Provider], ask_verdicts: AskVerdicts) -> None:
    """Make one call; its vendor counts as tried even if the call fails."""
    try:
        verdicts = await ask_verdicts([case.finding for case in batch.cases], excluded)
    except ModelError:
        verdicts = ()
    by_id = {verdict.id: verdict for verdict in verdicts}
    for case in batch.cases:
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


def _confirmed_at_all(finding: Finding) -> bool:
    """With only one vendor, its own second check counts; a note says so."""
    return bool(finding.confirmed_by)


def _settle(
    cases: Sequence[PendingClaim], has_quorum: Callable[[Finding], bool], *, notes: tuple[SettlementNote, ...]
) -> Verification:
    findings: list[Finding] = []
    rejected: list[RejectedClaim] = []
    unconfirmed: list[PendingClaim] = []
    for case in cases:
        if is_by_analyzers(case.finding) or (not case.refutation and has_quorum(case.finding)):
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
