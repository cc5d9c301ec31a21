"""What somebody said to Quorum on a pull request: who may command is asked first, then the command is done.

By others than people with write access nothing is done and no model is asked. Whoever waits for an answer sees eyes at
once, also while a review of the pull request runs: that is a sign of its own, beside the job.
"""

from dataclasses import dataclass

from app.domain.job import Command, CommentJob
from app.domain.step import Checkpoint, Step
from app.jobs.access import PullRequestAccess
from app.jobs.commands import COMMANDS, SLOW
from app.jobs.conversation import converse
from app.jobs.permission import Permissions
from app.jobs.review import ReviewHandler
from app.jobs.visit import Visit, react
from app.publish import replies


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentHandler:
    """Does comment jobs."""

    review: ReviewHandler
    permissions: Permissions
    allowed_bots: frozenset[int] = frozenset()

    async def handle(self, job: CommentJob, step: Step) -> None:
        """Do the command, or answer the question."""
        access = self.review.open_pull_request(job.ref, installation_id=job.installation_id, ledger=job.key)
        visit = Visit(job=job, access=access, review=self.review, step=step)
        if not await step(Checkpoint("permission", bool), lambda: self._may_command(job, access)):
            await visit.react("confused")
            return
        if _is_waited_for(job.command):
            await visit.react("eyes")
        await _do(visit)

    async def acknowledge(self, job: CommentJob) -> None:
        """React with eyes to a comment whose answer takes time."""
        access = self.review.open_pull_request(job.ref, installation_id=job.installation_id, ledger=job.key)
        if _is_waited_for(job.command) and await self._may_command(job, access):
            await react(job, access, "eyes")

    async def _may_command(self, job: CommentJob, access: PullRequestAccess) -> bool:
        """A bot is nobody's collaborator: that the operator names its id is what allows it."""
        if job.author_id in self.allowed_bots:
            return True
        return await self.permissions.may_command(access.writer, job.ref.repository, job.author)


def _is_waited_for(command: Command | None) -> bool:
    """Questions, and the commands that read the pull request; the others are answered in a moment."""
    return command is None or (command.name in SLOW and not command.problem)


async def _do(visit: Visit) -> None:
    command = visit.job.command
    if command is None:
        await converse(visit, visit.job.body)
    elif command.name not in COMMANDS:
        said = replies.render_unknown_command(f"/{command.name}", key=visit.key, closest=command.suggestion)
        await visit.answer(said)
    elif command.problem:
        await visit.answer(replies.render_failure(command.problem, key=visit.key, redact=visit.redact))
    else:
        await COMMANDS[command.name](visit, command)
