"""One figure of a benchmark beside its bar, and the line that shows it. Measures nothing."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What was measured, in its unit, and whether it reaches the bar; None where there is no bar to reach."""

    name: str
    measured: str
    bar: str
    reached: bool | None


def print_figures(figures: Iterable[Figure]) -> None:
    """A line each; one that misses its bar says so and stops nothing."""
    for figure in figures:
        mark = {True: "ok ", False: "NOT", None: "   "}[figure.reached]
        print(f"{mark}  {figure.name:<62} {figure.measured:<34} bar: {figure.bar}", flush=True)


def percentile(values: Iterable[float], share: float) -> float:
    """The value below which a share (0 to 1) of the values lies; of few values the next larger one."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
