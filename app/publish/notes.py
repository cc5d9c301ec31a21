"""Reasons and notes: why claims were rejected, why a review or stage was skipped, and what a review covered."""

from collections.abc import Collection, Sequence

from app.domain.finding import (
    REFUTED_BY,
    RejectedClaim,
    Rejection,
    RejectionCode,
    SettlementCode,
    SettlementNote,
)
from app.domain.review import GuidelineCut, ReviewContext, SkipReason
from app.publish.wording import count

DISMISSED = "Dismissed on this pull request."
DISMISSED_BY_BUTTON = "all low findings, with the check run's button"
RESOLVED_BY_HAND = "the thread was resolved manually"
OUTDATED = "the code changed, so it is unclear whether this is fixed"
OPEN_AT_MERGE = "still open when the pull request was merged"
OPEN_AT_CLOSE = "still open when the pull request was closed"
CODE_REMOVED = "The code was removed."
NOT_FOUND_AGAIN = "The analyzer that found it no longer reports it."
UNKNOWN_MERGE_GROUP = "Quorum cannot tell which pull requests this merge group contains."
CLOSED_MEANWHILE = "it was closed or merged"
ARCHIVED = "its repository was archived"
OUT_OF_REACH = "its repository was deleted, or the App has no access to it any more"
RETARGETED = "it got another base branch; Quorum reviews it against that branch instead"
STAGE_NOT_REQUESTED = "this stage was not requested"
NO_FILE_READ = "none of the changed files could be read"
EVERY_FILE_LEFT_OUT = "every changed file is one that is left out"
LINES_CUT = "models read only the first 2,000 characters of each line"
LEFT_OUT_OF_STAGE = "`overrides` leave every changed file out of this stage"
STAGE_DISABLED = "the repository's configuration disables this stage"
_REJECTIONS = {
    RejectionCode.OTHER_FILE: "About a file that this change does not touch.",
    RejectionCode.EXCLUDED_FILE: "About a file that was not reviewed.",
    RejectionCode.QUOTE_NOT_FOUND: "The file does not contain the code that it quotes.",
    RejectionCode.UNCONFIRMED: "No other vendor confirmed it; the analyzer's own finding on this code remains.",
}
_NOTES = {
    SettlementCode.ASKED_AGAIN: (
        "Asked once more about claims that a verifier was unsure of without a look-up: {0}. Decided then: {1}."
    ),
    SettlementCode.QUORUM_LOWERED: "The quorum was lowered from {0} to {1}, because only {2} vendors are available.",
    SettlementCode.CHECKED_BY_ITSELF: "Only {0} is available, so it checked its own findings in a fresh context ({1}).",
    SettlementCode.CHECKED_BY_SIBLING: "Only {0} is available, so another of its models ({1}) checked its findings.",
}
_COUNTED_NOTES = {
    SettlementCode.UNSHARED_PATTERNS: (
        "1 pattern finding that no model reported is listed only in the summary. It still counts for the gate.",
        "{0} pattern findings that no model reported are listed only in the summary. They still count for the gate.",
    ),
    SettlementCode.UNFIT_SUGGESTIONS: (
        "1 suggestion is only shown as text, because the file would not be valid code with it.",
        "{0} suggestions are only shown as text, because the files would not be valid code with them.",
    ),
    SettlementCode.UNVERIFIED: (
        "1 finding could not be checked by another vendor's model; it is listed as unconfirmed in the summary only.",
        "{0} findings could not be checked by another vendor's model; they are listed as unconfirmed in the summary only.",
    ),
    SettlementCode.QUORUM_MISSED: (
        "1 finding did not reach the quorum; it is listed as unconfirmed in the summary only.",
        "{0} findings did not reach the quorum; they are listed as unconfirmed in the summary only.",
    ),
}


def explain_rejection(rejected: RejectedClaim) -> Rejection:
    """The rejection with its reason as a sentence."""
    match rejected.code:
        case RejectionCode.REFUTED:
            reason = f"{REFUTED_BY} {rejected.by}: {rejected.detail}"
        case RejectionCode.INVALID:
            reason = f"The model did not state it in the required form: {rejected.detail}."
        case RejectionCode.BELOW_MINIMUM:
            reason = f"Below the configured minimum severity ({rejected.detail})."
        case code:
            reason = _REJECTIONS[code]
    return Rejection(finding=rejected.finding, reason=reason)


def explain_note(note: SettlementNote) -> str:
    """The note as a sentence."""
    if note.code in _COUNTED_NOTES:
        one, several = _COUNTED_NOTES[note.code]
        return one if note.values == ("1",) else several.format(*note.values)
    return _NOTES[note.code].format(*note.values)


_SKIP_REASONS = {
    SkipReason.DISABLED: "the configuration says `enabled: false`",
    SkipReason.PAUSED: "it is paused",
    SkipReason.DRAFT: "it is a draft",
    SkipReason.PUSH: "the configuration says `review_on_push: false`",
    SkipReason.AUTHOR: "its author is in `ignore_authors`",
    SkipReason.LABEL: "one of its labels is in `ignore_labels`",
    SkipReason.BRANCH: "its branch matches `ignore_branches`",
    SkipReason.TITLE: "its title contains words from `ignore_titles`",
    SkipReason.CLOSED: "it is closed",
    SkipReason.REVIEWED: "its head has already been reviewed",
    SkipReason.NOT_REVIEWED: "its newest commit has not been reviewed",
}


def render_skip_reason(reason: SkipReason, *, paused_by: str | None = None) -> str:
    """A clause that says why a pull request is not reviewed."""
    if reason is SkipReason.PAUSED and paused_by:
        return f"{paused_by} paused it"
    return _SKIP_REASONS[reason]


MAX_PATHS_IN_NOTE = 8


def context_notes(context: ReviewContext, *, invalid_patterns: Sequence[str]) -> list[str]:
    """Say what the models saw in addition to the diff, and which parts of the diff they did not see."""
    snippets = [snippet for chunk in context.chunks for snippet in chunk.snippets]
    notes: list[str] = []
    if snippets:
        kinds = sorted({snippet.kind.split(" ")[0] for snippet in snippets})
        paths = list(dict.fromkeys(snippet.path for snippet in snippets))
        snippet_count = count(len(snippets), "code snippet")
        notes.append(
            f"Shown in addition to the diff: {snippet_count} ({', '.join(kinds)}) from {_list_paths(paths)}."
        )
    if context.guidelines:
        notes.append(f"Guidelines shown: {', '.join(each.path for each in context.guidelines)}.")
    notes += map(render_guideline_cut, context.guideline_cuts)
    if len(context.chunks) > 1:
        notes.append(f"The change was reviewed in {len(context.chunks)} parts.")
    if invalid_patterns:
        notes.append(f"Invalid patterns in ignore_paths: {', '.join(invalid_patterns)}.")
    return notes


def further_finder_notes(paths: Collection[str] | None, *, vendors: int) -> list[str]:
    """Say that a further finder was not shown all of a large change; `paths` is None if it was."""
    if paths is None or vendors < 2:
        return []
    remedy = "Set `finders: 2` to have two vendors search all of it."
    if not paths:
        return [f"Only one vendor searched for each kind of defect, because the change is large. {remedy}"]
    shown = _list_paths(sorted(paths))
    return [
        f"A second vendor searched only the files whose paths concern security, because the change is large: {shown}. {remedy}"
    ]


def render_guideline_cut(cut: GuidelineCut) -> str:
    """Which guideline models did not see in full, from where, and how to change that."""
    remedy = "Raise `guideline_characters` in the configuration to show more."
    if not cut.shown_characters:
        return f"Guideline not shown: {cut.path}, because others took the room. {remedy}"
    return (
        f"Guideline cut: {cut.path} at line {cut.line:,} of {cut.lines:,}; models saw {cut.shown_characters:,} "
        f"of {cut.characters:,} characters, sections about the changed paths first. {remedy}"
    )


def _list_paths(paths: Sequence[str]) -> str:
    listed = ", ".join(paths[:MAX_PATHS_IN_NOTE])
    more = len(paths) - MAX_PATHS_IN_NOTE
    return f"{listed} and {count(more, 'more file')}" if more > 0 else listed


def render_muted(rule: str, path: str, rule_id: str) -> str:
    """Why a finding is not shown in a path for which a person muted its rule."""
    return f"{rule} is muted for {path}. Comment /undismiss {rule_id[:12]} to show such findings again."


def render_learned(dismissals: int, rule_id: str) -> str:
    """Why a finding that was not dismissed on this pull request is not shown."""
    return (
        f"This repository dismissed {dismissals} findings like this one. "
        f"Comment /undismiss {rule_id[:12]} to show such findings again."
    )


def render_unreviewed(pull_requests: Sequence[int]) -> str:
    """Why the check run of a merge group cannot pass."""
    references = ", ".join(f"#{number}" for number in pull_requests)
    return f"The newest commit of {references} has not been reviewed."


def render_refusals(errors: Sequence[Exception]) -> str:
    """What GitHub refused while Quorum reported a failure there; empty if nothing."""
    refused = "; ".join(dict.fromkeys(str(error).rstrip(".") for error in errors))
    return f"The pull request does not show this failure: {refused}." if refused else ""


def render_unread_rules(refusal: str) -> str:
    """Why only the gate decided which checks are required."""
    return f"Quorum could not read which checks the branch requires: {refusal}"


def render_upload_skipped(error: str | None = None) -> str:
    """Why no report was uploaded to code scanning."""
    reason = error or "a stage failed, and GitHub would close its alerts as fixed."
    return f"No report was uploaded to code scanning: {reason}"
