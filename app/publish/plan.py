"""Decides which parts of a report go where on the pull request. Pure: it never writes.

Each run posts at most one review. The first run and requested runs always post one; a run after a push posts one only for
new findings. A finding that was shown before is not posted again.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from app.domain.configuration import ConfigurationProblem, Fixes, Publish, RepositoryConfig
from app.domain.diff import Diff, DiffLine, Hunk, LineKind, Side
from app.domain.file_rules import ChangeRules, rules_without_overrides
from app.domain.finding import Finding, Placement
from app.domain.publication import ReviewComment
from app.domain.review import ReviewReport, StageResult, StageStatus
from app.publish.checks import (
    CONFIG_PATH,
    MAX_ANNOTATIONS,
    CheckUpdate,
    config_error_annotation,
    is_sendable,
    plan_check,
)
from app.publish.comments import render_finding_comment, render_review_body
from app.publish.summary import render_summary
from app.publish.text import Redact
from app.publish.undocumented import without_undocumented
from app.publish.wording import joined

MAX_INLINE_COMMENTS = 45  # hundreds in one review hit GitHub's secondary rate limit
MAX_FILE_COMMENTS = 10  # each is a separate write


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicationRequest:
    """The report to publish, with its context.

    `shown`: fingerprints that earlier runs have shown anywhere on this pull request.
    `still_open`: findings of earlier runs that this run did not find again and that are still open; they count for the
    check runs and stay in the summary.
    `earlier_stages`: the latest results of stages; the summary keeps those that this run did not request.
    `problems`: configuration errors; the first check run annotates those in the repository's file.
    `lacking`: permissions (name → level) that the installation does not grant; content that needs them is not posted.
    `files_url` is the page with the pull request's diff, `details_url` the dashboard's page of the review, if it has an address.
    `key` names the pull request in the summary's marker, `review_id` names the run in the review's marker.
    """

    report: ReviewReport
    config: RepositoryConfig
    rules: ChangeRules | None = None  # None: the configuration has no overrides
    diff: Diff
    head_sha: str
    review_id: str
    key: str
    redact: Redact
    files_url: str | None = None
    details_url: str | None = None
    first: bool = True
    commanded: bool = False
    shown: Collection[str] = ()
    still_open: Sequence[Finding] = ()
    earlier_stages: Sequence[StageResult] = ()
    problems: Sequence[ConfigurationProblem] = ()
    lacking: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def file_rules(self) -> ChangeRules:
        """The settings of each changed file."""
        return self.rules or rules_without_overrides(self.config)

    @property
    def review_key(self) -> str:
        """The key in the review's marker; includes the head, because a restarted run may review another head."""
        return f"{self.review_id}@{self.head_sha}"

    @property
    def is_full(self) -> bool:
        """Whether findings may become inline and file comments."""
        return self.config.publish is Publish.FULL and "pull_requests" not in self.lacking

    @property
    def may_fix(self) -> bool:
        """Whether people can ask for fixes."""
        return self.config.fixes is not Fixes.OFF

    @property
    def has_summary(self) -> bool:
        """Whether there is a summary comment."""
        return self.config.publish is not Publish.SHADOW and "issues" not in self.lacking


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicationPlan:
    """Everything that one run writes.

    `report` is the request's report with the planned placements. `findings` are those that the run's review reports, no
    matter where they are shown; `review_body` is None if the run posts no review, `summary` if there is no summary.
    """

    report: ReviewReport
    findings: tuple[Finding, ...]
    review_body: str | None
    summary: str | None
    checks: tuple[CheckUpdate, ...]

    @property
    def inline(self) -> list[Finding]:
        """The findings with an inline comment."""
        return [finding for finding in self.findings if finding.placement is Placement.INLINE]

    @property
    def on_files(self) -> list[Finding]:
        """The findings with a file comment."""
        return [finding for finding in self.findings if finding.placement is Placement.FILE]


def plan_publication(request: PublicationRequest) -> PublicationPlan:
    """Plan what to post where. Findings move from placements that GitHub would refuse to ones that it accepts."""
    request = _with_still_open(request)
    request = replace(request, report=_placed(request))
    unseen = [finding for finding in request.report.findings if finding.fingerprint not in request.shown]
    new = unseen if request.is_full else []
    return PublicationPlan(
        report=request.report,
        findings=tuple(new),
        review_body=_review_body(request, new),
        summary=render_summary(
            _with_earlier(request), key=request.key, redact=request.redact, files_url=request.files_url
        )
        if request.has_summary
        else None,
        checks=_plan_checks(request),
    )


def demote(report: ReviewReport, fingerprints: Collection[str], placement: Placement) -> ReviewReport:
    """The report with these findings in another placement."""
    moved = (replace(f, placement=placement) if f.fingerprint in fingerprints else f for f in report.findings)
    return replace(report, findings=tuple(moved))


def is_commentable(finding: Finding, diff: Diff) -> bool:
    """Whether GitHub accepts an inline comment here: both ends of the range are in one hunk, on that side.

    https://docs.github.com/en/rest/pulls/reviews#create-a-review-for-a-pull-request
    """
    file = diff.file(finding.path)
    return file is not None and any(_spans(hunk, finding) for hunk in file.hunks)


def is_on_added_lines(finding: Finding, diff: Diff) -> bool:
    """Whether this change added every line of the finding; GitHub always accepts comments on such lines."""
    file = diff.file(finding.path)
    if file is None or finding.side is not Side.RIGHT or not is_commentable(finding, diff):
        return False
    return all(line in file.added_lines() for line in range(finding.start_line, finding.end_line + 1))


def _with_still_open(request: PublicationRequest) -> PublicationRequest:
    """Add the earlier findings after the report's own, marked as shown."""
    found = {finding.fingerprint for finding in request.report.findings}
    reported = without_undocumented(request.still_open, request.file_rules)
    still_open = [finding for finding in reported if finding.fingerprint not in found]
    return replace(
        request,
        report=replace(request.report, findings=(*request.report.findings, *still_open)),
        shown={*request.shown, *(finding.fingerprint for finding in request.still_open)},
    )


def _with_earlier(request: PublicationRequest) -> ReviewReport:
    """The report for the summary: a stage that this run skipped keeps its earlier result."""
    earlier = {result.stage: result for result in request.earlier_stages}
    skipped = [result.stage for result in request.report.stages if result.status is StageStatus.SKIPPED]
    stages = (
        replace(earlier[r.stage], left_out=r.left_out) if r.stage in skipped and r.stage in earlier else r
        for r in request.report.stages
    )
    kept = joined([f"`{stage}`" for stage in skipped if stage in earlier])
    notes = (f"Shown from an earlier run: {kept}.",) if kept else ()
    return replace(request.report, stages=tuple(stages), notes=(*request.report.notes, *notes))


def _placed(request: PublicationRequest) -> ReviewReport:
    report = request.report
    if not request.is_full:
        return demote(report, {finding.fingerprint for finding in report.findings}, Placement.SUMMARY)
    report = replace(report, findings=tuple(_placed_finding(finding, request) for finding in report.findings))
    for placement, limit in ((Placement.INLINE, MAX_INLINE_COMMENTS), (Placement.FILE, MAX_FILE_COMMENTS)):
        new = [f for f in report.findings if f.placement is placement and f.fingerprint not in request.shown]
        report = demote(report, {finding.fingerprint for finding in new[limit:]}, Placement.SUMMARY)
    return report


def _placed_finding(finding: Finding, request: PublicationRequest) -> Finding:
    diff = request.diff
    if finding.placement is Placement.SUMMARY or finding.fingerprint in request.shown:
        return finding
    if diff.file(finding.path) is None or not is_sendable(finding.path):
        return replace(finding, placement=Placement.SUMMARY)
    if finding.placement is Placement.INLINE and not is_commentable(finding, diff):
        return replace(finding, placement=Placement.FILE)
    return finding


def _review_body(request: PublicationRequest, new: list[Finding]) -> str | None:
    if not request.is_full or not (new or request.first or request.commanded):
        return None
    return render_review_body(
        request.report,
        findings=new,
        review_id=request.review_key,
        redact=request.redact,
        first=not request.shown,
    )


def _plan_checks(request: PublicationRequest) -> tuple[CheckUpdate, ...]:
    older = {finding.fingerprint for finding in request.still_open}
    checks = [
        plan_check(
            result,
            request.report,
            config=request.config,
            rules=request.file_rules,
            redact=request.redact,
            unannotated=older,
            lacking=request.lacking,
        )
        for result in request.report.stages
    ]
    config_annotations = tuple(
        config_error_annotation(problem.message, line=problem.line, redact=request.redact)
        for problem in request.problems
        if problem.path == CONFIG_PATH
    )
    ran = [result.stage for result in request.report.stages if result.status is not StageStatus.SKIPPED]
    return tuple(
        replace(check, annotations=(*config_annotations, *check.annotations)[:MAX_ANNOTATIONS])
        if check.stage in ran[:1]
        else check
        for check in checks
    )


def review_comment(
    finding: Finding, *, redact: Redact, details_url: str | None = None, may_fix: bool = False
) -> ReviewComment:
    """The finding as an inline comment."""
    is_multiline = finding.start_line < finding.end_line
    return ReviewComment(
        path=finding.path,
        line=finding.end_line,
        side=finding.side,
        start_line=finding.start_line if is_multiline else None,
        body=render_finding_comment(finding, redact=redact, details_url=details_url, may_fix=may_fix),
    )


def _spans(hunk: Hunk, finding: Finding) -> bool:
    numbers = {number for line in hunk.lines if (number := _number(line, finding.side)) is not None}
    return finding.start_line <= finding.end_line and {finding.start_line, finding.end_line} <= numbers


def _number(line: DiffLine, side: Side) -> int | None:
    if side is Side.RIGHT:
        return line.new_line
    return None if line.kind is LineKind.ADDED else line.old_line
