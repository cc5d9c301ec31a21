"""SIGKILL around the writes of a fix leaves one commit and one reply. `benchmarks/fix_kills.py` kills 50 times."""

from pathlib import Path

import pytest

from tests.durability.fixing import kill_around_fixes

pytestmark = pytest.mark.slow


async def test_a_kill_after_the_commit_the_branch_or_the_reply_leaves_one_of_each(tmp_path: Path) -> None:
    run = await kill_around_fixes(tmp_path, kills=3, first=2)
    assert run.faults == []
    assert (run.kills, run.commits, run.replies) == (3, 3, 3)
