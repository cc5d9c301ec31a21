"""The three check runs: conclusion, texts, annotations, buttons. Never green for work that was not done.

Limits: https://docs.github.com/en/rest/checks/runs#update-a-check-run
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from app.domain.configuration import Gate, RepositoryConfig
from app.domain.diff import Side
from app.domain.finding import Finding, Placement, Severity, Stage
from app.domain.model_call import Provider
from app.domain.publication import AnnotationLevel, CheckAction, CheckAnnotation, Conclusion
from app.domain.review import Coverage, Omission, ReviewReport, StageResult, StageStatus
from app.publish.blocks import Block, code_span, compose
from app.publish.comments import finding_blocks
from app.publish.markdown import clean_line, clean_markdown, plain_line, plain_prose
from app.publish.text import Redact
from app.publish.wording import (
    KEYLESS_NOTE,
    clean_cwe,
    count,
    render_lacking,
    severity_counts,
    source_name,
    usage_line,
)

REREVIEW = CheckAction(
    label="Review again", description="Run all stages on the newest commit", identifier="rereview"
)
DISMISS_LOW = CheckAction(
    label="Dismiss all low", description="Dismiss findings of low severity", identifier="dismiss_low"
)
CONFIG_PATH = ".github/quorum.yml"
# Files whose content nobody needs to read. Every other omission is work not done, and keeps the check from being green.
HARMLESS_OMISSIONS = frozenset({"binary", "generated", "ignored", "lock file", "submodule", "vendored"})
_LEVELS = {
    Severity.CRITICAL: AnnotationLevel.FAILURE,
    Severity.HIGH: AnnotationLevel.FAILURE,
    Severity.MEDIUM: AnnotationLevel.WARNING,
    Severity.LOW: AnnotationLevel.NOTICE,
    Severity.INFO: AnnotationLevel.NOTICE,
}
_MAX_TITLE_CHARACTERS = 255
_CHECK_LIMIT_BYTES = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckUpdate:
    """What a stage's check run is to say; `text` names every finding: not all have a line to annotate."""

    stage: Stage
    title: str
    summary: str
    text: str = ""
    conclusion: Conclusion | None = None
    annotations: tuple[CheckAnnotation, ...] = ()
    actions: tuple[CheckAction, ...] = ()


def conclude(result: StageResult, report: ReviewReport, *, gate: Gate) -> Conclusion:
    """The contract's table. Findings of the stage count wherever they are shown."""
    findings = findings_of(result.stage, report.findings)
    if gate is not Gate.OFF and any(finding.severity.at_least(Severity(gate.value)) for finding in findings):
        return Conclusion.FAILURE
    if result.status is StageStatus.SKIPPED:
        return Conclusion.NEUTRAL
    if not_reviewed(result, report):
        return Conclusion.NEUTRAL if gate is Gate.OFF else Conclusion.FAILURE
    nothing_to_read = report.coverage.files > 0 and report.coverage.reviewed == 0
    return Conclusion.NEUTRAL if findings or nothing_to_read else Conclusion.SUCCESS


def not_reviewed(result: StageResult, report: ReviewReport) -> bool:
    """Whether a stage's work was not done: it failed, no model was asked, or a file stayed unread."""
    by_nobody = report.keyless or result.provider is Provider.ANALYZERS
    return result.status is StageStatus.FAILED or by_nobody or bool(unread(report))


def unread(report: ReviewReport) -> list[Omission]:
    """The files that should have been read and were not."""
    return [omission for omission in report.coverage.omitted if omission.reason not in HARMLESS_OMISSIONS]


def findings_of(stage: Stage, findings: Sequence[Finding]) -> list[Finding]:
    """The findings that a stage's check run is about."""
    return [finding for finding in findings if finding.stage is stage]


def plan_check(
    result: StageResult,
    report: ReviewReport,
    *,
    config: RepositoryConfig,
    redact: Redact,
    unmarked: Collection[str] = (),
    lacking: Mapping[str, str] = MappingProxyType({}),
) -> CheckUpdate:
    """The finished check run of one stage. `unmarked` are fingerprints whose lines are those of an older head.

    `lacking` are permissions (name → level) that the installation does not grant.
    """
    findings = findings_of(result.stage, report.findings)
    low = any(finding.severity.rank >= Severity.LOW.rank for finding in findings)
    return CheckUpdate(
        stage=result.stage,
        title=_title(result, report, findings),
        summary=_summary(result, report, gate=config.gate, lacking=lacking, redact=redact),
        text=_text(findings, redact=redact),
        conclusion=conclude(result, report, gate=config.gate),
        annotations=tuple(
            _annotation(finding, redact=redact)
            for finding in findings
            if _has_place(finding) and finding.fingerprint not in unmarked
        ),
        actions=(REREVIEW, DISMISS_LOW) if low else (REREVIEW,),
    )


def starting_check(stage: Stage) -> CheckUpdate:
    """What a check run says while the review runs."""
    return CheckUpdate(stage=stage, title="Review is running", summary="Quorum is reading this change.")


def superseded_check(stage: Stage) -> CheckUpdate:
    """What the check run of an older head says when a newer one takes its place."""
    return CheckUpdate(
        stage=stage,
        title="Superseded by a newer commit",
        summary="A newer commit was pushed while this review ran. Quorum reviews that one instead.",
        conclusion=Conclusion.CANCELLED,
    )


def failed_check(stage: Stage, *, reason: str, gate: Gate, redact: Redact) -> CheckUpdate:
    """What a check run says when the review broke off as a whole. `reason` is one sentence."""
    return CheckUpdate(
        stage=stage,
        title="Not reviewed",
        summary=f"Not reviewed: {clean_line(reason, redact=redact)}\n\n{_RETRY}",
        conclusion=Conclusion.NEUTRAL if gate is Gate.OFF else Conclusion.FAILURE,
        actions=(REREVIEW,),
    )


def config_error_annotation(message: str, *, line: int = 1, redact: Redact) -> CheckAnnotation:
    """A mistake in the repository's configuration, marked in its file."""
    return CheckAnnotation(
        path=CONFIG_PATH,
        start_line=line,
        end_line=line,
        level=AnnotationLevel.WARNING,
        title="This configuration is not used as it stands",
        message=plain_prose(message, redact=redact),
    )


def is_sendable(path: str) -> bool:
    """Whether a path can be named to GitHub; one with bytes that are no UTF-8 cannot."""
    return not any(0xD800 <= ord(sign) <= 0xDFFF for sign in path)


def _has_place(finding: Finding) -> bool:
    return finding.side is Side.RIGHT and finding.start_line >= 1 and is_sendable(finding.path)


_RETRY = "Press “Review again”, or comment `/rereview`, to try once more."


def _title(result: StageResult, report: ReviewReport, findings: Sequence[Finding]) -> str:
    found = f"{count(len(findings), 'finding')}: {severity_counts(findings)}" if findings else ""
    state = _state(result, report)
    return "; ".join(filter(None, [state, found])) or "No findings"


def _state(result: StageResult, report: ReviewReport) -> str:
    """What keeps the result from being a whole one; empty where nothing does."""
    if result.status is StageStatus.SKIPPED:
        return "Not run"
    if report.keyless:
        return "No model was asked"
    if result.status is StageStatus.FAILED or result.provider is Provider.ANALYZERS:
        return "Not reviewed"
    if unread(report):
        return f"{count(len(unread(report)), 'file')} not read"
    return "Nothing to review" if report.coverage.files and not report.coverage.reviewed else ""


def _summary(
    result: StageResult, report: ReviewReport, *, gate: Gate, lacking: Mapping[str, str], redact: Redact
) -> str:
    walkthrough = result.walkthrough.summary if result.walkthrough else ""
    blocks = [
        Block("the reason", _reason(result, report, redact=redact)),
        Block("what is off", render_lacking(lacking)),
        Block("the walkthrough", clean_markdown(walkthrough, redact=redact)),
        Block("the coverage", _coverage(result, report.coverage)),
        Block("the unread files", _unread(report, redact=redact)),
        Block("the gate", _gate(gate)),
        Block("who answered", _answered(result)),
        Block("the figures", usage_line(report.usage, duration_ms=report.duration_ms)),
    ]
    return compose(blocks, redact=redact, elsewhere=_ELSEWHERE, limit_bytes=_CHECK_LIMIT_BYTES)


def _coverage(result: StageResult, coverage: Coverage) -> str:
    """Empty where the stage has read nothing."""
    if result.status is not StageStatus.COMPLETED:
        return ""
    return f"Read {coverage.reviewed:,} of {count(coverage.files, 'changed file')}."


def _reason(result: StageResult, report: ReviewReport, *, redact: Redact) -> str:
    said = clean_line(result.error or "", redact=redact, max_characters=1_000)
    if result.status is StageStatus.SKIPPED:
        return f"Not run: {said or 'this stage was not asked for.'}"
    if report.keyless:
        return KEYLESS_NOTE
    if result.status is StageStatus.FAILED:
        return f"Not reviewed: {said or 'no model gave a usable answer.'}\n\n{_RETRY}"
    return said


def _unread(report: ReviewReport, *, redact: Redact) -> str:
    left = unread(report)
    if not left:
        return ""
    lines = [
        f"- {code_span(omission.path)}: {clean_line(omission.reason, redact=redact)}" for omission in left
    ]
    more = f"\n- and {count(len(left) - 100, 'file')} more" if len(left) > 100 else ""
    return "Not read, so this is no clean bill:\n\n" + "\n".join(lines[:100]) + more


def _gate(gate: Gate) -> str:
    if gate is Gate.OFF:
        return ""
    return f"The gate is `{gate}`: a finding of that severity or worse, or a stage that was not reviewed, fails this check."


def _answered(result: StageResult) -> str:
    if not result.provider:
        return ""
    source = source_name(f"{result.provider}:{result.model or ''}")
    return f"Answered by {source}."


def _text(findings: Sequence[Finding], *, redact: Redact) -> str:
    blocks: list[Block] = []
    for finding in findings:
        shown = replace(finding, placement=Placement.SUMMARY)
        parts = [block.markdown for block in finding_blocks(shown, redact=redact) if block.markdown]
        blocks.append(Block(f"{finding.path}:{finding.start_line}", "\n\n".join(parts)))
    return compose(blocks, redact=redact, elsewhere=_ELSEWHERE, limit_bytes=_CHECK_LIMIT_BYTES)


_ELSEWHERE = "The annotations and Quorum's dashboard have the rest."


def _annotation(finding: Finding, *, redact: Redact) -> CheckAnnotation:
    cwe = f" ({clean_cwe(finding.cwe)})" if clean_cwe(finding.cwe) else ""
    title = plain_line(f"{finding.severity.capitalize()}: {finding.title}", redact=redact, max_characters=220)
    return CheckAnnotation(
        path=finding.path,
        start_line=finding.start_line,
        end_line=finding.end_line,
        level=_LEVELS[finding.severity],
        title=f"{title}{cwe}"[:_MAX_TITLE_CHARACTERS],
        message=plain_prose(finding.explanation, redact=redact),
    )
