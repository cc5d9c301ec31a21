"""SIGKILL at random moments: each accepted delivery has its effect on GitHub exactly once. `benchmarks/kills.py` kills 200 times."""

from pathlib import Path

import pytest

from tests.durability.killing import kill_many

pytestmark = pytest.mark.slow

SEED = 20_261_122


@pytest.mark.parametrize(("engine", "kills"), [("sqlite", 10), ("postgresql", 10)])
async def test_whichever_process_is_killed_every_head_gets_one_review_and_nothing_appears_twice(
    engine: str, kills: int, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = None if engine == "sqlite" else request.getfixturevalue("fresh_postgres")
    run = await kill_many(tmp_path, kills=kills, seed=SEED, database_url=url)
    assert run.faults == []
    assert run.accepted >= run.pulls > 3
