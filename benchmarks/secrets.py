"""How many secrets the scan finds, and how many look-alikes it reports, on generated lines of code.

python -m benchmarks.secrets [--lines 5000] [--seed 1]
"""

import argparse
import random
from collections import Counter
from collections.abc import Callable

from app.redaction import Redactor
from benchmarks.figures import Figure, print_figures
from tests.security.secret_samples import look_alike, secret

MIN_FOUND, MAX_FALSE = 0.98, 0.02  # shares


def reported(
    make: Callable[[random.Random], tuple[str, str]], *, lines: int, seed: int
) -> tuple[float, Counter[str], Counter[str]]:
    """The share of reported lines, and the numbers of reported and of other lines by kind."""
    rng, redactor = random.Random(seed), Redactor()
    hits, others = Counter[str](), Counter[str]()
    for _ in range(lines):
        kind, line = make(rng)
        (hits if redactor.scan(f"x = 1\n{line}\ny = 2\n") else others)[kind] += 1
    return hits.total() / lines, hits, others


def measure(*, lines: int = 5_000, seed: int = 1) -> list[Figure]:
    """Both shares, with the most frequent kinds of mistakes."""
    found, _, missed = reported(secret, lines=lines, seed=seed)
    false, wrong, _ = reported(look_alike, lines=lines, seed=seed)
    return [
        Figure(
            name=f"secrets found of {lines:,} lines",
            measured=f"{found:.1%}, missed {dict(missed.most_common(5))}",
            target=f"≥ {MIN_FOUND:.0%}",
            reached=found >= MIN_FOUND,
        ),
        Figure(
            name=f"look-alikes reported of {lines:,} lines",
            measured=f"{false:.1%}, of them {dict(wrong.most_common(8))}",
            target=f"≤ {MAX_FALSE:.0%}",
            reached=false <= MAX_FALSE,
        ),
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print_figures(measure(lines=options.lines, seed=options.seed))
