"""How much of a hostile text survives on GitHub: random mixtures on every surface that Quorum posts, read by cmark-gfm itself.

python -m benchmarks.hostile [--inputs 100000] [--seed 1]
"""

import argparse
import random
from collections import Counter

from benchmarks.figures import Figure, print_figures
from tests.security.markdown_fuzz import OWN, PROSE, findings_in, hostile_text
from tests.unit.publish.github_reader import read
from tests.unit.publish.test_markdown import HOSTILE

SURFACES_OF_ONE = 3  # of all surfaces, for one text


def measure(*, inputs: int = 2_000, seed: int = 1) -> Figure:
    """What GitHub would render, run or notify, and where its parser and the product's differ."""
    rng = random.Random(seed)
    before, after, examples = 0, Counter[str](), dict[str, str]()
    for text in (*HOSTILE, *(hostile_text(rng) for _ in range(inputs))):
        before += len(read(text))
        for surface in rng.sample([*PROSE, *OWN], SURFACES_OF_ONE):
            for seen in findings_in(text, surface):
                name = f"{seen.kind} in a {surface}"
                after[name] += 1
                examples[name] = min(examples.get(name, text), text, key=len)
    for name, text in examples.items():
        print(f"{name}: {text!r}")
    return Figure(
        name=f"{len(HOSTILE) + inputs:,} hostile texts with {before:,} living parts, each on {SURFACES_OF_ONE} of "
        f"{len(PROSE) + len(OWN)} surfaces",
        measured=f"{sum(after.values())} alive {dict(after) or ''}".strip(),
        target="0 alive and 0 differences between cmark-gfm and the product's parser",
        reached=not after,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print_figures([measure(inputs=options.inputs, seed=options.seed)])
