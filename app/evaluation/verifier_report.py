"""The report of `quorum eval --verifier` as text and as JSON. Pure."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from app.domain.finding import Judgement
from app.evaluation.tables import NOTHING, call_rows, number, percent, render_calls, render_table
from app.evaluation.verifier_figures import ClaimFigures, VerifierFigures, verifier_figures, verifier_groups
from app.evaluation.verifying import ClaimsRun, JudgedClaim

VERSION = 1
_HEAD = ("claims", "confirmed", "refuted", "unsure", "unanswered", "mean worth", "worth ≥ 5")


def render_verifier_text(runs: Sequence[ClaimsRun], *, notes: Sequence[str]) -> str:
    """Render the tables, followed by the wrong verdicts and the notes."""
    judged = [each for run in runs for each in run.judged]
    true = [each for each in judged if each.claim.is_true]
    false = [each for each in judged if not each.claim.is_true]
    parts = [
        _summary(judged, changes=len(runs)),
        _both("all claims", [("all", verifier_figures(judged))]),
        _both("by model and prompt version", verifier_groups(judged, _by_model)),
        _one(
            "true claims, by wording", [(name, each.true) for name, each in verifier_groups(true, _wording)]
        ),
        _one("false claims, by kind", [(name, each.false) for name, each in verifier_groups(false, _kind)]),
        render_calls(call_rows([call for run in runs for call in run.calls])),
        "\n".join(_line(each) for each in judged if not _is_good(each)),
        "\n".join(notes),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def render_verifier_json(runs: Sequence[ClaimsRun], *, notes: Sequence[str]) -> str:
    """Render the same figures as JSON, with every verdict."""
    judged = [each for run in runs for each in run.judged]
    value = {
        "version": VERSION,
        "notes": list(notes),
        "changes": len(runs),
        "figures": _value(verifier_figures(judged)),
        "models": {name: _value(each) for name, each in verifier_groups(judged, _by_model)},
        "wordings": {name: _value(each) for name, each in verifier_groups(judged, _wording)},
        "kinds": {
            name: _value(each)
            for name, each in verifier_groups([each for each in judged if not each.claim.is_true], _kind)
        },
        "calls": [asdict(row) for row in call_rows([call for run in runs for call in run.calls])],
        "results": [_result(each) for each in judged],
    }
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _summary(judged: Sequence[JudgedClaim], *, changes: int) -> str:
    figures = verifier_figures(judged)
    return (
        f"{len(judged)} claims about {changes} changes: {percent(figures.true.confirmed_share)} of the true ones kept, "
        f"{percent(figures.false.refuted_share)} of the false ones refuted"
    )


def _by_model(each: JudgedClaim) -> str:
    return f"{each.verdict.by} {each.prompt_version}" if each.verdict else NOTHING


def _wording(each: JudgedClaim) -> str:
    return each.claim.wording.value


def _kind(each: JudgedClaim) -> str:
    return each.claim.kind.value if each.claim.kind else NOTHING


def _both(title: str, rows: Sequence[tuple[str, VerifierFigures]]) -> str:
    return _one(
        title,
        [
            (f"{name}, {truth}", figures)
            for name, each in rows
            for truth, figures in (("true", each.true), ("false", each.false))
            if figures.claims
        ],
    )


def _one(title: str, rows: Sequence[tuple[str, ClaimFigures]]) -> str:
    return render_table((title, *_HEAD), [(name, *_cells(each)) for name, each in rows]) if rows else ""


def _cells(each: ClaimFigures) -> list[str]:
    return [
        str(each.claims),
        f"{each.confirmed} ({percent(each.confirmed_share)})",
        f"{each.refuted} ({percent(each.refuted_share)})",
        str(each.unsure),
        str(each.unanswered),
        number(each.mean_worth),
        percent(each.inline_share),
    ]


def _is_good(each: JudgedClaim) -> bool:
    """Whether the verdict is right, or there is none."""
    right = Judgement.CONFIRMED if each.claim.is_true else Judgement.REFUTED
    return each.judgement in (right, None)


def _line(each: JudgedClaim) -> str:
    truth = "true" if each.claim.is_true else "false"
    return f"{each.judgement} though {truth}: {each.case}, {each.claim.path}:{each.claim.lines[0]}: {each.claim.claim}"


def _value(each: VerifierFigures) -> dict[str, Any]:
    return {
        name: asdict(figures)
        | {"confirmed_share": figures.confirmed_share, "refuted_share": figures.refuted_share}
        for name, figures in (("true", each.true), ("false", each.false))
    }


def _result(each: JudgedClaim) -> dict[str, Any]:
    verdict = each.verdict
    return {
        "case": each.case,
        "path": each.claim.path,
        "lines": list(each.claim.lines),
        "claim": each.claim.claim,
        "is_true": each.claim.is_true,
        "kind": each.claim.kind.value if each.claim.kind else None,
        "wording": each.claim.wording.value,
        "judgement": each.judgement.value if each.judgement else None,
        "worth": verdict.worth if verdict else None,
        "by": verdict.by if verdict else None,
        "evidence": verdict.evidence if verdict else "",
        "restated": verdict.restated if verdict else None,
    }
