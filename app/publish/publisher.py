"""Writes a review to the pull request: each write at most once, and no finding lost if GitHub refuses a comment.

If GitHub refuses a review, the publisher tries twice more: first a review with comments only on lines that this change
added, and the other findings as file comments; then a review without comments that lists every finding. It never retries
finding by finding.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol

from app.domain.finding import Finding, Placement, Stage
from app.domain.publication import Conclusion, MarkerKind, WriteLedger, Writer, marker
from app.domain.review import ReviewReport
from app.errors import GitHubNotFound, GitHubRejected
from app.publish.check_runs import all_of, complete_checks
from app.publish.checks import CheckUpdate
from app.publish.comments import render_body_only_review, render_finding_comment
from app.publish.plan import (
    PublicationPlan,
    PublicationRequest,
    demote,
    is_on_added_lines,
    plan_publication,
    review_comment,
)

REFUSED = 0  # recorded instead of an ID if GitHub refused the review


class SummaryEditor(Protocol):
    """Edits the summary comment."""

    async def update_issue_comment(self, comment_id: int, body: str) -> None:
        """Replace the comment's text; raises `GitHubNotFound` if it was deleted."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """The state of the pull request after publishing; `findings` are the report's own, with the placements that GitHub accepted."""

    findings: tuple[Finding, ...]
    summary_comment_id: int | None = None
    conclusions: dict[Stage, Conclusion] = field(default_factory=dict[Stage, Conclusion])


@dataclass(frozen=True, slots=True, kw_only=True)
class Publisher:
    """Writes one publication. `summary_editor` replaces the writer for edits of the summary comment.

    `completed`: what check runs that were completed early say.
    """

    request: PublicationRequest
    writer: Writer
    ledger: WriteLedger
    check_run_ids: Mapping[Stage, int] = field(default_factory=dict[Stage, int])
    completed: Mapping[Stage, CheckUpdate] = field(default_factory=dict[Stage, CheckUpdate])
    summary_comment_id: int | None = None
    summary_editor: SummaryEditor | None = None

    async def publish(self) -> Published:
        """Post the review, the file comments, and the summary, and complete the check runs.

        Raises the writer's `GitHubError`s, except for refused comments: those findings are moved.
        """
        plan = plan_publication(self.request)
        plan = self._replan(plan, await self._post_review(plan))
        plan = self._replan(plan, await self._post_file_comments(plan))
        summary_id, _ = await all_of(
            (
                self._post_summary(plan),
                complete_checks(
                    plan.checks,
                    check_run_ids=self.check_run_ids,
                    writer=self.writer,
                    ledger=self.ledger,
                    completed=self.completed,
                ),
            )
        )
        own = {finding.fingerprint for finding in self.request.report.findings}
        return Published(
            findings=tuple(finding for finding in plan.report.findings if finding.fingerprint in own),
            summary_comment_id=summary_id,
            conclusions={check.stage: check.conclusion for check in plan.checks if check.conclusion},
        )

    def _replan(self, plan: PublicationPlan, report: ReviewReport) -> PublicationPlan:
        return plan if report == plan.report else plan_publication(replace(self.request, report=report))

    async def _post_review(self, plan: PublicationPlan) -> ReviewReport:
        """Post the review; returns the report with the placements that GitHub accepted."""
        if plan.review_body is None:
            return plan.report
        if not plan.inline:
            await self.ledger.write_once(
                "review", find=self._find_review, write=partial(self._create_review, plan)
            )
            return plan.report
        if await self._try_review("review", plan):
            return plan.report
        safer = self._safer_plan(plan)
        if safer and await self._try_review("review:surer", safer, after_refusal=True):
            return safer.report
        return await self._post_body_only(plan)

    def _safer_plan(self, plan: PublicationPlan) -> PublicationPlan | None:
        """The plan with comments on added lines only; None if that would drop no comment or all of them."""
        uncertain = {f.fingerprint for f in plan.inline if not is_on_added_lines(f, self.request.diff)}
        if not 0 < len(uncertain) < len(plan.inline):
            return None
        safer = self._replan(plan, demote(plan.report, uncertain, Placement.FILE))
        return safer if safer.review_body is not None else None

    async def _post_body_only(self, plan: PublicationPlan) -> ReviewReport:
        body = render_body_only_review(
            plan.report,
            findings=plan.findings,
            review_id=self.request.review_key,
            redact=self.request.redact,
        )

        async def write() -> int:
            return await self._find_review() or await self.writer.create_review(
                head_sha=self.request.head_sha, body=body, comments=()
            )

        await self.ledger.write_once("review:bare", find=self._find_review, write=write)
        unplaced = {finding.fingerprint for finding in plan.findings}
        return demote(plan.report, unplaced, Placement.SUMMARY)

    async def _try_review(self, key: str, plan: PublicationPlan, *, after_refusal: bool = False) -> int:
        """The review's ID, or `REFUSED`, which the ledger keeps like an ID, so that a rerun continues with the next attempt.

        GitHub sometimes keeps a refused review without its comments; the last attempt reuses that review.
        """

        async def write() -> int:
            if after_refusal and await self._find_review():
                return REFUSED
            try:
                return await self._create_review(plan)
            except GitHubRejected:
                return REFUSED

        return await self.ledger.write_once(key, find=self._find_review, write=write)

    async def _create_review(self, plan: PublicationPlan) -> int:
        return await self.writer.create_review(
            head_sha=self.request.head_sha,
            body=plan.review_body or "",
            comments=[
                review_comment(
                    finding,
                    redact=self.request.redact,
                    details_url=self.request.details_url,
                    may_fix=self.request.may_fix,
                )
                for finding in plan.inline
            ],
        )

    async def _find_review(self) -> int | None:
        return await self.writer.find_review(marker(MarkerKind.REVIEW, self.request.review_key))

    async def _post_file_comments(self, plan: PublicationPlan) -> ReviewReport:
        """Post the file comments; in the returned report, findings whose comment GitHub refused are in the summary."""
        refused: set[str] = set()
        for finding in plan.on_files:
            try:
                await self._post_file_comment(finding)
            except GitHubRejected:
                refused.add(finding.fingerprint)
        return demote(plan.report, refused, Placement.SUMMARY)

    async def _post_file_comment(self, finding: Finding) -> int:
        hidden = marker(MarkerKind.FILE, finding.fingerprint)
        return await self.ledger.write_once(
            f"file:{finding.fingerprint}",
            find=partial(self.writer.find_review_comment, hidden),
            write=partial(
                self.writer.create_file_comment,
                head_sha=self.request.head_sha,
                path=finding.path,
                body=render_finding_comment(
                    finding,
                    redact=self.request.redact,
                    details_url=self.request.details_url,
                    may_fix=self.request.may_fix,
                ),
            ),
        )

    async def _post_summary(self, plan: PublicationPlan) -> int | None:
        """Edit the summary comment, or post a new one if there is none or it was deleted."""
        comment_id, body = self.summary_comment_id, plan.summary
        if body is None:
            return comment_id
        if comment_id is not None:
            try:
                await (self.summary_editor or self.writer).update_issue_comment(comment_id, body)
            except GitHubNotFound:
                pass
            else:
                return comment_id
        hidden = marker(MarkerKind.SUMMARY, self.request.key)
        return await self.ledger.write_once(
            "summary",
            find=partial(self.writer.find_issue_comment, hidden),
            write=partial(self.writer.create_issue_comment, body),
        )
