"""What one review writes on its pull request: threads of earlier findings, review, summary, check runs. In this order.

The head is read again right before the first write.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

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
from app.publish.plan import PublicationRequest
from app.publish.publisher import Published, publish
from app.publish.wording import render_lacking
from app.services import Services
from app.store.database import Database
from app.store.findings import FindingOutcome, record_outcome
from app.store.memory import Remembered


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """Everything that a publication is made of."""

    request: ReviewRequest
    gathered: Gathered
    report: ReviewReport
    remembered: Remembered
    services: Services
    lacking: Mapping[str, str] = field(default_factory=dict[str, str])  # permissions, name → level

    @property
    def head_sha(self) -> str:
        """The head that was reviewed."""
        pull_request = self.gathered.context.pull_request
        assert pull_request, "the App reviews pull requests"
        return pull_request.head_sha

    @property
    def is_shown(self) -> bool:
        """Whether people see the findings on the pull request."""
        return self.gathered.config.publish is not Publish.SHADOW and not {"issues", "pull_requests"} <= set(
            self.lacking
        )

    @property
    def found(self) -> frozenset[str]:
        """Fingerprints of what this review found."""
        return frozenset(finding.fingerprint for finding in self.report.findings)

    def returned(self) -> frozenset[str]:
        """Findings that a push had fixed and that are back."""
        return frozenset(
            known.finding.fingerprint
            for known in self.remembered.findings
            if known.outcome == FindingOutcome.RESOLVED and known.reason != BY_HAND
        ) & frozenset(self.found)

    def whole_report(self) -> ReviewReport:
        """The report with what earlier runs said of the files that this one did not read."""
        paths = {file.path for file in self.gathered.context.diff.files}
        notes = tuple(f"`{problem.path}`: {problem.message}" for problem in self.gathered.problems)
        off = render_lacking(self.lacking)
        report = replace(self.report, notes=(*notes, *((off,) if off else ()), *self.report.notes))
        if self.request.full or not self.remembered.seen(self.head_sha, self.gathered.config.stages):
            return report
        return with_earlier_walkthrough(report, self.remembered.stages, paths=paths)

    def hunk_keys_read(self) -> tuple[str, ...] | None:
        """The keys of the whole change, if every stage has read all of it now or before."""
        results = [result for result in self.report.stages if result.stage in self.gathered.config.stages]
        read = not self.report.keyless and all(
            result.status is StageStatus.COMPLETED and result.provider is not Provider.ANALYZERS
            for result in results
        )
        return self.gathered.hunk_keys if read else None

    def plan(self, followed: Followed) -> PublicationRequest:
        """What is asked of the publisher."""
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
            shown={thread.fingerprint for thread in self.gathered.snapshot.threads} | self.remembered.shown,
            standing=followed.standing,
            earlier_stages=self.remembered.stages,
            problems=self.gathered.problems,
            lacking=self.lacking,
        )

    def record_followed(self, database: Database, followed: Followed, *, at: datetime) -> None:
        """What became of earlier findings, and the thumbs under their comments."""
        ref = self.request.ref
        record_outcomes(database, ref, followed, at=at)
        record_thumbs(
            database,
            ref,
            self.remembered,
            self.gathered.snapshot.threads,
            installation_id=self.request.installation_id,
            at=at,
        )


def record_outcomes(database: Database, ref: PullRequestRef, followed: Followed, *, at: datetime) -> None:
    """Each finding's outcome with its reason."""
    for outcome, reasons in followed.outcomes().items():
        for fingerprint, reason in reasons.items():
            record_outcome(database, ref, [fingerprint], outcome, at=at, reason=reason)


class Writing:
    """The writes of one publication."""

    def __init__(
        self,
        publication: Publication,
        access: PullRequestAccess,
        check_run_ids: Mapping[Stage, int],
        step: Step,
    ) -> None:
        self._publication = publication
        self._access = access
        self._check_run_ids = check_run_ids
        self._step = step

    async def follow(self) -> Followed:
        """What became of the findings of earlier reviews."""
        publication = self._publication
        return await follow(
            publication.remembered.findings,
            found=publication.found,
            threads=publication.gathered.snapshot.threads,
            diff=publication.gathered.context.diff,
            read_head=self._read_head,
            redact=publication.services.redactor.redact,
            look_again=self._look_again,
        )

    async def _read_head(self, path: str) -> str | None:
        content = await self._access.source.blob(path, Side.RIGHT)
        return None if content is None else content.decode("utf-8", "replace")

    async def _look_again(self, changed: Sequence[tuple[Finding, str]]) -> Sequence[Look]:
        publication, request = self._publication, self._publication.request
        scope = CallScope(
            installation_id=request.installation_id,
            repository=request.ref.repository,
            pull_request=request.ref.number,
            review_id=request.review_id,
        )
        return await self._step(
            Checkpoint("look again", tuple[Look, ...]),
            lambda: look_again(
                changed, services=publication.services, config=publication.gathered.config, scope=scope
            ),
        )

    async def publish(self, followed: Followed) -> Published:
        """Everything, for the newest head alone.

        Raises:
            Superseded: the reviewed head is no longer the newest.
        """
        return await self._step(Checkpoint("publish", Published), lambda: self._publish(followed))

    async def _publish(self, followed: Followed) -> Published:
        publication = self._publication
        if await self._access.writer.head_sha() != publication.head_sha:
            raise Superseded("The pull request was pushed to while it was reviewed.")
        request = publication.plan(followed)
        answers = self._plan_answers(followed) if request.is_full else []
        snapshot, remembered = publication.gathered.snapshot, publication.remembered
        in_one = bool(answers) and request.has_summary and bool(snapshot.summary_node_id)
        if answers and not in_one:
            await self._answer_threads(answers)
        return await publish(
            request,
            writer=self._access.writer,
            once=self._access.once,
            check_run_ids=self._check_run_ids,
            summary_comment_id=snapshot.summary_comment_id or remembered.summary_comment_id,
            edit_summary=partial(self._edit_with_answers, answers) if in_one else None,
        )

    def _plan_answers(self, followed: Followed) -> list[ThreadAnswer]:
        publication = self._publication
        return plan_answers(
            followed,
            returned=publication.returned(),
            threads=publication.gathered.snapshot.threads,
            head_sha=publication.head_sha,
            redact=publication.services.redactor.redact,
        )

    async def _edit_with_answers(self, answers: Sequence[ThreadAnswer], comment_id: int, body: str) -> None:
        """The summary's new text in the request that answers the threads; by itself where that one did not take it."""
        node_id = self._publication.gathered.snapshot.summary_node_id
        if not await self._answer_threads(answers, edit=CommentEdit(node_id=node_id, body=body)):
            await self._access.writer.update_issue_comment(comment_id, body)

    async def _answer_threads(
        self, answers: Sequence[ThreadAnswer], *, edit: CommentEdit | None = None
    ) -> bool:
        """Whether the comment was edited, too."""
        publication, writer = self._publication, self._access.writer
        first = next(
            thread.fingerprint
            for thread in publication.gathered.snapshot.threads
            if thread.node_id == answers[0].thread_node_id
        )
        hidden = marker(MarkerKind.REPLY, f"{first}@{publication.head_sha}")
        is_edited = False

        async def write() -> int:
            nonlocal is_edited
            done = await writer.answer_threads(answers, edit=edit)
            is_edited = done.edited
            return done.resolved + done.folded

        await self._access.once("threads", find=lambda: writer.find_review_comment(hidden), write=write)
        return is_edited
