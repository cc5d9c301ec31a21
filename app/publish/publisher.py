"""Writes a publication on the pull request: each write once, and no finding lost when GitHub refuses a place.

The ladder of a refused review: the comments on surely good lines and the rest on files, still as one review; then
one review without comments that holds every finding. Never one request a finding.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from app.domain.finding import Finding, Placement, Stage
from app.domain.publication import Conclusion, MarkerKind, Writer, marker
from app.domain.review import ReviewReport
from app.errors import GitHubNotFound, GitHubRejected
from app.publish.check_runs import Once, all_of, complete_checks
from app.publish.comments import render_body_only_review
from app.publish.plan import (
    PlannedFileComment,
    PlannedReview,
    Publication,
    PublicationRequest,
    demote,
    holds_surely,
    plan_publication,
)

REFUSED = 0  # in the place of an id: GitHub does not take it

EditSummary = Callable[[int, str], Awaitable[None]]
"""Gives the summary comment of this id another text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What stands on the pull request now; `findings` are the report's own, in the places that GitHub took."""

    findings: tuple[Finding, ...]
    github_review_id: int | None = None  # None: this run had no review to post
    summary_comment_id: int | None = None
    conclusions: dict[Stage, Conclusion] = field(default_factory=dict[Stage, Conclusion])


async def publish(
    request: PublicationRequest,
    *,
    writer: Writer,
    once: Once,
    check_run_ids: Mapping[Stage, int],
    summary_comment_id: int | None = None,
    edit_summary: EditSummary | None = None,
) -> Published:
    """Post the review, the comments on files, the summary; complete the check runs that there are.

    `edit_summary` edits the summary comment in another way than by a request of its own.

    Raises the writer's `GitHubError`s, except for refused places, which are moved.
    """
    edit = edit_summary or writer.update_issue_comment
    publisher = _Publisher(request, writer=writer, once=once, edit_summary=edit)
    planned = plan_publication(request)
    report, review_id = await publisher.post_review(planned)
    planned = _replanned(planned, request, report)
    report = await publisher.post_file_comments(planned)
    planned = _replanned(planned, request, report)
    summary_id, _ = await all_of(
        (
            publisher.post_summary(planned, comment_id=summary_comment_id),
            complete_checks(planned.checks, check_run_ids=check_run_ids, writer=writer, once=once),
        )
    )
    own = {finding.fingerprint for finding in request.report.findings}
    return Published(
        findings=tuple(finding for finding in planned.report.findings if finding.fingerprint in own),
        github_review_id=review_id,
        summary_comment_id=summary_id,
        conclusions={check.stage: check.conclusion for check in planned.checks if check.conclusion},
    )


def _replanned(planned: Publication, request: PublicationRequest, report: ReviewReport) -> Publication:
    if report == planned.report:
        return planned
    return plan_publication(replace(request, report=report))


class _Publisher:
    """The writes of one run."""

    def __init__(
        self, request: PublicationRequest, *, writer: Writer, once: Once, edit_summary: EditSummary
    ) -> None:
        self._edit_summary = edit_summary
        self._request = request
        self._writer = writer
        self._once = once

    async def post_review(self, planned: Publication) -> tuple[ReviewReport, int | None]:
        """The report with the places that GitHub took, and the review's id."""
        report, review = planned.report, planned.review
        if review is None:
            return report, None
        if not review.comments:
            return report, await self._once(
                "review", find=self._find_review, write=partial(self._create, review)
            )
        if review_id := await self._post_rung("review", review):
            return report, review_id
        surer = self._surer(review, report)
        if surer and (review_id := await self._post_rung("review:surer", surer[0], after_refusal=True)):
            return surer[1], review_id
        return await self._post_body_only(review, report)

    def _surer(
        self, review: PlannedReview, report: ReviewReport
    ) -> tuple[PlannedReview, ReviewReport] | None:
        """The review with the comments on surely good lines alone; None where that is none or all of them."""
        doubtful = {
            c.finding.fingerprint for c in review.comments if not holds_surely(c.finding, self._request.diff)
        }
        if not 0 < len(doubtful) < len(review.comments):
            return None
        moved = demote(report, doubtful, Placement.FILE)
        surer = plan_publication(replace(self._request, report=moved)).review
        return (surer, moved) if surer else None

    async def _post_body_only(self, review: PlannedReview, report: ReviewReport) -> tuple[ReviewReport, int]:
        body = render_body_only_review(
            report, findings=review.findings, review_id=self._request.review_key, redact=self._request.redact
        )
        unplaced = {finding.fingerprint for finding in review.findings}
        bare = replace(review, body=body, comments=())

        async def write() -> int:
            return await self._find_review() or await self._create(bare)

        review_id = await self._once("review:bare", find=self._find_review, write=write)
        return demote(report, unplaced, Placement.SUMMARY), review_id

    async def _post_rung(self, key: str, review: PlannedReview, *, after_refusal: bool = False) -> int:
        """The review's id, or `REFUSED`, which is kept like an id: after a crash the ladder goes on from there.

        GitHub has been seen to keep a review that it refused, without its comments: the last rung takes that one.
        """

        async def write() -> int:
            if after_refusal and await self._find_review():
                return REFUSED
            try:
                return await self._create(review)
            except GitHubRejected:
                return REFUSED

        return await self._once(key, find=self._find_review, write=write)

    async def _create(self, review: PlannedReview) -> int:
        comments = [planned.comment for planned in review.comments]
        return await self._writer.create_review(
            head_sha=self._request.head_sha, body=review.body, comments=comments
        )

    async def _find_review(self) -> int | None:
        return await self._writer.find_review(marker(MarkerKind.REVIEW, self._request.review_key))

    async def post_file_comments(self, planned: Publication) -> ReviewReport:
        """The report; a finding whose comment GitHub refuses goes to the summary."""
        refused: set[str] = set()
        for comment in planned.file_comments:
            try:
                await self._post_file_comment(comment)
            except GitHubRejected:
                refused.add(comment.finding.fingerprint)
        return demote(planned.report, refused, Placement.SUMMARY)

    async def _post_file_comment(self, comment: PlannedFileComment) -> int:
        finding = comment.finding
        hidden = marker(MarkerKind.FILE, finding.fingerprint)
        return await self._once(
            f"file:{finding.fingerprint}",
            find=lambda: self._writer.find_review_comment(hidden),
            write=lambda: self._writer.create_file_comment(
                head_sha=self._request.head_sha, path=finding.path, body=comment.body
            ),
        )

    async def post_summary(self, planned: Publication, *, comment_id: int | None) -> int | None:
        """Edits the summary comment, or posts it where there is none (any more)."""
        body = planned.summary
        if body is None:
            return comment_id
        if comment_id is not None:
            try:
                await self._edit_summary(comment_id, body)
            except GitHubNotFound:
                pass  # somebody deleted it: a new one takes its place
            else:
                return comment_id
        hidden = marker(MarkerKind.SUMMARY, self._request.key)
        return await self._once(
            "summary",
            find=lambda: self._writer.find_issue_comment(hidden),
            write=lambda: self._writer.create_issue_comment(body),
        )
