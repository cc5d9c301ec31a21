"""The report of `quorum eval` as text and as JSON. Pure."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from typing import Any

from app.evaluation.cases import CaseKind
from app.evaluation.figures import EvaluationFigures, ModelFigures, figures_of, model_rows, verification
from app.evaluation.judge import CaseRun, JudgedFinding, JudgeVerdict
from app.evaluation.tables import NOTHING, number, percent, render_table, usd
from app.evaluation.vendor_figures import render_vendors, vendor_rows

VERSION = 1

SCOPES: dict[str, Callable[[CaseRun], JudgeVerdict]] = {
    "before verification": lambda run: run.claimed,
    "after verification": lambda run: run.shown,
    "inline only": lambda run: run.inline,
}
_COLUMNS: dict[str, Callable[[EvaluationFigures], str]] = {
    "precision": lambda each: percent(each.precision),
    "lenient": lambda each: percent(each.lenient_precision),
    "recall": lambda each: percent(each.recall),
    "F1": lambda each: percent(each.f1),
    "comments/PR": lambda each: number(each.comments_per_case),
    "on line": lambda each: percent(each.line_accuracy),
    "found": lambda each: str(each.found),
    "missed": lambda each: str(each.missed),
    "false": lambda each: str(each.false),
    "plausible": lambda each: str(each.plausible),
}


def render_text(runs: Sequence[CaseRun], *, notes: Sequence[str]) -> str:
    """Render the tables, followed by notes and failures."""
    parts = [
        _heading(runs),
        _scopes(runs),
        *(_groups(runs, name, of) for name, of in _GROUPINGS.items()),
        _models(model_rows(runs)),
        render_vendors(vendor_rows(runs)),
        _verifier(runs),
        _cases(runs),
        "\n".join((*notes, *_failures(runs))),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def render_json(runs: Sequence[CaseRun], *, notes: Sequence[str]) -> str:
    """Render the same figures as JSON, with every finding and the defect it matches."""
    value = {
        "version": VERSION,
        "notes": [*notes, *_failures(runs)],
        "cases": len(runs),
        "figures": {name: _figures_value(figures_of(list(map(of, runs)))) for name, of in SCOPES.items()},
        "groups": {
            name: {
                key: _figures_value(figures_of([run.shown for run in group]))
                for key, group in _grouped(runs, of)
            }
            for name, of in _GROUPINGS.items()
        },
        "models": [asdict(row) for row in model_rows(runs)],
        "vendors": [asdict(row) for row in vendor_rows(runs)],
        "verification": asdict(verification(runs)),
        "cost_usd": sum(run.report.usage.cost_usd for run in runs),
        "results": [_case_value(run) for run in runs],
    }
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


_GROUPINGS: dict[str, Callable[[CaseRun], str]] = {
    "kind": lambda run: run.case.kind.value,
    "language": lambda run: run.case.language,
    "topic": lambda run: run.case.topic or NOTHING,
}


def _heading(runs: Sequence[CaseRun]) -> str:
    kinds = ", ".join(f"{sum(run.case.kind is kind for run in runs)} {kind}" for kind in CaseKind)
    usage = [run.report.usage for run in runs]
    calls, cost = sum(each.calls for each in usage), sum(each.cost_usd for each in usage)
    return f"{len(runs)} pull requests ({kinds}); {calls} calls, {cost:.4f} USD"


def _scopes(runs: Sequence[CaseRun]) -> str:
    rows = [(name, figures_of(list(map(of, runs)))) for name, of in SCOPES.items()]
    return _figures_table("", rows)


def _groups(runs: Sequence[CaseRun], name: str, of: Callable[[CaseRun], str]) -> str:
    rows = [(key, figures_of([run.shown for run in group])) for key, group in _grouped(runs, of)]
    return _figures_table(f"after verification, by {name}", rows)


def _grouped(runs: Sequence[CaseRun], of: Callable[[CaseRun], str]) -> Iterable[tuple[str, list[CaseRun]]]:
    groups: dict[str, list[CaseRun]] = {}
    for run in runs:
        groups.setdefault(of(run), []).append(run)
    return sorted(groups.items())


def _figures_table(title: str, rows: Sequence[tuple[str, EvaluationFigures]]) -> str:
    return render_table(
        (title, *_COLUMNS), [(name, *(show(each) for show in _COLUMNS.values())) for name, each in rows]
    )


def _models(rows: Sequence[ModelFigures]) -> str:
    head = ("prompt", "version", "model", "calls", "failed", "claims", "true", "in", "out", "USD")
    return render_table(
        head,
        [
            (
                row.prompt_id,
                row.prompt_version,
                row.model,
                *map(str, (row.calls, row.failed, row.claims, row.true)),
                f"{row.input_tokens:,}",
                f"{row.output_tokens:,}",
                usd(row.cost_usd),
            )
            for row in rows
        ],
    )


def _verifier(runs: Sequence[CaseRun]) -> str:
    each = verification(runs)
    if not any(asdict(each).values()):
        return ""
    return (
        f"verification of models' claims: {each.true_kept} true kept, {each.true_refuted} true refuted, "
        f"{each.false_kept} false kept, {each.false_refuted} false refuted"
    )


def _cases(runs: Sequence[CaseRun]) -> str:
    rows = [
        (
            run.case.name,
            *(f"{_found(of(run))}/{len(run.case.defects)} +{_false(of(run))}" for of in SCOPES.values()),
        )
        for run in runs
    ]
    return render_table(("found/known +false", *SCOPES), rows)


def _found(verdict: JudgeVerdict) -> int:
    return sum(each.is_true for each in verdict.judged)


def _false(verdict: JudgeVerdict) -> int:
    return sum(not each.is_true for each in verdict.judged)


def _failures(runs: Sequence[CaseRun]) -> list[str]:
    return [f"Failed stage: {run.case.name}, {failure}" for run in runs for failure in run.failures]


def _figures_value(each: EvaluationFigures) -> dict[str, Any]:
    names = (
        "precision",
        "lenient_precision",
        "recall",
        "f1",
        "comments_per_case",
        "line_accuracy",
        "comments",
    )
    return asdict(each) | {name: getattr(each, name) for name in names}


def _case_value(run: CaseRun) -> dict[str, Any]:
    shown = {each.finding.fingerprint for each in run.shown.judged}
    return {
        "case": run.case.name,
        "kind": run.case.kind.value,
        "findings": [_finding_value(each, shown) for each in run.claimed.judged],
        "missed": [defect.what for defect in run.shown.missed],
        "failures": list(run.failures),
    }


def _finding_value(each: JudgedFinding, shown: set[str]) -> dict[str, Any]:
    finding = each.finding
    return {
        "path": finding.path,
        "lines": [finding.start_line, finding.end_line],
        "rule_id": finding.rule_id,
        "severity": finding.severity.value,
        "title": finding.title,
        "found_by": list(finding.found_by),
        "confirmed_by": list(finding.confirmed_by),
        "worth": finding.worth,
        "verifier": finding.verifier_evidence,
        "placement": finding.placement.value if finding.fingerprint in shown else "rejected",
        "meets": each.defect.what if each.defect else None,
        "on_line": each.is_on_line,
        "duplicate": each.is_duplicate,
        "plausible": each.is_plausible,
    }
