"""Publishes a review on its pull request, in this order: thread replies, review, summary, check runs.

Checks right before the first write that the review is still wanted.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.metadata import version

from app.conversation.fixed import ModelFixJudge
from app.domain.configuration import Publish
from app.domain.finding import Finding, Stage
from app.domain.model_call import Provider
from app.domain.publication import CommentEdit, MarkerKind, ThreadAnswer, marker
from app.domain.review import ReviewReport, ReviewRequest, StageStatus
from app.domain.step import Step
from app.errors import GitHubError
from app.gather import Gathered
from app.jobs.access import PullRequestAccess
from app.jobs.dismissals import record_thumbs
from app.jobs.head import scope_of
from app.jobs.threads import Followed, follow, plan_answers, record_outcomes
from app.jobs.wanted import WantedCheck
from app.pipeline.inputs import Services
from app.publish.checks import CheckUpdate
from app.publish.notes import RESOLVED_BY_HAND, render_upload_skipped
from app.publish.plan import PublicationRequest
from app.publish.publisher import Published, Publisher
from app.publish.sarif import render_analysis
from app.publish.summary import with_earlier_walkthrough
from app.publish.wording import render_lacking
from app.store.database import Database
from app.store.findings import FindingOutcome
from app.store.pull_requests import PullRequestMemory

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewPublication:
    """A finished review that is to be published."""

    request: ReviewRequest
    gathered: Gathered
    report: ReviewReport
    remembered: PullRequestMemory
    services: Services
    access: PullRequestAccess
    check_run_ids: Mapping[Stage, int]
    completed: Mapping[Stage, CheckUpdate]  # what check runs that were completed early say
    step: Step
    files_url: str | None = None  # of the pull request
    details_url: str | None = None  # of the review on the dashboard
    wanted: WantedCheck

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
        """Determine the state of the findings of earlier reviews."""
        return await follow(
            self.remembered.findings,
            found=self._found(),
            threads=self.gathered.snapshot.threads,
            diff=self.gathered.context.diff,
            source=self.access.source,
            redact=self.services.redactor.redact,
            fix_judge=ModelFixJudge(
                services=self.services,
                config=self.gathered.config,
                scope=scope_of(self.request, check=self.wanted.check),
                step=self.step,
            ),
        )

    async def publish(self, followed: Followed) -> Published:
        """Write everything.

        Raises:
            Superseded, Cancelled: the review is not wanted any more.
        """
        await self.wanted.confirm()
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
            completed=self.completed,
            summary_comment_id=snapshot.summary_comment_id or self.remembered.summary_comment_id,
            summary_editor=replies if is_combined else None,
        )
        return await publisher.publish()

    def whole_report(self) -> ReviewReport:
        """The report, completed with the earlier walkthrough of files that this run did not read."""
        paths = {file.path for file in self.gathered.context.diff.files}
        notes = tuple(f"`{problem.path}`: {problem.message}" for problem in self.gathered.problems)
        disabled = render_lacking(self.access.lacking())
        report = replace(self.report, notes=(*notes, *((disabled,) if disabled else ()), *self.report.notes))
        if self.request.full or not self.remembered.reviewed_hunks(self.head_sha, self.gathered.rules.stages):
            return report
        return with_earlier_walkthrough(report, self.remembered.stages, paths=paths)

    def hunk_keys_read(self) -> tuple[str, ...] | None:
        """The keys of the whole change, if every stage has read all of it, now or earlier."""
        results = [result for result in self.report.stages if result.stage in self.gathered.rules.stages]
        is_read = not self.report.keyless and all(
            result.status is StageStatus.COMPLETED and result.provider is not Provider.ANALYZERS
            for result in results
        )
        return self.gathered.hunk_keys if is_read else None

    def record_followed(self, database: Database, followed: Followed, *, at: datetime) -> None:
        """Record the outcomes of earlier findings, and the thumbs under their comments."""
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
            rules=self.gathered.rules,
            diff=self.gathered.context.diff,
            head_sha=self.head_sha,
            review_id=self.request.review_id,
            key=str(self.request.ref),
            files_url=self.files_url,
            details_url=self.details_url,
            redact=self.services.redactor.redact,
            first=self.remembered.reviewed_sha is None,
            commanded=self.request.commanded,
            shown={thread.fingerprint for thread in threads} | self.remembered.shown,
            still_open=followed.still_open,
            earlier_stages=self.remembered.stages,
            problems=self.gathered.problems,
            lacking=self.access.lacking(),
        )

    def _plan_answers(self, followed: Followed) -> Sequence[ThreadAnswer]:
        reintroduced = {
            known.finding.fingerprint
            for known in self.remembered.findings
            if known.outcome == FindingOutcome.RESOLVED and known.reason != RESOLVED_BY_HAND
        }
        return plan_answers(
            followed,
            reintroduced=reintroduced & self._found(),
            threads=self.gathered.snapshot.threads,
            head_sha=self.head_sha,
            redact=self.services.redactor.redact,
        )


@dataclass(frozen=True, slots=True)
class ThreadReplies:
    """The replies to threads of earlier findings; as a `SummaryEditor` it sends them with the summary's new text."""

    publication: ReviewPublication
    answers: Sequence[ThreadAnswer]

    async def update_issue_comment(self, comment_id: int, body: str) -> None:
        """Edit the summary in the request that answers the threads, or in its own request if that one did not."""
        node_id = self.publication.gathered.snapshot.summary_node_id
        if not await self.post(edit=CommentEdit(node_id=node_id, body=body)):
            await self.publication.access.writer.update_issue_comment(comment_id, body)

    async def post(self, *, edit: CommentEdit | None = None) -> bool:
        """Answer the threads; return whether the summary was edited as well."""
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
            return done.resolved + done.minimized

        async def find() -> int | None:
            return await access.writer.find_review_comment(hidden)

        await access.ledger.write_once("threads", find=find, write=write)
        return is_edited


async def upload_analysis(publication: ReviewPublication, *, still_open: Sequence[Finding]) -> str | None:
    """Upload the findings to code scanning, if it is enabled; return the reason if there was no upload.

    GitHub closes an alert as fixed if a report lacks it. The report therefore contains every open finding, and a review
    with a failed stage uploads none.
    """
    access, report = publication.access, publication.report
    uploader = access.code_scanning
    if uploader is None or not publication.is_shown:
        return None
    if any(result.status is StageStatus.FAILED for result in report.stages):
        return render_upload_skipped()

    async def write() -> int:
        redact = publication.services.redactor.redact
        sarif = render_analysis(report, still_open, redact=redact, version=version("quorum-review"))
        await uploader.upload(publication.head_sha, sarif)
        return 1  # GitHub's ID is a UUID that Quorum does not need

    async def find() -> None:
        """Find nothing: a second report on the same head replaces the first."""

    try:
        await access.ledger.write_once("sarif", find=find, write=write)
    except GitHubError as error:
        logger.warning("no report was uploaded to code scanning: %s", error)
        return render_upload_skipped(str(error))
    return None
