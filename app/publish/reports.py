"""The report for `--format json`, `markdown`, and `text`.

The text report strips control characters from prose and escapes them in names, so that no finding can move the cursor.
"""

import json
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from app.domain.finding import Document, DuplicatePlace, Finding, Placement, Rejection, Severity
from app.domain.lookup import LookedUp
from app.domain.model_call import Provider, vendors_of
from app.domain.review import LEFT_OUT, ReviewReport
from app.publish.frames import CodeFrames, FrameLine
from app.publish.statement import make_statement
from app.publish.summary import summary_blocks
from app.publish.text import Redact, show_invisible, show_invisible_lines, strip_invisible
from app.publish.wording import (
    clean_cwe,
    count,
    joined,
    name_duplicates,
    name_explained,
    rule_name,
    usage_line,
)

REPORT_VERSION = 1


def render_json(report: ReviewReport, *, redact: Redact) -> str:
    """The report as indented JSON; bytes that are not UTF-8 become `\\udc80` escapes."""
    text = json.dumps(report_value(report, redact=redact), ensure_ascii=False, indent=2)
    return text.encode("utf-8", "backslashreplace").decode() + "\n"


def report_value(report: ReviewReport, *, redact: Redact) -> dict[str, Any]:
    """The report as JSON values."""
    return {
        "version": REPORT_VERSION,
        "result": make_statement(report, clean=redact).text,
        "findings": [finding_value(finding, redact=redact) for finding in report.findings],
        "rejected": [
            {"title": redact(rejection.finding.title), "reason": redact(rejection.reason)}
            for rejection in report.rejected
        ],
        "stages": [
            {
                "stage": stage.stage.value,
                "status": stage.status.value,
                "provider": stage.provider.value if stage.provider else None,
                "model": stage.model,
                "error": redact(stage.error) if stage.error else None,
                "left_out": list(stage.left_out),
            }
            for stage in report.stages
        ],
        "coverage": {
            "files": report.coverage.files,
            "reviewed": report.coverage.reviewed,
            "omitted": [{"path": left.path, "reason": left.reason} for left in report.coverage.omitted],
            "partly": [{"path": part.path, "reason": part.reason} for part in report.coverage.partly],
        },
        "documents": [
            {"format": document.format, "title": redact(document.title), "content": redact(document.content)}
            for stage in report.stages
            for document in stage.documents
        ],
        "usage": {
            "calls": report.usage.calls,
            "input_tokens": report.usage.input_tokens,
            "cached_input_tokens": report.usage.cached_input_tokens,
            "output_tokens": report.usage.output_tokens,
            "cost_usd": report.usage.cost_usd,
        },
        "lookups": [_lookup(each, redact=redact) for each in report.looked_up],
        "duration_ms": report.duration_ms,
    }


def _lookup(looked: LookedUp, *, redact: Redact) -> dict[str, Any]:
    return {
        "by": looked.by,
        "kind": looked.kind.value,
        "name": redact(looked.name) if looked.name else None,
        "path": redact(looked.path) if looked.path else None,
        "start_line": looked.start_line,
        "end_line": looked.end_line,
        "unavailable": looked.unavailable.value if looked.unavailable else None,
    }


def finding_value(finding: Finding, *, redact: Redact) -> dict[str, Any]:
    """A finding as the JSON report and the MCP tools show it."""
    return {
        "id": finding.fingerprint,
        "stage": finding.stage.value,
        "severity": finding.severity.value,
        "rule_id": finding.rule_id,
        **({"own_rule": finding.own_rule} if rule_name(finding) != finding.rule_id else {}),
        "cwe": finding.cwe,
        "path": finding.path,
        "start_line": finding.start_line,
        "end_line": finding.end_line,
        "side": finding.side.value,
        "title": redact(finding.title),
        "explanation": redact(finding.explanation),
        "suggestion": redact(finding.suggestion) if finding.suggestion is not None else None,
        "found_by": list(finding.found_by),
        "confirmed_by": list(finding.confirmed_by),
        "placement": finding.placement.value,
        "explains_check": finding.explains_check or None,
        "duplicates": [{"path": each.path, "start_line": each.start_line} for each in finding.duplicates],
    }


def render_markdown(report: ReviewReport, *, redact: Redact) -> str:
    """The whole report as one Markdown document: the summary, with every finding in full."""
    placed = tuple(replace(finding, placement=Placement.SUMMARY) for finding in report.findings)
    blocks = summary_blocks(replace(report, findings=placed), redact=redact)
    text = redact("\n\n".join(block.markdown for block in blocks if block.markdown.strip()))
    return text.encode("utf-8", "backslashreplace").decode() + "\n"


def _plain_place(place: DuplicatePlace) -> str:
    return f"{show_invisible(place.path)}:{place.start_line}"


_RESET = "\x1b[0m"
_BOLD = "\x1b[1m"
_DIM = "\x1b[2m"
_COLORS = {
    Severity.CRITICAL: "\x1b[1;31m",
    Severity.HIGH: "\x1b[31m",
    Severity.MEDIUM: "\x1b[33m",
    Severity.LOW: "\x1b[36m",
    Severity.INFO: "\x1b[2m",
}
_INDENT = "    "


def render_text(
    report: ReviewReport,
    *,
    redact: Redact,
    color: bool = False,
    width: int = 100,
    frames: CodeFrames | None = None,
) -> str:
    """The whole report as text, wrapped at `width` columns; `frames` shows the code of findings."""
    writer = _TextWriter(redact=redact, color=color, width=width, frames=frames)
    text = redact("\n".join(writer.lines(report)))
    return text.encode("utf-8", "backslashreplace").decode() + "\n"


class _TextWriter:
    """Wraps, cleans, and colors lines."""

    def __init__(self, *, redact: Redact, color: bool, width: int, frames: CodeFrames | None) -> None:
        self._redact = redact
        self._color = color
        self._width = width
        self._frames = frames

    def lines(self, report: ReviewReport) -> Iterator[str]:
        said = make_statement(report, clean=self._clean)
        if said.failure:
            yield from self._wrapped(said.failure, "", _BOLD)
        yield from [""] if said.failure and report.findings else []
        for finding in report.findings:
            yield from (*self._finding(finding), "")
        if said.found:
            yield from self._wrapped(said.found, "", _BOLD)
        if said.coverage:
            yield from self._wrapped(said.coverage)
        yield from self._left_out(report)
        yield from self._rejected(report.rejected)
        yield from self._documents([d for stage in report.stages for d in stage.documents])
        yield from self._notes(report)
        yield self._styled(usage_line(report.usage, duration_ms=report.duration_ms), _DIM)

    def _finding(self, finding: Finding) -> Iterator[str]:
        badge = self._styled(f"{finding.severity.upper():<8}", _COLORS[finding.severity])
        span = f"-{finding.end_line}" if finding.end_line > finding.start_line else ""
        yield f"{badge} {show_invisible(finding.path)}:{finding.start_line}{span}"
        yield from self._wrapped(finding.title, _INDENT, _BOLD)
        if self._frames:
            yield from self._code(self._frames.frame(finding), _COLORS[finding.severity])
        yield from self._wrapped(finding.explanation, _INDENT)
        if finding.explains_check:
            yield from self._wrapped(name_explained(finding, show_name=lambda name: f'"{name}"'), _INDENT)
        if finding.duplicates:
            yield from self._wrapped(name_duplicates(finding, show_place=_plain_place), _INDENT)
        if finding.suggestion is not None:
            yield (
                f"{_INDENT}Suggested fix:"
                if finding.suggestion.strip()
                else f"{_INDENT}Suggested fix: delete these lines."
            )
            for line in show_invisible_lines(self._redact(finding.suggestion)).removesuffix("\n").split("\n"):
                yield f"{_INDENT}  | {line}"
        yield from self._wrapped(_origin(finding), _INDENT, _DIM)

    def _code(self, frame: Sequence[FrameLine], color: str) -> Iterator[str]:
        """Numbered lines; `>` marks those of the finding, also without colors."""
        digits = max((len(str(line.number)) for line in frame if line.number), default=0)
        for line in frame:
            if line.number is None:
                yield self._styled(f"{_INDENT}  {'':>{digits}} … {line.text}", _DIM)
                continue
            text = f"{_INDENT}{'>' if line.is_marked else ' '} {line.number:>{digits}} | {line.text}".rstrip()
            cut = f"{text[: self._width - 1]}…" if len(text) > self._width else text
            yield self._styled(cut, color if line.is_marked else _DIM)

    def _left_out(self, report: ReviewReport) -> Iterator[str]:
        coverage = report.coverage
        for label, omissions in (("not read", coverage.omitted), ("read in part", coverage.partly)):
            for each in omissions:
                yield f"{_INDENT}{label}: {show_invisible(each.path)} ({show_invisible(each.reason)})"
        for stage in report.stages:
            for path in stage.left_out:
                yield f"{_INDENT}not read by {stage.stage}: {show_invisible(path)} ({LEFT_OUT})"

    def _rejected(self, rejected: Sequence[Rejection]) -> Iterator[str]:
        if rejected:
            yield f"Rejected {count(len(rejected), 'claim')}:"
        for rejection in rejected:
            finding = rejection.finding
            where = f"{show_invisible(finding.path)}:{finding.start_line}"
            yield from self._wrapped(f"{where} {finding.title}: {rejection.reason}", _INDENT)

    def _documents(self, documents: Sequence[Document]) -> Iterator[str]:
        for document in documents:
            yield ""
            yield self._styled(f"Documentation: {' '.join(strip_invisible(document.title).split())}", _BOLD)
            yield from strip_invisible(self._redact(document.content)).removesuffix("\n").split("\n")
            yield ""

    def _notes(self, report: ReviewReport) -> Iterator[str]:
        notes = [*report.notes, *(note for stage in report.stages for note in stage.notes)]
        for note in dict.fromkeys(notes):
            yield from self._wrapped(f"Note: {note}")

    def _wrapped(self, text: str, indent: str = "", style: str = "") -> list[str]:
        lines: list[str] = []
        for line in strip_invisible(self._redact(text)).strip().split("\n"):
            wrapped = textwrap.wrap(
                line,
                self._width,
                initial_indent=indent,
                subsequent_indent=indent,
                break_long_words=False,
                break_on_hyphens=False,
            )
            lines += [self._styled(part, style) for part in wrapped] or [""]
        return lines

    def _clean(self, text: str) -> str:
        return " ".join(strip_invisible(self._redact(text)).split())

    def _styled(self, text: str, style: str) -> str:
        return f"{style}{text}{_RESET}" if self._color and style else text


def _origin(finding: Finding) -> str:
    independently = ", independently" if len(vendors_of(finding.found_by)) > 1 else ""
    found = f"found by {_names(finding.found_by)}{independently}" if finding.found_by else ""
    confirmed = f"confirmed by {_names(finding.confirmed_by)}" if finding.confirmed_by else ""
    age = "existing code" if finding.pre_existing else ""
    words = [finding.stage.value, clean_cwe(finding.cwe), rule_name(finding), found, confirmed, age]
    return show_invisible(" · ".join(filter(None, words)))


def _names(finders: Sequence[str]) -> str:
    return joined([name.removeprefix(f"{Provider.ANALYZERS}:") for name in finders])
