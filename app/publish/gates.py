"""The conclusion of a check run and its gate: one gate for all files, or one for each file if `overrides` say so."""

from collections.abc import Sequence

from app.domain.configuration import Gate
from app.domain.file_rules import ChangeRules, FileRules
from app.domain.finding import Finding, Stage
from app.domain.model_call import Provider
from app.domain.publication import Conclusion
from app.domain.review import ReviewReport, StageResult, StageStatus
from app.publish.blocks import code_span
from app.publish.wording import count, joined, location

_MAX_PATHS = 3


def conclude(
    result: StageResult, report: ReviewReport, *, gate: Gate = Gate.OFF, rules: ChangeRules | None = None
) -> Conclusion:
    """The conclusion of a stage's check run. Findings count no matter where they are shown.

    `rules` has the gate of each file; without it, `gate` is the gate of all files.
    """
    rules = rules or ChangeRules(default=FileRules(gate=gate))
    findings = findings_of(result.stage, report.findings)
    if any(rules.of(finding.path).is_failed_by(finding.severity) for finding in findings):
        return Conclusion.FAILURE
    if result.status is StageStatus.SKIPPED:
        return Conclusion.NEUTRAL
    if not_reviewed(result, report):
        is_gated = rules.gate(result.stage, _unread_paths(result, report)) is not Gate.OFF
        return Conclusion.FAILURE if is_gated else Conclusion.NEUTRAL
    read_everything = 0 < report.coverage.reviewed == report.coverage.files and not result.left_out
    return Conclusion.SUCCESS if read_everything and not findings else Conclusion.NEUTRAL


def not_reviewed(result: StageResult, report: ReviewReport) -> bool:
    """Whether a stage's work is incomplete: it failed, no model reviewed the change, or a file was not read completely."""
    coverage = report.coverage
    return (
        result.status is StageStatus.FAILED
        or _is_without_model(result, report)
        or bool(coverage.unread or coverage.partly)
    )


def _is_without_model(result: StageResult, report: ReviewReport) -> bool:
    return report.keyless or result.provider is Provider.ANALYZERS


def _unread_paths(result: StageResult, report: ReviewReport) -> set[str] | None:
    """The files that the stage did not read, or only in part; None if it may have read none."""
    is_whole = result.status is StageStatus.FAILED and not result.unread_paths
    if is_whole or _is_without_model(result, report):
        return None
    incomplete = (*report.coverage.unread, *report.coverage.partly)
    return {*result.unread_paths, *(each.path for each in incomplete)}


def findings_of(stage: Stage, findings: Sequence[Finding]) -> list[Finding]:
    """The findings of one stage."""
    return [finding for finding in findings if finding.stage is stage]


def render_gate(stage: Stage, findings: Sequence[Finding], rules: ChangeRules) -> str:
    """Say which finding or gap fails the check; empty if the stage has no gate."""
    gates = _gates(stage, rules)
    if set(gates) == {Gate.OFF}:
        return ""
    if len(gates) == 1:
        gate = next(iter(gates))
        return f"The gate is `{gate}`: this check fails for a finding of that severity or higher, or if the review is incomplete."
    parts = [f"{_named(gate)} for {_paths(gates[gate])}" for gate in Gate if gate in gates]
    failing = [
        finding
        for finding in findings
        if finding.stage is stage and rules.of(finding.path).is_failed_by(finding.severity)
    ]
    return " ".join(
        [
            f"The gate depends on the file: {joined(parts)}.",
            "This check fails for a finding at or above the gate of its file, or if a file with a gate was not read completely.",
            _failing(failing),
        ]
    ).strip()


def _gates(stage: Stage, rules: ChangeRules) -> dict[Gate, list[str]]:
    """The files that the stage reads, by gate."""
    if not rules.by_path:
        return {rules.default.gate: []}
    gates: dict[Gate, list[str]] = {}
    for path, each in rules.by_path.items():
        if stage in each.stages:
            gates.setdefault(each.gate, []).append(path)
    return gates or {Gate.OFF: []}


def _named(gate: Gate) -> str:
    return "none" if gate is Gate.OFF else f"`{gate}`"


def _paths(paths: Sequence[str]) -> str:
    if len(paths) > _MAX_PATHS:
        return count(len(paths), "file")
    return joined([code_span(path) for path in paths])


def _failing(findings: Sequence[Finding]) -> str:
    if not findings:
        return ""
    shown = [location(finding) for finding in findings[:_MAX_PATHS]]
    more = [count(len(findings) - _MAX_PATHS, "more finding")] if len(findings) > _MAX_PATHS else []
    return f"It fails because of {joined([*shown, *more])}."
