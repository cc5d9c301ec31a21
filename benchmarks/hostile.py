"""How much hostile model output survives cleaning: the corpus, and random mixtures of its pieces.

python -m benchmarks.hostile [--mixtures 10000] [--seed 1]
"""

import argparse
import random
from collections import Counter
from collections.abc import Iterable

from app.publish.markdown import clean_line, clean_markdown
from benchmarks.figures import Figure, print_figures
from tests.unit.publish.github_reader import Seen, read
from tests.unit.publish.test_markdown import HOSTILE, PIECES

MAX_PIECES = 12  # pieces in one mixture


def measure(*, mixtures: int = 10_000, seed: int = 1) -> Figure:
    """What GitHub would render, run or notify, by kind."""
    rng = random.Random(seed)
    mixed = ["".join(rng.choices(PIECES, k=rng.randint(1, MAX_PIECES))) for _ in range(mixtures)]
    before, after = _alive(map(read, mixed)), _alive(_cleaned([*HOSTILE, *mixed]))
    return Figure(
        name=f"{len(HOSTILE)} hostile outputs and {mixtures:,} mixtures of {sum(before.values()):,} living parts",
        measured=f"{sum(after.values())} alive {dict(after) or ''}".strip(),
        target="0 images, HTML, foreign links, live mentions",
        reached=not after,
    )


def _cleaned(texts: Iterable[str]) -> Iterable[list[Seen]]:
    for text in texts:
        yield read(clean_markdown(text, redact=str))
        yield read(clean_line(text, redact=str))


def _alive(seen: Iterable[list[Seen]]) -> Counter[str]:
    return Counter(each.kind for one in seen for each in one)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mixtures", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print_figures([measure(mixtures=options.mixtures, seed=options.seed)])
