"""Combines the walkthrough of the whole change with the walkthrough of the newest push. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from app.domain.finding import Stage, Walkthrough
from app.domain.review import ReviewReport, StageResult, StageStatus

NEWEST_PUSH = "\n\n**Newest push:** "


def with_earlier_walkthrough(
    report: ReviewReport, earlier: Sequence[StageResult], *, paths: Collection[str]
) -> ReviewReport:
    """Add the earlier walkthrough to the report of a run that reviewed only part of the change.

    Args:
        paths: the files that are in the change now.
    """
    before = next((each for each in earlier if each.stage is Stage.DOCS and each.walkthrough), None)
    if before is None or before.walkthrough is None:
        return report
    known = before.walkthrough
    stages = (
        replace(
            result,
            walkthrough=_joined(known, result.walkthrough, paths),
            documents=result.documents or before.documents,
        )
        if result.stage is Stage.DOCS and result.status is StageStatus.COMPLETED
        else result
        for result in report.stages
    )
    return replace(report, stages=tuple(stages))


def _joined(known: Walkthrough, new: Walkthrough | None, paths: Collection[str]) -> Walkthrough:
    rows = {row.path: row for row in known.files if row.path in paths}
    if new is None:
        return replace(known, files=tuple(rows.values()))
    rows |= {row.path: row for row in new.files}
    whole = known.summary.split(NEWEST_PUSH, maxsplit=1)[0]
    return Walkthrough(
        summary=f"{whole}{NEWEST_PUSH}{new.summary}",
        files=tuple(rows.values()),
        edges=tuple(dict.fromkeys((*known.edges, *new.edges))),
    )
