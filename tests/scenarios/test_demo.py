"""`quorum demo --once`, as a newcomer runs it: in an empty directory, without a key."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.prompting.prompts import Prompts

ROOT = Path(__file__).parents[2]


def run_demo(folder: Path, *options: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", "from app.cli import main; main()", "demo", "--once", *options],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(ROOT), "COLUMNS": "160"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert list(folder.iterdir()) == []  # it leaves nothing behind
    for station in ("gather", "analyze", "review", "security", "docs", "verify", "publish"):
        assert f"✓ {station}" in done.stdout
    for shown in (
        "The review",
        "The summary comment",
        "quorum/review",
        "Reviewed in",
        "Dashboard: http://127",
    ):
        assert shown in done.stdout
    return done.stdout


@pytest.mark.slow
def test_the_demo_replays_a_quorum_of_recorded_answers(tmp_path: Path) -> None:
    shown = run_demo(tmp_path)
    assert shown.count("Recorded answers; no key is set.") == 2
    for text in (
        "Claude, confirmed by GPT",
        "found by Claude and GPT, independently",
        "start = (page - 1) * PAGE_SIZE",
        "flowchart",
        "Next: `quorum review`",
    ):
        assert text in shown
    calls = [line.split()[:3] for line in shown.partition("The model calls")[2].splitlines()]
    assert ["docs", "gemini:gemini-3.8-flash", "unavailable"] in calls
    assert ["docs", "claude:claude-sonnet-5-5", "ok"] in calls
    assert "for 0.0000 USD" not in shown


@pytest.mark.slow
def test_the_demo_can_use_the_analyzers_only(tmp_path: Path) -> None:
    shown = run_demo(tmp_path, "--analyzers-only")
    assert "Analyzers only: no model is used." in shown
    assert "Not reviewed by a model" in shown
    assert "SQL query built from untrusted input" in shown
    assert "The model calls" not in shown


def test_the_recorded_answers_belong_to_the_prompts_of_this_release() -> None:
    recorded = json.loads((ROOT / "github_sandbox/sample/recorded/prompts.json").read_text())
    prompts = Prompts()
    assert recorded == {name: prompts.prompt(name).content_hash for name in recorded}, (
        "The prompts have changed since readers answered the demo's requests. The demo still runs, with the answers to the "
        'earlier prompts. Renew them: see "The recorded answers" in github_sandbox/README.md.'
    )
