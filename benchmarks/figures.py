"""One figure of a benchmark with its target, and the line that shows it. Measures nothing."""

import time
from collections.abc import Iterable
from dataclasses import dataclass

ADDITIONS = 20_000_000  # a current core needs about a second for them


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What was measured, with its unit, and whether it meets the target; None if there is no target."""

    name: str
    measured: str
    target: str
    reached: bool | None


def print_figures(figures: Iterable[Figure]) -> None:
    """Print one line per figure; a missed target is marked and does not stop the run."""
    for figure in figures:
        mark = {True: "ok ", False: "NOT", None: "   "}[figure.reached]
        print(f"{mark}  {figure.name:<62} {figure.measured:<34} target: {figure.target}", flush=True)


def percentile(values: Iterable[float], share: float) -> float:
    """The value below which a share (0 to 1) of the values lies, rounded up to an existing value."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def calibrate_s() -> float:
    """CPU seconds of a loop of additions, about one second on a current core."""
    started_s, total = time.process_time(), 0
    for number in range(ADDITIONS):
        total += number
    return time.process_time() - started_s
