"""What `quorum review` prints and how it exits. A review that read too little never says that it found no problems."""

import sys
from collections.abc import Collection
from dataclasses import dataclass
from importlib.metadata import version

from app.commands.terminal import has_colors, width_of
from app.domain.diff import Diff
from app.domain.finding import Severity, Stage
from app.domain.pull_request import Snapshot
from app.domain.review import Coverage, ReviewReport, StageResult, StageStatus, UsageTotal
from app.gather import NOT_READABLE, Gathered
from app.github.local import STAGED, WORKING_TREE
from app.publish.frames import CodeFrames
from app.publish.reports import render_json, render_markdown, render_text
from app.publish.sarif import render_sarif
from app.publish.text import Redact, show_invisible
from app.publish.wording import count

DONE, FOUND, UNREADABLE, INCOMPLETE = 0, 1, 2, 3
STDIN = "-"
_NOTHING_CHANGED = {
    STDIN: "The patch has no changes.",
    STAGED: "Nothing is staged.",
    WORKING_TREE: "The working tree has no changes.",
}


def headline(name: str, diff: Diff) -> str:
    """`main...HEAD: 5 files, +55 −1`."""
    added, removed = sum(file.added for file in diff.files), sum(file.removed for file in diff.files)
    return f"{show_invisible(name)}: {count(len(diff.files), 'file')}, +{added:,} −{removed:,}"


def empty_report(snapshot: Snapshot, target: str | None, *, name: str) -> ReviewReport:
    """The report on a change without files: no stage ran."""
    reason = _NOTHING_CHANGED.get(target or "", f"{show_invisible(name)} has no changes.")
    return ReviewReport(
        findings=(),
        rejected=(),
        stages=tuple(StageResult(stage=stage, status=StageStatus.SKIPPED, error=reason) for stage in Stage),
        coverage=Coverage(files=0, reviewed=0),
        usage=UsageTotal(),
        duration_ms=0,
        notes=snapshot.notes,
    )


@dataclass(frozen=True, slots=True)
class Output:
    """Prints the report to stdout."""

    report_format: str
    redact: Redact

    def write(self, report: ReviewReport, gathered: Gathered) -> None:
        """Print the report; on a change without files, text is one sentence that does not sound like a review."""
        sys.stdout.write(self._render(report, gathered))

    def _render(self, report: ReviewReport, gathered: Gathered) -> str:
        match self.report_format:
            case "json":
                return render_json(report, redact=self.redact)
            case "sarif":
                return render_sarif(report, redact=self.redact, version=version("quorum-review"))
            case _ if not report.coverage.files:
                return "\n".join([report.stages[0].error or "", *report.notes]) + "\n"
            case "markdown":
                return render_markdown(report, redact=self.redact)
            case _:
                return render_text(
                    report,
                    redact=self.redact,
                    color=has_colors(sys.stdout),
                    width=width_of(sys.stdout),
                    frames=CodeFrames(gathered.changed_files, redact=self.redact),
                )


def exit_code(report: ReviewReport, *, named_stages: Collection[Stage], fail_on: Severity | None) -> int:
    """Choose the exit code, and say on stderr why a review is incomplete.

    3 takes precedence over 1 for a stage: what was not read could contain something worse.
    """
    reasons = [*_incomplete_stages(report, named_stages), *_incomplete_files(report.coverage)]
    if not reasons and fail_on and any(each.severity.at_least(fail_on) for each in report.findings):
        return FOUND
    if not reasons and fail_on:
        reasons = [_not_read(each.path, each.reason) for each in report.coverage.unread]
    sys.stderr.writelines(f"quorum: {reason}\n" for reason in reasons)
    return INCOMPLETE if reasons else DONE


def _incomplete_stages(report: ReviewReport, named: Collection[Stage]) -> list[str]:
    failed = [each for each in report.stages if each.status is StageStatus.FAILED]
    reasons = [f"{each.stage} was not completed: {each.error}" for each in failed]
    if not report.coverage.reviewed and not report.coverage.unread:
        return reasons  # there was nothing to review, so no stage that was named could run
    skipped = [each for each in report.stages if each.status is StageStatus.SKIPPED and each.stage in named]
    return [*reasons, *(f"{each.stage} was not run: {each.error}." for each in skipped)]


def _incomplete_files(coverage: Coverage) -> list[str]:
    """Sentences about files of which the input itself is damaged, and about those that were read only in part."""
    damaged = [each for each in coverage.unread if each.reason.startswith(NOT_READABLE)]
    return [
        *(_not_read(each.path, each.reason) for each in damaged),
        *(f"{show_invisible(each.path)} was read only in part: {each.reason}." for each in coverage.partly),
    ]


def _not_read(path: str, reason: str) -> str:
    return f"{show_invisible(path)} was not read: {show_invisible(reason)}."
