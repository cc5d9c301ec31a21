"""Runs a case's own check on the fixed files: in a process of its own, with limits, in a temporary directory.

The only place of Quorum that runs code of a change. The cases were written for this project, but their fixes are written
by models, so the process gets no key, no network where the system allows that, and little time and memory. It can read
what its user can read.
"""

import secrets
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from app.analyzers.runner import ProcessLimits, run
from app.domain.fix import FixedFile
from app.evaluation.cases import EvaluationCase

LIMITS = ProcessLimits(seconds=20.0, memory_bytes=2 << 30, output_bytes=1 << 20)
MAX_DETAIL = 200


class FixGrade(StrEnum):
    """What a fix is worth by the case's check, an analyzer or a judge."""

    RIGHT = "right"
    WRONG = "wrong"
    UNKNOWN = "unknown"  # nothing could tell


@dataclass(frozen=True, slots=True, kw_only=True)
class GradedFix:
    """The grade of a fix, who gave it (`check`, `analyzer` or `provider:model`), and why it is wrong."""

    grade: FixGrade
    by: str
    detail: str = ""


async def run_check(case: EvaluationCase, fixed: Sequence[FixedFile]) -> GradedFix:
    """Grade a fix by the case's check; `UNKNOWN` if there is none."""
    if case.check is None:
        return GradedFix(grade=FixGrade.UNKNOWN, by="check")
    with tempfile.TemporaryDirectory(prefix="quorum-check-") as name:
        directory = Path(name)
        _write_tree(case, fixed, directory / "tree")
        word = secrets.token_hex(16)
        result = await run(
            [sys.executable, "-I", "-S", "-B", str(_PROCESS), str(case.check)],
            directory=directory,
            stdin=f"{word}\n".encode(),
            limits=LIMITS,
        )
    if result.problem:
        return GradedFix(grade=FixGrade.WRONG, by="check", detail=f"The check {result.problem}.")
    return _graded(result.output.decode("utf-8", "replace"), word)


_PROCESS = Path(__file__).with_name("check_process.py")


def _write_tree(case: EvaluationCase, fixed: Sequence[FixedFile], tree: Path) -> None:
    shutil.copytree(case.base, tree)
    shutil.copytree(case.head, tree, dirs_exist_ok=True)
    for path in case.removed:
        (tree / path).unlink()
    for file in fixed:
        target = tree / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.after)


def _graded(output: str, word: str) -> GradedFix:
    """Read the line that starts with the word; without one, the process ended early."""
    lines = [line for line in output.split("\n") if line.startswith(f"{word} ")]
    said, _, detail = (
        (lines[-1] if lines else f"{word} wrong the check ended early").partition(" ")[2].partition(" ")
    )
    return GradedFix(grade=FixGrade(said), by="check", detail=detail[:MAX_DETAIL])
