"""What a push does to the findings of earlier reviews: still there, moved, fixed, or nobody can tell.

One thread for a finding's life: what is still there gets no comment, what is fixed gets one reply. Outdated is not fixed,
and a person's reply is never talked over.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from app.conversation.fixed import Look
from app.domain.diff import Diff, FileDiff, FileStatus, LineKind, Side
from app.domain.finding import Finding, Judgement
from app.domain.publication import MarkerKind, ThreadAnswer, parse_marker
from app.domain.pull_request import Thread
from app.findings.finders import is_by_analyzers
from app.findings.quotes import words
from app.publish.replies import render_back, render_fixed
from app.store.findings import FindingOutcome
from app.store.pull_requests import KnownFinding

BY_HAND = "the thread was resolved by hand"
CODE_GONE = "The code is gone."
NOT_FOUND_AGAIN = "The analyser that found it no longer does."

LookAgain = Callable[[Sequence[tuple[Finding, str]]], Awaitable[Sequence[Look]]]
ReadHead = Callable[[str], Awaitable[str | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """What became of earlier findings. `standing` have the lines that they have now."""

    standing: tuple[Finding, ...] = ()
    fixed: Mapping[str, str] | None = None  # fingerprint → why we say so
    by_hand: frozenset[str] = frozenset()
    outdated: frozenset[str] = frozenset()

    def outcomes(self) -> dict[FindingOutcome, dict[str, str]]:
        """Outcome → fingerprint → reason, as it is recorded."""
        return {
            FindingOutcome.RESOLVED: {**(self.fixed or {}), **dict.fromkeys(self.by_hand, BY_HAND)},
            FindingOutcome.OUTDATED: dict.fromkeys(self.outdated, "the code was changed; nobody can tell"),
        }


async def follow(
    known: Sequence[KnownFinding],
    *,
    found: Collection[str],
    threads: Sequence[Thread],
    diff: Diff,
    read_head: ReadHead,
    redact: Callable[[str], str],
    look_again: LookAgain,
) -> Followed:
    """Where each finding that stands, and that this review did not meet again, is now.

    Args:
        found: fingerprints that this review found (again).
    """
    by_hand = {thread.fingerprint for thread in threads if thread.is_resolved and not _is_answered(thread)}
    open_ones = [
        each.finding for each in known if each.is_unsettled and each.finding.fingerprint not in found
    ]
    kept: list[Finding] = []
    fixed: dict[str, str] = {}
    changed: list[tuple[Finding, str]] = []
    for finding in (each for each in open_ones if each.fingerprint not in by_hand):
        text = await _text_now(finding, diff, read_head)
        if text is None:
            fixed[finding.fingerprint] = CODE_GONE
        elif (moved := move(finding, redact(text))) is not None:
            kept.append(moved)
        elif is_by_analyzers(finding):
            fixed[finding.fingerprint] = NOT_FOUND_AGAIN
        else:
            changed.append((finding, text))
    looks = {look.fingerprint: look for look in await look_again(changed)} if changed else {}
    outdated: set[str] = set()
    for finding, _ in changed:
        look = looks.get(finding.fingerprint)
        if look and look.judgement is Judgement.REFUTED:
            fixed[finding.fingerprint] = look.evidence
            continue
        kept.append(finding)
        if look is None or look.judgement is Judgement.UNSURE:
            outdated.add(finding.fingerprint)
    resolved_here = by_hand & {each.fingerprint for each in open_ones}
    return Followed(
        standing=tuple(kept), fixed=fixed, by_hand=frozenset(resolved_here), outdated=frozenset(outdated)
    )


async def _text_now(finding: Finding, diff: Diff, read_head: ReadHead) -> str | None:
    """The side of the file that the finding is about; None: the change no longer has it."""
    file = diff.file(finding.path)
    if file is None:
        return None
    if finding.side is Side.LEFT:
        return _old_lines(file)
    return None if file.status is FileStatus.REMOVED else await read_head(finding.path)


def _old_lines(file: FileDiff) -> str:
    """What the change removes, and the lines round it."""
    return "\n".join(
        line.text for hunk in file.hunks for line in hunk.lines if line.kind is not LineKind.ADDED
    )


def move(finding: Finding, text: str) -> Finding | None:
    """The finding where its quote stands in `text` now, the nearest one; None: it stands nowhere.

    A finding without a quote has no place to lose.
    """
    wanted = words(finding.quote)
    if not wanted:
        return finding
    if wanted not in words(text):
        return None
    rows = text.split("\n")
    size = finding.quote.count("\n") + 1
    places = [
        start
        for start in range(1, len(rows) + 1)
        if wanted in words("\n".join(rows[start - 1 : start + size - 1]))
    ]
    if not places or finding.side is Side.LEFT:
        return finding
    start = min(places, key=lambda place: abs(place - finding.start_line))
    return replace(finding, start_line=start, end_line=start + size - 1)


def plan_answers(
    followed: Followed,
    *,
    returned: Collection[str],
    threads: Sequence[Thread],
    head_sha: str,
    redact: Callable[[str], str],
) -> list[ThreadAnswer]:
    """What is said in the threads: once for what is fixed, once for what came back; nothing where people speak."""
    fixed = followed.fixed or {}
    answers: list[ThreadAnswer] = []
    for thread in threads:
        fingerprint = thread.fingerprint
        if not thread.node_id or not (fingerprint in fixed or fingerprint in returned) or _is_peoples(thread):
            continue
        key = f"{fingerprint}@{head_sha}"
        if any(parse_marker(reply.body) == (MarkerKind.REPLY, key) for reply in thread.replies):
            continue
        is_fixed = fingerprint in fixed
        body = (
            render_fixed(fixed[fingerprint], head_sha=head_sha, key=key, redact=redact)
            if is_fixed
            else render_back(head_sha=head_sha, key=key)
        )
        answers.append(
            ThreadAnswer(
                thread_node_id=thread.node_id,
                comment_node_id=thread.comment_node_id,
                body=body,
                settled=is_fixed,
                is_resolved=thread.is_resolved,
            )
        )
    return answers


def _is_answered(thread: Thread) -> bool:
    """Whether Quorum has settled it before: then it was not resolved by hand."""
    marked = [parse_marker(reply.body) for reply in thread.replies if reply.author_is_bot]
    return any(
        each and each[0] is MarkerKind.REPLY and each[1].startswith(thread.fingerprint) for each in marked
    )


def _is_peoples(thread: Thread) -> bool:
    """Whether a person had the last word."""
    return bool(thread.replies) and not thread.replies[-1].author_is_bot
