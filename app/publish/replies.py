"""Quorum's replies to commands and questions on a pull request.

Every function returns a complete body with its marker. `key` names what the reply answers, such as a comment's id.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from app.domain.configuration import RepositoryConfig
from app.domain.finding import Finding
from app.domain.publication import MarkerKind, marker
from app.domain.review import GuidelineCut
from app.domain.rules import rule_for
from app.publish.blocks import BodyBlock, code_span, compose, fence, table
from app.publish.markdown import clean_line, clean_markdown
from app.publish.notes import render_guideline_cut
from app.publish.text import Redact
from app.publish.wording import BADGES, count, location, source_name, sources

COMMANDS = (
    (
        "/rereview [review|security|docs] [full]",
        "Review again, all stages or one. `full` reviews the whole change, not only new commits.",
    ),
    ("/ask TEXT", "Ask a question about this change."),
    ("/explain", "In a thread: explain the finding."),
    ("/dismiss [TEXT]", "In a thread: dismiss the finding. Quorum remembers the reason."),
    ("/undismiss ID", "Restore a dismissed finding."),
    (
        "/fix [all|critical|high|medium]",
        "In a thread: fix the finding. With a word: fix all open findings, or those of this severity or higher.",
    ),
    ("/resolve", "Resolve the threads of fixed findings."),
    ("/remember TEXT", "Remember an instruction for all reviews of this repository."),
    ("/forget ID", "Remove a remembered instruction."),
    ("/pause", "Stop reviewing new pushes to this pull request."),
    ("/resume", "Resume reviews of new pushes."),
    ("/config [PATH]", "Show the configuration of this pull request, or of one file."),
    ("/help", "Show this list."),
)
_ELSEWHERE = "Ask for less at a time to see it."


def render_help(*, key: str) -> str:
    """`/help`: the commands and who may use them."""
    rows = [(code_span(command), meaning) for command, meaning in COMMANDS]
    return render_reply(
        "People with write access can use these commands on the first line of a comment:",
        _table(rows),
        key=key,
    )


def render_answer(answer: str, *, answered_by: str | None, key: str, redact: Redact, offer: str = "") -> str:
    """`/ask` and `/explain`: a model's answer; `answered_by` is `provider:model`, `offer` a line about `/remember`."""
    text = clean_markdown(answer, redact=redact, max_characters=20_000) or "The model returned no answer."
    by = f"<sub>{source_name(answered_by)}</sub>" if answered_by else ""
    return render_reply(text, offer, by, key=key, redact=redact)


def render_no_answer(reason: str, finding: Finding | None = None, *, key: str, redact: Redact) -> str:
    """No model answered the question: the reason and, in a thread, the recorded evidence."""
    evidence = _recorded_evidence(finding, redact=redact) if finding else ""
    return render_reply(
        f"Could not answer: {clean_line(reason, redact=redact)}", evidence, key=key, redact=redact
    )


def _recorded_evidence(finding: Finding, *, redact: Redact) -> str:
    evidence = (("Evidence", finding.evidence), ("Verification", finding.verifier_evidence))
    evidence_lines = [
        f"- {label}: {clean_line(text, redact=redact)}" for label, text in evidence if text.strip()
    ]
    rule = rule_for(finding.rule_id)
    lines = [f"- {rule.title} ({', '.join(filter(None, [code_span(rule.id), rule.cwe]))})", *evidence_lines]
    return "\n".join(["Recorded evidence for this finding:", "", *lines, f"- {sources(finding)}"])


def render_paused(*, key: str) -> str:
    """`/pause`."""
    return render_reply(
        "Paused: Quorum does not review new pushes to this pull request. Use `/resume` to continue. `/rereview` still works.",
        key=key,
    )


def render_resumed(*, key: str) -> str:
    """`/resume`."""
    return render_reply(
        "Resumed: Quorum reviews the next push. Use `/rereview` to review the current commit.", key=key
    )


def render_dismissed(findings: Sequence[Finding], *, key: str, redact: Redact, offer: str = "") -> str:
    """`/dismiss` and the check run's button: the dismissed findings, how to restore them, and a line about `/remember`."""
    if not findings:
        return render_reply("Nothing to dismiss: no open finding was found.", key=key)
    lines = [
        f"- {BADGES[finding.severity]} {location(finding)} {clean_line(finding.title, redact=redact)} "
        f"(restore with `/undismiss {finding.fingerprint[:12]}`)"
        for finding in findings
    ]
    return render_reply(
        f"Dismissed {count(len(findings), 'finding')}:", "\n".join(lines), offer, key=key, redact=redact
    )


def render_undismissed(finding: Finding | None, *, key: str, redact: Redact) -> str:
    """`/undismiss`."""
    if finding is None:
        return render_reply("No dismissed finding has this ID.", key=key)
    return render_reply(
        f"Restored: {location(finding)} {clean_line(finding.title, redact=redact)}", key=key, redact=redact
    )


def render_resolved(resolved: int, minimized: int, *, key: str) -> str:
    """`/resolve`: how many threads were resolved, or minimized if the App may not resolve threads."""
    if not resolved and not minimized:
        return render_reply("The newest commit fixes no open findings.", key=key)
    sentences = [f"Resolved {count(resolved, 'thread')}."] if resolved else []
    if minimized:
        sentences.append(
            f"Hid {count(minimized, 'comment')} as resolved, because resolving threads requires the `contents: write` permission."
        )
    return render_reply(" ".join(sentences), key=key)


def render_config(
    config: RepositoryConfig,
    *,
    error: str | None,
    key: str,
    redact: Redact,
    origins: Mapping[str, str] | None = None,
    learned: Sequence[str] = (),
    cuts: Sequence[GuidelineCut] = (),
    remembered: str = "",
) -> str:
    """`/config`: the configuration of this pull request, the source of each value, and errors in the file.

    `learned`: the rules that Quorum learned from dismissals, one line each, with the ID.
    `cuts`: guidelines that a review of this change does not show in full.
    `remembered`: the list of `app.publish.remembered`.
    """
    problem = f"`.github/quorum.yml` has an error: {clean_line(error, redact=redact)}" if error else ""
    values: dict[str, object] = asdict(config)
    shown = fence(json.dumps(values, indent=2, ensure_ascii=False, default=str), "json")
    if origins is not None:
        rows = [
            (code_span(name), code_span(_value(value)), origins.get(name, "default"))
            for name, value in values.items()
        ]
        shown = table(("Key", "Value", "Source"), rows)
    rules = "\n".join(f"- {clean_line(line, redact=redact)}" for line in learned)
    cut = "\n".join(f"- {clean_line(render_guideline_cut(each), redact=redact)}" for each in cuts)
    return render_reply(
        problem,
        "Configuration from the base branch:",
        shown,
        cut,
        f"Rules learned from dismissals (remove one with `/undismiss ID`):\n\n{rules}" if rules else "",
        remembered,
        key=key,
        redact=redact,
    )


def _value(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 200 else f"{text[:200]}…"


def render_fixed(reason: str, *, head_sha: str, key: str, redact: Redact) -> str:
    """In a finding's thread: a push fixed it."""
    return render_reply(f"Fixed by {head_sha[:12]}. {clean_line(reason, redact=redact)}", key=key)


def render_reintroduced(*, head_sha: str, key: str) -> str:
    """In the thread of a fixed finding: a later push reintroduced it."""
    return render_reply(f"Reintroduced in {head_sha[:12]}.", key=key)


def render_unknown_command(command: str, *, key: str, closest: str | None = None) -> str:
    """A command that does not exist or does not apply here."""
    hint = f" Did you mean {code_span(f'/{closest}')}?" if closest else ""
    return render_reply(
        f"{code_span(command[:100])} is not an available command.{hint} Use `/help` to list all commands.",
        key=key,
    )


def render_withdrawn(
    answer: str, finding: Finding, *, answered_by: str, key: str, redact: Redact, offer: str = ""
) -> str:
    """A valid objection: the finding is withdrawn, with how to restore it."""
    text = clean_markdown(answer, redact=redact, max_characters=20_000)
    restore = f"Quorum withdrew this finding. Restore it with `/undismiss {finding.fingerprint[:12]}`."
    by = f"<sub>{source_name(answered_by)}</sub>"
    return render_reply(text, restore, offer, by, key=key, redact=redact)


def render_rule_removed(*, key: str) -> str:
    """`/undismiss` with the ID of a learned rule."""
    return render_reply("Rule removed. Quorum reports findings like these again.", key=key)


def render_not_in_a_thread(command: str, *, key: str) -> str:
    """A command that only works in a finding's thread."""
    return render_reply(f"{code_span(command[:100])} only works in the thread of a finding.", key=key)


def render_not_allowed(command: str, *, key: str) -> str:
    """A command of a person who may not give it."""
    return render_reply(f"{code_span(command[:100])} needs write access to this repository.", key=key)


def render_failure(reason: str, *, key: str, redact: Redact) -> str:
    """A command that failed."""
    return render_reply(f"The command failed: {clean_line(reason, redact=redact)}", key=key)


def _table(rows: list[tuple[str, ...]]) -> str:
    return table(("Command", "Description"), rows)


def render_reply(*paragraphs: str, key: str, redact: Redact = str) -> str:
    """A body of these paragraphs, with the marker of the reply."""
    blocks = [BodyBlock("part of the reply", paragraph) for paragraph in paragraphs if paragraph]
    return compose(blocks, redact=redact, elsewhere=_ELSEWHERE, marker=marker(MarkerKind.REPLY, key))
