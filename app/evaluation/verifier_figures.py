"""Figures of the verifier over known claims: by model and prompt version, by kind of falseness, and by wording. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.domain.finding import Judgement
from app.evaluation.tables import share
from app.evaluation.verifying import JudgedClaim

INLINE_WORTH = 5  # a confirmed finding worth this much is shown inline in the profile `normal`


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimFigures:
    """Verdicts on claims of one truth. `worth` is over verdicts that rate: not `unsure`."""

    claims: int
    confirmed: int
    refuted: int
    unsure: int
    unanswered: int
    mean_worth: float | None
    inline_share: float | None  # of the rated ones, those worth at least `INLINE_WORTH`

    @property
    def answered(self) -> int:
        """The number of claims with a verdict."""
        return self.claims - self.unanswered

    @property
    def confirmed_share(self) -> float | None:
        """Share of the answered claims that the verifier confirmed."""
        return share(self.confirmed, self.answered)

    @property
    def refuted_share(self) -> float | None:
        """Share of the answered claims that the verifier refuted."""
        return share(self.refuted, self.answered)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifierFigures:
    """The figures of the true claims and of the false ones."""

    true: ClaimFigures
    false: ClaimFigures


def verifier_figures(judged: Sequence[JudgedClaim]) -> VerifierFigures:
    """Return the figures of these claims."""
    return VerifierFigures(
        true=_figures([each for each in judged if each.claim.is_true]),
        false=_figures([each for each in judged if not each.claim.is_true]),
    )


def _figures(judged: Sequence[JudgedClaim]) -> ClaimFigures:
    judgements = [each.judgement for each in judged]
    worth = [
        each.verdict.worth
        for each in judged
        if each.verdict and each.verdict.judgement is not Judgement.UNSURE
    ]
    return ClaimFigures(
        claims=len(judged),
        confirmed=judgements.count(Judgement.CONFIRMED),
        refuted=judgements.count(Judgement.REFUTED),
        unsure=judgements.count(Judgement.UNSURE),
        unanswered=judgements.count(None),
        mean_worth=share(sum(worth), len(worth)),
        inline_share=share(sum(each >= INLINE_WORTH for each in worth), len(worth)),
    )


def verifier_groups(
    judged: Sequence[JudgedClaim], of: Callable[[JudgedClaim], str]
) -> list[tuple[str, VerifierFigures]]:
    """Return the figures of each group, in the order of the groups' names."""
    groups: dict[str, list[JudgedClaim]] = {}
    for each in judged:
        groups.setdefault(of(each), []).append(each)
    return [(name, verifier_figures(group)) for name, group in sorted(groups.items())]
