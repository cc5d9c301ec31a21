"""`quorum demo --once`, as a newcomer runs it: in an empty directory, without a key."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_demo_shows_the_whole_review_and_leaves_nothing_behind(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from app.cli import main; main()", "demo", "--once"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(ROOT), "COLUMNS": "160"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for station in ("gather", "analyze", "review", "security", "docs", "verify", "publish"):
        assert f"✓ {station}" in done.stdout
    for shown in ("The review", "The summary comment", "quorum/review", "quorum/security", "quorum/docs"):
        assert shown in done.stdout
    for text in (
        "Not reviewed by a model",
        "SQL query built from untrusted input",
        "Reviewed in",
        "Dashboard: http://127.0.0.1:",
    ):
        assert text in done.stdout
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []
