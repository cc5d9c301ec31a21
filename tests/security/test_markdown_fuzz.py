"""Hostile names, titles, quotes, suggestions, paths, and tables are inert for GitHub's own renderer."""

import random

import pytest

from tests.security.markdown_fuzz import OWN, PROSE, findings_in, hostile_text

INPUTS = 150  # for each surface; `python -m benchmarks.hostile --inputs 100000` reads more


@pytest.mark.parametrize("surface", [*PROSE, *OWN])
def test_nothing_that_quorum_posts_is_live_on_github(surface: str) -> None:
    rng = random.Random(surface)
    texts = [hostile_text(rng) for _ in range(INPUTS)]
    alive = [(text, seen) for text in texts for seen in findings_in(text, surface)]
    assert alive == []
