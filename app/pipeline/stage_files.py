"""The files that one stage reads: all that are reviewed, except those that `overrides` leave out of the stage."""

from dataclasses import replace

from app.analyzers.analysis import SECRET_RULES
from app.domain.diff import FileDiff
from app.domain.finding import Finding, Stage
from app.domain.review import Chunk, ReviewContext, StageResult
from app.gather import Gathered


def left_out_of(stage: Stage, gathered: Gathered) -> tuple[str, ...]:
    """Return the reviewed files that an override leaves out of the stage."""
    omitted = {each.path for each in gathered.coverage.omitted}
    return tuple(path for path in gathered.rules.left_out(stage) if path not in omitted)


def is_wanted(finding: Finding, gathered: Gathered) -> bool:
    """Whether the stage of an analyzer's finding reads its file. Secrets are reported in every file."""
    return finding.stage in gathered.rules.of(finding.path).stages or finding.rule_id in SECRET_RULES


def for_stage(stage: Stage, gathered: Gathered) -> tuple[ReviewContext, tuple[int, ...]]:
    """Return what the stage sees, and the places of its chunks among all of them."""
    left_out = set(left_out_of(stage, gathered))
    if not left_out:
        return gathered.context, tuple(range(len(gathered.context.chunks)))
    chunks = [
        (place, replace(chunk, files=files))
        for place, chunk in enumerate(gathered.context.chunks)
        if (files := _kept(chunk, left_out))
    ]
    return (
        replace(gathered.context, chunks=tuple(chunk for _, chunk in chunks)),
        tuple(place for place, _ in chunks),
    )


def _kept(chunk: Chunk, left_out: set[str]) -> tuple[FileDiff, ...]:
    return tuple(file for file in chunk.files if file.path not in left_out)


def at_places(result: StageResult, places: tuple[int, ...], chunks: int) -> StageResult:
    """Return the result with its calls at the places of their chunks among all of them."""
    if len(places) == chunks or not result.call_ids:
        return result
    ids = dict(zip(places, result.call_ids, strict=True))
    return replace(result, call_ids=tuple(ids.get(place, "") for place in range(chunks)))
