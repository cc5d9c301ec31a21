"""Sums over cases: precision, recall, F1, comments, line accuracy. Pure; a ratio of nothing is None, never 0 or 1."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.evaluation.judge import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Counts over a set of cases. `false` holds everything that met no defect: duplicates and plausible ones too."""

    cases: int = 0
    found: int = 0
    missed: int = 0
    false: int = 0
    duplicates: int = 0
    plausible: int = 0
    on_line: int = 0

    @property
    def comments(self) -> int:
        """Everything said."""
        return self.found + self.false

    @property
    def precision(self) -> float | None:
        """Strict: what no case lists is false."""
        return _share(self.found, self.comments)

    @property
    def lenient_precision(self) -> float | None:
        """What is plausible but unlisted is left out."""
        return _share(self.found, self.comments - self.plausible)

    @property
    def recall(self) -> float | None:
        """Share of the known defects that were found."""
        return _share(self.found, self.found + self.missed)

    @property
    def f1(self) -> float | None:
        """Harmonic mean of strict precision and recall."""
        return _share(2 * self.found, 2 * self.found + self.false + self.missed)

    @property
    def comments_per_case(self) -> float | None:
        """Comments a pull request."""
        return _share(self.comments, self.cases)

    @property
    def line_accuracy(self) -> float | None:
        """Share of the defects found whose comment touches the known lines exactly."""
        return _share(self.on_line, self.found)


def figures_of(verdicts: Sequence[Verdict]) -> Figures:
    """The figures of one verdict a case."""
    judged = [each for verdict in verdicts for each in verdict.judged]
    return Figures(
        cases=len(verdicts),
        found=_count(each.is_true for each in judged),
        missed=sum(len(verdict.missed) for verdict in verdicts),
        false=_count(not each.is_true for each in judged),
        duplicates=_count(each.is_duplicate for each in judged),
        plausible=_count(each.is_plausible for each in judged),
        on_line=_count(each.is_true and each.is_on_line for each in judged),
    )


def _count(flags: Iterable[bool]) -> int:
    return sum(flags)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
