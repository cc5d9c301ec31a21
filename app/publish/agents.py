"""Prompts for coding agents (Claude Code, Codex, Cursor and others): a finding with its place, reason, fix, and check, as inert text."""

from collections.abc import Sequence

from app.domain.finding import Finding
from app.publish.blocks import details, fence
from app.publish.markdown import plain_line, plain_prose
from app.publish.text import Redact, show_invisible
from app.publish.wording import clean_cwe, count, describe_lines

MAX_FINDINGS = 20
_MAX_CODE_CHARACTERS = 2_000
_MAX_PROMPT_CHARACTERS = 20_000
_SUMMARY = "Fix with an agent"


def render_agent_fold(finding: Finding, *, redact: Redact) -> str:
    """The fold of one finding, with a prompt to copy."""
    return details(_SUMMARY, fence(_prompt(finding, redact=redact), "text"))


def render_agents_fold(findings: Sequence[Finding], *, redact: Redact) -> str:
    """The fold of all open findings, as far as they fit; empty without findings."""
    if not findings:
        return ""
    prompts: list[str] = []
    room = _MAX_PROMPT_CHARACTERS
    for number, finding in enumerate(findings[:MAX_FINDINGS], 1):
        prompt = f"{number}. {_prompt(finding, redact=redact)}"
        room -= len(prompt)
        if room < 0:
            break
        prompts.append(prompt)
    left = len(findings) - len(prompts)
    more = [f"({count(left, 'more finding')} did not fit here.)"] if left else []
    return details(f"{_SUMMARY}: all findings", fence("\n\n".join([*prompts, *more]), "text"))


def _prompt(finding: Finding, *, redact: Redact) -> str:
    cwe = clean_cwe(finding.cwe)
    title = plain_line(finding.title, redact=redact, max_characters=200)
    parts = [
        f"In {show_invisible(finding.path)}, {describe_lines(finding)}: {title}{f' ({cwe})' if cwe else ''}",
        f"Why: {plain_prose(finding.explanation, redact=redact, max_characters=2_000)}",
        _code("The code", finding.quote, redact=redact),
        _code("Suggested replacement of these lines", finding.suggestion or "", redact=redact),
        (
            "First check that the defect is real. Then fix only this defect, add a test that fails without the fix, "
            "and run the project's tests."
        ),
    ]
    return "\n".join(part for part in parts if part)


def _code(label: str, code: str, *, redact: Redact) -> str:
    text = redact(code).strip("\n")
    if not text.strip():
        return ""
    cut = text[:_MAX_CODE_CHARACTERS]
    return f"{label}{' (start)' if len(cut) < len(text) else ''}:\n{cut}"
