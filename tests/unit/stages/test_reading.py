"""Whether a model has read a place: only then may its silence count."""

import pytest

from app.domain.finding import Stage
from app.domain.model_call import Provider
from app.domain.review import StageResult, StageStatus
from app.stages import was_reviewed
from tests.unit.stages.fakes import added_file, context_of, finding

CHUNKS = context_of([added_file("a.py", ["x = 1", "y = 2"])]).chunks


def result(**changes: object) -> StageResult:
    values: dict[str, object] = {
        "stage": Stage.SECURITY,
        "status": StageStatus.COMPLETED,
        "provider": Provider.GPT,
    }
    return StageResult(**(values | changes))  # pyright: ignore[reportArgumentType]


def read(answered: StageResult, path: str = "a.py", line: int = 2) -> bool:
    claim = finding(path, stage=Stage.SECURITY, start_line=line, end_line=line)
    return was_reviewed(claim, [answered], CHUNKS)


def test_a_line_that_a_stages_model_was_shown_is_read() -> None:
    assert read(result())
    assert read(result(provider=Provider.LOCAL))


@pytest.mark.parametrize(
    "unread",
    [
        result(status=StageStatus.FAILED),
        result(status=StageStatus.SKIPPED, provider=None),
        result(provider=Provider.ANALYZERS),
        result(provider=None),
        result(stage=Stage.REVIEW),
    ],
    ids=["failed or half done", "skipped", "keyless", "nothing new to read", "another stage"],
)
def test_a_stage_that_has_not_answered_was_reviewed_nothing(unread: StageResult) -> None:
    assert not read(unread)


def test_what_was_not_in_a_chunk_is_not_read() -> None:
    assert not read(result(), path="b.py")
    assert not read(result(), line=3)
