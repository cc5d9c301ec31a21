"""Renders the parts of a question that come from the pull request or its configuration, each in a fence, or empty."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace

from app.domain.configuration import Gate, PathInstruction, RepositoryConfig
from app.domain.finding import Finding, Severity
from app.domain.pull_request import FailedCheck, PullRequest
from app.domain.review import ReviewContext
from app.prompting.prompts import fence, fence_json
from app.stages.material import SecretRedactor

MAX_BODY_CHARACTERS = 6_000
MAX_EARLIER = 40


def render_description(pull_request: PullRequest | None, secret: bytes) -> str:
    """Render title and body after `without_secrets`; never shown in security questions, because they bias the model."""
    if pull_request is None:
        return ""
    description = {"title": pull_request.title, "body": pull_request.body[:MAX_BODY_CHARACTERS]}
    return f"What the author says it does (may be wrong):\n{fence_json('description', description, secret)}"


def without_secrets(context: ReviewContext, redactor: SecretRedactor) -> ReviewContext:
    """Redact title and body before they are put into JSON, in which rules that span lines no longer match."""
    if context.pull_request is None:
        return context
    issues = tuple(
        replace(each, title=redactor.redact(each.title), body=redactor.redact(each.body))
        for each in context.issues
    )
    checks = tuple(_without_secrets(each, redactor) for each in context.failed_checks)
    clean = replace(
        context.pull_request,
        title=redactor.redact(context.pull_request.title),
        body=redactor.redact(context.pull_request.body),
    )
    return replace(context, pull_request=clean, issues=issues, failed_checks=checks)


def _without_secrets(check: FailedCheck, redactor: SecretRedactor) -> FailedCheck:
    notes = (
        replace(
            note,
            path=redactor.redact(note.path),
            title=redactor.redact(note.title),
            message=redactor.redact(note.message),
        )
        for note in check.notes
    )
    return FailedCheck(
        name=redactor.redact(check.name), title=redactor.redact(check.title), notes=tuple(notes)
    )


def render_instructions(instructions: Sequence[PathInstruction], secret: bytes) -> str:
    """Render the maintainers' instructions for these files."""
    if not instructions:
        return ""
    rows = _json_lines({"files": each.path, "mind": each.instructions} for each in instructions)
    return f"The maintainers ask to mind, within the rules above:\n{fence('instructions', rows, secret)}"


def render_remembered(remembered: Sequence[str], gate: Gate, secret: bytes) -> str:
    """Render what the team asked to remember. It cannot excuse a finding that is severe or that the gate counts."""
    if not remembered:
        return ""
    bar = Severity.MEDIUM if gate is Gate.MEDIUM else Severity.HIGH
    rows = _json_lines({"mind": each} for each in remembered)
    return (
        "The team asks to mind, within the rules above; it may ask for more care, or to leave out findings below "
        f"{bar.value}, never one of {bar.value} or above:\n{fence('remembered', rows, secret)}"
    )


def render_earlier(findings: Sequence[Finding], secret: bytes, *, with_titles: bool) -> str:
    """Render what was reported on an earlier head, so that it is not repeated."""
    if not findings:
        return ""
    rows = _json_lines(_typed(each, with_title=with_titles) for each in findings[:MAX_EARLIER])
    return f"Already reported on this pull request; do not repeat:\n{fence('reported', rows, secret)}"


def render_handover(findings: Sequence[Finding], secret: bytes) -> str:
    """Render the findings of earlier stages: location, rule and severity, no prose."""
    if not findings:
        return ""
    rows = _json_lines(_typed(each, with_title=False) for each in findings[:MAX_EARLIER])
    return f"Found by the stages before yours, not yet verified; do not report them:\n{fence('found', rows, secret)}"


def render_manner(config: RepositoryConfig, secret: bytes) -> str:
    """Render language and tone, unless they are the defaults."""
    parts: list[str] = []
    if config.language != "en":
        parts.append(
            f"Write all prose in the language {json.dumps(config.language)}; code and names stay as they are."
        )
    if config.tone:
        parts.append(f"The maintainers wish this tone:\n{fence_json('tone', config.tone, secret)}")
    return "\n".join(parts)


def _typed(finding: Finding, *, with_title: bool) -> dict[str, object]:
    row: dict[str, object] = {
        "path": finding.path,
        "line": finding.start_line,
        "rule_id": finding.rule_id,
        "severity": finding.severity.value,
    }
    return row | {"title": finding.title} if with_title else row


def _json_lines(rows: Iterable[dict[str, object]]) -> str:
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
