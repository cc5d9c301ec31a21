"""What one review writes on its pull request, in this order: thread replies, review, summary, check runs.

The head is read again right before the first write.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from app.conversation.fixed import Look, look_again
from app.domain.configuration import Publish
from app.domain.diff import Side
from app.domain.finding import Finding, Stage
from app.domain.model_call import Provider
from app.domain.publication import CommentEdit, MarkerKind, ThreadAnswer, marker
from app.domain.pull_request import PullRequestRef
from app.domain.review import ReviewReport, ReviewRequest, StageStatus
from app.domain.step import Checkpoint, Step
from app.errors import Superseded
from app.gather import Gathered
from app.jobs.access import PullRequestAccess
from app.jobs.reactions import record_thumbs
from app.jobs.threads import BY_HAND, Followed, follow, plan_answers
from app.jobs.walkthrough import with_earlier_walkthrough
from app.llm.client import CallScope
from app.pipeline.inputs import Services
from app.publish.plan import PublicationRequest
from app.publish.publisher import Published, Publisher
from app.publish.wording import render_lacking
from app.store.database import Database
from app.store.findings import FindingOutcome, record_outcome
from app.store.pull_requests import PullRequestMemory


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewPublication:
    """A finished review on its way to the pull request."""

    request: ReviewRequest
    gathered: Gathered
    report: ReviewReport
    remembered: PullRequestMemory
    services: Services
    access: PullRequestAccess
    check_run_ids: Mapping[Stage, int]
    step: Step

    @property
    def head_sha(self) -> str:
        """The reviewed head."""
        pull_request = self.gathered.context.pull_request
        assert pull_request, "the App reviews pull requests"
        return pull_request.head_sha

    @property
    def is_shown(self) -> bool:
        """Whether people see the findings on the pull request."""
        is_shadow = self.gathered.config.publish is Publish.SHADOW
        return not is_shadow and not {"issues", "pull_requests"} <= set(self.access.lacking())

    async def follow(self) -> Followed:
        """Find out what became of the findings of earlier reviews."""
        return await follow(
            self.remembered.findings,
            found=self._found(),
            threads=self.gathered.snapshot.threads,
            diff=self.gathered.context.diff,
            read_head=self._read_head,
            redact=self.services.redactor.redact,
            look_again=self._look_again,
        )

    async def publish(self, followed: Followed) -> Published:
        """Write everything.

        Raises:
            Superseded: the reviewed head is no longer the newest.
        """
        if await self.access.writer.head_sha() != self.head_sha:
            raise Superseded("The pull request was pushed to while it was reviewed.")
        request = self._publication_request(followed)
        snapshot = self.gathered.snapshot
        replies = ThreadReplies(self, self._plan_answers(followed) if request.is_full else ())
        is_combined = bool(replies.answers) and request.has_summary and bool(snapshot.summary_node_id)
        if replies.answers and not is_combined:
            await replies.post()
        publisher = Publisher(
            request=request,
            writer=self.access.writer,
            ledger=self.access.ledger,
            check_run_ids=self.check_run_ids,
            summary_comment_id=snapshot.summary_comment_id or self.remembered.summary_comment_id,
            summary_editor=replies if is_combined else None,
        )
        return await publisher.publish()

    def whole_report(self) -> ReviewReport:
        """The report with what earlier runs said of the files that this run did not read."""
        paths = {file.path for file in self.gathered.context.diff.files}
        notes = tuple(f"`{problem.path}`: {problem.message}" for problem in self.gathered.problems)
        off = render_lacking(self.access.lacking())
        report = replace(self.report, notes=(*notes, *((off,) if off else ()), *self.report.notes))
        if self.request.full or not self.remembered.reviewed_hunks(
            self.head_sha, self.gathered.config.stages
        ):
            return report
        return with_earlier_walkthrough(report, self.remembered.stages, paths=paths)

    def hunk_keys_read(self) -> tuple[str, ...] | None:
        """The keys of the whole change, if every stage has read all of it, now or earlier."""
        results = [result for result in self.report.stages if result.stage in self.gathered.config.stages]
        is_read = not self.report.keyless and all(
            result.status is StageStatus.COMPLETED and result.provider is not Provider.ANALYZERS
            for result in results
        )
        return self.gathered.hunk_keys if is_read else None

    def record_followed(self, database: Database, followed: Followed, *, at: datetime) -> None:
        """Record what became of earlier findings, and the thumbs under their comments."""
        record_outcomes(database, self.request.ref, followed, at=at)
        record_thumbs(
            database,
            self.request.ref,
            self.remembered,
            self.gathered.snapshot.threads,
            installation_id=self.request.installation_id,
            at=at,
        )

    def _found(self) -> frozenset[str]:
        return frozenset(finding.fingerprint for finding in self.report.findings)

    def _publication_request(self, followed: Followed) -> PublicationRequest:
        threads = self.gathered.snapshot.threads
        return PublicationRequest(
            report=self.whole_report(),
            config=self.gathered.config,
            diff=self.gathered.context.diff,
            head_sha=self.head_sha,
            review_id=self.request.review_id,
            key=str(self.request.ref),
            redact=self.services.redactor.redact,
            first=self.remembered.reviewed_sha is None,
            commanded=self.request.commanded,
            shown={thread.fingerprint for thread in threads} | self.remembered.shown,
            standing=followed.standing,
            earlier_stages=self.remembered.stages,
            problems=self.gathered.problems,
            lacking=self.access.lacking(),
        )

    def _plan_answers(self, followed: Followed) -> Sequence[ThreadAnswer]:
        returned = {
            known.finding.fingerprint
            for known in self.remembered.findings
            if known.outcome == FindingOutcome.RESOLVED and known.reason != BY_HAND
        }
        return plan_answers(
            followed,
            returned=returned & self._found(),
            threads=self.gathered.snapshot.threads,
            head_sha=self.head_sha,
            redact=self.services.redactor.redact,
        )

    async def _read_head(self, path: str) -> str | None:
        content = await self.access.source.blob(path, Side.RIGHT)
        return None if content is None else content.decode("utf-8", "replace")

    async def _look_again(self, changed: Sequence[tuple[Finding, str]]) -> Sequence[Look]:
        scope = CallScope(
            installation_id=self.request.installation_id,
            repository=self.request.ref.repository,
            pull_request=self.request.ref.number,
            review_id=self.request.review_id,
        )
        return await self.step(
            Checkpoint("look again", tuple[Look, ...]),
            lambda: look_again(changed, services=self.services, config=self.gathered.config, scope=scope),
        )


def record_outcomes(database: Database, ref: PullRequestRef, followed: Followed, *, at: datetime) -> None:
    """Record each finding's outcome with its reason."""
    for outcome, reasons in followed.outcomes().items():
        for fingerprint, reason in reasons.items():
            record_outcome(database, ref, [fingerprint], outcome, at=at, reason=reason)


@dataclass(frozen=True, slots=True)
class ThreadReplies:
    """The replies to threads of earlier findings; as a `SummaryEditor` it sends them with the summary's new text."""

    publication: ReviewPublication
    answers: Sequence[ThreadAnswer]

    async def update_issue_comment(self, comment_id: int, body: str) -> None:
        """Edit the summary in the request that answers the threads, or by itself if that request did not do it."""
        node_id = self.publication.gathered.snapshot.summary_node_id
        if not await self.post(edit=CommentEdit(node_id=node_id, body=body)):
            await self.publication.access.writer.update_issue_comment(comment_id, body)

    async def post(self, *, edit: CommentEdit | None = None) -> bool:
        """Answer the threads; returns whether the comment was edited, too."""
        access = self.publication.access
        first = next(
            thread.fingerprint
            for thread in self.publication.gathered.snapshot.threads
            if thread.node_id == self.answers[0].thread_node_id
        )
        hidden = marker(MarkerKind.REPLY, f"{first}@{self.publication.head_sha}")
        is_edited = False

        async def write() -> int:
            nonlocal is_edited
            done = await access.writer.answer_threads(self.answers, edit=edit)
            is_edited = done.edited
            return done.resolved + done.folded

        async def find() -> int | None:
            return await access.writer.find_review_comment(hidden)

        await access.ledger.write_once("threads", find=find, write=write)
        return is_edited
