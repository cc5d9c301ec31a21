"""A comment for Quorum, with everything that is needed to answer it: the pull request, the thread, and a way to reply.

Everything is read at most once, on first use.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from app.domain.finding import Finding
from app.domain.job import CommentJob, review_id
from app.domain.publication import MarkerKind, Reaction, marker
from app.domain.pull_request import PullRequestRef, Snapshot, Thread
from app.domain.review import ReviewRequest
from app.domain.step import Checkpoint, Step
from app.gather import Configuration, read_configuration
from app.jobs.access import JobEnvironment, PullRequestAccess
from app.jobs.head import REFRESH, SnapshotReader
from app.jobs.review import ReviewHandler
from app.llm.client import CallScope
from app.store.pull_requests import KnownFinding, PullRequestMemory, load_memory

logger = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class IncomingComment:
    """A command or a question that is being handled."""

    job: CommentJob
    access: PullRequestAccess
    review: ReviewHandler
    step: Step
    is_still_permitted: Callable[[], Awaitable[bool]]  # whether the author may command now
    _reader: SnapshotReader = field(init=False)
    _memory: PullRequestMemory | None = field(default=None)

    def __post_init__(self) -> None:
        self._reader = SnapshotReader(self.access.source)

    @property
    def ref(self) -> PullRequestRef:
        """The pull request of the comment."""
        return self.job.ref

    @property
    def key(self) -> str:
        """The key of the answer to this comment."""
        return answer_key(self.job)

    @property
    def environment(self) -> JobEnvironment:
        """The environment of all handlers."""
        return self.review.environment

    @property
    def scope(self) -> CallScope:
        """The scope of model calls for this comment."""
        return CallScope(
            installation_id=self.job.installation_id,
            repository=self.ref.repository,
            pull_request=self.ref.number,
        )

    def now(self) -> datetime:
        """Return the current time."""
        return self.environment.clock()

    def redact(self, text: str) -> str:
        """Remove secrets from text."""
        return self.environment.redact(text)

    async def snapshot(self) -> Snapshot:
        """Return the current state of the pull request."""
        return await self._reader.read()

    async def memory(self) -> PullRequestMemory:
        """Return the records of earlier reviews."""
        if self._memory is None:
            self._memory = await asyncio.to_thread(load_memory, self.environment.database, self.ref)
        return self._memory

    async def configuration(self) -> Configuration:
        """Return the effective configuration."""
        defaults = self.environment.organization_defaults
        return read_configuration(
            await self.snapshot(),
            organization=await defaults.load(self.job.installation_id, self.ref.owner),
            operator_budget=self.environment.services.budget,
            configured=self.environment.services.models.providers,
        )

    async def thread(self) -> Thread | None:
        """Return the thread of a finding that the comment belongs to, if any."""
        root = self.job.thread_comment_id
        if root is None:
            return None
        threads = (await self.snapshot()).threads
        return next((thread for thread in threads if thread.comment_id == root), None)

    async def known_finding(self) -> KnownFinding | None:
        """Return the finding of that thread."""
        thread = await self.thread()
        if thread is None:
            return None
        findings = (await self.memory()).findings
        return next((known for known in findings if known.finding.fingerprint == thread.fingerprint), None)

    async def react(self, content: Reaction) -> None:
        """React to the comment."""
        await self.step(Checkpoint("react", type(None)), lambda: react(self.job, self.access, content))

    async def answer(self, body: str) -> int:
        """Post the answer in the comment's conversation; return its ID, or 0 without permission to post."""
        if not may_write(self.job, self.access):
            logger.info("cannot answer %s: the installation lacks the permission", self.key)
            return 0
        return await self.step(Checkpoint("answer", int), lambda: post_answer(self.job, self.access, body))

    async def review_again(self, request: ReviewRequest) -> None:
        """Run a review as part of this job."""
        await self.review.review_within(request, self.step, guid=self.job.guid)

    async def refresh(self) -> None:
        """Update summary and check runs after a decision about findings, without new model calls or comments."""
        trigger = f"{REFRESH}{self.job.comment_id}"
        await self.review_again(
            ReviewRequest(
                review_id=review_id(self.ref, head_sha=None, trigger=trigger),
                ref=self.ref,
                installation_id=self.job.installation_id,
                trigger=trigger,
            )
        )


def answer_key(job: CommentJob) -> str:
    """Return the key of the answer to a comment."""
    return f"{job.comment_kind}:{job.comment_id}"


async def post_answer(job: CommentJob, access: PullRequestAccess, body: str) -> int:
    """Answer a comment in its conversation, once; returns the answer's ID."""
    writer, hidden = access.writer, marker(MarkerKind.REPLY, answer_key(job))

    async def write() -> int:
        if job.comment_kind == "review_comment":
            return await writer.reply_to_review_comment(job.thread_comment_id or job.comment_id, body)
        return await writer.create_issue_comment(body)

    async def find() -> int | None:
        if job.comment_kind == "review_comment":
            return await writer.find_review_comment(hidden)
        return await writer.find_issue_comment(hidden)

    return await access.ledger.write_once("answer", find=find, write=write)


async def react(job: CommentJob, access: PullRequestAccess, content: Reaction) -> None:
    """React to a comment; GitHub keeps one reaction of each kind."""

    async def find() -> None:
        return None

    async def write() -> int:
        await access.writer.react(job.comment_kind, job.comment_id, content)
        return job.comment_id

    if may_write(job, access):
        await access.ledger.write_once(f"react:{content}", find=find, write=write)


def may_write(job: CommentJob, access: PullRequestAccess) -> bool:
    """Whether the installation has permission to write in the comment's conversation."""
    permission = "issues" if job.comment_kind == "issue_comment" else "pull_requests"
    return permission not in access.lacking()


def moved_to(finding: Finding, thread: Thread | None) -> Finding:
    """Move the finding to the current line of its thread."""
    if thread is None or thread.line is None:
        return finding
    size = finding.end_line - finding.start_line
    return replace(finding, start_line=max(1, thread.line - size), end_line=thread.line)
