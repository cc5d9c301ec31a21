"""What people read about a review is true, and its worst news comes first."""

import json
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.configuration import Gate, RepositoryConfig
from app.domain.finding import Severity, Stage
from app.domain.model_call import Provider
from app.domain.review import (
    NO_ANSWER,
    Coverage,
    Omission,
    ReviewReport,
    StageResult,
    StageStatus,
    UsageTotal,
    without_unanswered,
)
from app.publish.checks import plan_check
from app.publish.comments import render_body_only_review, render_review_body
from app.publish.readings import Reading, reading_of
from app.publish.reports import render_json, render_markdown, render_text
from app.publish.sarif import render_sarif
from app.publish.statement import make_statement
from app.publish.summary import render_summary
from tests.unit.publish.examples import CLEAN, DOCS, INJECTION, REVIEW, SECURITY

PATHS = ("a.py", "b.py", "c.py", "d.png")
RATE_LIMIT = "OpenAI limits the rate of requests."
FAILED_SECURITY = StageResult(stage=Stage.SECURITY, status=StageStatus.FAILED, error=RATE_LIMIT)


def report_of(*stages: StageResult, coverage: Coverage = CLEAN.coverage) -> ReviewReport:
    return replace(CLEAN, stages=stages, coverage=without_unanswered(coverage, stages))


def failed(
    stage: Stage, error: str = RATE_LIMIT, *, unread_paths: tuple[str, ...] = PATHS[:3]
) -> StageResult:
    return StageResult(stage=stage, status=StageStatus.FAILED, error=error, unread_paths=unread_paths)


def test_a_clean_review_says_who_read_what() -> None:
    assert make_statement(CLEAN).text == (
        "Found no problems. Review, security, and docs read both changed files."
    )


def test_a_failed_stage_is_the_first_thing_that_people_read() -> None:
    said = make_statement(report_of(REVIEW, FAILED_SECURITY, DOCS))
    assert said.headline == "not fully reviewed"
    assert said.text == (
        "Not fully reviewed: security failed (OpenAI limits the rate of requests). Review and docs found nothing. "
        "Review and docs read both changed files; security read nothing."
    )


def test_a_failed_stage_comes_before_what_the_others_found() -> None:
    report = replace(report_of(REVIEW, FAILED_SECURITY, DOCS), findings=(INJECTION,))
    said = make_statement(report)
    assert said.headline == "not fully reviewed; 1 critical finding"
    assert said.text.startswith(
        "Not fully reviewed: security failed (OpenAI limits the rate of requests). 1 critical"
    )


def test_with_every_vendor_unreachable_no_file_counts_as_read() -> None:
    coverage = Coverage(files=3, reviewed=3)
    report = report_of(*(failed(stage, "claude: no connection") for stage in Stage), coverage=coverage)
    assert make_statement(report).text == (
        "Not reviewed: review, security, and docs failed (claude: no connection). "
        "Only the built-in analyzers read the change; they found nothing."
    )
    assert report.coverage.reviewed == 0
    assert [each.reason for each in report.coverage.omitted] == [NO_ANSWER] * 3
    assert "Read" not in render_text(report, redact=str)


def test_a_stage_that_failed_for_some_files_says_how_many_it_read() -> None:
    partly = replace(REVIEW, status=StageStatus.FAILED, error="claude: overloaded", unread_paths=("a.py",))
    assert make_statement(report_of(partly, SECURITY, DOCS, coverage=Coverage(files=3, reviewed=3))).text == (
        "Not fully reviewed: review did not read every file (claude: overloaded). "
        "Review, security, and docs found nothing in what was read. "
        "Security and docs read all 3 changed files; review read 2 of 3 changed files."
    )


def test_a_review_without_a_model_says_so_first() -> None:
    stages = [
        StageResult(stage=stage, status=StageStatus.COMPLETED, provider=Provider.ANALYZERS) for stage in Stage
    ]
    said = make_statement(replace(report_of(*stages), keyless=True))
    assert said.headline == "not reviewed by a model"
    assert said.text == (
        "Not reviewed by a model: none is configured or allowed. "
        "Only the built-in analyzers read the change; they found nothing."
    )


def test_unread_files_are_counted_before_anything_good_is_said() -> None:
    coverage = Coverage(
        files=4,
        reviewed=2,
        omitted=(Omission(path="a.py", reason="too large"), Omission(path="d.png", reason="binary image")),
        partly=(Omission(path="b.py", reason="a line is too long"),),
    )
    assert make_statement(report_of(REVIEW, SECURITY, DOCS, coverage=coverage)).text == (
        "Not fully reviewed: 1 file was not read (too large); 1 file was read only in part (a line is too long). "
        "Review, security, and docs found nothing in what was read. "
        "Review, security, and docs read 2 of 4 changed files, 1 of them only in part; 1 file was left out (binary image)."
    )


def test_a_change_without_files_that_need_a_review_is_not_called_clean() -> None:
    images = tuple(Omission(path=f"{number}.png", reason="binary image") for number in range(3))
    idle = tuple(StageResult(stage=stage, status=StageStatus.COMPLETED) for stage in Stage)
    said = make_statement(report_of(*idle, coverage=Coverage(files=3, reviewed=0, omitted=images)))
    assert (said.headline, said.text) == (
        "nothing to review",
        "Nothing to review: all 3 changed files were left out (binary image).",
    )
    assert make_statement(report_of(*idle, coverage=Coverage(files=0, reviewed=0))).text == (
        "There are no changed files."
    )


def test_a_run_of_one_stage_names_it() -> None:
    skipped = [
        StageResult(stage=stage, status=StageStatus.SKIPPED) for stage in (Stage.REVIEW, Stage.SECURITY)
    ]
    docs_only = make_statement(report_of(*skipped, DOCS))
    assert docs_only.headline == "not checked for problems"
    assert docs_only.text == (
        "Not checked for problems: review and security did not run. Docs read both changed files."
    )
    review_only = make_statement(report_of(REVIEW, skipped[1]))
    assert review_only.text == (
        "Review found no problems. Review read both changed files; security did not run."
    )


def test_a_push_without_new_code_is_not_called_clean() -> None:
    idle = tuple(StageResult(stage=stage, status=StageStatus.COMPLETED) for stage in Stage)
    said = make_statement(report_of(*idle), new=True)
    assert said.headline == "nothing new to review"
    assert said.text == "Review, security, and docs had nothing new to read."


STATES: dict[str, Callable[[Stage], StageResult]] = {
    "completed": lambda stage: StageResult(
        stage=stage, status=StageStatus.COMPLETED, provider=Provider.CLAUDE, model="sonnet"
    ),
    "failed": failed,
    "crashed": lambda stage: StageResult(stage=stage, status=StageStatus.FAILED),
    "partly": lambda stage: replace(
        failed(stage, "claude: overloaded; not reviewed: a.py", unread_paths=("a.py",)),
        provider=Provider.CLAUDE,
    ),
    "skipped": lambda stage: StageResult(stage=stage, status=StageStatus.SKIPPED, error="not requested"),
    "analyzers": lambda stage: StageResult(
        stage=stage, status=StageStatus.COMPLETED, provider=Provider.ANALYZERS
    ),
    "idle": lambda stage: StageResult(stage=stage, status=StageStatus.COMPLETED),
}
OMISSIONS = st.lists(
    st.sampled_from(["too large", "binary image", "not readable: it is no patch", "ignored"]), max_size=2
).map(lambda reasons: tuple(Omission(path=f"{n}.x", reason=reason) for n, reason in enumerate(reasons)))


@st.composite
def reports(draw: st.DrawFn) -> ReviewReport:
    """A review in any state."""
    keyless = draw(st.booleans()) and draw(st.booleans())
    states = st.sampled_from(["analyzers", "skipped"] if keyless else list(STATES))
    stages = tuple(STATES[draw(states)](stage) for stage in Stage)
    omitted, files = draw(OMISSIONS), draw(st.integers(0, 3))
    partly = draw(st.booleans()) and files > 0
    coverage = Coverage(
        files=files + len(omitted),
        reviewed=files,
        omitted=omitted,
        partly=(Omission(path="b.py", reason="a line is too long"),) if partly else (),
    )
    findings = tuple(
        replace(INJECTION, stage=stage, severity=severity, fingerprint=f"{n:032x}")
        for n, (stage, severity) in enumerate(
            draw(st.lists(st.tuples(st.sampled_from(Stage), st.sampled_from(Severity)), max_size=3))
        )
    )
    known = tuple(
        replace(each, unread_paths=each.unread_paths[:files]) if each.status is StageStatus.FAILED else each
        for each in stages
    )
    return ReviewReport(
        findings=findings,
        rejected=(),
        stages=known,
        coverage=without_unanswered(coverage, known),
        usage=UsageTotal(),
        duration_ms=1,
        keyless=keyless,
    )


GOOD = re.compile(
    r"\bno (?:new )?problems|found nothing|\bread (?:all|both|the changed)|\ball \d+ changed|nothing new",
    re.IGNORECASE,
)
BAD = re.compile(r"not (?:fully )?reviewed|not checked for problems", re.IGNORECASE)


def outputs(report: ReviewReport, gate: Gate) -> dict[str, str]:
    """Every text about the review, without the lists of files and the models' tables."""
    config = RepositoryConfig(gate=gate)
    checks = [plan_check(each, report, config=config, redact=str) for each in report.stages]
    findings = list(report.findings)
    return {
        "statement": make_statement(report).text,
        "headline": make_statement(report).headline,
        "review": render_review_body(report, findings=findings, review_id="r", redact=str),
        "push": render_review_body(report, findings=findings[1:], review_id="r", redact=str, first=False),
        "refused": render_body_only_review(report, findings=findings, review_id="r", redact=str),
        "summary": render_summary(report, key="k", redact=str),
        "text": render_text(report, redact=str),
        "markdown": render_markdown(report, redact=str),
        "json": render_json(report, redact=str),
        "sarif": json.loads(render_sarif(report, redact=str, version="1"))["runs"][0]["invocations"][0][
            "toolExecutionNotifications"
        ][0]["message"]["text"],
        **{f"check {each.stage}": f"{each.title}\n{each.summary}" for each in checks},
    }


def is_incomplete(report: ReviewReport, *, stage: StageResult | None = None) -> bool:
    """Whether something that a model was to read was not read."""
    stages = [stage] if stage else report.stages
    readings = {reading_of(each, keyless=report.keyless) for each in stages}
    if readings == {Reading.SKIPPED}:
        return False
    if not report.coverage.reviewed and not report.coverage.unread:
        return bool({Reading.NONE, Reading.PART} & readings)
    harmful = any(each.reason not in ("binary image", "ignored") for each in report.coverage.omitted)
    return bool(
        {Reading.NONE, Reading.PART, Reading.ANALYZERS} & readings or harmful or report.coverage.partly
    )


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(reports(), st.sampled_from(Gate))
def test_no_good_news_comes_before_a_failure_in_any_output(report: ReviewReport, gate: Gate) -> None:
    for name, text in outputs(report, gate).items():
        stage = next((each for each in report.stages if name == f"check {each.stage}"), None)
        if not is_incomplete(report, stage=stage):
            continue
        bad, good = BAD.search(text), GOOD.search(text)
        assert bad, (name, text)
        assert good is None or bad.start() < good.start(), (name, text)
        assert "Found no problems" not in text, (name, text)
        assert "no problems found" not in text, (name, text)


@settings(max_examples=150, deadline=None)
@given(reports())
def test_no_stage_is_said_to_have_read_what_it_did_not_read(report: ReviewReport) -> None:
    text = make_statement(report).text
    for each in report.stages:
        claims = re.findall(rf"[^.;]*\b{each.stage}\b[^.;]*\b(?:read|found) [^.;]*", text, re.IGNORECASE)
        if reading_of(each, keyless=report.keyless) in (Reading.NONE, Reading.SKIPPED, Reading.ANALYZERS):
            assert all(
                "read nothing" in claim or "only the built-in analyzers" in claim or "did not read" in claim
                for claim in claims
            ), claims
        if reading_of(each, keyless=report.keyless) is Reading.PART:
            assert not any("all" in claim.split() for claim in claims), claims


@settings(max_examples=150, deadline=None)
@given(reports(), st.sampled_from(Gate))
def test_no_failed_or_unread_stage_gets_a_green_check(report: ReviewReport, gate: Gate) -> None:
    for each in report.stages:
        check = plan_check(each, report, config=RepositoryConfig(gate=gate), redact=str)
        if is_incomplete(report, stage=each):
            assert check.conclusion != "success", check


@pytest.mark.parametrize("state", STATES)
def test_every_state_of_a_stage_has_its_words(state: str) -> None:
    said = make_statement(report_of(*(STATES[state](stage) for stage in Stage)))
    assert said.headline
    assert said.text.endswith(".")
    assert "  " not in said.text
