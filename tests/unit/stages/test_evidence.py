"""Failed checks in the question of the review stage: bounded, fenced, and explained only if they were shown."""

import re

import pytest

from app.domain.analysis import Analysis
from app.domain.finding import Stage
from app.domain.pull_request import CheckNote, FailedCheck
from app.stages.evidence import CHARACTERS_PER_TOKEN, MAX_TOKENS, render_checks
from app.stages.run import run_stage
from tests.security.injections import INJECTIONS
from tests.unit.stages.fakes import (
    EMPTY,
    SECRET,
    FakeModels,
    added_file,
    always,
    context_of,
    context_with,
    item,
)

TASK_CHARACTERS = 800  # the fence and the sentences around it


def check(*messages: str, name: str = "tests") -> FailedCheck:
    notes = (CheckNote(path="a.py", line=1, level="failure", message=each) for each in messages)
    return FailedCheck(name=name, title="2 failed", notes=tuple(notes))


def test_annotations_that_instruct_stay_inside_one_fence() -> None:
    text = render_checks([check(*INJECTIONS, name=INJECTIONS[0])], SECRET)
    opened, closed = (
        re.findall(rf"^<{slash}failed_checks-[0-9a-f]{{16}}>", text, re.MULTILINE) for slash in ("", "/")
    )
    assert (len(opened), len(closed)) == (1, 1)


@pytest.mark.parametrize(
    "checks",
    [
        [check(*(["x" * 60_000] * 200))],
        [check("x", name="n" * 60_000)] * 10,
        [check(*["\x00\n\u202e" * 20_000] * 20)] * 10,
        [FailedCheck(name="a" * 255, title="\n" * 60_000)] * 10,
    ],
)
def test_checks_are_bounded(checks: list[FailedCheck]) -> None:
    limit = MAX_TOKENS * CHARACTERS_PER_TOKEN + TASK_CHARACTERS
    assert len(render_checks(checks, SECRET)) <= limit


@pytest.mark.parametrize(
    ("named", "kept"),
    [("tests", "tests"), ("TESTS", ""), ("deploy", ""), (None, ""), (7, ""), (["tests"], "")],
)
async def test_a_finding_explains_only_a_check_that_was_shown(named: object, kept: str) -> None:
    models = FakeModels(always(EMPTY | {"findings": [item("a.py", explains_check=named)]}))
    change = context_of([added_file("a.py", ["x = 1"])], failed_checks=(check("boom"),))
    result = await run_stage(Stage.REVIEW, change, context_with(models), analysis=Analysis())
    assert [each.explains_check for each in result.findings] == [kept]
    [(_, request, _, _)] = models.requests
    assert '"explains_check"' in str(request.schema).replace("'", '"')
    assert "boom" in request.question


async def test_only_the_review_stage_sees_failed_checks() -> None:
    change = context_of([added_file("a.py", ["x = 1"])], failed_checks=(check("boom"),))
    for stage in (Stage.SECURITY, Stage.DOCS):
        models = FakeModels(always(EMPTY | {"summary": "Adds x."}))
        await run_stage(stage, change, context_with(models), analysis=Analysis())
        [(_, request, _, _)] = models.requests
        assert "boom" not in request.question + request.material
        assert "explains_check" not in str(request.schema)
