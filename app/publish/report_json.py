"""The report as JSON, version 1, exactly as documented for `--format json`. Never prose, never Markdown."""

import json
from typing import Any

from app.domain.finding import Finding
from app.domain.review import ReviewReport
from app.publish.markdown import Redact

REPORT_VERSION = 1


def render_json(report: ReviewReport, *, redact: Redact) -> str:
    """The report as indented JSON text. Bytes of a name that are no UTF-8 are `\\udc80` escapes."""
    text = json.dumps(report_value(report, redact=redact), ensure_ascii=False, indent=2)
    return text.encode("utf-8", "backslashreplace").decode() + "\n"


def report_value(report: ReviewReport, *, redact: Redact) -> dict[str, Any]:
    """The report as JSON values."""
    return {
        "version": REPORT_VERSION,
        "findings": [_finding(finding, redact=redact) for finding in report.findings],
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
            }
            for stage in report.stages
        ],
        "coverage": {
            "files": report.coverage.files,
            "reviewed": report.coverage.reviewed,
            "omitted": [{"path": left.path, "reason": left.reason} for left in report.coverage.omitted],
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
        "duration_ms": report.duration_ms,
    }


def _finding(finding: Finding, *, redact: Redact) -> dict[str, Any]:
    return {
        "id": finding.fingerprint,
        "stage": finding.stage.value,
        "severity": finding.severity.value,
        "rule_id": finding.rule_id,
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
    }
