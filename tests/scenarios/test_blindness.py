"""A small run of `benchmarks.blindness`: no planted finding ends green."""

import random

import pytest

from benchmarks.blind_changes import plant
from benchmarks.blindness import measure


@pytest.mark.parametrize("seed", [1, 2])
def test_no_planted_finding_ends_green(seed: int) -> None:
    figure = measure(changes=20, commands=0, seed=seed)
    assert figure.reached, figure.measured


def test_the_planted_files_differ() -> None:
    rng = random.Random(1)
    files = [plant(rng, number) for number in range(500)]
    assert len({file.content for file in files}) > 200
    assert {file.mode for file in files} == {"100644", "160000"}
