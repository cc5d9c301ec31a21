"""The shared material is compact, numbered, redacted, fenced and the same for every stage; and whether a model reviewed a line."""

import re
from dataclasses import replace
from typing import Any

import pytest
from inline_snapshot import snapshot

from app.domain.diff import DiffLine, FileDiff, FileStatus, Hunk, LineKind
from app.domain.finding import Stage
from app.domain.model_call import Provider
from app.domain.review import Chunk, ContextSnippet, Guideline, StageResult, StageStatus
from app.stages import was_reviewed
from app.stages.material import MAX_LINE_CHARACTERS, render_file, render_material
from tests.unit.stages.fakes import PLAIN, SECRET, FakeRedactor, added_file, context_of, finding


def line(kind: LineKind, text: str, old: int | None, new: int | None) -> DiffLine:
    return DiffLine(kind=kind, text=text, old_line=old, new_line=new)


CHANGED = FileDiff(
    path="pay.py",
    status=FileStatus.MODIFIED,
    hunks=(
        Hunk(
            old_start=8,
            old_count=2,
            new_start=8,
            new_count=2,
            section="def pay(id):",
            lines=(
                line(LineKind.CONTEXT, "    db = connect()", 8, 8),
                line(LineKind.REMOVED, "    q = one(id)\r", 9, None),
                line(LineKind.ADDED, "    q = two(id)", None, 9),
            ),
        ),
    ),
)


def test_a_change_is_shown_with_line_numbers_guidelines_and_context() -> None:
    chunk = Chunk(
        files=(CHANGED,),
        snippets=(
            ContextSnippet(path="db.py", start_line=4, kind="definition", text="def connect():\n    ..."),
        ),
    )
    guidelines = (Guideline(path="AGENTS.md", text="Use two()."),)
    text = render_material(chunk, guidelines=guidelines, secret=SECRET, redactor=PLAIN)
    assert re.sub(r"-[0-9a-f]{16}>", "-HEX>", text) == snapshot("""\
<guidelines-HEX>
=== AGENTS.md
Use two().
</guidelines-HEX>

<diff-HEX>
=== pay.py (modified)
@@ def pay(id):
8|    db = connect()
9-    q = one(id)
9+    q = two(id)
</diff-HEX>

<context-HEX>
=== db.py
4|def connect():
5|    ...
</context-HEX>\
""")


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        (
            FileDiff(path="b.py", previous_path="a.py", status=FileStatus.RENAMED),
            "=== b.py (renamed from a.py, content unchanged)",
        ),
        (FileDiff(path="run.sh", status=FileStatus.CHANGED), "=== run.sh (changed, content unchanged)"),
        (FileDiff(path="e.py", status=FileStatus.ADDED), "=== e.py (added, empty)"),
        (
            FileDiff(path="a\n=== b.py (added)", status=FileStatus.ADDED),
            '=== "a\\n=== b.py (added)" (added, empty)',
        ),
    ],
)
def test_a_file_without_lines_says_what_it_is(file: FileDiff, expected: str) -> None:
    assert render_file(file, PLAIN) == expected


def test_a_removed_file_is_abbreviated() -> None:
    rows = tuple(line(LineKind.REMOVED, f"x{n}", n, None) for n in range(1, 201))
    hunk = Hunk(old_start=1, old_count=200, new_start=0, new_count=0, section="", lines=rows)
    shown = render_file(FileDiff(path="gone.py", status=FileStatus.REMOVED, hunks=(hunk,)), PLAIN)
    assert shown.count("\n") == 62
    assert shown.endswith("… 140 more removed lines")


def test_a_very_long_line_is_truncated_with_a_mark() -> None:
    shown = render_file(added_file("a.js", ["x" * (MAX_LINE_CHARACTERS + 7)]), PLAIN)
    assert shown.endswith("x […7 more characters]")


def test_a_secret_that_spans_lines_is_redacted_before_line_numbers_are_added() -> None:
    redactor = FakeRedactor("BEGIN\nKEY\nEND", "[REDACTED:pem]\n\n")
    shown = render_file(added_file("key.pem", ["BEGIN", "KEY", "END", "rest"]), redactor)
    assert "KEY" not in shown
    assert shown.endswith("4+rest")


def test_only_guidelines_of_the_changed_folders_are_shown() -> None:
    chunk = Chunk(files=(replace(CHANGED, path="src/pay/a.py"),))
    guidelines = [
        Guideline(path=path, text=f"text of {path}")
        for path in (
            "AGENTS.md",
            "src/pay/AGENTS.md",
            "src/user/AGENTS.md",
            ".github/copilot-instructions.md",
        )
    ]
    text = render_material(chunk, guidelines=guidelines, secret=SECRET, redactor=PLAIN)
    assert re.findall(r"text of (.*)", text) == [
        "AGENTS.md",
        "src/pay/AGENTS.md",
        ".github/copilot-instructions.md",
    ]


def test_the_compact_form_is_hardly_longer_than_the_patch() -> None:
    body = [f"    total_{n} = compute(amount_{n}, rate, currency=currency)" for n in range(100)]
    shown = render_file(added_file("src/pay/totals.py", body, start=100), PLAIN)
    patch = "diff --git a/src/pay/totals.py b/src/pay/totals.py\n" + "\n".join(f"+{text}" for text in body)
    assert len(shown) <= 1.1 * len(patch)


CHUNKS = context_of([added_file("a.py", ["x = 1", "y = 2"])]).chunks


def result(**changes: Any) -> StageResult:
    values: dict[str, Any] = {
        "stage": Stage.SECURITY,
        "status": StageStatus.COMPLETED,
        "provider": Provider.GPT,
    }
    return StageResult(**(values | changes))


def read(answered: StageResult, path: str = "a.py", line: int = 2) -> bool:
    claim = finding(path, stage=Stage.SECURITY, start_line=line, end_line=line)
    return was_reviewed(claim, [answered], CHUNKS)


def test_a_line_shown_to_the_stages_model_was_reviewed() -> None:
    assert read(result())
    assert read(result(provider=Provider.LOCAL))


@pytest.mark.parametrize(
    "unread",
    [
        result(status=StageStatus.FAILED),
        result(status=StageStatus.SKIPPED, provider=None),
        result(provider=Provider.ANALYZERS),
        result(provider=None),
        result(stage=Stage.REVIEW),
    ],
    ids=["failed or half done", "skipped", "keyless", "nothing new to read", "another stage"],
)
def test_a_stage_without_an_answer_reviewed_nothing(unread: StageResult) -> None:
    assert not read(unread)


def test_code_outside_the_chunks_was_not_reviewed() -> None:
    assert not read(result(), path="b.py")
    assert not read(result(), line=3)
