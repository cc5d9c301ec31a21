"""Renders a review on a pull request: the comments about findings, and the body of the review.

All text is built from typed fields. Models' prose goes through `markdown.clean_markdown`; names from outside become
code spans.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from app.domain.diff import Side
from app.domain.finding import DuplicatePlace, Finding, Placement
from app.domain.publication import MarkerKind, marker
from app.domain.review import ReviewReport
from app.publish.agents import render_agent_fold
from app.publish.blocks import (
    BodyBlock,
    code_span,
    compose,
    details,
    fence,
    has_bot_command,
    suggestion_fence,
)
from app.publish.markdown import clean_line, clean_markdown
from app.publish.statement import make_statement
from app.publish.text import Redact, has_invisible, has_long_run
from app.publish.wording import (
    BADGES,
    clean_cwe,
    count,
    describe_lines,
    name_duplicates,
    name_explained,
    rule_name,
    short_location,
    short_sources,
)

_MAX_SUGGESTION_BYTES = 20_000
_IN_THE_CHECKS = "See the annotation in the check run."


def render_finding_comment(
    finding: Finding, *, redact: Redact, details_url: str | None = None, may_fix: bool = False
) -> str:
    """The body of an inline comment or a file comment, depending on the finding's placement; ends with what people can do."""
    kind = MarkerKind.FILE if finding.placement is Placement.FILE else MarkerKind.FINDING
    return compose(
        [
            *finding_blocks(finding, redact=redact),
            BodyBlock("the prompt for an agent", render_agent_fold(finding, redact=redact)),
            BodyBlock("the actions", _actions(details_url, may_fix=may_fix)),
        ],
        redact=redact,
        elsewhere=_IN_THE_CHECKS,
        marker=marker(kind, finding.fingerprint),
    )


def _actions(details_url: str | None, *, may_fix: bool) -> str:
    dashboard = f" · [Dashboard]({details_url})" if details_url else ""
    fix = "`/fix`, " if may_fix else ""
    return f"<sub>Reply with {fix}`/explain` or `/dismiss` and a reason · rate with 👍 or 👎{dashboard}</sub>"


def finding_blocks(finding: Finding, *, redact: Redact) -> list[BodyBlock]:
    """The complete finding: title, explanation, fix, and, in small print, the source."""
    heading = (
        f"**{BADGES[finding.severity]} · {clean_line(finding.title, redact=redact, inside_strong=True)}**"
    )
    location = (
        ""
        if finding.placement is Placement.INLINE
        else f"{code_span(finding.path)}, {describe_lines(finding)}"
    )
    note = "This code predates the change." if finding.pre_existing else ""
    return [
        BodyBlock("the title", heading),
        BodyBlock("the location", location),
        BodyBlock("the explanation", clean_markdown(finding.explanation, redact=redact)),
        BodyBlock("the other places", name_duplicates(finding, show_place=_duplicate_place)),
        BodyBlock(
            "the failed check", name_explained(finding, show_name=lambda name: code_span(redact(name)))
        ),
        BodyBlock("the note on existing code", note),
        BodyBlock("the suggested fix", render_fix(finding, redact=redact)),
        BodyBlock("the verification", _confirmation(finding, redact=redact)),
        BodyBlock("the source", _small_print(finding)),
    ]


def _duplicate_place(place: DuplicatePlace) -> str:
    return code_span(f"{place.path}:{place.start_line}")


def render_fix(finding: Finding, *, redact: Redact) -> str:
    """The fix as a block that GitHub can apply, if that is correct and safe; otherwise as code. Empty if there is none."""
    suggestion = finding.suggestion
    if suggestion is None:
        return ""
    if len(suggestion.encode("utf-8", "surrogatepass")) > _MAX_SUGGESTION_BYTES:
        return "The suggested fix is too long to show here."
    if is_committable(finding, redact=redact):
        return suggestion_fence(suggestion)
    if not suggestion.strip():
        return f"Suggested fix: delete {describe_lines(finding)}."
    language = PurePosixPath(finding.path).suffix.removeprefix(".")
    return f"Suggested replacement for {describe_lines(finding)}:\n\n{fence(redact(suggestion), language)}"


def is_committable(finding: Finding, *, redact: Redact) -> bool:
    """Whether people may apply the suggestion with one click.

    GitHub applies a suggestion only to the commented lines of the head
    (https://docs.github.com/en/pull-requests/collaborating-with-pull-requests/reviewing-changes-in-pull-requests).
    A suggestion that contains invisible characters, a secret, a command for a bot, or a very long run of backticks is only
    shown as code.
    """
    suggestion = finding.suggestion
    return (
        suggestion is not None
        and finding.placement is Placement.INLINE
        and finding.side is Side.RIGHT
        and redact(suggestion) == suggestion
        and not has_invisible(suggestion)
        and not has_bot_command(suggestion)
        and not has_long_run(suggestion)
    )


def render_review_body(
    report: ReviewReport, *, findings: Sequence[Finding], review_id: str, redact: Redact, first: bool = True
) -> str:
    """The body of the review: what was not reviewed, counts, and who read what, on one line.

    `findings` are those that this review reports: after a push (`first` is false), only the new ones.
    """
    said = make_statement(
        replace(report, findings=tuple(findings)),
        clean=lambda text: clean_line(text, redact=redact),
        new=not first,
    )
    earlier = len(report.findings) - len(findings)
    still_open = (
        f"{count(earlier, 'earlier finding')} {'is' if earlier == 1 else 'are'} still open."
        if earlier
        else ""
    )
    found = [said.found, _unplaced(findings), still_open] if findings else [still_open, said.found]
    sentences = " ".join(filter(None, [said.failure, *found, said.coverage]))
    return compose(
        [BodyBlock("the result", sentences)],
        redact=redact,
        elsewhere="See the summary comment.",
        marker=marker(MarkerKind.REVIEW, review_id),
    )


def render_body_only_review(
    report: ReviewReport, *, findings: Sequence[Finding], review_id: str, redact: Redact
) -> str:
    """The body of a review without comments, after GitHub rejected them: it has all findings."""
    placed = [replace(finding, placement=Placement.SUMMARY) for finding in findings]
    said = make_statement(
        replace(report, findings=tuple(findings)), clean=lambda text: clean_line(text, redact=redact)
    )
    sentences = [said.failure, said.found, "GitHub did not accept comments on these lines.", said.coverage]
    blocks = [BodyBlock("the result", " ".join(filter(None, sentences)))]
    for finding in placed:
        parts = [part.markdown for part in finding_blocks(finding, redact=redact) if part.markdown]
        blocks.append(BodyBlock(short_location(finding), "\n\n".join(parts)))
    return compose(
        blocks,
        redact=redact,
        elsewhere="See the annotations in the check runs.",
        marker=marker(MarkerKind.REVIEW, review_id),
    )


def _unplaced(findings: Sequence[Finding]) -> str:
    """Which findings have no comment of their own; empty if all have one."""
    unplaced = sum(finding.placement is Placement.SUMMARY for finding in findings)
    match unplaced, len(findings):
        case 0, _:
            return ""
        case 1, 1:
            return "It is in the summary comment."
        case some, total if some == total:
            return "They are in the summary comment."
        case some, _:
            return f"{some} of them {'is' if some == 1 else 'are'} in the summary comment."


def _confirmation(finding: Finding, *, redact: Redact) -> str:
    if not (finding.confirmed_by and finding.verifier_evidence.strip()):
        return ""
    return details(
        "Why this was confirmed",
        clean_markdown(finding.verifier_evidence, redact=redact, max_characters=2_000),
    )


def _small_print(finding: Finding) -> str:
    rule = clean_cwe(finding.cwe) or code_span(rule_name(finding))
    return f"<sub>{' · '.join(filter(None, [str(finding.stage), rule, short_sources(finding)]))}</sub>"
