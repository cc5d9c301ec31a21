"""What Quorum says about fixes: why one was not used, and the replies to `/fix`.

The replies are complete bodies with their marker. A patch is shown only if it needs no redaction.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.domain.finding import Finding
from app.domain.fix import FindingFix, FixObstacle, FixProblem, FixProblemCode, FixStatus
from app.domain.publication import MarkerKind, marker
from app.publish.agents import render_agent_fold
from app.publish.blocks import BodyBlock, code_span, compose, details, fence
from app.publish.markdown import clean_line
from app.publish.text import Redact, show_invisible
from app.publish.wording import BADGES, count, location, source_name

MAX_PATCH_CHARACTERS = 40_000
_ELSEWHERE = "Use `/fix` in the thread of one finding to see it."
_C = FixProblemCode

_REASONS: Mapping[FixProblemCode, str] = {
    _C.NO_EDITS: "the model proposed no edit: {detail}",
    _C.TOO_MANY_EDITS: "it has {detail} edits, which is too many",
    _C.TOO_MANY_FILES: "it changes too many files",
    _C.TOO_LARGE: "it changes too much ({path})",
    _C.INVALID_PATH: "{path} is not a valid path",
    _C.PROTECTED_PATH: (
        "Quorum never changes {path}: the file controls builds, tools, dependencies, rights, or instructions"
    ),
    _C.OUTSIDE_CHANGE: "{path} is neither a file of this pull request nor a new test",
    _C.DELETED_FILE: "this pull request deletes {path}",
    _C.NOT_TEXT: "{path} cannot be read as text",
    _C.NOT_A_FILE: "{path} is a symbolic link, a submodule, or not a file",
    _C.EXISTS: "{path} exists already, possibly in other upper and lower case",
    _C.OLD_NOT_FOUND: "the text to replace is not in {path}: {detail}",
    _C.OLD_NOT_UNIQUE: "the text to replace is in {path} more than once: {detail}",
    _C.OVERLAPPING: "two of its edits of {path} overlap",
    _C.EMPTIES_FILE: "it leaves nothing in {path}",
    _C.CHANGES_NOTHING: "it changes nothing in {path}",
    _C.REDACTED: "it would write a placeholder for a secret to {path}",
    _C.HIDDEN_CHARACTERS: "it would write characters that nobody can see to {path}",
    _C.DOES_NOT_PARSE: "{path} would not parse",
    _C.NEW_FINDING: "an analyzer finds a new problem in {path}: {detail}",
    _C.STILL_FOUND: "the analyzer still finds the problem in {path}",
    _C.NOT_ANALYZED: "the analyzers could not read {path} afterward",
    _C.SECRET: "it would write a secret to {path}",
    _C.OBJECTION: "another vendor's model objects: {detail}",
    _C.NO_MODEL: "no model proposed a fix: {detail}",
    _C.UNVERIFIED: "no other vendor's model could check it: {detail}",
}


def explain_fix_problem(problem: FixProblem) -> str:
    """One plain sentence without a final period; `detail` is a model's or an analyzer's text."""
    return _REASONS[problem.code].format(path=show_invisible(problem.path), detail=problem.detail.rstrip("."))


@dataclass(frozen=True, slots=True, kw_only=True)
class FixReply:
    """What a request to fix came to.

    `commit` is the commit's id, and `pull_request` the number of a stacked pull request; `obstacle` says why the confirmed
    fixes were not committed, if they were to be. `patch` has the confirmed fixes, or the only one that is not confirmed.
    """

    findings: Mapping[str, Finding]  # by fingerprint
    fixes: Sequence[FindingFix]
    patch: str = ""
    is_plain: bool = True  # False: parts of the patch are in git's binary form
    commit: str | None = None
    pull_request: int | None = None
    obstacle: str = ""
    left: int = 0  # findings beyond the limit of one request
    fixed_before: int = 0  # findings that earlier commits fix, which no review has read yet


def render_fix_reply(reply: FixReply, *, key: str, redact: Redact) -> str:
    """The answer to `/fix` in a thread or on the pull request."""
    confirmed = [each for each in reply.fixes if each.status is FixStatus.CONFIRMED]
    blocks = [
        BodyBlock("the result", _heading(reply, confirmed)),
        BodyBlock("the fixes", _list(reply, redact=redact)),
        BodyBlock(
            "the obstacle",
            f"Not committed: {clean_line(reply.obstacle, redact=redact)}" if reply.obstacle else "",
        ),
        BodyBlock("the rest", _left(reply)),
        BodyBlock("the patch", _patch(reply, confirmed, redact=redact)),
        BodyBlock("the prompt for an agent", _agent(reply, redact=redact)),
    ]
    return compose(blocks, redact=redact, elsewhere=_ELSEWHERE, marker=marker(MarkerKind.REPLY, key))


def _heading(reply: FixReply, confirmed: Sequence[FindingFix]) -> str:
    fixes = "1 fix" if len(confirmed) == 1 else f"{len(confirmed)} fixes"
    if reply.pull_request:
        return f"Opened #{reply.pull_request} with {fixes}. Merge it into this branch to apply it."
    if reply.commit:
        return f"Committed {fixes} in {reply.commit[:12]}."
    if confirmed:
        return f"{fixes}, confirmed by another vendor's model. Nothing was committed."
    if any(each.status is FixStatus.UNCONFIRMED for each in reply.fixes):
        return "No confirmed fix. Nothing was committed."
    return "No fix. Nothing was committed."


def _list(reply: FixReply, *, redact: Redact) -> str:
    return "\n".join(_row(reply.findings[each.fingerprint], each, redact=redact) for each in reply.fixes)


def _row(finding: Finding, fix: FindingFix, *, redact: Redact) -> str:
    title = clean_line(finding.title, redact=redact)
    head = f"- {BADGES[finding.severity]} {location(finding)} {title}"
    problems = [clean_line(explain_fix_problem(each), redact=redact) for each in fix.problems]
    match fix.status:
        case FixStatus.CONFIRMED:
            result = f"{clean_line(fix.sentence, redact=redact)} ({_authors(fix)})"
        case FixStatus.UNCONFIRMED:
            result = (
                f"unconfirmed fix by {source_name(fix.fixed_by or '')}: {problems[-1] if problems else ''}"
            )
        case FixStatus.FAILED:
            result = f"not fixed: {problems[-1] if problems else ''}"
    first = f"\n  - the first proposal was not used: {problems[0]}" if _has_other_first(fix) else ""
    return f"{head}\n  - {result}{first}"


def _has_other_first(fix: FindingFix) -> bool:
    return len(set(fix.problems)) > 1 or (fix.status is FixStatus.CONFIRMED and bool(fix.problems))


def _authors(fix: FindingFix) -> str:
    return f"written by {source_name(fix.fixed_by or '')}, confirmed by {source_name(fix.confirmed_by or '')}"


def _left(reply: FixReply) -> str:
    sentences = [
        f"{count(reply.fixed_before, 'more finding')} {'has' if reply.fixed_before == 1 else 'have'} a fix in an earlier commit."
        if reply.fixed_before
        else "",
        f"{count(reply.left, 'more finding')} did not fit this request. Use the command again."
        if reply.left
        else "",
    ]
    return " ".join(filter(None, sentences))


def _patch(reply: FixReply, confirmed: Sequence[FindingFix], *, redact: Redact) -> str:
    if not reply.patch or reply.commit:
        return ""
    if redact(reply.patch) != reply.patch or len(reply.patch) > MAX_PATCH_CHARACTERS:
        why = "too long" if len(reply.patch) > MAX_PATCH_CHARACTERS else "next to a secret"
        return f"The patch is {why}, so it is not shown here. Use {code_span('quorum fix URL --apply')}."
    form = (
        "" if reply.is_plain else " Files whose text a page does not keep as it is are in git's binary form."
    )
    note = f"Copy it to a file and use {code_span('git apply FILE')} on this head.{form}"
    name = "Patch" if confirmed else "Unconfirmed patch: read it before you use it"
    return details(name, f"{note}\n\n{fence(reply.patch, 'diff')}")


def _agent(reply: FixReply, *, redact: Redact) -> str:
    """The prompt for the only finding, unless its fix was committed."""
    if reply.commit or reply.pull_request or len(reply.fixes) != 1:
        return ""
    return render_agent_fold(reply.findings[reply.fixes[0].fingerprint], redact=redact)


def render_no_fix(reason: str, finding: Finding | None = None, *, key: str, redact: Redact) -> str:
    """No fix was attempted: why, and the prompt for an agent if there is a finding."""
    blocks = [
        BodyBlock("the reason", f"Not fixed: {clean_line(reason, redact=redact)}"),
        BodyBlock("the prompt for an agent", render_agent_fold(finding, redact=redact) if finding else ""),
    ]
    return compose(blocks, redact=redact, elsewhere=_ELSEWHERE, marker=marker(MarkerKind.REPLY, key))


def render_commit_message(
    fixes: Sequence[FindingFix], *, conventional: bool, request: str, asked_by: str, redact: Redact
) -> str:
    """The message of the commit: subject, one line for each fix, and trailers; `asked_by` is `Name <address>`."""
    sentences = [_inert(redact(each.sentence)) for each in fixes]
    subject = sentences[0] if len(fixes) == 1 else f"Fix {count(len(fixes), 'finding')} of the review"
    if conventional:
        subject = f"fix: {subject[:1].lower()}{subject[1:]}"
    body = [
        f"- {sentence} ({each.fingerprint[:12]})" for sentence, each in zip(sentences, fixes, strict=True)
    ]
    trailers = [
        *(f"Quorum-Finding: {each.fingerprint}" for each in fixes),
        f"Quorum-Fix: {request}",
        f"Co-authored-by: {asked_by}",
    ]
    parts = [subject, *(["\n".join(body)] if len(fixes) > 1 else []), "\n".join(trailers)]
    return "\n\n".join(parts)


_INERT = re.compile(r"[^\w\s.,'()/:\"=+-]|(?<=/)/|(?<=:)(?=/)")
_ISSUE = re.compile(r"(?i)\b(gh)-(?=\d)")


def _inert(sentence: str) -> str:
    """A model's sentence without anything that GitHub or a CI system acts on: `[skip ci]`, `fixes #1`, `@name`, addresses."""
    words = " ".join(_ISSUE.sub(r"\1 ", _INERT.sub("", sentence)).split())
    return words[:100].strip().rstrip(".") or "Fix a finding of the review"


FIXES_ARE_OFF = "fixes are turned off in this repository (`fixes: off`)."
IS_CLOSED = "the pull request is closed."
IS_MERGED = "the pull request is merged."
IS_ARCHIVED = "the repository is archived."
NOTHING_TO_FIX = "there is no open finding of this severity."
FIX_NEEDS_A_THREAD = "use `/fix` in the thread of a finding, or `/fix all`."
IS_RESOLVED = "the finding is resolved already."
THREAD_IS_RESOLVED = "the conversation about the finding is resolved. Unresolve it first."
_OBSTACLES: Mapping[FixObstacle, str] = {
    FixObstacle.FORK: "the branch is in a fork, where Quorum has no right to push.",
    FixObstacle.SHARED_BRANCH: "Quorum never commits to a base branch or to the default branch.",
    FixObstacle.PROTECTED: "the branch is protected.",
    FixObstacle.NO_PERMISSION: "the App does not have the permission `contents: write`.",
    FixObstacle.REFUSED: "GitHub refused the commit.",
    FixObstacle.CLOSED: "the pull request was closed or merged meanwhile.",
    FixObstacle.BRANCH_TAKEN: "the branch for the fix exists already, and its content is not this fix.",
    FixObstacle.NOT_PERMITTED: "the person who asked no longer has write access.",
}


def is_dismissed(fingerprint: str) -> str:
    """Why a dismissed finding is not fixed."""
    return f"the finding was dismissed. Restore it with `/undismiss {fingerprint[:12]}` first."


def explain_obstacle(obstacle: FixObstacle, detail: str = "") -> str:
    """Why confirmed fixes were not committed; `detail` is GitHub's message."""
    return f"{_OBSTACLES[obstacle]} {detail}".strip()


def render_already_fixed(commits: Sequence[str], *, key: str) -> str:
    """The fixes were committed before: by an interrupted attempt, or for other requests."""
    shas = " and ".join(sha[:12] for sha in commits)
    body = f"Committed in {shas}. The next review says whether the finding{'s are' if len(commits) > 1 else ' is'} gone."
    return compose(
        [BodyBlock("the result", body)], redact=str, elsewhere="", marker=marker(MarkerKind.REPLY, key)
    )


def render_already_proposed(number: int, *, key: str) -> str:
    """A pull request with the fix was opened by an interrupted attempt."""
    body = f"Opened #{number} with the fixes. Merge it into this branch to apply them."
    return compose(
        [BodyBlock("the result", body)], redact=str, elsewhere="", marker=marker(MarkerKind.REPLY, key)
    )


def render_proposal(number: int) -> str:
    """The text of a pull request with fixes."""
    return (
        f"Fixes findings of Quorum's review of #{number}. Another vendor's model confirmed each fix; nothing was executed. "
        f"Merge this into the branch of #{number} to apply it."
    )
