"""`/fix` and the button "Fix all": which findings are to be fixed, and why not."""

from collections.abc import Collection, Sequence
from functools import partial

from app.domain.configuration import Fixes
from app.domain.finding import Severity
from app.domain.job import Command
from app.domain.pull_request import PullRequest
from app.domain.step import Checkpoint
from app.errors import GitHubForbidden, GitHubNotFound
from app.jobs.comment import IncomingComment
from app.jobs.fix_commits import find_commit
from app.jobs.fix_job import BRANCH_PREFIX, FixJob, request_name
from app.publish import fixes as texts
from app.store.findings import FindingOutcome
from app.store.pull_requests import KnownFinding


async def fix(comment: IncomingComment, command: Command) -> None:
    """`/fix`, in a finding's thread, or `/fix all|critical|high|medium`."""
    scope = command.words[0] if command.words else None
    pull = (await comment.snapshot()).pull_request
    assert pull, "the App fixes pull requests"
    config = (await comment.configuration()).config
    find = partial(_earlier, comment, pull, config.fixes)
    if earlier := await comment.step(Checkpoint("earlier fix", str), find):
        await comment.answer(earlier)
        return
    refusal = _refusal(pull, config.fixes)
    resolved = await _resolved_threads(comment)
    known = [] if refusal else await _chosen(comment, scope, resolved=resolved)
    refusal = refusal or _refuse(known, scope=scope, resolved=resolved)
    if refusal:
        finding = known[0].finding if len(known) == 1 else None
        await comment.answer(texts.render_no_fix(refusal, finding, key=comment.key, redact=comment.redact))
        return
    await FixJob(comment=comment, pull=pull, mode=config.fixes).run(known)


async def _earlier(comment: IncomingComment, pull: PullRequest, mode: Fixes) -> str:
    """The answer if an interrupted attempt has committed or proposed the fix; empty if none has."""
    writer, request = comment.access.fixes, request_name(comment)
    if writer is None or mode not in (Fixes.COMMIT, Fixes.PULL_REQUEST):
        return ""
    try:
        if mode is Fixes.PULL_REQUEST:
            number = await writer.find_proposal(pull, branch=f"{BRANCH_PREFIX}{request}")
            return texts.render_already_proposed(number, key=comment.key) if number else ""
        done = find_commit(await writer.history(pull), f"Quorum-Fix: {request}", by=await writer.own_login())
    except (GitHubForbidden, GitHubNotFound):
        return ""  # without the permission, nothing was committed
    return texts.render_already_fixed([done.sha], key=comment.key) if done else ""


def _refusal(pull: PullRequest, mode: Fixes) -> str:
    if mode is Fixes.OFF:
        return texts.FIXES_ARE_OFF
    if pull.archived:
        return texts.IS_ARCHIVED
    if pull.merged:
        return texts.IS_MERGED
    return "" if pull.state == "open" else texts.IS_CLOSED


async def _resolved_threads(comment: IncomingComment) -> set[str]:
    """The fingerprints of findings whose thread is resolved."""
    threads = (await comment.snapshot()).threads
    return {each.fingerprint for each in threads if each.is_resolved and each.fingerprint}


async def _chosen(
    comment: IncomingComment, scope: str | None, *, resolved: Collection[str]
) -> list[KnownFinding]:
    """The finding of the thread, or the open ones of the scope, the worst first."""
    if scope is None:
        known = await comment.known_finding()
        return [known] if known else []
    lowest = Severity.INFO if scope == "all" else Severity(scope)
    found = [
        each
        for each in (await comment.memory()).findings
        if each.is_unsettled
        and each.shown
        and each.finding.severity.at_least(lowest)
        and each.finding.fingerprint not in resolved
    ]
    return sorted(found, key=lambda each: each.finding.severity.rank)


def _refuse(known: Sequence[KnownFinding], *, scope: str | None, resolved: Collection[str]) -> str:
    if not known:
        return texts.NOTHING_TO_FIX if scope else texts.FIX_NEEDS_A_THREAD
    match known[0].outcome:
        case FindingOutcome.DISMISSED:
            return texts.is_dismissed(known[0].finding.fingerprint)
        case FindingOutcome.RESOLVED:
            return texts.IS_RESOLVED
        case _:
            return texts.THREAD_IS_RESOLVED if known[0].finding.fingerprint in resolved else ""
