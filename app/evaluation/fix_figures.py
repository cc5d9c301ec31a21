"""Figures over fixes of known defects: in total, by the model that wrote them, and why fixes were refused. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.fix import FixStatus
from app.evaluation.fixing import FixRun
from app.evaluation.tables import share


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFixFigures:
    """Counts over known defects; each has at most one fix.

    `waiting` counts those for which an answer is missing. A fix is `proposed` if a model's edits passed the product's checks, and `confirmed` if another vendor's model also agreed.
    `right`, `wrong` and `ungraded` are the grades of the confirmed ones; `refused_right` counts unconfirmed fixes that were right.
    """

    defects: int = 0
    waiting: int = 0
    proposed: int = 0
    confirmed: int = 0
    right: int = 0
    wrong: int = 0
    ungraded: int = 0
    refused: int = 0
    refused_right: int = 0

    @property
    def right_share(self) -> float | None:
        """Share of the answered defects that a confirmed fix removes."""
        return share(self.right, self.defects - self.waiting)


def fix_figures(runs: Sequence[FixRun]) -> KnownFixFigures:
    """Return the figures of these fixes."""
    confirmed = [run for run in runs if run.is_confirmed]
    refused = [run for run in runs if run.made and not run.is_confirmed]
    return KnownFixFigures(
        defects=len(runs),
        waiting=sum(run.waits for run in runs),
        proposed=sum(bool(run.made and run.made.edits) for run in runs),
        confirmed=len(confirmed),
        right=sum(run.is_right for run in confirmed),
        wrong=sum(run.is_wrong for run in confirmed),
        ungraded=sum(not run.is_right and not run.is_wrong for run in confirmed),
        refused=len(refused),
        refused_right=sum(run.is_right for run in refused),
    )


def by_fixer(runs: Sequence[FixRun]) -> list[tuple[str, KnownFixFigures]]:
    """Return the figures by the model that wrote the fix."""
    return _by([(run.made.fixed_by, run) for run in runs if run.made and run.made.fixed_by])


def by_confirmer(runs: Sequence[FixRun]) -> list[tuple[str, KnownFixFigures]]:
    """Return the figures of the confirmed fixes by the model that confirmed them."""
    return _by([(run.made.confirmed_by, run) for run in runs if run.made and run.made.confirmed_by])


def by_grader(runs: Sequence[FixRun]) -> list[tuple[str, KnownFixFigures]]:
    """Return the figures of the confirmed fixes by what graded them."""
    return _by([(run.graded.by, run) for run in runs if run.graded and run.is_confirmed])


def _by(named: Sequence[tuple[str, FixRun]]) -> list[tuple[str, KnownFixFigures]]:
    groups: dict[str, list[FixRun]] = {}
    for name, run in named:
        groups.setdefault(name, []).append(run)
    return [(name, fix_figures(group)) for name, group in sorted(groups.items())]


def refusals(runs: Sequence[FixRun]) -> list[tuple[str, int, int]]:
    """Return each reason, how many proposals it stopped, and for how many defects it was the last word."""
    problems = [run.made.problems for run in runs if run.made]
    stopped = Counter(each.code.value for tries in problems for each in tries)
    last = Counter(
        run.made.problems[-1].code.value
        for run in runs
        if run.made and run.made.problems and run.made.status is not FixStatus.CONFIRMED
    )
    return [(code, count, last[code]) for code, count in sorted(stopped.items())]
