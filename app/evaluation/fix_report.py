"""The report of `quorum eval --fix` as text and as JSON. Pure."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from app.evaluation.fix_figures import (
    KnownFixFigures,
    by_confirmer,
    by_fixer,
    by_grader,
    fix_figures,
    refusals,
)
from app.evaluation.fixing import FixRun
from app.evaluation.tables import NOTHING, call_rows, percent, render_calls, render_table
from app.publish.fixes import explain_fix_problem

VERSION = 1
MAX_REASON = 160
_COUNTS = ("defects", "proposed", "confirmed", "right", "wrong", "ungraded", "refused", "refused_right")
_HEADS = tuple(name.replace("_", " but ") for name in _COUNTS)


def render_fix_text(runs: Sequence[FixRun], *, notes: Sequence[str]) -> str:
    """Render the tables, followed by the refused and wrong fixes and the notes."""
    parts = [
        _figures("", [("all", fix_figures(runs))]),
        _figures("by fixing model", by_fixer(runs)),
        _figures("by confirming model", by_confirmer(runs)),
        _figures("by grader, confirmed fixes", by_grader(runs)),
        _refusals(runs),
        render_calls(call_rows([call for run in runs for call in run.calls])),
        _cases(runs),
        "\n".join(notes),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def render_fix_json(runs: Sequence[FixRun], *, notes: Sequence[str]) -> str:
    """Render the same figures as JSON, with every fix."""
    value = {
        "version": VERSION,
        "notes": list(notes),
        "figures": asdict(fix_figures(runs)),
        "fixers": {name: asdict(each) for name, each in by_fixer(runs)},
        "confirmers": {name: asdict(each) for name, each in by_confirmer(runs)},
        "graders": {name: asdict(each) for name, each in by_grader(runs)},
        "refusals": [
            {"reason": code, "proposals": count, "final": last} for code, count, last in refusals(runs)
        ],
        "calls": [asdict(row) for row in call_rows([call for run in runs for call in run.calls])],
        "results": [_result(run) for run in runs],
    }
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _figures(title: str, rows: Sequence[tuple[str, KnownFixFigures]]) -> str:
    if not rows:
        return ""
    return render_table(
        (title, *_HEADS, "right of answered"),
        [
            (name, *(str(getattr(each, count)) for count in _COUNTS), percent(each.right_share))
            for name, each in rows
        ],
    )


def _refusals(runs: Sequence[FixRun]) -> str:
    rows = refusals(runs)
    if not rows:
        return ""
    return render_table(
        ("why proposals were not used", "proposals", "final"),
        [(code, str(count), str(last)) for code, count, last in rows],
    )


def _cases(runs: Sequence[FixRun]) -> str:
    rows = [(run.case.name, _state(run), _grade(run), _reason(run)) for run in runs]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _state(run: FixRun) -> str:
    if run.waits:
        return "waits for an answer"
    return run.made.status.value if run.made else NOTHING


def _grade(run: FixRun) -> str:
    return f"{run.graded.grade} ({run.graded.by})" if run.graded else NOTHING


def _reason(run: FixRun) -> str:
    """Why the fix is wrong or was refused."""
    if run.graded and run.is_wrong:
        return run.graded.detail[:MAX_REASON]
    if run.made and run.made.problems and not run.is_confirmed:
        return " ".join(explain_fix_problem(run.made.problems[-1]).split())[:MAX_REASON]
    return ""


def _result(run: FixRun) -> dict[str, Any]:
    made, graded = run.made, run.graded
    return {
        "case": run.case.name,
        "defect": run.defect.what,
        "status": made.status.value if made else None,
        "fixed_by": made.fixed_by if made else None,
        "confirmed_by": made.confirmed_by if made else None,
        "sentence": made.sentence if made else "",
        "edits": [asdict(edit) for edit in made.edits] if made else [],
        "problems": [{**asdict(each), "code": each.code.value} for each in made.problems] if made else [],
        "grade": graded.grade.value if graded else None,
        "graded_by": graded.by if graded else None,
        "detail": graded.detail if graded else "",
    }
