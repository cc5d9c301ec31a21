"""Diffs and findings for the tests of this room, made as the product meets them: diffs through the parser."""

import difflib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from app.domain.diff import Diff, Side
from app.domain.finding import Finding, Severity, Stage
from app.domain.patch import parse_diff
from app.findings.quotes import DiffIndex
from app.findings.suggestion import SourceOf

CLAUDE, GPT, GEMINI, RUFF = "claude:opus", "gpt:five", "gemini:pro", "analyzers:ruff"

FINDING = Finding(
    stage=Stage.REVIEW,
    severity=Severity.MEDIUM,
    rule_id="logic-error",
    path="pay.py",
    start_line=1,
    end_line=1,
    title="The total is wrong",
    explanation="It adds where it must subtract.",
    found_by=(CLAUDE,),
)


def finding(**fields: Any) -> Finding:
    """A finding that differs from `FINDING` in these fields; `line` sets both lines."""
    if "line" in fields:
        line = fields.pop("line")
        fields = {"start_line": line, "end_line": line, **fields}
    return replace(FINDING, **fields)


def diff_of(files: Mapping[str, tuple[str, str]], *, context: int = 3) -> Diff:
    """The diff of files given as path → (old text, new text); "" is a file that is not there."""
    parts: list[str] = []
    for path, (old, new) in files.items():
        names = (f"a/{path}" if old else "/dev/null", f"b/{path}" if new else "/dev/null")
        lines = difflib.unified_diff(old.splitlines(), new.splitlines(), *names, n=context, lineterm="")
        parts += [f"diff --git a/{path} b/{path}", *lines]
    return parse_diff("".join(part + "\n" for part in parts).encode())


def index_of(files: Mapping[str, tuple[str, str]], *, context: int = 3) -> DiffIndex:
    """The index of `diff_of`."""
    return DiffIndex(diff_of(files, context=context))


def sources_of(files: Mapping[str, tuple[str, str]]) -> SourceOf:
    """A `source_of` that knows these files."""

    def source_of(path: str, side: Side) -> str | None:
        return files[path][side is Side.RIGHT] if path in files else None

    return source_of
