"""An answer that does not fit is asked for once more in two halves of the chunk, before the next vendor is asked."""

from typing import Any

import pytest

from app.domain.analysis import Analysis
from app.domain.diff import FileDiff
from app.domain.finding import Stage
from app.domain.review import Chunk, StageStatus
from app.errors import AllModelsFailed, ModelContextTooLong, ModelReadPart, ModelTruncated
from app.llm.client import ModelRequest, RoutingRequest
from app.stages.halves import halves_of
from app.stages.run import run_stage
from tests.unit.stages.fakes import EMPTY, FakeModels, added_file, context_of, context_with, item

PATHS = ("a.py", "b.py", "c.py")


def files(*lines: int) -> list[FileDiff]:
    return [
        added_file(path, [f"x = {n}" for n in range(count)])
        for path, count in zip(PATHS, lines, strict=False)
    ]


def too_long_until_split(error: Exception) -> Any:
    def reply(task: RoutingRequest, request: ModelRequest) -> object:
        shown = [path for path in PATHS if f"=== {path}" in request.material]
        return error if task.can_split else EMPTY | {"findings": [item(path) for path in shown]}

    return reply


@pytest.mark.parametrize("kind", [ModelTruncated, ModelContextTooLong, ModelReadPart])
async def test_a_chunk_is_asked_about_in_two_halves_and_nothing_is_lost(kind: type[Exception]) -> None:
    models = FakeModels(too_long_until_split(kind("Anthropic's answer was cut at the output limit.")))
    result = await run_stage(
        Stage.REVIEW, context_of(files(2, 2, 2)), context_with(models), analysis=Analysis()
    )
    assert result.status is StageStatus.COMPLETED
    assert [each.path for each in result.findings] == list(PATHS)
    assert {each.found_by for each in result.findings} == {("claude:m-1",)}
    assert len(models.requests) == 3
    assert [task.can_split for task, *_ in models.requests] == [True, False, False]
    assert "Anthropic's answer was cut at the output limit." in result.notes
    assert len(result.call_ids) == 1


async def test_what_cannot_be_split_is_asked_about_again_for_the_next_vendor() -> None:
    models = FakeModels(too_long_until_split(ModelTruncated("cut")))
    result = await run_stage(Stage.REVIEW, context_of(files(2)), context_with(models), analysis=Analysis())
    assert [task.can_split for task, *_ in models.requests] == [True, False]
    assert result.status is StageStatus.COMPLETED


async def test_a_half_that_fails_leaves_the_chunk_unread() -> None:
    def reply(task: RoutingRequest, request: ModelRequest) -> object:
        if task.can_split:
            return ModelTruncated("cut")
        return AllModelsFailed([]) if "=== a.py" in request.material else EMPTY

    result = await run_stage(
        Stage.REVIEW, context_of(files(2, 2)), context_with(FakeModels(reply)), analysis=Analysis()
    )
    assert result.status is StageStatus.FAILED


@pytest.mark.parametrize(
    ("lines", "halves"),
    [((5,), [[5]]), ((1, 1), [[1], [1]]), ((1, 1, 9), [[1, 1], [9]]), ((9, 1, 1), [[9], [1, 1]])],
)
def test_halves_have_about_the_same_size(lines: tuple[int, ...], halves: list[list[int]]) -> None:
    parts = halves_of(Chunk(files=tuple(files(*lines))))
    assert [[len(file.hunks[0].lines) for file in part.files] for part in parts] == halves
