"""The commands that people give in comments, each as a function."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Protocol

from app.conversation.fixed import ModelFixJudge
from app.conversation.schemas import Intent
from app.domain.finding import Finding, Stage
from app.domain.job import Command, review_id
from app.domain.publication import ThreadAnswer
from app.domain.review import ReviewRequest
from app.domain.step import Checkpoint
from app.gather import explain_path, guideline_cuts
from app.jobs import dismissals
from app.jobs.comment import IncomingComment
from app.jobs.conversation import converse
from app.jobs.fix import fix
from app.jobs.remembering import forget, load_instructions, remember, worth_remembering
from app.jobs.threads import Followed, follow, record_outcomes
from app.publish import replies
from app.publish.path_config import render_path_config
from app.publish.remembered import render_offer, render_remembered
from app.store.findings import FindingOutcome, LearnedRule, load_rules
from app.store.pull_requests import PullRequestMemory, record_paused

EXPLAIN = "Explain this finding: which input or state leads to it, what goes wrong then, and how to fix it."


class RunCommand(Protocol):
    """Runs one command."""

    async def __call__(self, comment: IncomingComment, command: Command) -> None:
        """Run the command and answer the comment."""
        ...


async def rereview(comment: IncomingComment, command: Command) -> None:
    """`/rereview [stage] [full]`: review the newest head."""
    trigger = f"comment:{comment.job.comment_id}"
    stages = tuple(stage for stage in Stage if stage.value in command.words)
    await comment.review_again(
        ReviewRequest(
            review_id=review_id(comment.ref, head_sha=None, trigger=trigger),
            ref=comment.ref,
            installation_id=comment.job.installation_id,
            trigger=trigger,
            stages=stages or tuple(Stage),
            full="full" in command.words,
            commanded=True,
        )
    )


async def ask(comment: IncomingComment, command: Command) -> None:
    """`/ask TEXT`."""
    await converse(comment, command.text)


async def explain(comment: IncomingComment, command: Command) -> None:
    """`/explain`, in a finding's thread."""
    if await comment.known_finding() is None:
        await comment.answer(replies.render_not_in_a_thread(f"/{command.name}", key=comment.key))
        return
    await converse(comment, EXPLAIN, intent=Intent.TECHNICAL_QUESTION)


async def dismiss(comment: IncomingComment, command: Command) -> None:
    """`/dismiss [TEXT]`, in a finding's thread."""
    known, thread = await comment.known_finding(), await comment.thread()
    if thread is None:
        await comment.answer(replies.render_not_in_a_thread(f"/{command.name}", key=comment.key))
        return
    findings = [known.finding] if known and known.is_unsettled else []
    await _dismiss(comment, findings, reason=command.text)
    offer = render_offer(worth_remembering(command.text), redact=comment.redact)
    await comment.answer(
        replies.render_dismissed(findings, key=comment.key, redact=comment.redact, offer=offer)
    )
    if findings:
        await _settle_threads(
            comment,
            [ThreadAnswer(thread_node_id=thread.node_id, comment_node_id=thread.comment_node_id, body=None)],
        )
        await comment.refresh()


async def _dismiss(comment: IncomingComment, findings: Sequence[Finding], *, reason: str) -> None:
    async def record() -> None:
        await asyncio.to_thread(
            dismissals.dismiss,
            comment.environment.database,
            comment.ref,
            findings,
            installation_id=comment.job.installation_id,
            by=comment.job.author,
            reason=reason,
            at=comment.now(),
        )

    await comment.step(Checkpoint("dismiss", type(None)), record)


async def undismiss(comment: IncomingComment, command: Command) -> None:
    """`/undismiss ID`: restore a dismissed finding, or remove a learned rule."""
    memory = await comment.memory()

    async def record() -> str:
        return await asyncio.to_thread(_undismiss, comment, memory, command.words[0])

    done = await comment.step(Checkpoint("undismiss", str), record)
    if done == _LEARNED_RULE:
        await comment.answer(replies.render_rule_removed(key=comment.key))
        return
    finding = next((known.finding for known in memory.findings if known.finding.fingerprint == done), None)
    await comment.answer(replies.render_undismissed(finding, key=comment.key, redact=comment.redact))
    if finding is not None:
        await comment.refresh()


_LEARNED_RULE = "a learned rule"


def _undismiss(comment: IncomingComment, memory: PullRequestMemory, id_: str) -> str:
    """Return the reopened fingerprint, `_LEARNED_RULE` for a rule, or an empty string if the ID is unknown."""
    database, job, now = comment.environment.database, comment.job, comment.now()
    finding = dismissals.undismiss(
        database, comment.ref, memory, id_, installation_id=job.installation_id, by=job.author, at=now
    )
    if finding is not None:
        return finding.fingerprint
    is_rule = dismissals.remove_rule(
        database, comment.ref, id_, installation_id=job.installation_id, by=job.author, at=now
    )
    return _LEARNED_RULE if is_rule else ""


async def resolve(comment: IncomingComment, command: Command) -> None:
    """`/resolve`: resolve the threads of findings that are fixed or dismissed."""
    del command
    snapshot, memory = await comment.snapshot(), await comment.memory()
    followed = await follow(
        memory.findings,
        found=(),
        threads=snapshot.threads,
        diff=snapshot.diff,
        source=comment.access.source,
        redact=comment.redact,
        fix_judge=ModelFixJudge(
            services=comment.environment.services,
            config=(await comment.configuration()).config,
            scope=comment.scope,
            step=comment.step,
        ),
    )
    await asyncio.to_thread(_record, comment, followed)
    done = memory.with_outcome(FindingOutcome.RESOLVED, FindingOutcome.DISMISSED) | set(followed.fixed or {})
    answers = [
        ThreadAnswer(thread_node_id=thread.node_id, comment_node_id=thread.comment_node_id, body=None)
        for thread in snapshot.threads
        if thread.fingerprint in done and not thread.is_resolved
    ]
    settled = await _settle_threads(comment, answers)
    await comment.answer(replies.render_resolved(*settled, key=comment.key))


def _record(comment: IncomingComment, followed: Followed) -> None:
    record_outcomes(comment.environment.database, comment.ref, followed, at=comment.now())


async def _settle_threads(comment: IncomingComment, answers: Sequence[ThreadAnswer]) -> tuple[int, int]:
    """Return how many threads were resolved, and how many comments minimized."""

    async def write() -> tuple[int, int]:
        done = await comment.access.writer.answer_threads(answers)
        return done.resolved, done.minimized

    return await comment.step(Checkpoint("settle threads", tuple[int, int]), write) if answers else (0, 0)


async def pause(comment: IncomingComment, command: Command) -> None:
    """`/pause`."""
    del command
    await _pause(comment, by=comment.job.author)
    await comment.answer(replies.render_paused(key=comment.key))


async def resume(comment: IncomingComment, command: Command) -> None:
    """`/resume`."""
    del command
    await _pause(comment, by=None)
    await comment.answer(replies.render_resumed(key=comment.key))


async def _pause(comment: IncomingComment, *, by: str | None) -> None:
    await asyncio.to_thread(
        record_paused,
        comment.environment.database,
        comment.ref,
        installation_id=comment.job.installation_id,
        by=by,
        at=comment.now(),
    )


async def config(comment: IncomingComment, command: Command) -> None:
    """`/config` and `/config PATH`."""
    configuration = await comment.configuration()
    if command.words:
        path = " ".join(command.words).strip("`").removeprefix("./").lstrip("/")
        explanation = explain_path(configuration.config, path)
        await comment.answer(
            render_path_config(
                explanation.rules,
                path=path,
                origins=configuration.origins,
                patterns=explanation.patterns,
                is_ignored=explanation.is_ignored,
                instructions=explanation.instructions,
                key=comment.key,
                redact=comment.redact,
            )
        )
        return
    rules = await asyncio.to_thread(
        load_rules, comment.environment.database, comment.job.installation_id, comment.ref.repository
    )
    lines = [_describe(rule) for rule in rules if rule.removed_at is None]
    problems = " ".join(problem.message for problem in configuration.problems)
    await comment.answer(
        replies.render_config(
            configuration.config,
            error=problems or None,
            key=comment.key,
            redact=comment.redact,
            origins=configuration.origins,
            learned=lines,
            cuts=guideline_cuts(await comment.snapshot(), configuration.config),
            remembered=render_remembered(await load_instructions(comment), redact=comment.redact),
        )
    )


def _describe(rule: LearnedRule) -> str:
    if rule.path is not None:
        return f"{rule.id[:12]}: {rule.rule_id}, muted for {rule.path}"
    return f"{rule.id[:12]}: {rule.rule_id}, {rule.dismissals} dismissals, code like: {rule.evidence[:120]}"


async def help_(comment: IncomingComment, command: Command) -> None:
    """`/help`."""
    del command
    await comment.answer(replies.render_help(key=comment.key))


COMMANDS: Mapping[str, RunCommand] = {
    "rereview": rereview,
    "ask": ask,
    "explain": explain,
    "dismiss": dismiss,
    "undismiss": undismiss,
    "fix": fix,
    "resolve": resolve,
    "remember": remember,
    "forget": forget,
    "pause": pause,
    "resume": resume,
    "config": config,
    "help": help_,
}
SLOW = frozenset({"rereview", "ask", "explain", "fix", "resolve"})  # acknowledged immediately with eyes
