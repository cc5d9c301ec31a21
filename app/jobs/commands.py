"""What each command does. Who may give it has been asked before; what it says is in `app.publish.replies`."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from app.conversation.fixed import Look, look_again
from app.conversation.schemas import Intent
from app.domain.diff import Side
from app.domain.finding import Finding, Stage
from app.domain.job import Command, review_id
from app.domain.publication import ThreadAnswer
from app.domain.review import ReviewRequest
from app.domain.step import Checkpoint
from app.jobs import dismissal
from app.jobs.conversation import converse
from app.jobs.publication import record_outcomes
from app.jobs.threads import Followed, follow
from app.jobs.visit import Visit
from app.llm.client import CallScope
from app.publish import replies
from app.store.findings import FindingOutcome, load_rules
from app.store.pull_requests import PullRequestMemory, record_paused

EXPLAIN = "Explain this finding: which input or state leads to it, what goes wrong then, and how to fix it."

Do = Callable[[Visit, Command], Awaitable[None]]


async def rereview(visit: Visit, command: Command) -> None:
    """`/rereview [stage] [full]`, of whatever the head is."""
    trigger = f"comment:{visit.job.comment_id}"
    stages = tuple(stage for stage in Stage if stage.value in command.words)
    await visit.review_again(
        ReviewRequest(
            review_id=review_id(visit.ref, head_sha=None, trigger=trigger),
            ref=visit.ref,
            installation_id=visit.job.installation_id,
            trigger=trigger,
            stages=stages or tuple(Stage),
            full="full" in command.words,
            commanded=True,
        )
    )


async def ask(visit: Visit, command: Command) -> None:
    """`/ask TEXT`."""
    await converse(visit, command.text)


async def explain(visit: Visit, command: Command) -> None:
    """`/explain`, in a finding's thread."""
    if await visit.known_finding() is None:
        await visit.answer(replies.render_not_in_a_thread(f"/{command.name}", key=visit.key))
        return
    await converse(visit, EXPLAIN, intent=Intent.TECHNICAL_QUESTION)


async def dismiss(visit: Visit, command: Command) -> None:
    """`/dismiss [TEXT]`, in a finding's thread."""
    known, thread = await visit.known_finding(), await visit.thread()
    if thread is None:
        await visit.answer(replies.render_not_in_a_thread(f"/{command.name}", key=visit.key))
        return
    findings = [known.finding] if known and known.is_unsettled else []
    await _dismiss(visit, findings, reason=command.text)
    await visit.answer(replies.render_dismissed(findings, key=visit.key, redact=visit.redact))
    if findings:
        await _settle_threads(
            visit,
            [ThreadAnswer(thread_node_id=thread.node_id, comment_node_id=thread.comment_node_id, body=None)],
        )
        await visit.refresh()


async def _dismiss(visit: Visit, findings: Sequence[Finding], *, reason: str) -> None:
    async def record() -> None:
        await asyncio.to_thread(
            dismissal.dismiss,
            visit.review.database,
            visit.ref,
            findings,
            installation_id=visit.job.installation_id,
            by=visit.job.author,
            reason=reason,
            at=visit.now(),
        )

    await visit.step(Checkpoint("dismiss", type(None)), record)


async def undismiss(visit: Visit, command: Command) -> None:
    """`/undismiss ID`: of a dismissed finding, or of a rule that dismissals made."""
    remembered = await visit.remembered()

    async def record() -> str:
        return await asyncio.to_thread(_undismiss, visit, remembered, command.words[0])

    done = await visit.step(Checkpoint("undismiss", str), record)
    if done == _A_RULE:
        await visit.answer(replies.render_rule_removed(key=visit.key))
        return
    finding = next(
        (known.finding for known in remembered.findings if known.finding.fingerprint == done), None
    )
    await visit.answer(replies.render_undismissed(finding, key=visit.key, redact=visit.redact))
    if finding is not None:
        await visit.refresh()


_A_RULE = "a learned rule"


def _undismiss(visit: Visit, remembered: PullRequestMemory, id_: str) -> str:
    """The fingerprint that is open again; `_A_RULE` for a rule; empty where there is nothing of that id."""
    database, job, now = visit.review.database, visit.job, visit.now()
    finding = dismissal.undismiss(
        database, visit.ref, remembered, id_, installation_id=job.installation_id, by=job.author, at=now
    )
    if finding is not None:
        return finding.fingerprint
    is_rule = dismissal.take_back_rule(
        database, visit.ref, id_, installation_id=job.installation_id, by=job.author, at=now
    )
    return _A_RULE if is_rule else ""


async def resolve(visit: Visit, command: Command) -> None:
    """`/resolve`: the threads whose findings the newest head has fixed, or that were fixed or dismissed before."""
    del command
    snapshot, remembered = await visit.snapshot(), await visit.remembered()
    followed = await follow(
        remembered.findings,
        found=(),
        threads=snapshot.threads,
        diff=snapshot.diff,
        read_head=lambda path: _read_head(visit, path),
        redact=visit.redact,
        look_again=lambda changed: _look_again(visit, changed),
    )
    await asyncio.to_thread(_record, visit, followed)
    done = remembered.with_outcome(FindingOutcome.RESOLVED, FindingOutcome.DISMISSED) | set(
        followed.fixed or {}
    )
    answers = [
        ThreadAnswer(thread_node_id=thread.node_id, comment_node_id=thread.comment_node_id, body=None)
        for thread in snapshot.threads
        if thread.fingerprint in done and not thread.is_resolved
    ]
    settled = await _settle_threads(visit, answers)
    await visit.answer(replies.render_resolved(*settled, key=visit.key))


def _record(visit: Visit, followed: Followed) -> None:
    record_outcomes(visit.review.database, visit.ref, followed, at=visit.now())


async def _read_head(visit: Visit, path: str) -> str | None:
    content = await visit.access.source.blob(path, Side.RIGHT)
    return None if content is None else content.decode("utf-8", "replace")


async def _look_again(visit: Visit, changed: Sequence[tuple[Finding, str]]) -> Sequence[Look]:
    config = (await visit.configuration()).config
    scope = CallScope(
        installation_id=visit.job.installation_id,
        repository=visit.ref.repository,
        pull_request=visit.ref.number,
    )
    services = visit.review.services
    return await visit.step(
        Checkpoint("look again", tuple[Look, ...]),
        lambda: look_again(changed, services=services, config=config, scope=scope),
    )


async def _settle_threads(visit: Visit, answers: Sequence[ThreadAnswer]) -> tuple[int, int]:
    """How many were resolved, and how many folded."""

    async def write() -> tuple[int, int]:
        done = await visit.access.writer.answer_threads(answers)
        return done.resolved, done.folded

    return await visit.step(Checkpoint("settle threads", tuple[int, int]), write) if answers else (0, 0)


async def pause(visit: Visit, command: Command) -> None:
    """`/pause`."""
    del command
    await _pause(visit, by=visit.job.author)
    await visit.answer(replies.render_paused(key=visit.key))


async def resume(visit: Visit, command: Command) -> None:
    """`/resume`."""
    del command
    await _pause(visit, by=None)
    await visit.answer(replies.render_resumed(key=visit.key))


async def _pause(visit: Visit, *, by: str | None) -> None:
    await asyncio.to_thread(
        record_paused,
        visit.review.database,
        visit.ref,
        installation_id=visit.job.installation_id,
        by=by,
        at=visit.now(),
    )


async def config(visit: Visit, command: Command) -> None:
    """`/config`."""
    del command
    configuration = await visit.configuration()
    rules = await asyncio.to_thread(
        load_rules, visit.review.database, visit.job.installation_id, visit.ref.repository
    )
    lines = [
        f"{rule.id[:12]}: {rule.rule_id}, {rule.dismissals} dismissals, code like: {rule.evidence[:120]}"
        for rule in rules
        if rule.removed_at is None
    ]
    problems = " ".join(problem.message for problem in configuration.problems)
    await visit.answer(
        replies.render_config(
            configuration.config,
            error=problems or None,
            key=visit.key,
            redact=visit.redact,
            origins=configuration.origins,
            learned=lines,
        )
    )


async def help_(visit: Visit, command: Command) -> None:
    """`/help`."""
    del command
    await visit.answer(replies.render_help(key=visit.key))


COMMANDS: Mapping[str, Do] = {
    "rereview": rereview,
    "ask": ask,
    "explain": explain,
    "dismiss": dismiss,
    "undismiss": undismiss,
    "resolve": resolve,
    "pause": pause,
    "resume": resume,
    "config": config,
    "help": help_,
}
SLOW = frozenset({"rereview", "ask", "explain", "resolve"})  # whoever gives one of these sees eyes at once
