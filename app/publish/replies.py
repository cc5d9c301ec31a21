"""What Quorum answers to commands and questions on a pull request. Short, and always says what happens next.

Every text is a whole body, with its marker: `key` is what the answer is to, for example the comment's id.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from app.domain.configuration import RepositoryConfig
from app.domain.finding import Finding
from app.domain.publication import MarkerKind, marker
from app.domain.rules import rule_for
from app.publish.blocks import Block, code_span, compose, fence, table
from app.publish.markdown import clean_line, clean_markdown
from app.publish.text import Redact
from app.publish.wording import BADGES, count, place, source_name, sources

COMMANDS = (
    (
        "/rereview [review|security|docs] [full]",
        "review again: all stages or one; `full` reads the whole change anew",
    ),
    ("/ask TEXT", "answer a question about this change"),
    ("/explain", "in a thread: explain the finding"),
    ("/dismiss [TEXT]", "in a thread: the finding is no problem here; the reason is remembered"),
    ("/undismiss ID", "bring a dismissed finding back"),
    ("/resolve", "resolve the threads whose problem is fixed"),
    ("/pause", "no reviews of new pushes on this pull request"),
    ("/resume", "review pushes again"),
    ("/config", "show the configuration in force"),
    ("/help", "this list"),
)
_ELSEWHERE = "Ask for less at a time to see it."


def render_help(*, key: str) -> str:
    """`/help`: the commands and who may give them."""
    rows = [(code_span(command), meaning) for command, meaning in COMMANDS]
    return _reply(
        "Commands, as the first line of a comment, from people with write access:", _table(rows), key=key
    )


def render_answer(answer: str, *, answered_by: str | None, key: str, redact: Redact) -> str:
    """`/ask` and `/explain`: a model's answer; `answered_by` is `provider:model`."""
    said = clean_markdown(answer, redact=redact, max_characters=20_000) or "The model gave no answer."
    return _reply(
        said, f"<sub>{source_name(answered_by)}</sub>" if answered_by else "", key=key, redact=redact
    )


def render_no_answer(reason: str, finding: Finding | None = None, *, key: str, redact: Redact) -> str:
    """A question that no model answered, and why; of a finding's thread what is on record of it."""
    known = _known(finding, redact=redact) if finding else ""
    return _reply(f"No answer: {clean_line(reason, redact=redact)}", known, key=key, redact=redact)


def _known(finding: Finding, *, redact: Redact) -> str:
    evidence = (("The finder's evidence", finding.evidence), ("The verifier's", finding.verifier_evidence))
    said = [f"- {who}: {clean_line(text, redact=redact)}" for who, text in evidence if text.strip()]
    rule = rule_for(finding.rule_id)
    lines = [f"- {rule.title} ({', '.join(filter(None, [code_span(rule.id), rule.cwe]))})", *said]
    return "\n".join(["What is on record of this finding:", "", *lines, f"- {sources(finding)}"])


def render_paused(*, key: str) -> str:
    """`/pause`."""
    return _reply(
        "Paused: pushes to this pull request are not reviewed. `/resume` ends it; `/rereview` still works.",
        key=key,
    )


def render_resumed(*, key: str) -> str:
    """`/resume`."""
    return _reply("Resumed: the next push is reviewed. `/rereview` reviews what is here now.", key=key)


def render_dismissed(findings: Sequence[Finding], *, key: str, redact: Redact) -> str:
    """`/dismiss`, and the check run's button: what was dismissed, and how to take it back."""
    if not findings:
        return _reply("Nothing to dismiss here: this is no open finding of Quorum.", key=key)
    lines = [
        f"- {BADGES[finding.severity]} {place(finding)} {clean_line(finding.title, redact=redact)} "
        f"(`/undismiss {finding.fingerprint[:12]}` brings it back)"
        for finding in findings
    ]
    return _reply(f"Dismissed {count(len(findings), 'finding')}:", "\n".join(lines), key=key, redact=redact)


def render_undismissed(finding: Finding | None, *, key: str, redact: Redact) -> str:
    """`/undismiss`."""
    if finding is None:
        return _reply("There is no dismissed finding with this id.", key=key)
    return _reply(
        f"Open again: {place(finding)} {clean_line(finding.title, redact=redact)}", key=key, redact=redact
    )


def render_resolved(resolved: int, folded: int, *, key: str) -> str:
    """`/resolve`: how many threads were resolved, or folded away where the App may not resolve."""
    if not resolved and not folded:
        return _reply("No open thread of Quorum is fixed by the newest commit.", key=key)
    said = [f"Resolved {count(resolved, 'thread')}."] if resolved else []
    if folded:
        said.append(
            f"Marked {count(folded, 'comment')} as outdated: resolving threads needs the App's `contents: write`."
        )
    return _reply(" ".join(said), key=key)


def render_config(
    config: RepositoryConfig,
    *,
    error: str | None,
    key: str,
    redact: Redact,
    origins: Mapping[str, str] | None = None,
    learned: Sequence[str] = (),
) -> str:
    """`/config`: what holds for this pull request, where each value comes from, and what is wrong with the file.

    `learned` are the rules that dismissals have made, each in a line with its id.
    """
    wrong = f"`.github/quorum.yml` has a mistake: {clean_line(error, redact=redact)}" if error else ""
    said: dict[str, object] = asdict(config)
    shown = fence(json.dumps(said, indent=2, ensure_ascii=False, default=str), "json")
    if origins is not None:
        rows = [
            (code_span(name), code_span(_value(value)), origins.get(name, "default"))
            for name, value in said.items()
        ]
        shown = table(("Key", "Value", "From"), rows)
    rules = "\n".join(f"- {clean_line(line, redact=redact)}" for line in learned)
    return _reply(
        wrong,
        "In force here, from the base branch:",
        shown,
        f"Learned from dismissals (`/undismiss ID` takes one back):\n\n{rules}" if rules else "",
        key=key,
        redact=redact,
    )


def _value(value: object) -> str:
    said = json.dumps(value, ensure_ascii=False, default=str)
    return said if len(said) <= 200 else f"{said[:200]}…"


def render_config_error(error: str, *, key: str, redact: Redact) -> str:
    """The configuration cannot be read: said once, with what is used instead."""
    return _reply(
        f"`.github/quorum.yml` is not used as it stands: {clean_line(error, redact=redact)} "
        "The defaults hold for what could not be read.",
        key=key,
    )


def render_fixed(why: str, *, head_sha: str, key: str, redact: Redact) -> str:
    """In a finding's thread: a push has fixed it."""
    return _reply(f"Fixed by {head_sha[:12]}. {clean_line(why, redact=redact)}", key=key)


def render_back(*, head_sha: str, key: str) -> str:
    """In the thread of a finding that was fixed: a later push brought it back."""
    return _reply(f"This is back in {head_sha[:12]}.", key=key)


def render_unknown_command(command: str, *, key: str, closest: str | None = None) -> str:
    """A command that does not exist, or does not fit here."""
    meant = f" Did you mean {code_span(f'/{closest}')}?" if closest else ""
    return _reply(f"{code_span(command[:100])} is no command here.{meant} `/help` lists them.", key=key)


def render_withdrawn(answer: str, finding: Finding, *, answered_by: str, key: str, redact: Redact) -> str:
    """A complaint that is right: the finding is withdrawn, and how to have it back."""
    said = clean_markdown(answer, redact=redact, max_characters=20_000)
    back = f"The finding is withdrawn (`/undismiss {finding.fingerprint[:12]}` brings it back)."
    return _reply(said, back, f"<sub>{source_name(answered_by)}</sub>", key=key, redact=redact)


def render_rule_removed(*, key: str) -> str:
    """`/undismiss` with the id of a learned rule."""
    return _reply("Taken back: findings like these are shown again.", key=key)


def render_not_in_a_thread(command: str, *, key: str) -> str:
    """A command that needs a finding's thread, given elsewhere."""
    return _reply(f"{code_span(command[:100])} belongs in the thread of the finding it is about.", key=key)


def render_failure(reason: str, *, key: str, redact: Redact) -> str:
    """A command that could not be carried out."""
    return _reply(f"That did not work: {clean_line(reason, redact=redact)}", key=key)


def _table(rows: list[tuple[str, ...]]) -> str:
    return table(("Command", "Does"), rows)


def _reply(*paragraphs: str, key: str, redact: Redact = str) -> str:
    blocks = [Block("a part of the answer", paragraph) for paragraph in paragraphs if paragraph]
    return compose(blocks, redact=redact, elsewhere=_ELSEWHERE, marker=marker(MarkerKind.REPLY, key))
