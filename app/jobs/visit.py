"""One comment by somebody who may command, with what its command needs: the pull request, the thread, a way to answer.

What is read is read once, when it is first needed.
"""

import asyncio
import logging
from dataclasses import dataclass, field, replace
from datetime import datetime

from app.domain.finding import Finding
from app.domain.job import CommentJob, ReviewJob, review_id
from app.domain.publication import MarkerKind, Reaction, marker
from app.domain.pull_request import PullRequestRef, Snapshot, Thread
from app.domain.review import ReviewRequest
from app.domain.step import Checkpoint, Step
from app.gather import Configuration, parse_configuration
from app.gather.configuration import BASE_PATHS, CONFIGURATION_PATH
from app.jobs.access import PullRequestAccess
from app.jobs.eligible import REFRESH
from app.jobs.review import ReviewHandler
from app.store.pull_requests import KnownFinding, PullRequestMemory, load_memory
from app.store.reviews import record_review_begun

logger = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class Visit:
    """A command or a question on its way."""

    job: CommentJob
    access: PullRequestAccess
    review: ReviewHandler
    step: Step
    _snapshot: Snapshot | None = field(default=None)
    _remembered: PullRequestMemory | None = field(default=None)

    @property
    def ref(self) -> PullRequestRef:
        """The pull request."""
        return self.job.ref

    @property
    def key(self) -> str:
        """Names the answer to this comment."""
        return f"{self.job.comment_kind}:{self.job.comment_id}"

    def now(self) -> datetime:
        """The moment."""
        return self.review.clock()

    def redact(self, text: str) -> str:
        """Without secrets."""
        return self.review.services.redactor.redact(text)

    async def snapshot(self) -> Snapshot:
        """The pull request as it is."""
        if self._snapshot is None:
            self._snapshot = await self.access.source.snapshot(BASE_PATHS)
        return self._snapshot

    async def remembered(self) -> PullRequestMemory:
        """What earlier reviews left."""
        if self._remembered is None:
            self._remembered = await asyncio.to_thread(load_memory, self.review.database, self.ref)
        return self._remembered

    async def configuration(self) -> Configuration:
        """What holds here."""
        default = await self.review.organisation_default(self.job.installation_id, self.ref.owner)
        return parse_configuration(
            (await self.snapshot()).base_files.get(CONFIGURATION_PATH),
            organisation=default,
            operator_budget=self.review.services.budget,
        )

    async def thread(self) -> Thread | None:
        """The finding's thread in which the comment stands."""
        root = self.job.thread_comment_id
        if root is None:
            return None
        threads = (await self.snapshot()).threads
        return next((thread for thread in threads if thread.comment_id == root), None)

    async def known_finding(self) -> KnownFinding | None:
        """The finding of that thread."""
        thread = await self.thread()
        if thread is None:
            return None
        findings = (await self.remembered()).findings
        return next((known for known in findings if known.finding.fingerprint == thread.fingerprint), None)

    async def react(self, content: Reaction) -> None:
        """Show that it was seen."""
        await self.step(Checkpoint("react", type(None)), lambda: react(self.job, self.access, content))

    async def answer(self, body: str) -> int:
        """Post the one answer, in the thread where it was asked; its id, or 0 where nothing may be posted."""
        job, writer = self.job, self.access.writer
        if not may_write(job, self.access):
            logger.info("no answer to %s: the installation does not permit any", self.key)
            return 0
        hidden = marker(MarkerKind.REPLY, self.key)

        async def write() -> int:
            if job.comment_kind == "review_comment":
                return await writer.reply_to_review_comment(job.thread_comment_id or job.comment_id, body)
            return await writer.create_issue_comment(body)

        async def find() -> int | None:
            if job.comment_kind == "review_comment":
                return await writer.find_review_comment(hidden)
            return await writer.find_issue_comment(hidden)

        return await self.step(
            Checkpoint("answer", int), lambda: self.access.ledger.write_once("answer", find=find, write=write)
        )

    async def review_again(self, request: ReviewRequest) -> None:
        """Run a review as a part of this job."""
        await asyncio.to_thread(
            record_review_begun, self.review.database, request, delivery=self.job.guid, at=self.now()
        )
        await self.review.handle(ReviewJob(request=request), self.step)

    async def refresh(self) -> None:
        """Bring summary and check runs up to date after a decision about findings; nothing new is asked or posted."""
        trigger = f"{REFRESH}{self.job.comment_id}"
        await self.review_again(
            ReviewRequest(
                review_id=review_id(self.ref, head_sha=None, trigger=trigger),
                ref=self.ref,
                installation_id=self.job.installation_id,
                trigger=trigger,
            )
        )


async def react(job: CommentJob, access: PullRequestAccess, content: Reaction) -> None:
    """React to the comment, once: to GitHub the same reaction again is the same one."""

    async def find() -> None:
        return None

    async def write() -> int:
        await access.writer.react(job.comment_kind, job.comment_id, content)
        return job.comment_id

    if may_write(job, access):
        await access.ledger.write_once(f"react:{content}", find=find, write=write)


def may_write(job: CommentJob, access: PullRequestAccess) -> bool:
    """Whether the installation lets the App write where the comment stands."""
    needs = "issues" if job.comment_kind == "issue_comment" else "pull_requests"
    return needs not in access.lacking()


def moved_to(finding: Finding, thread: Thread | None) -> Finding:
    """The finding on the line where its thread stands now."""
    if thread is None or thread.line is None:
        return finding
    size = finding.end_line - finding.start_line
    return replace(finding, start_line=max(1, thread.line - size), end_line=thread.line)
