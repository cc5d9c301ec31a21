"""Claims while they are verified: who was asked, what was said, and which calls come next. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from app.domain.finding import Finding, Judgement, VerifierVerdict
from app.domain.model_call import Provider, vendor_of, vendors_of
from app.findings.finders import backers
from app.findings.merge import MergedClaim, merged_finding
from app.findings.pairs import Comparisons, groups_of

MAX_SENTENCE_CHARACTERS = 300  # of a restated claim; titles are cut at this length


@dataclass(slots=True, eq=False)
class PendingClaim:
    """A claim during verification. `tried`: vendors that were asked, whether or not they answered."""

    candidate: MergedClaim
    finding: Finding
    tried: set[Provider] = field(default_factory=set[Provider])
    verdicts: list[VerifierVerdict] = field(default_factory=list[VerifierVerdict])
    established: bool = False  # parsing the code proved it; no verdict can change that
    checked_by_finder: bool = False  # a finder's vendor confirmed it, because there is no other
    same: set[str] = field(
        default_factory=set[str]
    )  # fingerprints of claims that a verifier calls the same defect

    @property
    def excluded_vendors(self) -> set[Provider]:
        """Vendors that must not judge the claim: its finders, and those already asked."""
        return {*vendors_of(self.finding.found_by), *self.tried}

    @property
    def refutation(self) -> VerifierVerdict | None:
        """The verdict that refutes the claim; a claim that already has its quorum is only rated."""
        refuted = (verdict for verdict in self.verdicts if verdict.judgement is Judgement.REFUTED)
        settled = self.established or len(backers(self.candidate.finding)) > 1
        return None if settled else next(refuted, None)

    def is_open(self, needed: int) -> bool:
        """Whether another verdict could still matter."""
        return not self.established and self.refutation is None and len(backers(self.finding)) < needed

    def apply(self, verdict: VerifierVerdict) -> None:
        """Apply a verdict; an unsure verdict neither confirms nor rates."""
        self.verdicts.append(verdict)
        if vendor := vendor_of(verdict.by):
            self.tried.add(vendor)
        if verdict.judgement is not Judgement.UNSURE:
            self.finding = replace(self.finding, worth=max(0, min(10, verdict.worth)))
        if verdict.judgement is Judgement.CONFIRMED:
            self._confirm(verdict, vendor)
        self.finding = replace(self.finding, verifier_evidence=verdict.evidence)

    def _confirm(self, verdict: VerifierVerdict, vendor: Provider | None) -> None:
        """Add the verifier, unless its vendor found the claim itself."""
        if vendor in vendors_of(self.finding.found_by):
            self.checked_by_finder = True
        else:
            confirmed_by = tuple(dict.fromkeys((*self.finding.confirmed_by, verdict.by)))
            self.finding = replace(self.finding, confirmed_by=confirmed_by)
        if verdict.restated and len(verdict.restated) <= MAX_SENTENCE_CHARACTERS:
            self.finding = replace(self.finding, title=verdict.restated)


@dataclass(slots=True)
class VerificationBatch:
    """Claims for one call.

    `rated` claims already have their quorum and are included only to be rated, `compared` ones only because they may be
    the same as a judged one: their vendor may be the one that is asked.
    """

    vendor: Provider
    judged: list[PendingClaim]
    rated: list[PendingClaim] = field(default_factory=list[PendingClaim])
    compared: list[PendingClaim] = field(default_factory=list[PendingClaim])

    @property
    def cases(self) -> list[PendingClaim]:
        """All claims of the call."""
        return [*self.judged, *self.rated, *self.compared]

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


def compare_along(
    batches: Sequence[VerificationBatch], cases: Sequence[PendingClaim], near: Comparisons
) -> None:
    """Add to each call the claims that may be the same as a judged one."""
    by_name = {case.finding.fingerprint: case for case in cases}
    for batch in batches:
        names = (name for case in batch.judged for name in near.get(case.finding.fingerprint, ()))
        for other in (by_name[name] for name in dict.fromkeys(names) if name in by_name):
            if other not in batch.cases and other.refutation is None:
                batch.compared.append(other)


def join_same(cases: Sequence[PendingClaim]) -> list[PendingClaim]:
    """One claim for those that a verifier called the same defect, unless it refuted one of them."""
    same = {case.finding.fingerprint: sorted(case.same) for case in cases if case.same}
    if not same:
        return list(cases)
    open_cases = {case.finding.fingerprint: case for case in cases if case.refutation is None}
    vendors = {name: vendors_of(case.finding.found_by) for name, case in open_cases.items()}
    groups = [[open_cases[name] for name in group] for group in groups_of(list(open_cases), same, vendors)]
    joined = {id(group[0]): _joined(group) for group in groups}
    later = {id(case) for group in groups for case in group[1:]}
    return [joined.get(id(case), case) for case in cases if id(case) not in later]


def _joined(group: Sequence[PendingClaim]) -> PendingClaim:
    """The claim that stands for the group: confirmed, then worth most, then most severe."""
    if len(group) == 1:
        return group[0]
    best = min(group, key=_quality)
    members = tuple(member for case in group for member in case.candidate.members)
    candidate = MergedClaim(merged_finding(members, preferred=best.candidate.members), members)
    vendors = set(vendors_of(candidate.finding.found_by))
    confirmed_by = dict.fromkeys(name for case in group for name in case.finding.confirmed_by)
    finding = replace(
        candidate.finding,
        title=best.finding.title,
        confirmed_by=tuple(name for name in confirmed_by if vendor_of(name) not in vendors),
        worth=max((case.finding.worth for case in group if case.finding.worth is not None), default=None),
        verifier_evidence=best.finding.verifier_evidence,
    )
    return PendingClaim(
        candidate,
        finding,
        tried={vendor for case in group for vendor in case.tried},
        verdicts=[verdict for case in group for verdict in case.verdicts],
        established=any(case.established for case in group),
    )


def _quality(case: PendingClaim) -> tuple[bool, int, int]:
    return not case.finding.confirmed_by, -(case.finding.worth or 0), case.finding.severity.rank
