"""Other vendors search the same change: each in its own file order, and none of them can fail the stage."""

from dataclasses import replace

from app.domain.analysis import Analysis
from app.domain.finding import Stage
from app.domain.model_call import Provider
from app.domain.review import StageResult, StageStatus
from app.llm.client import ModelRequest, RoutingRequest
from app.stages.run import run_stage
from app.stages.verify import ask_verdicts
from tests.unit.stages.fakes import (
    EMPTY,
    FakeModels,
    added_file,
    context_of,
    context_with,
    finding,
    item,
    outage,
)

CHANGE = context_of([added_file(name, ["x = 1"]) for name in ("a.py", "b.py", "c.py")])


def vendor_of(task: RoutingRequest) -> Provider:
    """The vendor that a fake of all three asks."""
    vendors = (Provider.CLAUDE, Provider.GPT, Provider.GEMINI)
    return next(each for each in vendors if each not in task.exclude)


def finds_its_own(task: RoutingRequest, request: ModelRequest) -> object:
    del request
    return EMPTY | {"findings": [item("a.py", title=f"{vendor_of(task)} sees it")]}


async def search(models: FakeModels, finders: int, stage: Stage = Stage.REVIEW) -> StageResult:
    context = replace(context_with(models), finders=finders)
    context.cache_fill.mark(Provider.GPT, 0)
    context.cache_fill.mark(Provider.GEMINI, 0)
    return await run_stage(stage, CHANGE, context, analysis=Analysis())


def order_in(request: ModelRequest) -> str:
    return "".join(
        line.removeprefix("=== ")[0] for line in request.material.split("\n") if line.startswith("=== ")
    )


async def test_each_finder_is_another_vendor_and_reads_the_files_in_its_own_order() -> None:
    models = FakeModels(finds_its_own)
    result = await search(models, 3)
    assert [each.found_by for each in result.findings] == [("claude:m-1",), ("gpt:m-1",), ("gemini:m-1",)]
    assert {vendor_of(task): order_in(request) for task, request, *_ in models.requests} == {
        Provider.CLAUDE: "abc",
        Provider.GPT: "cba",
        Provider.GEMINI: "bca",
    }
    assert len({request.question for _, request, *_ in models.requests}) == 1
    assert (result.provider, result.status) == (Provider.CLAUDE, StageStatus.COMPLETED)


async def test_one_finder_makes_one_call_in_the_order_of_the_diff() -> None:
    models = FakeModels(finds_its_own)
    await search(models, 1)
    assert [order_in(request) for _, request, *_ in models.requests] == ["abc"]


async def test_documentation_is_written_by_one_vendor() -> None:
    models = FakeModels(lambda task, request: EMPTY | {"summary": "Adds x."})
    await search(models, 3, Stage.DOCS)
    assert len(models.requests) == 1


async def test_a_further_finder_that_fails_is_a_note_and_not_a_failed_stage() -> None:
    def reply(task: RoutingRequest, request: ModelRequest) -> object:
        return outage() if vendor_of(task) is Provider.GPT else finds_its_own(task, request)

    result = await search(FakeModels(reply), 2)
    assert result.status is StageStatus.COMPLETED
    assert [each.title for each in result.findings] == ["claude sees it"]
    [note] = result.notes
    assert note.startswith("gpt could not search this change as well: ")


async def test_there_are_no_more_finders_than_vendors() -> None:
    models = FakeModels(finds_its_own, providers=(Provider.CLAUDE,))
    result = await search(models, 3)
    assert len(models.requests) == 1
    assert len(result.findings) == 1


async def test_a_verifier_reads_the_files_in_the_order_of_its_other_calls() -> None:
    def confirms(task: RoutingRequest, request: ModelRequest) -> object:
        del task, request
        return EMPTY | {"verdicts": [{"id": "c1", "evidence": "", "verdict": "confirmed", "worth": 8}]}

    models = FakeModels(confirms)
    context = replace(context_with(models), finders=2)
    claim = finding("a.py", fingerprint="f1")
    await ask_verdicts([claim], [Provider.CLAUDE], near={}, change=CHANGE, context=context)
    [(_, request, *_)] = models.requests
    assert order_in(request) == "cba"
