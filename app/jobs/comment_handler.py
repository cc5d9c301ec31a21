"""Handles comments: checks the permission, then runs the command or answers the question.

People who wait for an answer get a reaction immediately, even while a review of the pull request runs.
"""

import logging
from dataclasses import dataclass

from app.domain.job import Command, CommentJob
from app.domain.step import Checkpoint, Step
from app.errors import TRANSIENT, QuorumError
from app.jobs.access import Permissions, PullRequestAccess
from app.jobs.commands import COMMANDS, SLOW
from app.jobs.comment import IncomingComment, answer_key, post_answer, react
from app.jobs.conversation import converse
from app.jobs.review import ReviewHandler
from app.publish import replies

logger = logging.getLogger(__name__)

FOR_THE_TEAM = frozenset({"remember", "forget"})  # others learn why nothing happened


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentHandler:
    """Handles comments for Quorum: runs a command or answers a question, for people with write access only."""

    review: ReviewHandler
    permissions: Permissions
    allowed_bots: frozenset[int] = frozenset()

    async def handle(self, job: CommentJob, step: Step) -> None:
        """Run the command, or answer the question."""
        access = self.review.environment.open(job.ref, installation_id=job.installation_id, ledger=job.key)
        comment = IncomingComment(
            job=job,
            access=access,
            review=self.review,
            step=step,
            is_still_permitted=lambda: self._may_command(job, access, is_fresh=True),
        )
        if not await step(Checkpoint("permission", bool), lambda: self._may_command(job, access)):
            await comment.react("confused")
            if job.command and job.command.name in FOR_THE_TEAM:
                await comment.answer(replies.render_not_allowed(f"/{job.command.name}", key=comment.key))
            return
        if _takes_time(job.command):
            await comment.react("eyes")
        await _run(comment)

    async def acknowledge(self, job: CommentJob) -> None:
        """React with eyes to a comment whose answer takes time."""
        access = self.review.environment.open(job.ref, installation_id=job.installation_id, ledger=job.key)
        if _takes_time(job.command) and await self._may_command(job, access):
            await react(job, access, "eyes")

    async def explain_failure(self, job: CommentJob, reason: str) -> list[QuorumError]:
        """Answer a comment whose job failed, unless it was answered before; returns GitHub's refusal.

        Raises:
            any of `TRANSIENT`: call this again later.
        """
        access = self.review.environment.open(job.ref, installation_id=job.installation_id, ledger=job.key)
        body = replies.render_failure(reason, key=answer_key(job), redact=self.review.environment.redact)
        try:
            if await self._may_command(job, access):
                await post_answer(job, access, body)
        except TRANSIENT:
            raise
        except QuorumError as error:
            logger.warning("the comment %s could not be answered: %s", answer_key(job), error)
            return [error]
        return []

    async def _may_command(
        self, job: CommentJob, access: PullRequestAccess, *, is_fresh: bool = False
    ) -> bool:
        """Allow people with write access, and the bots that the operator names, which are never collaborators."""
        if job.author_id in self.allowed_bots:
            return True
        ask = self.permissions.may_still_command if is_fresh else self.permissions.may_command
        return await ask(access.writer, job.ref.repository, job.author)


def _takes_time(command: Command | None) -> bool:
    """Whether the answer needs models or the pull request."""
    return command is None or (command.name in SLOW and not command.problem)


async def _run(comment: IncomingComment) -> None:
    command = comment.job.command
    if command is None:
        await converse(comment, comment.job.body)
    elif command.name not in COMMANDS:
        await comment.answer(
            replies.render_unknown_command(f"/{command.name}", key=comment.key, closest=command.suggestion)
        )
    elif command.problem:
        await comment.answer(replies.render_failure(command.problem, key=comment.key, redact=comment.redact))
    else:
        await COMMANDS[command.name](comment, command)
