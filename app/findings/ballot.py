"""Who judges which claim: as few calls as will do, nobody their own claim, nobody twice. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from app.domain.finding import Finding
from app.domain.model_call import Provider
from app.domain.thread import Judgement, Verdict
from app.findings.finders import backers, provider_of, vendors_of
from app.findings.merge import Candidate


@dataclass(slots=True, eq=False)
class Case:
    """A claim on its way. `tried`: vendors that were asked, whether they answered or not."""

    candidate: Candidate
    finding: Finding
    tried: set[Provider] = field(default_factory=set[Provider])
    verdicts: list[Verdict] = field(default_factory=list[Verdict])
    established: bool = False  # parsing the code has shown it: no verdict could change that

    @property
    def barred(self) -> set[Provider]:
        """Vendors that must not judge it (any more)."""
        return {*vendors_of(self.finding.found_by), *self.tried}

    @property
    def refutation(self) -> Verdict | None:
        """The verdict that refutes it; a claim that had its quorum before is only rated."""
        refuted = (verdict for verdict in self.verdicts if verdict.judgement is Judgement.REFUTED)
        settled = self.established or self.candidate.finding.confirmed_by
        return None if settled else next(refuted, None)

    def is_open(self, needed: int) -> bool:
        """Whether another verdict could still matter."""
        return not self.established and self.refutation is None and len(backers(self.finding)) < needed

    def hear(self, verdict: Verdict) -> None:
        """Take a verdict into account; who is unsure neither confirms nor rates."""
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
class Batch:
    """Claims for one call. `rated` hold already and are asked along for their worth alone."""

    vendor: Provider
    judged: list[Case]
    rated: list[Case] = field(default_factory=list[Case])

    @property
    def cases(self) -> list[Case]:
        """All claims of the call."""
        return [*self.judged, *self.rated]

    @property
    def excluded(self) -> list[Provider]:
        """Who must not answer this call."""
        return sorted({vendor for case in self.judged for vendor in case.barred})


def plan(cases: Sequence[Case], *, needed: int, vendors: Sequence[Provider]) -> list[Batch]:
    """The next calls: the vendor that may judge most of the open claims first, then who may judge the rest.

    A claim that every vendor has found or judged is in none.
    """
    batches: list[Batch] = []
    waiting = [case for case in cases if case.is_open(needed)]
    while waiting and vendors:
        vendor = max(vendors, key=lambda each: sum(each not in case.barred for case in waiting))
        judged = [case for case in waiting if vendor not in case.barred]
        if not judged:
            break
        batches.append(Batch(vendor, judged))
        waiting = [case for case in waiting if case not in judged]
    return batches


def rate_along(batches: Sequence[Batch], cases: Sequence[Case]) -> None:
    """Add the claims that hold already to a call that goes out anyway, if it can be not their finder's."""
    judged = [case for batch in batches for case in batch.judged]
    for case in cases if batches else ():
        if case not in judged:
            fitting = (batch for batch in batches if batch.vendor not in case.barred)
            next(fitting, batches[0]).rated.append(case)
