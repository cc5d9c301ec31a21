"""Renders the summary comment: the walkthrough, all findings, rejected claims, coverage, models used, and cost.

Every run edits it in place. Long parts are collapsed.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from hashlib import sha256

from app.domain.diff import Side
from app.domain.finding import Document, Finding, Placement, Rejection, Stage, Walkthrough
from app.domain.publication import MarkerKind, marker
from app.domain.review import LEFT_OUT, Coverage, ReviewReport, StageResult, StageStatus
from app.publish.acceptance import is_decided, render_acceptance
from app.publish.agents import render_agents_fold
from app.publish.blocks import BodyBlock, code_span, compose, details, fence, render_diagram, table
from app.publish.comments import finding_blocks
from app.publish.markdown import clean_line, clean_markdown, plain_line
from app.publish.statement import Statement, make_statement
from app.publish.text import Redact, escape_html
from app.publish.undocumented import TITLE, render_rows
from app.publish.wording import (
    BADGES,
    count,
    location,
    short_location,
    source_name,
    usage_line,
)

_SHOWN = {
    Placement.INLINE: "inline",
    Placement.FILE: "file comment",
    Placement.SUMMARY: "below",
}
_LANGUAGES = {"openapi": "yaml", "html": "html"}
_MAX_DOCUMENT_CHARACTERS = 20_000
_MAX_TABLE_ROWS = 60
NEWEST_PUSH = "\n\n**Newest push:** "


def render_summary(report: ReviewReport, *, key: str, redact: Redact, files_url: str | None = None) -> str:
    """The body of the summary comment. `key` names the pull request, which has one such comment.

    Args:
        files_url: the page with the pull request's diff, to link the findings' comments.
    """
    help_line = BodyBlock("the help", "<sub>Comment `/help` to see what Quorum can do here.</sub>")
    return compose(
        [*summary_blocks(report, redact=redact, files_url=files_url), help_line],
        redact=redact,
        elsewhere="See the Quorum dashboard for the full report, and the check runs for every finding.",
        marker=marker(MarkerKind.SUMMARY, key),
    )


def summary_blocks(report: ReviewReport, *, redact: Redact, files_url: str | None = None) -> list[BodyBlock]:
    """The blocks of the summary, most important first."""
    walkthroughs = [stage.walkthrough for stage in report.stages if stage.walkthrough]
    documents = [document for stage in report.stages for document in stage.documents]
    said = make_statement(report, clean=lambda text: clean_line(text, redact=redact))
    return [
        BodyBlock("the title", f"### Quorum: {said.headline}"),
        BodyBlock("the state of the review", _state(said, report)),
        *_findings(report.findings, redact=redact, files_url=files_url),
        BodyBlock("the prompt for an agent", render_agents_fold(report.findings, redact=redact)),
        *(block for walkthrough in walkthroughs for block in _walkthrough(walkthrough, redact=redact)),
        *_rejected(report.rejected, redact=redact),
        *_left_out(report.coverage, report.stages, redact=redact),
        BodyBlock("the stages", details("Models used", _stages(report.stages, redact=redact))),
        BodyBlock("the notes", _notes(report, redact=redact)),
        *_documents(documents, redact=redact),
        BodyBlock("the figures", f"<sub>{_figures(report)}</sub>"),
    ]


def _state(said: Statement, report: ReviewReport) -> str:
    """What was not reviewed, and who read what; the title already counts the findings."""
    found = "" if report.findings else said.found
    return " ".join(filter(None, [said.failure, found, said.coverage]))


def _walkthrough(walkthrough: Walkthrough, *, redact: Redact) -> list[BodyBlock]:
    rows = [(code_span(file.path), clean_line(file.change, redact=redact)) for file in walkthrough.files]
    files = table(("File", "Change"), rows[:_MAX_TABLE_ROWS]) + _more(rows, "file")
    return [
        BodyBlock("the walkthrough", clean_markdown(walkthrough.summary, redact=redact)),
        BodyBlock("what the issues ask for", render_acceptance(walkthrough.acceptance, redact=redact)),
        BodyBlock("the files of the walkthrough", details("Changes by file", files) if rows else ""),
        BodyBlock("the diagram", render_diagram(walkthrough.edges, redact=redact)),
    ]


def _findings(findings: Sequence[Finding], *, redact: Redact, files_url: str | None) -> list[BodyBlock]:
    if not findings:
        return []
    rows = [
        (
            BADGES[finding.severity],
            _linked(finding, files_url),
            _titled(finding, redact=redact),
            _SHOWN[finding.placement],
        )
        for finding in findings
    ]
    shown = table(("Severity", "Location", "Problem", "Comment"), rows[:_MAX_TABLE_ROWS])
    hidden = _more(rows, "finding")
    below = [finding for finding in findings if finding.placement is Placement.SUMMARY]
    return [
        BodyBlock("the table of findings", shown + hidden),
        *(BodyBlock(short_location(finding), _in_full(finding, redact=redact)) for finding in below),
    ]


def _linked(finding: Finding, files_url: str | None) -> str:
    """The location, with a link to the line in the diff, where its comment is.

    GitHub's anchor is the SHA-256 of the path, the side, and the line.
    """
    if not files_url or finding.placement is Placement.SUMMARY or not finding.path.isprintable():
        return location(finding)
    anchor = f"#diff-{sha256(finding.path.encode()).hexdigest()}"
    side = "R" if finding.side is Side.RIGHT else "L"
    line = f"{side}{finding.end_line}" if finding.placement is Placement.INLINE else ""
    return f"[{location(finding)}]({files_url}{anchor}{line})"


def _titled(finding: Finding, *, redact: Redact) -> str:
    title = clean_line(finding.title, redact=redact, max_characters=160)
    return f"{title} (existing code)" if finding.pre_existing else title


def _in_full(finding: Finding, *, redact: Redact) -> str:
    _, *blocks = finding_blocks(finding, redact=redact)  # the collapsed section shows the title
    title = escape_html(plain_line(finding.title.replace("`", ""), redact=redact, max_characters=160))
    return details(
        f"{BADGES[finding.severity]} · {title}",
        "\n\n".join(block.markdown for block in blocks if block.markdown),
    )


def _rejected(rejected: Sequence[Rejection], *, redact: Redact) -> list[BodyBlock]:
    lines = [
        f"- {location(rejection.finding)} {clean_line(rejection.finding.title, redact=redact, max_characters=160)} — "
        f"{clean_line(rejection.reason, redact=redact)}"
        for rejection in rejected
    ]
    if not lines:
        return []
    shown = "\n".join(lines[:_MAX_TABLE_ROWS]) + _more(lines, "claim")
    return [BodyBlock("the rejected claims", details(f"Rejected claims ({len(lines):,})", shown))]


def _left_out(coverage: Coverage, stages: Sequence[StageResult], *, redact: Redact) -> list[BodyBlock]:
    """The files that were not read, or only in part or not by every stage, with the reasons."""
    lines = [
        f"- {code_span(each.path)} — {clean_line(each.reason, redact=redact)}{' (read in part)' if part else ''}"
        for omissions, part in ((coverage.omitted, False), (coverage.partly, True))
        for each in omissions
    ]
    lines += [
        f"- {code_span(path)} — {LEFT_OUT}: not read by {stage.stage}"
        for stage in stages
        if stage.status is not StageStatus.SKIPPED
        for path in stage.left_out
    ]
    if not lines:
        return []
    shown = "\n".join(lines[: _MAX_TABLE_ROWS * 5]) + _more(lines, "file", limit=_MAX_TABLE_ROWS * 5)
    return [BodyBlock("the files that were not read", details(f"Not read ({len(lines):,})", shown))]


def _stages(stages: Sequence[StageResult], *, redact: Redact) -> str:
    rows = [
        (
            f"`{stage.stage}`",
            str(stage.status),
            source_name(f"{stage.provider}:{stage.model or ''}") if stage.provider else "none",
            clean_line(" ".join(filter(None, [stage.route, stage.error])), redact=redact),
        )
        for stage in stages
    ]
    return table(("Stage", "Result", "Model", "Details"), rows)


def _notes(report: ReviewReport, *, redact: Redact) -> str:
    notes = [*report.notes, *(note for stage in report.stages for note in stage.notes)]
    lines = [f"- {clean_line(note, redact=redact, max_characters=500)}" for note in dict.fromkeys(notes)]
    return details("Notes", "\n".join(lines)) if lines else ""


def _documents(documents: Sequence[Document], *, redact: Redact) -> list[BodyBlock]:
    """One fold for each document, each with its own title."""
    folds: list[BodyBlock] = []
    titles: Counter[str] = Counter()
    for document in documents:
        name = escape_html(plain_line(document.title.replace("`", ""), redact=redact, max_characters=100))
        titles[name] += 1
        title = f"Documentation: {name}{f' ({titles[name]})' if titles[name] > 1 else ''}"
        fold = (
            render_rows(document, redact=redact)
            if document.rows
            else _document(document, title, redact=redact)
        )
        folds.append(BodyBlock(title, fold))
    return folds


def _document(document: Document, title: str, *, redact: Redact) -> str:
    text = redact(document.content)
    cut = text[:_MAX_DOCUMENT_CHARACTERS]
    note = f"… (truncated to {len(cut):,} of {len(text):,} characters)" if len(cut) < len(text) else ""
    if document.format == "markdown":
        content = clean_markdown(cut, redact=redact, max_characters=len(cut))
    else:
        content = fence(cut, _LANGUAGES.get(document.format, ""))
    return details(title, "\n\n".join(filter(None, [content, note])))


def _figures(report: ReviewReport) -> str:
    figures = usage_line(report.usage, duration_ms=report.duration_ms)
    return f"{figures} · commit {code_span(report.head_sha[:12])}" if report.head_sha else figures


def _more(rows: Sequence[object], noun: str, *, limit: int = _MAX_TABLE_ROWS) -> str:
    left = len(rows) - limit
    return f"\n\n… and {count(left, f'more {noun}')} in the Quorum dashboard." if left > 0 else ""


def with_earlier_walkthrough(
    report: ReviewReport, earlier: Sequence[StageResult], *, paths: Collection[str]
) -> ReviewReport:
    """Add the earlier walkthrough of the other files to the report of an incremental review.

    Args:
        paths: the files that the change touches now.
    """
    before = next((each for each in earlier if each.stage is Stage.DOCS and each.walkthrough), None)
    if before is None or before.walkthrough is None:
        return report
    earlier_walkthrough = before.walkthrough
    stages = (
        replace(
            result,
            walkthrough=_joined(earlier_walkthrough, result.walkthrough, paths),
            documents=_joined_documents(before.documents, result.documents),
        )
        if result.stage is Stage.DOCS and result.status is StageStatus.COMPLETED
        else result
        for result in report.stages
    )
    return replace(report, stages=tuple(stages))


def _joined_documents(known: Sequence[Document], new: Sequence[Document]) -> tuple[Document, ...]:
    """The table of missing documentation is always about the whole change; other documents replace earlier ones."""
    texts = [document for document in new if document.title != TITLE]
    kept = [document for document in known if document.title != TITLE]
    return (*(texts or kept), *(document for document in new if document.title == TITLE))


def _joined(known: Walkthrough, new: Walkthrough | None, paths: Collection[str]) -> Walkthrough:
    rows = {row.path: row for row in known.files if row.path in paths}
    if new is None:
        return replace(known, files=tuple(rows.values()))
    rows |= {row.path: row for row in new.files}
    whole = known.summary.split(NEWEST_PUSH, maxsplit=1)[0]
    return Walkthrough(
        summary=f"{whole}{NEWEST_PUSH}{new.summary}",
        files=tuple(rows.values()),
        edges=tuple(dict.fromkeys((*known.edges, *new.edges))),
        acceptance=new.acceptance if is_decided(new.acceptance) else known.acceptance or new.acceptance,
    )
