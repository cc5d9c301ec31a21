"""What somebody said to Quorum on a pull request: who may command is asked first, then the command is done.

By others than people with write access nothing is done and no model is asked.
"""

from dataclasses import dataclass

from app.domain.job import CommentJob
from app.domain.step import Step
from app.doors.access import PullRequestAccess
from app.doors.commands import COMMANDS
from app.doors.conversation import converse
from app.doors.permission import Permissions
from app.doors.review import ReviewDoor
from app.doors.visit import Visit
from app.publish import replies


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentDoor:
    """Does comment jobs."""

    review: ReviewDoor
    permissions: Permissions
    allowed_bots: frozenset[int] = frozenset()

    async def __call__(self, job: CommentJob, step: Step) -> None:
        """Do the command, or answer the question."""
        access = self.review.open_pull_request(job.ref, installation_id=job.installation_id, ledger=job.key)
        visit = Visit(job=job, access=access, review=self.review, step=step)
        if not await step("permission", lambda: self._may_command(job, access), bool):
            await visit.react("confused")
            return
        await _do(visit)

    async def _may_command(self, job: CommentJob, access: PullRequestAccess) -> bool:
        """A bot is nobody's collaborator: that the operator names its id is what allows it."""
        if job.author_id in self.allowed_bots:
            return True
        return await self.permissions.may_command(access.writer, job.ref.repository, job.author)


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
