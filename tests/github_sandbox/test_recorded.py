"""Recorded answers belong to a task and to a finding: its fix, the judgement of the fix, and the verdict on the fixed code."""

import json
from dataclasses import replace
from typing import Any

import pytest

from github_sandbox.recorded import NotRecordedError, Recording

FIX: dict[str, Any] = {
    "path": "pay.py",
    "claim": "The total is wrong",
    "fix": {"edits": [{"path": "pay.py", "old": "a", "new": "b"}], "sentence": "Add the tax"},
    "judgement": {"evidence": "b", "removes_defect": True, "changes_nothing_else": True, "breaks_nothing": True},
    "after": {"verdict": "refuted", "evidence": "It adds the tax.", "worth": 0},
}  # fmt: skip
RECORDING = Recording(answers={}, verdicts=[], out=(), fixes=[FIX])


def question(task: str, title: str = "The total is wrong") -> str:
    finding = json.dumps({"path": "pay.py", "title": title})
    return f"# Task: {task}\n<finding-0a>\n{finding}\n</finding-0a>\n"


def test_a_recorded_fix_answers_the_questions_about_its_finding() -> None:
    assert RECORDING.answer(question("fix")) == FIX["fix"]
    assert RECORDING.answer(question("judge a fix")) == FIX["judgement"]
    claim = json.dumps({"id": "c1", "path": "pay.py", "finding": "The total is wrong", "lines_then": "a"})
    still = f"# Task: is it still wrong\n<claims-0a>\n{claim}\n</claims-0a>\n"
    assert RECORDING.answer(still)["verdicts"] == [{"same_as": None, "id": "c1", **FIX["after"]}]


def test_a_finding_is_not_reported_again_when_its_recorded_fix_is_there() -> None:
    finding = {"path": "pay.py", "quote": "a = 1", "title": "Wrong"}
    fix = {"edits": [{"path": "pay.py", "old": "a = 1\n", "new": "check()\na = 1\n"}], "sentence": "Check"}
    recording = replace(
        RECORDING, answers={"correctness": [{"findings": [finding]}]}, fixes=[{**FIX, "fix": fix}]
    )
    assert recording.answer("# Task: correctness\n2+a = 1")["findings"] == [finding]
    assert recording.answer("# Task: correctness\n2+check()\n3|a = 1")["findings"] == []


def test_a_fix_that_nobody_recorded_is_refused() -> None:
    for task in ("fix", "judge a fix"):
        with pytest.raises(NotRecordedError):
            RECORDING.answer(question(task, "Another finding"))
