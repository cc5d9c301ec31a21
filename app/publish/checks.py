"""The content of the three check runs: conclusion, text, annotations, buttons. Incomplete work never succeeds.

Limits: https://docs.github.com/en/rest/checks/runs#update-a-check-run
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from app.domain.configuration import Gate, RepositoryConfig
from app.domain.diff import Side
from app.domain.file_rules import ChangeRules, rules_without_overrides
from app.domain.finding import Finding, Placement, Severity, Stage
from app.domain.publication import AnnotationLevel, CheckAction, CheckAnnotation, Conclusion
from app.domain.review import LEFT_OUT, Omission, ReviewReport, StageResult, StageStatus
from app.publish.blocks import BodyBlock, code_span, compose
from app.publish.buttons import REREVIEW, buttons_of
from app.publish.comments import finding_blocks
from app.publish.gates import conclude, findings_of, render_gate
from app.publish.markdown import clean_line, clean_markdown, plain_line, plain_prose
from app.publish.notes import render_unread_rules
from app.publish.statement import Statement, make_statement
from app.publish.text import Redact
from app.publish.wording import (
    capitalized,
    clean_cwe,
    count,
    name_duplicates,
    render_lacking,
    short_location,
    source_name,
    usage_line,
)

MAX_ANNOTATIONS = 50  # of a check run: as many as GitHub takes in one request
CONFIG_PATH = ".github/quorum.yml"
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
    """The new content of a stage's check run; `text` has every finding, because some findings have no line to annotate."""

    stage: Stage
    title: str
    summary: str
    text: str = ""
    conclusion: Conclusion | None = None
    annotations: tuple[CheckAnnotation, ...] = ()
    actions: tuple[CheckAction, ...] = ()


def plan_check(
    result: StageResult,
    report: ReviewReport,
    *,
    config: RepositoryConfig,
    rules: ChangeRules | None = None,
    redact: Redact,
    unannotated: Collection[str] = (),
    lacking: Mapping[str, str] = MappingProxyType({}),
) -> CheckUpdate:
    """The completed check run of one stage. `unannotated`: fingerprints that get no annotation, because their lines belong to an older head.

    `lacking`: permissions (name → level) that the installation does not grant.
    `rules` has the settings of each file; None: the configuration has no overrides.
    """
    rules = rules or rules_without_overrides(config)
    findings = findings_of(result.stage, report.findings)
    said = make_statement(
        replace(report, stages=(result,), findings=tuple(findings)),
        clean=lambda text: clean_line(text, redact=redact, max_characters=1_000),
    )
    annotated = [each for each in findings if _is_annotatable(each) and each.fingerprint not in unannotated]
    annotated.sort(key=lambda finding: finding.severity.rank)
    return CheckUpdate(
        stage=result.stage,
        title=capitalized(said.headline) + _gate_note(findings, rules),
        summary=_summary(result, report, said, rules=rules, lacking=lacking, redact=redact),
        text=_text(findings, annotated=len(annotated), redact=redact),
        conclusion=conclude(result, report, rules=rules),
        annotations=tuple(_annotation(each, redact=redact) for each in annotated[:MAX_ANNOTATIONS]),
        actions=tuple(buttons_of(findings, config)),
    )


def starting_check(stage: Stage) -> CheckUpdate:
    """The check run while the review is in progress."""
    return CheckUpdate(stage=stage, title="Review in progress", summary="Quorum is reviewing this change.")


def answered_check(result: StageResult, *, claims: int) -> CheckUpdate:
    """The check run of a stage that has answered, while other stages or the checks of its claims are not finished."""
    answered = f"{source_name(f'{result.provider}')} has answered: {count(claims, 'claim') if claims else 'no claims'}."
    checked = "Quorum checks claims after all stages have answered, and posts none before." if claims else ""
    rest = "This check run completes together with the review."
    return CheckUpdate(
        stage=result.stage,
        title=f"Review in progress; {count(claims, 'claim') if claims else 'no claims'} so far",
        summary=" ".join(filter(None, [answered, checked, rest])),
    )


def superseded_check(stage: Stage) -> CheckUpdate:
    """The check run of a head that a newer head supersedes."""
    return CheckUpdate(
        stage=stage,
        title="Superseded by a newer commit",
        summary="A newer commit was pushed while this review ran. Quorum reviews that commit instead.",
        conclusion=Conclusion.CANCELLED,
    )


def cancelled_check(stage: Stage, *, reason: str) -> CheckUpdate:
    """The check run of a review that was stopped. `reason` is a clause about the pull request."""
    return CheckUpdate(
        stage=stage,
        title="Cancelled",
        summary=f"Quorum stopped the review of this pull request because {reason}.",
        conclusion=Conclusion.CANCELLED,
    )


def excluded_check(
    stage: Stage, *, exclusion: str, may_command: bool, conclusion: Conclusion, refusal: str = ""
) -> CheckUpdate:
    """The required check of a pull request that is excluded from review; `exclusion` is a clause about it.

    `refusal` says why the branch's rules are unknown. GitHub accepts a neutral check as a required one.
    """
    sentences = [f"Quorum did not review this commit because {exclusion}."]
    if conclusion is Conclusion.NEUTRAL:
        sentences.append("This check is neutral, so it does not block a merge.")
    if may_command:
        sentences.append("To have it reviewed anyway, comment `/rereview`.")
    if refusal:
        sentences.append(render_unread_rules(refusal))
    return CheckUpdate(
        stage=stage,
        title="Not reviewed",
        summary=" ".join(sentences),
        conclusion=conclusion,
        actions=(REREVIEW,) if may_command else (),
    )


def failed_check(stage: Stage, *, reason: str, gate: Gate, redact: Redact) -> CheckUpdate:
    """The check run of a review that failed as a whole. `reason` is one sentence."""
    return CheckUpdate(
        stage=stage,
        title="Not reviewed",
        summary=f"Not reviewed: {clean_line(reason, redact=redact)}\n\n{_RETRY}",
        conclusion=Conclusion.NEUTRAL if gate is Gate.OFF else Conclusion.FAILURE,
        actions=(REREVIEW,),
    )


def config_error_annotation(message: str, *, line: int = 1, redact: Redact) -> CheckAnnotation:
    """An annotation for an error in the repository's configuration file."""
    return CheckAnnotation(
        path=CONFIG_PATH,
        start_line=line,
        end_line=line,
        level=AnnotationLevel.WARNING,
        title="Invalid configuration",
        message=plain_prose(message, redact=redact),
    )


def is_sendable(path: str) -> bool:
    """Whether the path is valid UTF-8, so that GitHub accepts it."""
    return not any(0xD800 <= ord(sign) <= 0xDFFF for sign in path)


def _is_annotatable(finding: Finding) -> bool:
    return finding.side is Side.RIGHT and finding.start_line >= 1 and is_sendable(finding.path)


_RETRY = "Click **Review again** or comment `/rereview` to retry."


def _summary(
    result: StageResult,
    report: ReviewReport,
    said: Statement,
    *,
    rules: ChangeRules,
    lacking: Mapping[str, str],
    redact: Redact,
) -> str:
    walkthrough = result.walkthrough.summary if result.walkthrough else ""
    blocks = [
        BodyBlock("the result", said.text),
        BodyBlock("the way to try again", _RETRY if result.status is StageStatus.FAILED else ""),
        BodyBlock("the missing permissions", render_lacking(lacking)),
        BodyBlock("the walkthrough", clean_markdown(walkthrough, redact=redact)),
        BodyBlock("the files not reviewed", _unread(result, report, redact=redact)),
        BodyBlock("the gate", render_gate(result.stage, report.findings, rules)),
        BodyBlock("the model", _reviewed_by(result)),
        BodyBlock("the figures", _figures(result, report)),
    ]
    return compose(blocks, redact=redact, elsewhere=_ELSEWHERE, limit_bytes=_CHECK_LIMIT_BYTES)


def _figures(result: StageResult, report: ReviewReport) -> str:
    """The cost of the whole review, in the check run of its first stage only."""
    ran = [each.stage for each in report.stages if each.status is not StageStatus.SKIPPED]
    if ran[:1] != [result.stage]:
        return ""
    return f"The whole review: {usage_line(report.usage, duration_ms=report.duration_ms)}"


def _gate_note(findings: Sequence[Finding], rules: ChangeRules) -> str:
    """Why a check with findings does not fail."""
    gated = [finding for finding in findings if rules.of(finding.path).gate is not Gate.OFF]
    return " (no gate)" if findings and not gated else ""


def _unread(result: StageResult, report: ReviewReport, *, redact: Redact) -> str:
    coverage = report.coverage
    left_out = [Omission(path=path, reason=LEFT_OUT) for path in result.left_out]
    parts = (
        ("Not read, or only in part", [*coverage.unread, *coverage.partly]),
        ("Not read by this stage", left_out),
    )
    return "\n\n".join(_listed(title, omissions, redact=redact) for title, omissions in parts if omissions)


def _listed(title: str, omissions: Sequence[Omission], *, redact: Redact) -> str:
    lines = [f"- {code_span(each.path)}: {clean_line(each.reason, redact=redact)}" for each in omissions]
    more = f"\n- and {count(len(lines) - 100, 'more file')}" if len(lines) > 100 else ""
    return f"{title}:\n\n" + "\n".join(lines[:100]) + more


def _reviewed_by(result: StageResult) -> str:
    if not result.provider:
        return ""
    source = source_name(f"{result.provider}:{result.model or ''}")
    return f"Reviewed by {source}."


def _text(findings: Sequence[Finding], *, annotated: int, redact: Redact) -> str:
    blocks: list[BodyBlock] = []
    if annotated > MAX_ANNOTATIONS:
        note = f"Annotations show the {MAX_ANNOTATIONS} most severe of {annotated:,} findings."
        blocks.append(BodyBlock("the note on annotations", note))
    for finding in findings:
        shown = replace(finding, placement=Placement.SUMMARY)
        parts = [block.markdown for block in finding_blocks(shown, redact=redact) if block.markdown]
        blocks.append(BodyBlock(short_location(finding), "\n\n".join(parts)))
    return compose(blocks, redact=redact, elsewhere=_ELSEWHERE, limit_bytes=_CHECK_LIMIT_BYTES)


_ELSEWHERE = "See the annotations and the Quorum dashboard for the rest."


def _annotation(finding: Finding, *, redact: Redact) -> CheckAnnotation:
    cwe = f" ({clean_cwe(finding.cwe)})" if clean_cwe(finding.cwe) else ""
    places = name_duplicates(finding, show_place=lambda place: f"{place.path}:{place.start_line}")
    title = plain_line(f"{finding.severity.capitalize()}: {finding.title}", redact=redact, max_characters=220)
    return CheckAnnotation(
        path=finding.path,
        start_line=finding.start_line,
        end_line=finding.end_line,
        level=_LEVELS[finding.severity],
        title=f"{title}{cwe}"[:_MAX_TITLE_CHARACTERS],
        message=plain_prose(f"{finding.explanation}\n\n{places}".strip(), redact=redact),
    )
