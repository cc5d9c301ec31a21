"""The texts of a review on a pull request."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from app.domain.diff import Side
from app.domain.finding import Finding, Placement
from app.domain.publication import MarkerKind, marker
from app.domain.review import ReviewReport, StageStatus
from app.publish.blocks import Block, code_span, commands_bots, compose, details, fence, suggestion_fence
from app.publish.markdown import clean_line, clean_markdown
from app.publish.text import Redact, has_invisible
from app.publish.wording import (
    BADGES,
    KEYLESS_NOTE,
    clean_cwe,
    count,
    is_read,
    joined,
    lines_of,
    severity_counts,
    sources,
)

_MAX_SUGGESTION_BYTES = 20_000
_IN_THE_CHECKS = "The check run has the finding as an annotation."


def render_finding_comment(finding: Finding, *, redact: Redact) -> str:
    """The body of an inline comment, or of a comment on a file where that is the finding's placement."""
    kind = MarkerKind.FILE if finding.placement is Placement.FILE else MarkerKind.FINDING
    return compose(
        finding_blocks(finding, redact=redact),
        redact=redact,
        elsewhere=_IN_THE_CHECKS,
        marker=marker(kind, finding.fingerprint),
    )


def finding_blocks(finding: Finding, *, redact: Redact) -> list[Block]:
    """A finding in full: title, what is wrong and why, the fix, and in small print where it comes from."""
    heading = (
        f"**{BADGES[finding.severity]} · {clean_line(finding.title, redact=redact, inside_strong=True)}**"
    )
    where = "" if finding.placement is Placement.INLINE else f"{code_span(finding.path)}, {lines_of(finding)}"
    before = "This code stood before the change." if finding.pre_existing else ""
    return [
        Block("the title", heading),
        Block("the place", where),
        Block("the explanation", clean_markdown(finding.explanation, redact=redact)),
        Block("the note on its age", before),
        Block("the suggested fix", render_fix(finding, redact=redact)),
        Block("why it was confirmed", _confirmation(finding, redact=redact)),
        Block("the small print", _small_print(finding)),
    ]


def render_fix(finding: Finding, *, redact: Redact) -> str:
    """The fix as a block that GitHub can apply where that is right and safe, else as code to read; or nothing."""
    suggestion = finding.suggestion
    if suggestion is None:
        return ""
    if len(suggestion.encode("utf-8", "surrogatepass")) > _MAX_SUGGESTION_BYTES:
        return "The suggested fix is too long for a comment."
    if is_committable(finding, redact=redact):
        return suggestion_fence(suggestion)
    if not suggestion.strip():
        return f"Suggested fix: delete {lines_of(finding)}."
    language = PurePosixPath(finding.path).suffix.removeprefix(".")
    return f"Suggested fix, in place of {lines_of(finding)}:\n\n{fence(redact(suggestion), language)}"


def is_committable(finding: Finding, *, redact: Redact) -> bool:
    """Whether one click may put the suggestion into the code.

    GitHub applies a suggestion to the commented lines of the head alone
    (https://docs.github.com/en/pull-requests/collaborating-with-pull-requests/reviewing-changes-in-pull-requests);
    one that hides something, holds a secret or would command a bot is only shown.
    """
    suggestion = finding.suggestion
    return (
        suggestion is not None
        and finding.placement is Placement.INLINE
        and finding.side is Side.RIGHT
        and redact(suggestion) == suggestion
        and not has_invisible(suggestion)
        and not commands_bots(suggestion)
    )


def render_review_body(
    report: ReviewReport, *, findings: Sequence[Finding], review_id: str, redact: Redact, first: bool = True
) -> str:
    """The review's own text: counts and what was not reviewed; one line where nothing was found.

    `findings` are those that this review is about: on a push the new ones alone (`first` false).
    """
    result = _found(findings, first=first) if findings else _nothing_found(report, first=first)
    earlier = len(report.findings) - len(findings)
    still = (
        f"{count(earlier, 'problem')} shown earlier still {'stands' if earlier == 1 else 'stand'}."
        if earlier
        else ""
    )
    sentences = " ".join(filter(None, [result, still, *_reservations(report, redact=redact)]))
    return compose(
        [Block("the result", sentences)],
        redact=redact,
        elsewhere="The summary comment has it.",
        marker=marker(MarkerKind.REVIEW, review_id),
    )


def render_body_only_review(
    report: ReviewReport, *, findings: Sequence[Finding], review_id: str, redact: Redact
) -> str:
    """The review where GitHub took no place for a comment: all its findings in the body."""
    placed = [replace(finding, placement=Placement.SUMMARY) for finding in findings]
    blocks = [Block("the result", f"{_found(findings)} GitHub took no comment on the lines.")]
    for finding in placed:
        parts = [part.markdown for part in finding_blocks(finding, redact=redact) if part.markdown]
        blocks.append(Block(f"{finding.path}:{finding.start_line}", "\n\n".join(parts)))
    return compose(
        blocks,
        redact=redact,
        elsewhere="The check runs have these findings as annotations.",
        marker=marker(MarkerKind.REVIEW, review_id),
    )


def _found(findings: Sequence[Finding], *, first: bool = True) -> str:
    noun = "problem" if first else "new problem"
    said = f"Found {count(len(findings), noun)}: {severity_counts(findings)}."
    unplaced = sum(finding.placement is Placement.SUMMARY for finding in findings)
    match unplaced, len(findings):
        case 0, _:
            return said
        case 1, 1:
            return f"{said} It is in the summary comment."
        case some, every if some == every:
            return f"{said} They are in the summary comment."
        case some, _:
            return f"{said} {some} of them {'is' if some == 1 else 'are'} in the summary comment."


def _nothing_found(report: ReviewReport, *, first: bool) -> str:
    """Empty where every stage failed: then only what was not reviewed is said."""
    if not is_read(report):
        return ""
    coverage = report.coverage
    read = count(coverage.files, "file")
    if coverage.reviewed != coverage.files:
        read = f"{coverage.reviewed:,} of {read}; the summary names those not read"
    return f"Found no {'' if first else 'new '}problems in {read}."


def _reservations(report: ReviewReport, *, redact: Redact) -> list[str]:
    failed = [stage for stage in report.stages if stage.status is StageStatus.FAILED]
    if report.keyless:
        return [KEYLESS_NOTE]
    if not failed:
        return []
    names = joined([f"`{stage.stage}`" for stage in failed])
    reason = clean_line(failed[0].error or "", redact=redact).rstrip(".")
    return [f"Not reviewed: {names}{f' ({reason})' if reason else ''}."]


def _confirmation(finding: Finding, *, redact: Redact) -> str:
    if not (finding.confirmed_by and finding.verifier_evidence.strip()):
        return ""
    return details(
        "Why it was confirmed", clean_markdown(finding.verifier_evidence, redact=redact, max_characters=2_000)
    )


def _small_print(finding: Finding) -> str:
    rule = " ".join(filter(None, [clean_cwe(finding.cwe), code_span(finding.rule_id)]))
    return f"<sub>{' · '.join(filter(None, [str(finding.stage), rule, sources(finding)]))}</sub>"
