"""Says how a review ended: first what was not reviewed, then what was found, then who read what. Every report uses it.

Nothing good is said before a failure. A stage that failed read nothing, and the analyzers are not a model.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.finding import Stage
from app.domain.review import (
    EXCUSED_REASONS,
    LEFT_OUT,
    NO_ANSWER,
    Coverage,
    Omission,
    ReviewReport,
    StageResult,
)
from app.publish.readings import Clean, Reading, ReviewState
from app.publish.wording import capitalized, count, count_findings, joined

_MAX_REASONS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """How a review ended, in words. `headline` is a phrase without text from outside; the others are sentences or empty."""

    headline: str
    failure: str  # what was not reviewed, and why
    found: str
    coverage: str  # who read what

    @property
    def text(self) -> str:
        """All sentences, worst news first."""
        return " ".join(filter(None, [self.failure, self.found, self.coverage]))


def make_statement(report: ReviewReport, *, clean: Clean = str, new: bool = False) -> Statement:
    """The words about a review, or about one stage if the report has only that one.

    Args:
        report: the review.
        clean: makes reasons safe for the output.
        new: whether the report has only what is new after a push.
    """
    review = ReviewState(report=report, clean=clean, new=new)
    return Statement(
        headline="; ".join(filter(None, [_state(review), _found_phrase(review)])),
        failure=_failure(review),
        found=_found(review),
        coverage=_coverage(review),
    )


def _state(review: ReviewState) -> str:
    """What is incomplete about the review; empty if nothing is."""
    by_analyzers = review.stages(Reading.ANALYZERS)
    if review.stages(Reading.NONE) and not review.is_by_models:
        return "not reviewed"
    if _incomplete(review):
        return "not fully reviewed"
    if review.is_unsearched:
        return "not checked for problems"
    if review.is_empty:
        return "nothing to review" if review.coverage.files else "no changed files"
    if review.is_skipped:
        return "skipped"
    return "not reviewed by a model" if by_analyzers else ""


def _found_phrase(review: ReviewState) -> str:
    if review.report.findings:
        return count_findings(review.report.findings, new=review.new)
    if _state(review):
        return ""
    if not review.stages(Reading.ALL):
        return "nothing new to review"
    return "no new problems found" if review.new else "no problems found"


def _failure(review: ReviewState) -> str:
    clauses = _incomplete(review)
    sentences: list[str] = []
    if clauses:
        nothing = review.stages(Reading.NONE) and not review.is_by_models
        sentences.append(f"{'Not reviewed' if nothing else 'Not fully reviewed'}: {'; '.join(clauses)}.")
    elif review.stages(Reading.ANALYZERS):
        sentences.append("Not reviewed by a model: none is configured or allowed.")
    if review.is_unsearched:
        sentences.append(f"Not checked for problems: {review.names(Reading.SKIPPED)} did not run.")
    return " ".join([*sentences, *_nothing_to_read(review)])


def _incomplete(review: ReviewState) -> list[str]:
    """A clause for everything that was to be read by a model and was not; empty if no model was to read anything."""
    coverage = review.coverage
    if review.is_skipped:
        return []
    clauses = [
        *_failed(review, Reading.NONE, "failed"),
        *_failed(review, Reading.PART, "did not read every file"),
        *_files(review, [each for each in coverage.unread if each.reason != NO_ANSWER], "not read"),
        *_files(review, coverage.partly, "read only in part"),
    ]
    if review.stages(Reading.ANALYZERS) and (clauses or review.is_by_models):
        clauses.append(f"no model was available for {review.names(Reading.ANALYZERS)}")
    return clauses


def _failed(review: ReviewState, reading: Reading, what: str) -> list[str]:
    """One clause for each reason."""
    by_reason: dict[str, list[str]] = {}
    for result in review.stages(reading):
        reason = review.clean(result.error or "").strip().rstrip(".") or "unknown reason"
        by_reason.setdefault(reason, []).append(result.stage.value)
    return [f"{joined(names)} {what} ({reason})" for reason, names in by_reason.items()]


def _files(review: ReviewState, omissions: Sequence[Omission], what: str) -> list[str]:
    if not omissions:
        return []
    verb = "was" if len(omissions) == 1 else "were"
    return [f"{count(len(omissions), 'file')} {verb} {what} ({_reasons(review, omissions)})"]


def _reasons(review: ReviewState, omissions: Sequence[Omission]) -> str:
    """`binary`, or `2 binary, 1 generated`."""
    counted = Counter(review.clean(each.reason) for each in omissions).most_common()
    if len(counted) == 1:
        return counted[0][0]
    shown = [f"{number:,} {reason}" for reason, number in counted[:_MAX_REASONS]]
    return ", ".join([*shown, *(["…"] if len(counted) > _MAX_REASONS else [])])


def _nothing_to_read(review: ReviewState) -> list[str]:
    coverage = review.coverage
    if review.is_skipped and not review.is_empty:
        reasons = dict.fromkeys(review.clean(each.error or "not requested") for each in review.report.stages)
        return [f"Skipped: {'; '.join(reason.rstrip('.') for reason in reasons)}."]
    if not review.is_empty:
        return []
    if not coverage.files:
        return ["There are no changed files."]
    verb = "was" if coverage.files == 1 else "were"
    return [f"Nothing to review: {_every(coverage)} {verb} left out ({_reasons(review, coverage.omitted)})."]


def _found(review: ReviewState) -> str:
    if review.report.findings:
        return f"{count_findings(review.report.findings, new=review.new)}."
    if review.is_empty or review.is_skipped:
        return ""
    if not review.is_by_models:
        is_read = review.is_read_by_analyzers and not review.is_unsearched
        return (
            f"Only the built-in analyzers read the change; they found {_nothing(review)}." if is_read else ""
        )
    readers = review.stages(Reading.ALL, Reading.PART)
    if not readers or review.is_unsearched:
        return ""
    if not _incomplete(review):
        return _found_no_problems(review, {each.stage for each in readers})
    names = capitalized(joined([each.stage.value for each in readers]))
    is_partial = (
        len(readers) > len(review.stages(Reading.ALL)) or review.coverage.unread or review.coverage.partly
    )
    return f"{names} found nothing{' in what was read' if is_partial else ''}."


def _nothing(review: ReviewState) -> str:
    """What analyzers found that found nothing; they also read the files about which no model answered."""
    is_partial = review.coverage.partly or any(each.reason != NO_ANSWER for each in review.coverage.unread)
    return "nothing in what they read" if is_partial else "nothing"


def _found_no_problems(review: ReviewState, stages: set[Stage]) -> str:
    problems = "no new problems" if review.new else "no problems"
    if {Stage.REVIEW, Stage.SECURITY} <= stages:
        return f"Found {problems}."
    return f"{capitalized(review.names(Reading.ALL))} found {problems}."


def _coverage(review: ReviewState) -> str:
    coverage = review.coverage
    if review.is_empty or review.is_skipped:
        return ""
    if not review.is_by_models:
        is_said = not review.report.findings and not review.is_unsearched
        is_read = review.is_read_by_analyzers and not is_said
        clauses = ["only the built-in analyzers read the change"] if is_read else []
    else:
        clauses = _by_models(review)
    if review.stages(Reading.SKIPPED) and not review.is_unsearched:
        clauses.append(f"{review.names(Reading.SKIPPED)} did not run")
    harmless = [each for each in coverage.omitted if each.reason in EXCUSED_REASONS]
    clauses += _files(review, harmless, "left out")
    return f"{capitalized('; '.join(clauses))}." if clauses else ""


def _by_models(review: ReviewState) -> list[str]:
    coverage = review.coverage
    clauses: list[str] = []
    whole = [each for each in review.stages(Reading.ALL) if not each.left_out]
    if whole:
        names = joined([each.stage.value for each in whole])
        clauses.append(f"{names} read {_all_read(coverage)}")
    clauses += [
        f"{each.stage} read {_part_read(each, coverage)} ({count(len(each.left_out), 'file')} {LEFT_OUT})"
        for each in review.stages(Reading.ALL)
        if each.left_out
    ]
    clauses += [f"{each.stage} read {_part_read(each, coverage)}" for each in review.stages(Reading.PART)]
    if names := review.names(Reading.NOTHING_NEW):
        clauses.append(f"{names} had nothing new to read")
    if names := review.names(Reading.NONE):
        clauses.append(f"{names} read nothing")
    if names := review.names(Reading.ANALYZERS):
        clauses.append(f"only the built-in analyzers read for {names}")
    return clauses


def _part_read(result: StageResult, coverage: Coverage) -> str:
    """What a stage read that failed for some files."""
    if not result.unread_paths and not result.left_out:
        return "a part of the change"
    omitted = {each.path for each in coverage.omitted}
    left = len([path for path in {*result.unread_paths, *result.left_out} if path not in omitted])
    return f"{coverage.reviewed - left:,} of {count(coverage.files, 'changed file')}"


def _all_read(coverage: Coverage) -> str:
    """What a stage read that did not fail."""
    if coverage.files == 1:
        return "a part of the changed file" if coverage.partly else _every(coverage)
    in_part = f", {len(coverage.partly):,} of them only in part" if coverage.partly else ""
    files = f"{coverage.files:,} changed files"
    read = _every(coverage) if coverage.reviewed == coverage.files else f"{coverage.reviewed:,} of {files}"
    return f"{read}{in_part}"


def _every(coverage: Coverage) -> str:
    match coverage.files:
        case 1:
            return "the changed file"
        case 2:
            return "both changed files"
        case files:
            return f"all {files:,} changed files"
