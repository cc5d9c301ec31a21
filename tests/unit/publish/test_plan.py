"""What of a report is posted where."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from app.domain.configuration import Publish, RepositoryConfig
from app.domain.diff import Diff, Side
from app.domain.finding import Finding, Placement, Stage
from app.domain.publication import Conclusion
from app.domain.review import StageStatus
from app.publish.plan import (
    MAX_FILE_COMMENTS,
    MAX_INLINE_COMMENTS,
    PublicationRequest,
    is_commentable,
    is_on_added_lines,
    plan_publication,
    review_comment,
)
from tests.unit.publish.examples import (
    CLEAN,
    DIFF,
    DOCS,
    HEAD,
    INJECTION,
    OFF_BY_ONE,
    REPORT,
    REVIEW,
    UNTESTED,
    added,
    with_context,
)


def request(**changes: object) -> PublicationRequest:
    plain = PublicationRequest(
        report=REPORT,
        config=RepositoryConfig(),
        diff=DIFF,
        head_sha=HEAD,
        review_id="r1",
        key="pull",
        redact=str,
    )
    return replace(plain, **changes)  # pyright: ignore[reportArgumentType]


def fingerprints(*findings: Finding) -> set[str]:
    return {finding.fingerprint for finding in findings}


def test_a_first_run_posts_one_review_one_summary_three_checks_and_file_comments() -> None:
    planned = plan_publication(request())
    assert planned.review_body is not None
    comments = [review_comment(finding, redact=str) for finding in planned.inline]
    assert [(comment.path, comment.start_line, comment.line) for comment in comments] == [("pay.py", 8, 9)]
    assert planned.on_files == [OFF_BY_ONE]
    assert planned.summary is not None
    assert [check.stage for check in planned.checks] == [Stage.REVIEW, Stage.SECURITY, Stage.DOCS]


def test_a_clean_first_run_posts_one_line() -> None:
    planned = plan_publication(request(report=CLEAN))
    assert planned.review_body is not None
    assert planned.review_body.startswith(
        "Found no problems. Review, security, and docs read both changed files.\n\n<!--"
    )
    assert planned.inline == []


def test_a_push_without_new_findings_posts_no_review() -> None:
    shown = fingerprints(*REPORT.findings)
    planned = plan_publication(request(first=False, shown=shown))
    assert planned.review_body is None
    assert planned.on_files == []
    assert planned.summary is not None
    assert "goes into the SQL text" in planned.summary


def test_a_push_posts_only_new_findings() -> None:
    planned = plan_publication(request(first=False, shown=fingerprints(OFF_BY_ONE, UNTESTED)))
    assert planned.review_body is not None
    assert planned.inline == [INJECTION]
    assert "1 new critical finding." in planned.review_body
    assert planned.on_files == []


def test_a_command_posts_a_review_even_if_nothing_is_new() -> None:
    planned = plan_publication(request(first=False, commanded=True, shown=fingerprints(*REPORT.findings)))
    assert planned.review_body is not None
    assert planned.inline == []
    assert planned.review_body.startswith(
        "3 earlier findings are still open. Found no new problems. Review, security, and docs read 2 of 3 changed files"
    )


def test_an_open_earlier_finding_stays_in_the_summary_and_the_check_does_not_succeed() -> None:
    planned = plan_publication(request(report=CLEAN, first=False, still_open=[INJECTION, UNTESTED]))
    assert planned.review_body is None
    assert planned.summary is not None
    assert "goes into the SQL text" in planned.summary
    assert UNTESTED.explanation in planned.summary
    conclusions = {check.stage: check.conclusion for check in planned.checks}
    assert conclusions[Stage.SECURITY] is Conclusion.NEUTRAL
    assert [check.annotations for check in planned.checks] == [(), (), ()]
    assert any(INJECTION.explanation in check.text for check in planned.checks)


def test_a_run_of_one_stage_keeps_the_results_of_other_stages_in_the_summary() -> None:
    skipped = replace(DOCS, status=StageStatus.SKIPPED, walkthrough=None, documents=(), error="not asked for")
    report = replace(CLEAN, stages=(REVIEW, skipped))
    planned = plan_publication(request(report=report, first=False, earlier_stages=[DOCS]))
    assert planned.summary is not None
    assert "Payments are looked up by id" in planned.summary
    assert "Shown from an earlier run: `docs`." in planned.summary


def test_summary_mode_posts_no_review_and_the_summary_has_every_finding_in_full() -> None:
    planned = plan_publication(request(config=RepositoryConfig(publish=Publish.SUMMARY)))
    assert planned.review_body is None
    assert planned.on_files == []
    assert planned.summary is not None
    assert all(finding.explanation in planned.summary for finding in REPORT.findings)


def test_shadow_mode_writes_check_runs_only() -> None:
    planned = plan_publication(request(config=RepositoryConfig(publish=Publish.SHADOW)))
    assert planned.review_body is None
    assert planned.summary is None
    assert planned.on_files == []
    assert len(planned.checks) == 3
    assert any(INJECTION.explanation in check.text for check in planned.checks)


def test_a_finding_outside_the_hunks_becomes_a_file_comment() -> None:
    far = replace(INJECTION, start_line=400, end_line=400)
    planned = plan_publication(request(report=replace(REPORT, findings=(far,))))
    assert planned.review_body is not None
    assert planned.inline == []
    assert [finding.placement for finding in planned.on_files] == [Placement.FILE]
    assert "```suggestion" not in review_comment(planned.on_files[0], redact=str).body


def test_a_finding_in_an_unchanged_file_goes_to_the_summary() -> None:
    foreign = replace(INJECTION, path="elsewhere.py")
    planned = plan_publication(request(report=replace(REPORT, findings=(foreign,))))
    assert planned.review_body is not None
    assert planned.inline == []
    assert planned.on_files == []
    assert planned.summary is not None
    assert foreign.explanation in planned.summary


def test_findings_over_the_comment_limits_go_to_the_summary() -> None:
    inline = tuple(replace(INJECTION, fingerprint=f"{n:032x}") for n in range(MAX_INLINE_COMMENTS + 5))
    on_files = tuple(replace(OFF_BY_ONE, fingerprint=f"{n:031x}f") for n in range(MAX_FILE_COMMENTS + 3))
    planned = plan_publication(request(report=replace(REPORT, findings=inline + on_files)))
    assert planned.review_body is not None
    assert len(planned.inline) == MAX_INLINE_COMMENTS
    assert len(planned.on_files) == MAX_FILE_COMMENTS
    moved = [f for f in planned.report.findings if f.placement is Placement.SUMMARY]
    assert len(moved) == 8


def test_a_single_line_has_no_start_line_and_a_deleted_line_is_on_the_left() -> None:
    left = replace(INJECTION, path="pages.go", start_line=2, end_line=2, side=Side.LEFT)
    planned = plan_publication(request(report=replace(REPORT, findings=(left,))))
    assert planned.review_body is not None
    (comment,) = (review_comment(finding, redact=str) for finding in planned.inline)
    assert (comment.side, comment.line, comment.start_line) == (Side.LEFT, 2, None)


def test_a_range_across_two_hunks_is_not_commentable() -> None:
    first, second = added("a.py", first=1, count=3), added("a.py", first=4, count=3)
    diff = Diff(files=(replace(first, hunks=(*first.hunks, *second.hunks)),))
    finding = replace(INJECTION, path="a.py", start_line=2, end_line=5)
    assert not is_commentable(finding, diff)
    assert is_commentable(replace(finding, end_line=3), diff)


def test_only_added_lines_are_always_commentable() -> None:
    diff = Diff(files=(with_context("a.py", first=1, kinds=" +-+ "),))
    finding = replace(INJECTION, path="a.py", start_line=2, end_line=3)
    assert is_on_added_lines(finding, diff)
    assert not is_on_added_lines(replace(finding, start_line=1), diff)
    assert not is_on_added_lines(replace(finding, side=Side.LEFT), diff)


@st.composite
def placed_findings(draw: st.DrawFn) -> list[Finding]:
    """Findings with every kind of place, good and bad."""
    findings: list[Finding] = []
    for number in range(draw(st.integers(0, 8))):
        start = draw(st.integers(1, 20))
        findings.append(
            replace(
                INJECTION,
                fingerprint=f"{number:032x}",
                path=draw(st.sampled_from(["pay.py", "pages.go", "a.png", "no.py"])),
                start_line=start,
                end_line=start + draw(st.integers(0, 5)),
                side=draw(st.sampled_from(Side)),
                placement=draw(st.sampled_from(Placement)),
            )
        )
    return findings


@given(placed_findings(), st.sampled_from(Publish), st.booleans())
def test_every_finding_is_shown_exactly_once_in_full(
    findings: list[Finding], publish: Publish, first: bool
) -> None:
    planned = plan_publication(
        request(
            report=replace(REPORT, findings=tuple(findings)),
            config=RepositoryConfig(publish=publish),
            first=first,
        )
    )
    inline = [finding.fingerprint for finding in planned.inline]
    files = [finding.fingerprint for finding in planned.on_files]
    summary = [f.fingerprint for f in planned.report.findings if f.placement is Placement.SUMMARY]
    assert sorted(inline + files + summary) == sorted(finding.fingerprint for finding in findings)
