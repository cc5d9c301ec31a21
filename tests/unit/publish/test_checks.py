"""A check run is green only for work that was done and found nothing."""

from dataclasses import replace

import pytest
from inline_snapshot import snapshot

from app.domain.configuration import Gate, RepositoryConfig
from app.domain.finding import Placement, Severity, Stage
from app.domain.publication import (
    MAX_CHECK_ACTIONS,
    MAX_CHECK_TEXT_CHARACTERS,
    AnnotationLevel,
    CheckAction,
    CheckAnnotation,
    Conclusion,
)
from app.domain.review import Coverage, Omission, ReviewReport, StageResult, StageStatus
from app.publish.checks import (
    CheckUpdate,
    conclude,
    config_error_annotation,
    failed_check,
    plan_check,
    starting_check,
    superseded_check,
)
from tests.unit.publish.examples import CLEAN, FAILED, INJECTION, KEYLESS, LEFT_SIDE, REPORT, SECURITY
from tests.unit.publish.github_reader import read, read_plain
from tests.unit.publish.test_markdown import HOSTILE, NAMES


def stage_of(report: ReviewReport, stage: Stage) -> StageResult:
    return next(result for result in report.stages if result.stage is stage)


def checked(report: ReviewReport, stage: Stage, *, gate: Gate = Gate.OFF) -> CheckUpdate:
    return plan_check(stage_of(report, stage), report, config=RepositoryConfig(gate=gate), redact=str)


UNREAD = replace(
    CLEAN, coverage=Coverage(files=2, reviewed=1, omitted=(Omission(path="a.py", reason="too large"),))
)
ONLY_IMAGE = replace(
    CLEAN, coverage=Coverage(files=1, reviewed=0, omitted=(Omission(path="a.png", reason="binary image"),))
)
IGNORED = replace(
    CLEAN, coverage=Coverage(files=2, reviewed=1, omitted=(Omission(path="dist/a.js", reason="ignored"),))
)
SKIPPED = replace(CLEAN, stages=(StageResult(stage=Stage.SECURITY, status=StageStatus.SKIPPED),))


@pytest.mark.parametrize(
    ("report", "off", "high"),
    [
        (CLEAN, Conclusion.SUCCESS, Conclusion.SUCCESS),
        (REPORT, Conclusion.NEUTRAL, Conclusion.FAILURE),
        (FAILED, Conclusion.NEUTRAL, Conclusion.FAILURE),
        (KEYLESS, Conclusion.NEUTRAL, Conclusion.FAILURE),
        (UNREAD, Conclusion.NEUTRAL, Conclusion.FAILURE),
        (ONLY_IMAGE, Conclusion.NEUTRAL, Conclusion.NEUTRAL),
        (IGNORED, Conclusion.NEUTRAL, Conclusion.NEUTRAL),
        (SKIPPED, Conclusion.NEUTRAL, Conclusion.NEUTRAL),
    ],
)
def test_the_conclusion_depends_on_findings_gate_and_completed_work(
    report: ReviewReport, off: Conclusion, high: Conclusion
) -> None:
    security = stage_of(report, Stage.SECURITY)
    assert conclude(security, report, gate=Gate.OFF) is off
    assert conclude(security, report, gate=Gate.HIGH) is high


@pytest.mark.parametrize(
    ("severity", "gate", "conclusion"),
    [
        (Severity.MEDIUM, Gate.HIGH, Conclusion.NEUTRAL),
        (Severity.HIGH, Gate.HIGH, Conclusion.FAILURE),
        (Severity.HIGH, Gate.CRITICAL, Conclusion.NEUTRAL),
        (Severity.MEDIUM, Gate.MEDIUM, Conclusion.FAILURE),
        (Severity.LOW, Gate.MEDIUM, Conclusion.NEUTRAL),
    ],
)
def test_a_finding_at_or_above_the_gate_fails_the_check(
    severity: Severity, gate: Gate, conclusion: Conclusion
) -> None:
    report = replace(CLEAN, findings=(replace(INJECTION, severity=severity),))
    assert conclude(SECURITY, report, gate=gate) is conclusion


@pytest.mark.parametrize("placement", Placement)
def test_a_finding_counts_for_the_gate_wherever_it_is_shown(placement: Placement) -> None:
    by_pattern = replace(
        INJECTION,
        found_by=("analyzers:patterns",),
        confirmed_by=(),
        severity=Severity.HIGH,
        placement=placement,
    )
    report = replace(REPORT, findings=(by_pattern,))
    assert conclude(SECURITY, report, gate=Gate.HIGH) is Conclusion.FAILURE
    assert conclude(SECURITY, report, gate=Gate.OFF) is Conclusion.NEUTRAL


def test_a_finding_of_another_stage_does_not_count() -> None:
    report = replace(CLEAN, findings=(replace(INJECTION, stage=Stage.REVIEW),))
    assert conclude(SECURITY, report, gate=Gate.CRITICAL) is Conclusion.SUCCESS


@pytest.mark.parametrize("reason", ["binary", "generated", "submodule", "vendored", "too large"])
def test_a_file_that_no_model_read_fails_the_gate(reason: str) -> None:
    omitted = (Omission(path="a.py", reason=reason),)
    report = replace(CLEAN, coverage=Coverage(files=2, reviewed=1, omitted=omitted))
    assert conclude(SECURITY, report, gate=Gate.HIGH) is Conclusion.FAILURE
    assert conclude(SECURITY, report, gate=Gate.OFF) is Conclusion.NEUTRAL


def test_titles_describe_the_state() -> None:
    titles = [
        checked(report, Stage.SECURITY).title
        for report in (CLEAN, REPORT, FAILED, KEYLESS, UNREAD, ONLY_IMAGE, SKIPPED)
    ]
    assert titles == snapshot(
        [
            "No problems found",
            "1 critical finding (no gate)",
            "Not reviewed",
            "Not reviewed by a model",
            "Not fully reviewed",
            "Nothing to review",
            "Skipped",
        ]
    )


def test_a_grey_check_with_findings_says_that_there_is_no_gate() -> None:
    assert checked(REPORT, Stage.SECURITY).title == "1 critical finding (no gate)"
    assert checked(REPORT, Stage.SECURITY, gate=Gate.HIGH).title == "1 critical finding"


def test_the_cost_is_in_one_check_only() -> None:
    texts = [checked(REPORT, stage).summary for stage in Stage]
    assert ["0.0312 USD" in text for text in texts] == [True, False, False]


def test_a_failed_stage_says_why_and_how_to_retry() -> None:
    assert checked(FAILED, Stage.SECURITY, gate=Gate.HIGH).summary == snapshot("""\
Not reviewed: security failed (GPT: rate limited; Claude: timeout). Only the built-in analyzers read the change; they found nothing.

Click **Review again** or comment `/rereview` to retry.

The gate is `high`: this check fails for a finding of that severity or higher, or if the review is incomplete.\
""")


def test_files_that_were_not_reviewed_are_named() -> None:
    assert "Not read, or only in part:\n\n- `a.py`: too large" in checked(UNREAD, Stage.REVIEW).summary


def test_annotations_are_on_lines_of_the_head_and_the_text_has_every_finding() -> None:
    check = checked(replace(REPORT, findings=(INJECTION, LEFT_SIDE)), Stage.SECURITY)
    assert [(a.path, a.start_line, a.end_line, a.level) for a in check.annotations] == [
        ("pay.py", 8, 9, AnnotationLevel.FAILURE)
    ]
    assert check.annotations[0].title == "Critical: `id` goes into the SQL text (CWE-89)"
    assert check.text.count("goes into the SQL text") == 2
    assert "line 2 of the base version" in check.text


def test_a_path_that_is_not_utf8_is_in_the_text_but_not_annotated() -> None:
    check = checked(replace(REPORT, findings=(replace(INJECTION, path="caf\udce9.py"),)), Stage.SECURITY)
    assert check.annotations == ()
    assert "`caf\\udce9.py`" in check.text


def test_the_buttons_are_within_githubs_limits() -> None:
    low = replace(REPORT, findings=(replace(INJECTION, severity=Severity.LOW),))
    assert [action.identifier for action in checked(REPORT, Stage.SECURITY).actions] == [
        "rereview",
        "fix_all",
    ]
    actions = checked(low, Stage.SECURITY).actions
    assert [action.identifier for action in actions] == ["rereview", "dismiss_low", "fix_all"]
    assert len(actions) <= MAX_CHECK_ACTIONS
    for action in actions:
        assert len(action.label) <= 20
        assert len(action.description) <= 40
        assert len(action.identifier) <= 20


def test_a_check_with_hundreds_of_findings_is_within_githubs_limits() -> None:
    many = tuple(replace(INJECTION, explanation="x " * 4_000, title="t" * 500) for _ in range(120))
    check = checked(replace(REPORT, findings=many), Stage.SECURITY)
    assert len(check.text.encode()) <= MAX_CHECK_TEXT_CHARACTERS
    assert len(check.annotations) == 50
    assert all(len(annotation.title) <= 255 for annotation in check.annotations)


def test_the_texts_of_running_superseded_and_failed_reviews() -> None:
    broken = failed_check(Stage.DOCS, reason="GitHub did not answer for an hour.", gate=Gate.HIGH, redact=str)
    assert [starting_check(Stage.DOCS), superseded_check(Stage.DOCS), broken] == snapshot(
        [
            CheckUpdate(
                stage=Stage.DOCS, title="Review in progress", summary="Quorum is reviewing this change."
            ),
            CheckUpdate(
                stage=Stage.DOCS,
                title="Superseded by a newer commit",
                summary="A newer commit was pushed while this review ran. Quorum reviews that commit instead.",
                conclusion=Conclusion.CANCELLED,
            ),
            CheckUpdate(
                stage=Stage.DOCS,
                title="Not reviewed",
                summary="""\
Not reviewed: GitHub did not answer for an hour.

Click **Review again** or comment `/rereview` to retry.\
""",
                conclusion=Conclusion.FAILURE,
                actions=(
                    CheckAction(
                        label="Review again",
                        description="Rerun all stages on the newest commit",
                        identifier="rereview",
                    ),
                ),
            ),
        ]
    )
    assert failed_check(Stage.DOCS, reason="x", gate=Gate.OFF, redact=str).conclusion is Conclusion.NEUTRAL


def test_a_configuration_error_is_annotated_in_its_file() -> None:
    assert config_error_annotation("`quorum` must be 1, 2 or 3", line=4, redact=str) == snapshot(
        CheckAnnotation(
            path=".github/quorum.yml",
            start_line=4,
            end_line=4,
            level=AnnotationLevel.WARNING,
            title="Invalid configuration",
            message="`quorum` must be 1, 2 or 3",
        )
    )


@pytest.mark.parametrize("text", HOSTILE, ids=NAMES)
def test_a_check_with_hostile_text_has_no_active_content(text: str) -> None:
    finding = replace(INJECTION, title=text, explanation=text, path=text)
    failed = StageResult(stage=Stage.SECURITY, status=StageStatus.FAILED, error=text)
    coverage = Coverage(files=1, reviewed=0, omitted=(Omission(path=text, reason=text),))
    check = checked(replace(REPORT, findings=(finding,), stages=(failed,), coverage=coverage), Stage.SECURITY)
    assert read(check.summary, own_html=True) == []
    assert read(check.text, own_html=True) == []
    for annotation in check.annotations:
        assert read_plain(annotation.title) + read_plain(annotation.message) == []


def test_a_check_run_gets_at_most_fifty_annotations_the_most_severe_ones() -> None:
    many = tuple(
        replace(
            INJECTION,
            start_line=n,
            end_line=n,
            fingerprint=f"{n:032x}",
            severity=Severity.LOW if n <= 60 else Severity.HIGH,
        )
        for n in range(1, 71)
    )
    check = checked(replace(REPORT, findings=many), Stage.SECURITY)
    assert len(check.annotations) == 50
    assert [each.title[:4] for each in check.annotations[:11]] == ["High"] * 10 + ["Low:"]
    assert "Annotations show the 50 most severe of 70 findings." in check.text
