"""Follows the findings of earlier reviews: still there, moved, fixed, or outdated.

A finding has one thread. Quorum does not comment again on a finding that is still there, and replies once if it is fixed.
Outdated does not mean fixed.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from app.conversation.fixed import FixJudgement
from app.domain.diff import Diff, FileDiff, FileStatus, LineKind, Side
from app.domain.finding import Finding, Judgement
from app.domain.job import ClosedJob
from app.domain.publication import MarkerKind, ThreadAnswer, parse_marker
from app.domain.pull_request import PullRequestRef, Snapshot, Source, Thread
from app.domain.step import Checkpoint, Step
from app.errors import GitHubNotFound
from app.findings.finders import is_by_analyzers
from app.findings.quotes import words
from app.jobs.access import JobEnvironment
from app.jobs.dismissals import record_thumbs
from app.publish.notes import (
    CODE_REMOVED,
    NOT_FOUND_AGAIN,
    OPEN_AT_CLOSE,
    OPEN_AT_MERGE,
    OUTDATED,
    RESOLVED_BY_HAND,
)
from app.publish.replies import render_fixed, render_reintroduced
from app.store.database import Database
from app.store.findings import FindingOutcome, record_outcome
from app.store.fixes import FixOutcome, record_fix_outcomes
from app.store.pull_requests import KnownFinding, PullRequestMemory, load_memory, record_closed

logger = logging.getLogger(__name__)


class FixJudge(Protocol):
    """Judges whether findings whose code changed are fixed."""

    async def judge(self, changed: Sequence[tuple[Finding, str]]) -> Sequence[FixJudgement]:
        """Judge findings, each with the current text of its file."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """The state of earlier findings; the `still_open` ones have their current lines."""

    still_open: tuple[Finding, ...] = ()
    fixed: Mapping[str, str] | None = None  # fingerprint → reason
    by_hand: frozenset[str] = frozenset()
    outdated: frozenset[str] = frozenset()

    def outcomes(self) -> dict[FindingOutcome, dict[str, str]]:
        """Return outcome → fingerprint → reason, to be recorded."""
        return {
            FindingOutcome.RESOLVED: {**(self.fixed or {}), **dict.fromkeys(self.by_hand, RESOLVED_BY_HAND)},
            FindingOutcome.OUTDATED: dict.fromkeys(self.outdated, OUTDATED),
        }


async def follow(
    known: Sequence[KnownFinding],
    *,
    found: Collection[str],
    threads: Sequence[Thread],
    diff: Diff,
    source: Source,
    redact: Callable[[str], str],
    fix_judge: FixJudge | None,
) -> Followed:
    """Determine the state of each open finding that this review did not find again.

    Args:
        found: fingerprints that this review found.
        fix_judge: None leaves findings whose code changed outdated.
    """
    by_hand = {thread.fingerprint for thread in threads if thread.is_resolved and not _is_answered(thread)}
    open_findings = [
        each.finding for each in known if each.is_unsettled and each.finding.fingerprint not in found
    ]
    kept: list[Finding] = []
    fixed: dict[str, str] = {}
    changed: list[tuple[Finding, str]] = []
    for finding in (each for each in open_findings if each.fingerprint not in by_hand):
        text = await _text_now(finding, diff, source)
        if text is None:
            fixed[finding.fingerprint] = CODE_REMOVED
        elif (moved := move(finding, redact(text))) is not None:
            kept.append(moved)
        elif is_by_analyzers(finding):
            fixed[finding.fingerprint] = NOT_FOUND_AGAIN
        else:
            changed.append((finding, text))
    judgements = await fix_judge.judge(changed) if fix_judge and changed else ()
    by_fingerprint = {each.fingerprint: each for each in judgements}
    outdated: set[str] = set()
    for finding, _ in changed:
        fix = by_fingerprint.get(finding.fingerprint)
        if fix and fix.judgement is Judgement.REFUTED:
            fixed[finding.fingerprint] = fix.evidence
            continue
        kept.append(finding)
        if fix is None or fix.judgement is Judgement.UNSURE:
            outdated.add(finding.fingerprint)
    resolved_here = by_hand & {each.fingerprint for each in open_findings}
    return Followed(
        still_open=tuple(kept), fixed=fixed, by_hand=frozenset(resolved_here), outdated=frozenset(outdated)
    )


async def _text_now(finding: Finding, diff: Diff, source: Source) -> str | None:
    """Return the current text of the finding's side; None if the change no longer has it."""
    file = diff.file(finding.path)
    if file is None:
        return None
    if finding.side is Side.LEFT:
        return _old_lines(file)
    if file.status is FileStatus.REMOVED:
        return None
    content = await source.blob(finding.path, Side.RIGHT)
    return None if content is None else content.decode("utf-8", "replace")


def _old_lines(file: FileDiff) -> str:
    """Return the removed lines and the lines around them."""
    return "\n".join(
        line.text for hunk in file.hunks for line in hunk.lines if line.kind is not LineKind.ADDED
    )


def move(finding: Finding, text: str) -> Finding | None:
    """Move a finding to the nearest occurrence of its quote in `text`; None if there is none.

    A finding without a quote stays where it is.
    """
    quote = words(finding.quote)
    if not quote:
        return finding
    if quote not in words(text):
        return None
    rows = text.split("\n")
    size = finding.quote.count("\n") + 1
    matches = [
        start
        for start in range(1, len(rows) + 1)
        if quote in words("\n".join(rows[start - 1 : start + size - 1]))
    ]
    if not matches or finding.side is Side.LEFT:
        return finding
    start = min(matches, key=lambda line: abs(line - finding.start_line))
    return replace(finding, start_line=start, end_line=start + size - 1)


def plan_answers(
    followed: Followed,
    *,
    reintroduced: Collection[str],
    threads: Sequence[Thread],
    head_sha: str,
    redact: Callable[[str], str],
) -> list[ThreadAnswer]:
    """Plan one reply for each fixed and each reintroduced finding; never reply after a person."""
    fixed = followed.fixed or {}
    answers: list[ThreadAnswer] = []
    for thread in threads:
        fingerprint = thread.fingerprint
        if (
            not thread.node_id
            or not (fingerprint in fixed or fingerprint in reintroduced)
            or _person_replied_last(thread)
        ):
            continue
        key = f"{fingerprint}@{head_sha}"
        if any(parse_marker(reply.body) == (MarkerKind.REPLY, key) for reply in thread.replies):
            continue
        is_fixed = fingerprint in fixed
        body = (
            render_fixed(fixed[fingerprint], head_sha=head_sha, key=key, redact=redact)
            if is_fixed
            else render_reintroduced(head_sha=head_sha, key=key)
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
    """Whether Quorum settled the thread, so that it was not resolved manually."""
    marked = [parse_marker(reply.body) for reply in thread.replies if reply.author_is_bot]
    return any(
        each and each[0] is MarkerKind.REPLY and each[1].startswith(thread.fingerprint) for each in marked
    )


def _person_replied_last(thread: Thread) -> bool:
    """Whether the last reply is from a person."""
    return bool(thread.replies) and not thread.replies[-1].author_is_bot


def record_outcomes(database: Database, ref: PullRequestRef, followed: Followed, *, at: datetime) -> None:
    """Record each finding's outcome with its reason."""
    for outcome, reasons in followed.outcomes().items():
        for fingerprint, reason in reasons.items():
            record_outcome(database, ref, [fingerprint], outcome, at=at, reason=reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedHandler:
    """Records the outcomes of findings when a pull request is closed or merged. Posts nothing and calls no model."""

    environment: JobEnvironment

    async def handle(self, job: ClosedJob, step: Step) -> None:
        """Evaluate the open findings; read nothing from GitHub if there are none."""
        await asyncio.to_thread(
            record_closed, self.environment.database, job.ref, at=self.environment.clock()
        )
        memory = await asyncio.to_thread(load_memory, self.environment.database, job.ref)
        if any(known.is_unsettled for known in memory.findings):
            await step(Checkpoint("evaluate", type(None)), lambda: self._evaluate(job, memory))
        if job.merged:
            await asyncio.to_thread(self._record_fixes, job)

    def _record_fixes(self, job: ClosedJob) -> None:
        """Record whether committed fixes are in the merge: their findings are gone, or came back."""
        database, now = self.environment.database, self.environment.clock()
        memory = load_memory(database, job.ref)
        gone = memory.with_outcome(FindingOutcome.RESOLVED)
        back = {known.finding.fingerprint for known in memory.findings} - gone
        record_fix_outcomes(database, job.ref, gone, FixOutcome.KEPT, at=now)
        record_fix_outcomes(database, job.ref, back, FixOutcome.REVERTED, at=now)

    async def _evaluate(self, job: ClosedJob, memory: PullRequestMemory) -> None:
        access = self.environment.open(job.ref, installation_id=job.installation_id, ledger=job.key)
        try:
            snapshot = await access.source.snapshot(())
        except GitHubNotFound:
            logger.info("%s no longer exists, so its findings are unchanged", job.ref)
            return
        followed = await follow(
            memory.findings,
            found=(),
            threads=snapshot.threads,
            diff=snapshot.diff,
            source=access.source,
            redact=self.environment.redact,
            fix_judge=None,
        )
        await asyncio.to_thread(self._record, job, memory, snapshot, followed)

    def _record(
        self, job: ClosedJob, memory: PullRequestMemory, snapshot: Snapshot, followed: Followed
    ) -> None:
        database, now = self.environment.database, self.environment.clock()
        record_outcomes(database, job.ref, followed, at=now)
        still_open = [f.fingerprint for f in followed.still_open if f.fingerprint not in followed.outdated]
        record_outcome(
            database,
            job.ref,
            still_open,
            FindingOutcome.OPEN,
            at=now,
            reason=OPEN_AT_MERGE if job.merged else OPEN_AT_CLOSE,
        )
        record_thumbs(
            database, job.ref, memory, snapshot.threads, installation_id=job.installation_id, at=now
        )
