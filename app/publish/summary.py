"""The summary comment: what the change does, every finding with its place, what was rejected, covered, asked and paid.

Edited in place by every run. Nothing that a review knows is missing here; what is long is collapsed.
"""

from collections.abc import Sequence

from app.domain.finding import Document, Finding, Placement, Rejection, Walkthrough
from app.domain.publication import MarkerKind, marker
from app.domain.review import ReviewReport, StageResult, StageStatus
from app.publish.blocks import Block, code_span, compose, details, fence, render_diagram, table
from app.publish.comments import finding_blocks
from app.publish.markdown import clean_line, clean_markdown, plain_line
from app.publish.text import Redact, escape_html
from app.publish.wording import (
    BADGES,
    KEYLESS_NOTE,
    NO_PROBLEMS_BY_ANALYZERS,
    NO_PROBLEMS_LOOKED_FOR,
    count,
    is_read,
    is_searched,
    place,
    severity_counts,
    source_name,
    usage_line,
)

_SHOWN = {
    Placement.INLINE: "on the line",
    Placement.FILE: "on the file",
    Placement.SUMMARY: "below",
}
_LANGUAGES = {"openapi": "yaml", "html": "html"}
_MAX_DOCUMENT_CHARACTERS = 20_000
_MAX_TABLE_ROWS = 60


def render_summary(report: ReviewReport, *, key: str, redact: Redact) -> str:
    """The summary comment's body. `key` is the pull request's: there is one such comment on it."""
    return compose(
        summary_blocks(report, redact=redact),
        redact=redact,
        elsewhere="Quorum's dashboard has the whole report, the check runs have every finding.",
        marker=marker(MarkerKind.SUMMARY, key),
    )


def summary_blocks(report: ReviewReport, *, redact: Redact) -> list[Block]:
    """The blocks of the summary, most wanted first."""
    walkthroughs = [stage.walkthrough for stage in report.stages if stage.walkthrough]
    documents = [document for stage in report.stages for document in stage.documents]
    return [
        Block("the title", f"### {headline(report)}"),
        Block("the state of the review", _state(report, redact=redact)),
        *(block for walkthrough in walkthroughs for block in _walkthrough(walkthrough, redact=redact)),
        *_findings(report.findings, redact=redact),
        *_rejected(report.rejected, redact=redact),
        Block("the coverage", _coverage(report, redact=redact)),
        Block("the stages", details("Who was asked", _stages(report.stages, redact=redact))),
        Block("the notes", _notes(report, redact=redact)),
        *(Block("a document", _document(document, redact=redact)) for document in documents),
        Block("the figures", f"<sub>{_figures(report)}</sub>"),
    ]


def headline(report: ReviewReport) -> str:
    """`Quorum: 3 problems (1 critical, 2 medium)`; never good news where a stage was not reviewed."""
    if report.findings:
        return f"Quorum: {count(len(report.findings), 'problem')} ({severity_counts(report.findings)})"
    return f"Quorum: {_nothing_found(report)}"


def _nothing_found(report: ReviewReport) -> str:
    if any(stage.status is StageStatus.FAILED for stage in report.stages):
        return "not fully reviewed"
    if not is_searched(report):
        return NO_PROBLEMS_LOOKED_FOR
    return NO_PROBLEMS_BY_ANALYZERS if report.keyless else "no problems found"


def _state(report: ReviewReport, *, redact: Redact) -> str:
    lines = [KEYLESS_NOTE] if report.keyless else []
    for stage in report.stages:
        if stage.status is StageStatus.FAILED and not report.keyless:
            reason = clean_line(stage.error or "no reason is known", redact=redact)
            lines.append(f"**`{stage.stage}` was not reviewed:** {reason}")
    return "\n\n".join(lines)


def _walkthrough(walkthrough: Walkthrough, *, redact: Redact) -> list[Block]:
    rows = [(code_span(file.path), clean_line(file.change, redact=redact)) for file in walkthrough.files]
    files = table(("File", "Change"), rows[:_MAX_TABLE_ROWS]) + _more(rows, "file")
    return [
        Block("the walkthrough", clean_markdown(walkthrough.summary, redact=redact)),
        Block("the files of the walkthrough", details("Changes by file", files) if rows else ""),
        Block("the diagram", render_diagram(walkthrough.edges, redact=redact)),
    ]


def _findings(findings: Sequence[Finding], *, redact: Redact) -> list[Block]:
    if not findings:
        return []
    rows = [
        (BADGES[finding.severity], place(finding), _titled(finding, redact=redact), _SHOWN[finding.placement])
        for finding in findings
    ]
    shown = table(("Severity", "Where", "Problem", "Shown"), rows[:_MAX_TABLE_ROWS])
    hidden = _more(rows, "finding")
    below = [finding for finding in findings if finding.placement is Placement.SUMMARY]
    return [
        Block("the table of findings", shown + hidden),
        *(
            Block(f"{finding.path}:{finding.start_line}", _in_full(finding, redact=redact))
            for finding in below
        ),
    ]


def _titled(finding: Finding, *, redact: Redact) -> str:
    title = clean_line(finding.title, redact=redact, max_characters=160)
    return f"{title} (there before)" if finding.pre_existing else title


def _in_full(finding: Finding, *, redact: Redact) -> str:
    _, *blocks = finding_blocks(finding, redact=redact)  # the title stands on the fold
    title = escape_html(plain_line(finding.title.replace("`", ""), redact=redact, max_characters=160))
    return details(
        f"{BADGES[finding.severity]} · {title}",
        "\n\n".join(block.markdown for block in blocks if block.markdown),
    )


def _rejected(rejected: Sequence[Rejection], *, redact: Redact) -> list[Block]:
    lines = [
        f"- {place(rejection.finding)} {clean_line(rejection.finding.title, redact=redact, max_characters=160)} — "
        f"{clean_line(rejection.reason, redact=redact)}"
        for rejection in rejected
    ]
    if not lines:
        return []
    shown = "\n".join(lines[:_MAX_TABLE_ROWS]) + _more(lines, "claim")
    return [
        Block("the rejected claims", details(f"Not posted: {count(len(lines), 'claim')}, and why", shown))
    ]


def _coverage(report: ReviewReport, *, redact: Redact) -> str:
    coverage = report.coverage
    if not coverage.omitted:
        if not is_read(report):
            return ""
        return (
            f"Reviewed all {count(coverage.files, 'changed file')}."
            if coverage.files
            else "No changed files."
        )
    lines = [
        f"- {code_span(omission.path)} — {clean_line(omission.reason, redact=redact)}"
        for omission in coverage.omitted
    ]
    shown = "\n".join(lines[: _MAX_TABLE_ROWS * 5]) + _more(lines, "file", limit=_MAX_TABLE_ROWS * 5)
    read = f"Reviewed {coverage.reviewed:,} of {count(coverage.files, 'changed file')}; what was left out"
    return details(read if is_read(report) else "What would have been left out", shown)


def _stages(stages: Sequence[StageResult], *, redact: Redact) -> str:
    rows = [
        (
            f"`{stage.stage}`",
            "not reviewed" if stage.status is StageStatus.FAILED else str(stage.status),
            source_name(f"{stage.provider}:{stage.model or ''}") if stage.provider else "nobody",
            clean_line(" ".join(filter(None, [stage.route, stage.error])), redact=redact),
        )
        for stage in stages
    ]
    return table(("Stage", "Result", "Answered by", "Why"), rows)


def _notes(report: ReviewReport, *, redact: Redact) -> str:
    notes = [*report.notes, *(note for stage in report.stages for note in stage.notes)]
    lines = [f"- {clean_line(note, redact=redact, max_characters=500)}" for note in dict.fromkeys(notes)]
    return details("Notes", "\n".join(lines)) if lines else ""


def _document(document: Document, *, redact: Redact) -> str:
    title = f"**{clean_line(document.title, redact=redact, inside_strong=True)}**"
    text = redact(document.content)
    cut = text[:_MAX_DOCUMENT_CHARACTERS]
    said = f"… (cut after {len(cut):,} of {len(text):,} characters)" if len(cut) < len(text) else ""
    if document.format == "markdown":
        content = clean_markdown(cut, redact=redact, max_characters=len(cut))
    else:
        content = fence(cut, _LANGUAGES.get(document.format, ""))
    return details("Documentation", "\n\n".join(filter(None, [title, content, said])))


def _figures(report: ReviewReport) -> str:
    figures = usage_line(report.usage, duration_ms=report.duration_ms)
    return f"{figures} · at {code_span(report.head_sha[:12])}" if report.head_sha else figures


def _more(rows: Sequence[object], noun: str, *, limit: int = _MAX_TABLE_ROWS) -> str:
    left = len(rows) - limit
    return f"\n\n… and {count(left, noun)} more, in Quorum's dashboard." if left > 0 else ""
