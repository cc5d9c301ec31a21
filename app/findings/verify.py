"""Decides which claims hold: the quorum. Pure but for the question, which is passed in.

With `quorum: 2` a claim needs its finder's vendor and one other. Vendors that found the same thing on their own count
for each other, without a call. Analysers are no vendor: they count for nobody, and no model removes what they found.

What nobody could check is not refuted, but it does not hold either: it is shown in the summary as unconfirmed, however
grave its finder says it is, and keeps its severity, so that a gate still closes on it. To put it inline would give
whoever can make one vendor fail, and another lie, the very place that the quorum protects.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from app.domain.finding import REFUTED_BY, Finding, Placement, Rejection
from app.domain.model_call import Provider
from app.domain.thread import Verdict
from app.errors import ModelError
from app.findings.ballot import Batch, Case, plan, rate_along
from app.findings.finders import backers, is_by_analyzers, vendors_of
from app.findings.merge import Candidate, united

IsEstablished = Callable[[Finding], bool]
AskVerdicts = Callable[[Sequence[Finding], Sequence[Provider]], Awaitable[Sequence[Verdict]]]
"""Puts claims before one model of a vendor that is not excluded. `Verdict.id` is the finding's fingerprint; a claim
without a verdict could not be asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What is left, what is not, and what people must know of how that came about."""

    findings: tuple[Finding, ...]
    rejected: tuple[Rejection, ...] = ()
    notes: tuple[str, ...] = ()


def nothing_is_established(finding: Finding) -> bool:
    """For callers that know of no facts."""
    del finding
    return False


async def verify(
    candidates: Sequence[Candidate],
    *,
    quorum: int,
    vendors: Sequence[Provider],
    ask_verdicts: AskVerdicts,
    is_established: IsEstablished = nothing_is_established,
) -> Verified:
    """Every candidate as a finding (with its place, or in the summary as unconfirmed) or as a rejection.

    Args:
        quorum: how many vendors must stand behind a finding, at most as many as there are; 1 asks nobody.
        vendors: those that may be asked.
        is_established: what parsing the code has shown; it is rated where a call goes out anyway, and causes none.
    """
    cases = [
        Case(candidate, candidate.finding, established=is_established(candidate.finding))
        for candidate in candidates
    ]
    claims = [case for case in cases if not is_by_analyzers(case.finding)]
    if quorum <= 1 or not claims:
        return Verified(findings=tuple(case.finding for case in cases))
    if len(vendors) == 1:
        judged = [case for case in claims if not case.established]
        if judged:
            established = [case for case in claims if case.established]
            await _ask(Batch(vendors[0], judged, established), (), ask_verdicts)
        return _settle(cases, _confirmed_at_all, notes=_notes_of_one_vendor(claims, vendors[0]))
    needed = min(quorum, max(2, len(vendors)))
    await _ask_others(claims, needed, vendors, ask_verdicts)
    lowered = f"The quorum of {quorum} was lowered to {needed}: only {len(vendors)} vendors can be asked."
    return _settle(
        cases, lambda finding: len(backers(finding)) >= needed, notes=(lowered,) if needed < quorum else ()
    )


async def _ask_others(
    claims: Sequence[Case], needed: int, vendors: Sequence[Provider], ask_verdicts: AskVerdicts
) -> None:
    """One call a verifying vendor; what is open after it goes to the next vendor, if there is one."""
    for turn in range(needed):
        batches = plan(claims, needed=needed, vendors=vendors)
        if turn == 0:
            rate_along(batches, claims)
        await asyncio.gather(*(_ask(batch, batch.excluded, ask_verdicts) for batch in batches))


async def _ask(batch: Batch, excluded: Sequence[Provider], ask_verdicts: AskVerdicts) -> None:
    """One call; its vendor counts as tried even where it fails."""
    try:
        verdicts = await ask_verdicts([case.finding for case in batch.cases], excluded)
    except ModelError:
        verdicts = ()
    by_id = {verdict.id: verdict for verdict in verdicts}
    for case in batch.cases:
        case.tried.add(batch.vendor)
        if verdict := by_id.get(case.finding.fingerprint):
            case.hear(verdict)


def _notes_of_one_vendor(claims: Sequence[Case], vendor: Provider) -> tuple[str, ...]:
    own = [case for case in claims if vendor in vendors_of(case.finding.found_by)]
    judges = dict.fromkeys(verdict.by for case in own for verdict in case.verdicts)
    finders = {name for case in claims for name in case.finding.found_by}
    return tuple(
        f"Only {vendor.value} is available: its findings were checked by "
        + (
            f"itself in a fresh context ({judge})."
            if judge in finders
            else f"another of its models ({judge})."
        )
        for judge in judges
    )


def _confirmed_at_all(finding: Finding) -> bool:
    """Where there is one vendor only, its own second look is the best there is; a note says so."""
    return bool(finding.confirmed_by)


def _settle(cases: Sequence[Case], holds: Callable[[Finding], bool], *, notes: tuple[str, ...]) -> Verified:
    findings: list[Finding] = []
    rejected: list[Rejection] = []
    unconfirmed: list[Case] = []
    for case in cases:
        if is_by_analyzers(case.finding) or (not case.refutation and holds(case.finding)):
            findings.append(case.finding)
            continue
        if (
            case.established
        ):  # true, but unless it was rated nobody knows whether it is worth a place of its own
            rated = case.finding.worth is not None
            findings.append(case.finding if rated else replace(case.finding, placement=Placement.SUMMARY))
            continue
        reason = _reason(case)
        if case.refutation or case.candidate.by_analyzers:
            rejected.append(Rejection(finding=_models_claim(case), reason=reason))
        else:
            unconfirmed.append(case)
            findings.append(replace(case.finding, placement=Placement.SUMMARY))
        if case.candidate.by_analyzers:
            findings.append(united(case.candidate.by_analyzers))
    return Verified(findings=tuple(findings), rejected=tuple(rejected), notes=notes + _notes(unconfirmed))


def _reason(case: Case) -> str:
    if case.refutation:
        return f"{REFUTED_BY} {case.refutation.by}: {case.refutation.evidence}"
    return "Not confirmed by another vendor; the analyser's own finding on this code stays."


def _models_claim(case: Case) -> Finding:
    """What the models said, without the analysers that found something on the same code."""
    models = [member for member in case.candidate.members if not is_by_analyzers(member)]
    claim = united(models) if models else case.finding
    judged = {"worth": case.finding.worth, "verifier_evidence": case.finding.verifier_evidence}
    return replace(claim, **judged)


def _notes(unconfirmed: Sequence[Case]) -> tuple[str, ...]:
    unheard = sum(not case.verdicts for case in unconfirmed)
    unsure = len(unconfirmed) - unheard
    return tuple(
        f"{count} finding{'' if count == 1 else 's'} {why}: shown as unconfirmed, in the summary only."
        for count, why in (
            (unheard, "could not be put before another vendor's model"),
            (unsure, "did not get the votes that the quorum needs"),
        )
        if count
    )
