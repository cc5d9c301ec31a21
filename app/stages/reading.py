"""What the models have read of a change: which chunk shows a place, and whether a stage answered about it. Pure."""

from collections.abc import Sequence

from app.domain.finding import Finding
from app.domain.model_call import Provider
from app.domain.review import Chunk, StageResult, StageStatus


def shows(chunk: Chunk, finding: Finding) -> bool:
    """Whether the chunk has the line on which the finding begins."""
    return any(
        finding.start_line in (line.new_line, line.old_line)
        for file in chunk.files
        if file.path == finding.path
        for hunk in file.hunks
        for line in hunk.lines
    )


def has_read(finding: Finding, results: Sequence[StageResult], chunks: Sequence[Chunk]) -> bool:
    """Whether a model was shown the finding's code and answered for its stage; a stage half done has not."""
    answered = any(
        result.stage is finding.stage
        and result.status is StageStatus.COMPLETED
        and result.provider not in (None, Provider.ANALYZERS)
        for result in results
    )
    return answered and any(shows(chunk, finding) for chunk in chunks)
