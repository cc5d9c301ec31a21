"""Sorts the stages of a review by what they read of the change, and its files by whether they had to be read."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from app.domain.finding import Stage
from app.domain.model_call import Provider
from app.domain.review import NO_ANSWER, Coverage, ReviewReport, StageResult, StageStatus
from app.publish.wording import joined

Clean = Callable[[str], str]  # makes text from outside safe for one line of the output


class Reading(StrEnum):
    """How much of the change a stage read."""

    ALL = "all"  # a model read every file that was to be reviewed
    PART = "part"
    NONE = "none"
    ANALYZERS = "analyzers"  # no model is configured or allowed
    NOTHING_NEW = "nothing new"  # earlier reviews read everything
    SKIPPED = "skipped"


def reading_of(result: StageResult, *, keyless: bool) -> Reading:
    """How much of the change the stage read."""
    if result.status is StageStatus.SKIPPED:
        return Reading.SKIPPED
    by_analyzers = keyless or result.provider is Provider.ANALYZERS
    if result.status is StageStatus.FAILED:
        return Reading.PART if result.provider and not by_analyzers else Reading.NONE
    if by_analyzers:
        return Reading.ANALYZERS
    return Reading.ALL if result.provider else Reading.NOTHING_NEW


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewState:
    """A review, sorted by what its stages read."""

    report: ReviewReport
    clean: Clean
    new: bool

    @property
    def coverage(self) -> Coverage:
        """Which files were read."""
        return self.report.coverage

    def stages(self, *readings: Reading) -> list[StageResult]:
        """The stages that read that much."""
        return [
            each for each in self.report.stages if reading_of(each, keyless=self.report.keyless) in readings
        ]

    def names(self, *readings: Reading) -> str:
        """The names of these stages, as a list in words."""
        return joined([each.stage.value for each in self.stages(*readings)])

    @property
    def is_by_models(self) -> bool:
        """Whether a model answered in any stage."""
        return bool(self.stages(Reading.ALL, Reading.PART, Reading.NOTHING_NEW))

    @property
    def is_read_by_analyzers(self) -> bool:
        """Whether there was something to read for the analyzers, which no model read."""
        answerless = any(each.reason == NO_ANSWER for each in self.coverage.omitted)
        return not self.is_by_models and bool(self.coverage.reviewed or answerless)

    @property
    def is_skipped(self) -> bool:
        """Whether no stage ran."""
        return bool(self.report.stages) and self.stages(Reading.SKIPPED) == list(self.report.stages)

    @property
    def is_unsearched(self) -> bool:
        """Whether the stages that report problems were left out, so that only the docs stage ran."""
        ran = {each.stage for each in self.stages(*(set(Reading) - {Reading.SKIPPED}))}
        return ran == {Stage.DOCS} and bool(self.stages(Reading.SKIPPED))

    @property
    def is_empty(self) -> bool:
        """Whether the change has no file that needs a review."""
        return not self.coverage.reviewed and not self.coverage.unread
