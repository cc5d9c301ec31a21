"""Each write stands once on the pull request, and no finding is lost when GitHub refuses a place."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from app.domain.finding import Finding, Placement, Stage
from app.domain.publication import Conclusion, Writer
from app.domain.pull_request import PullRequestRef
from app.errors import GitHubRejected, GitHubUnavailable
from app.publish.check_runs import complete_checks, start_checks
from app.publish.checks import superseded_check
from app.publish.plan import PublicationRequest
from app.publish.publisher import Published, Publisher
from tests.unit.publish.examples import CLEAN, DIFF, HEAD, INJECTION, OFF_BY_ONE, REPORT
from tests.unit.publish.fake_github import FakeLedger, FakePullRequest
from tests.unit.publish.test_plan import request

CHECKS = {Stage.REVIEW: 1, Stage.SECURITY: 2, Stage.DOCS: 3}
ON_CONTEXT = replace(INJECTION, path="pages.go", start_line=1, end_line=1, fingerprint="f6" * 16)


async def published(
    pull: FakePullRequest,
    asked: PublicationRequest,
    *,
    ledger: FakeLedger | None = None,
    summary: int | None = None,
) -> Published:
    publisher = Publisher(
        request=asked,
        writer=pull,
        ledger=ledger or FakeLedger(),
        check_run_ids=CHECKS,
        summary_comment_id=summary,
    )
    return await publisher.publish()


def with_findings(*findings: Finding) -> PublicationRequest:
    return request(report=replace(REPORT, findings=findings))


def placements(result: Published) -> list[Placement]:
    return [finding.placement for finding in result.findings]


async def test_a_run_writes_one_review_file_comments_one_summary_and_three_checks() -> None:
    pull = FakePullRequest(DIFF)
    result = await published(pull, request())
    assert pull.calls == [
        "create_review",
        "create_file_comment",
        "create_issue_comment",
        "update_check_run",
        "update_check_run",
        "update_check_run",
    ]
    assert len(pull.reviews) == 1
    assert result.summary_comment_id in pull.issue_comments
    assert {check.conclusion for check in pull.checks.values()} == {Conclusion.NEUTRAL}  # an image is unread


async def test_a_later_run_edits_the_summary_in_place() -> None:
    pull = FakePullRequest(DIFF)
    first = await published(pull, request())
    later = request(report=CLEAN, review_id="r2", first=False)
    second = await published(pull, later, ledger=FakeLedger(), summary=first.summary_comment_id)
    assert second.summary_comment_id == first.summary_comment_id
    assert len(pull.issue_comments) == 1
    assert len(pull.reviews) == 1
    assert "no problems found" in pull.issue_comments[first.summary_comment_id or 0]


async def test_a_deleted_summary_is_posted_again() -> None:
    pull = FakePullRequest(DIFF)
    result = await published(pull, request(), summary=77)
    assert list(pull.issue_comments) == [result.summary_comment_id]


async def test_if_a_comment_is_refused_only_added_lines_stay_inline_in_one_review() -> None:
    pull = FakePullRequest(DIFF, refused=["pages.go"])
    result = await published(pull, with_findings(INJECTION, ON_CONTEXT))
    assert len(pull.reviews) == 1
    (review,) = pull.reviews.values()
    assert [comment.path for comment in review.comments] == ["pay.py"]
    assert [path for path, _ in pull.file_comments.values()] == ["pages.go"]
    assert placements(result) == [Placement.INLINE, Placement.FILE]
    assert pull.calls.count("create_review") == 2


async def test_if_every_comment_is_refused_one_review_lists_all_findings() -> None:
    pull = FakePullRequest(DIFF, refused=["pay.py", "pages.go"])
    second = replace(ON_CONTEXT, title="Another problem")
    result = await published(pull, with_findings(INJECTION, second))
    (review,) = pull.reviews.values()
    assert review.comments == ()
    assert "goes into the SQL text" in review.body
    assert "Another problem" in review.body
    assert placements(result) == [Placement.SUMMARY, Placement.SUMMARY]
    assert "below" in pull.issue_comments[result.summary_comment_id or 0]
    assert pull.calls.count("create_review") == 3


async def test_a_refused_review_without_comments_is_an_error_and_not_retried() -> None:
    pull = FakePullRequest(DIFF, refuses_reviews=True)
    with pytest.raises(GitHubRejected):
        await published(pull, request(report=CLEAN))
    assert pull.calls.count("create_review") == 1


async def test_a_finding_whose_file_comment_is_refused_moves_to_the_summary() -> None:
    pull = FakePullRequest(DIFF, refused_files=["pages.go"])
    result = await published(pull, with_findings(OFF_BY_ONE))
    assert placements(result) == [Placement.SUMMARY]
    assert OFF_BY_ONE.explanation in pull.issue_comments[result.summary_comment_id or 0]


async def test_a_review_that_github_kept_despite_a_422_is_not_posted_again() -> None:
    class Orphaning(FakePullRequest):
        async def create_review(self, *, head_sha: str, body: str, comments: Sequence[object]) -> int:
            kept = await super().create_review(head_sha=head_sha, body=body, comments=())
            if comments:
                raise GitHubRejected("Line could not be resolved", status=422)
            return kept

    pull = Orphaning(DIFF)
    await published(pull, request())
    assert len(pull.reviews) == 1


@pytest.mark.parametrize("broken", ["create_review", "create_issue_comment", "update_check_run"])
async def test_a_write_that_succeeded_despite_an_error_is_not_repeated(broken: str) -> None:
    pull, ledger = FakePullRequest(DIFF), FakeLedger()
    pull.broken_after.add(broken)
    with pytest.raises(GitHubUnavailable):
        await published(pull, request(), ledger=ledger)
    await published(pull, request(), ledger=ledger)
    assert len(pull.reviews) == 1
    assert len(pull.file_comments) == 1
    assert len(pull.issue_comments) == 1
    assert [len(check.annotations) for check in pull.checks.values()] == [2, 1, 0]
    assert all(check.conclusion for check in pull.checks.values())


@pytest.mark.parametrize("dies_at", ["create_review", "create_file_comment", "create_issue_comment"])
async def test_a_run_restarted_after_a_refusal_continues_with_the_accepted_comments(dies_at: str) -> None:
    pull, ledger = FakePullRequest(DIFF, refused=["pages.go"]), FakeLedger()
    asked = with_findings(INJECTION, ON_CONTEXT)
    pull.broken_after.add(dies_at)
    with pytest.raises(GitHubUnavailable):
        await published(pull, asked, ledger=ledger)
    result = await published(pull, asked, ledger=ledger)
    assert placements(result) == [Placement.INLINE, Placement.FILE]
    assert len(pull.reviews) == 1
    assert [path for path, _ in pull.file_comments.values()] == ["pages.go"]
    assert pull.calls.count("create_review") == 2


async def test_a_run_restarted_after_the_last_attempt_keeps_every_finding_in_the_summary() -> None:
    pull, ledger = FakePullRequest(DIFF, refused=["pay.py"]), FakeLedger()
    pull.broken_after.add("create_issue_comment")
    with pytest.raises(GitHubUnavailable):
        await published(pull, with_findings(INJECTION), ledger=ledger)
    result = await published(pull, with_findings(INJECTION), ledger=ledger)
    assert placements(result) == [Placement.SUMMARY]
    assert len(pull.reviews) == len(pull.issue_comments) == 1


async def test_a_repeated_run_writes_nothing_again() -> None:
    pull, ledger = FakePullRequest(DIFF), FakeLedger()
    await published(pull, request(), ledger=ledger)
    calls = len(pull.calls)
    await published(pull, request(), ledger=ledger)
    assert len(pull.calls) == calls


async def test_open_findings_of_earlier_runs_are_not_findings_of_this_run() -> None:
    pull = FakePullRequest(DIFF)
    result = await published(pull, request(report=CLEAN, first=False, still_open=[INJECTION]))
    assert result.findings == ()
    assert pull.reviews == {}
    assert "goes into the SQL text" in pull.issue_comments[result.summary_comment_id or 0]


async def test_a_run_of_one_stage_only_updates_the_check_of_that_stage() -> None:
    pull = FakePullRequest(DIFF)
    ledger = FakeLedger()
    await Publisher(
        request=request(), writer=pull, ledger=ledger, check_run_ids={Stage.SECURITY: 2}
    ).publish()
    assert list(pull.checks) == [2]


async def test_checks_start_in_progress_and_are_cancelled_by_a_newer_commit() -> None:
    pull, ledger = FakePullRequest(DIFF), FakeLedger()
    writer: Writer = pull
    ref = PullRequestRef(owner="octo", repo="shop", number=7)
    ids = await start_checks(list(Stage), ref=ref, head_sha=HEAD, writer=writer, ledger=ledger)
    assert pull.calls == [f"create_check_run quorum/{stage} octo/shop#7@{HEAD}" for stage in Stage]
    assert {check.conclusion for check in pull.checks.values()} == {None}
    updates = [superseded_check(stage) for stage in Stage]
    await complete_checks(updates, check_run_ids=ids, writer=writer, ledger=ledger)
    assert {check.conclusion for check in pull.checks.values()} == {Conclusion.CANCELLED}
