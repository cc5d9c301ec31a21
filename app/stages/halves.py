"""Splits a chunk whose answer or request is too long for a model into two halves, and joins their answers."""

from collections.abc import Sequence
from dataclasses import replace

from app.domain.diff import FileDiff
from app.domain.finding import Finding
from app.domain.review import Chunk
from app.errors import ModelError
from app.llm.client import Completion
from app.stages.questions import ChunkAnswer, join


def halves_of(chunk: Chunk) -> tuple[Chunk, ...]:
    """Return two chunks of about the same size, between files or between the hunks of the only file; one if neither is possible."""
    if len(chunk.files) > 1:
        place = _middle([_lines(file) for file in chunk.files])
        parts = (chunk.files[:place], chunk.files[place:])
        return tuple(replace(chunk, files=files) for files in parts)
    only = chunk.files[0] if chunk.files else None
    if only is None or len(only.hunks) < 2:
        return (chunk,)
    hunks = only.hunks
    place = _middle([len(hunk.lines) for hunk in hunks])
    parts = (hunks[:place], hunks[place:])
    return tuple(replace(chunk, files=(replace(only, hunks=each),)) for each in parts)


def _lines(file: FileDiff) -> int:
    return sum(len(hunk.lines) for hunk in file.hunks)


def _middle(sizes: Sequence[int]) -> int:
    """Return the place, neither first nor last, at which the parts differ least."""
    total = sum(sizes)
    return min(range(1, len(sizes)), key=lambda place: abs(total - 2 * sum(sizes[:place])))


def join_halves(halves: Sequence[Completion[ChunkAnswer]], error: ModelError) -> Completion[ChunkAnswer]:
    """Return the answers of the halves as one; `error` is why the whole was not answered."""
    failures = dict.fromkeys([str(error), *(failure for half in halves for failure in half.failures)])
    answer = join([with_finder(half) for half in halves])
    return replace(halves[0], value=answer, failures=tuple(failures))


def with_finder(completion: Completion[ChunkAnswer]) -> ChunkAnswer:
    """Return the answer with its model as the finder of each finding that names none yet."""
    finder = f"{completion.response.provider}:{completion.response.model}"

    def named(finding: Finding) -> Finding:
        return finding if finding.found_by else replace(finding, found_by=(finder,))

    return replace(
        completion.value,
        findings=tuple(map(named, completion.value.findings)),
        rejected=tuple(replace(each, finding=named(each.finding)) for each in completion.value.rejected),
    )
