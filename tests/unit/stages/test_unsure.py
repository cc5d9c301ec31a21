"""A verifier may be unsure only after a look-up, or with the reason why none can help; otherwise it is asked once more."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from app.domain.finding import Judgement
from app.domain.lookup import CodeLookup
from app.domain.lookup_answer import LookupAnswer
from app.domain.model_call import Provider
from app.llm.client import ModelRequest, RoutingRequest
from app.stages.asking import StageContext
from app.stages.unsure import AskedAgain
from app.stages.verify import Verdicts, ask_verdicts
from tests.unit.stages.fakes import EMPTY, FakeModels, added_file, context_of, context_with, finding, outage

CHANGE = context_of([added_file("a.py", ["x = 1"])])
CLAIMS = [finding("a.py", fingerprint=f"f{number}") for number in (1, 2)]
AGAIN = "you looked nothing up"


async def look_up(lookups: Sequence[CodeLookup]) -> Sequence[LookupAnswer]:
    return [LookupAnswer(lookup=each, history=("2026-01-02 Add x",)) for each in lookups]


def verdicts(*judgements: str, evidence: str = "db.py decides") -> dict[str, object]:
    rows = [
        {"id": f"c{number}", "evidence": evidence, "verdict": judgement, "worth": 6}
        for number, judgement in enumerate(judgements, 1)
    ]
    return EMPTY | {"verdicts": rows}


def answering(first: object, then: object) -> FakeModels:
    def reply(task: RoutingRequest, request: ModelRequest) -> object:
        del task
        return then if AGAIN in request.question or "</looked_up-" in request.question else first

    return FakeModels(reply)


async def verify(models: FakeModels, context: StageContext | None = None) -> Verdicts:
    context = context or replace(context_with(models), look_up=look_up)
    return await ask_verdicts(CLAIMS, [Provider.CLAUDE], near={}, change=CHANGE, context=context)


async def test_an_unsure_verifier_that_looked_nothing_up_is_asked_once_more() -> None:
    models = answering(verdicts("confirmed", "unsure"), verdicts("refuted", "refuted"))
    answer = await verify(models)
    (_, first, _, _), (_, second, _, parent) = models.requests
    assert second.question.startswith(first.question), "the vendor's cache serves the first question"
    assert "You are unsure of c2, and you looked nothing up" in second.question
    assert (second.system, second.material, parent) == (first.system, first.material, "call-1")
    assert [each.judgement for each in answer.verdicts] == [Judgement.CONFIRMED, Judgement.REFUTED]
    assert answer.asked_again == AskedAgain(claims=1, decided=1)


async def test_a_verifier_that_stays_unsure_is_not_asked_a_third_time() -> None:
    models = answering(verdicts("unsure", "unsure"), verdicts("unsure", "unsure"))
    answer = await verify(models)
    assert len(models.requests) == 2
    assert [each.judgement for each in answer.verdicts] == [Judgement.UNSURE] * 2
    assert answer.asked_again == AskedAgain(claims=2, decided=0)


async def test_the_second_question_may_be_answered_with_look_ups() -> None:
    wants = EMPTY | {"lookups": [{"kind": "history", "path": "db.py"}]}

    def reply(task: RoutingRequest, request: ModelRequest) -> object:
        del task
        if "</looked_up-" in request.question:
            return verdicts("confirmed", "confirmed")
        return wants if AGAIN in request.question else verdicts("unsure", "unsure")

    models = FakeModels(reply)
    answer = await verify(models)
    assert [each.judgement for each in answer.verdicts] == [Judgement.CONFIRMED] * 2
    assert [each.path for each in answer.looked_up] == ["db.py"]
    assert len(models.requests) == 3


async def test_unsure_stands_after_a_look_up() -> None:
    wants = EMPTY | {"lookups": [{"kind": "history", "path": "db.py"}]}
    models = answering(wants, verdicts("unsure", "unsure"))
    answer = await verify(models)
    assert len(models.requests) == 2
    assert answer.asked_again == AskedAgain()


@pytest.mark.parametrize(
    ("evidence", "questions"),
    [
        ("The vendor's gateway decides; no look-up can show its code.", 1),
        ("Look-ups cannot help: the answer depends on the production data.", 1),
        ("NO LOOK UP WILL HELP, the service is closed source.", 1),
        ("`Session.close` decides, and it is not shown.", 2),
        ("I made no look-up.", 2),
        ("", 2),
    ],
)
async def test_unsure_stands_with_the_reason_why_no_look_up_can_help(evidence: str, questions: int) -> None:
    unsure = verdicts("unsure", "unsure", evidence=evidence)
    models = answering(unsure, unsure)
    await verify(models)
    assert len(models.requests) == questions


async def test_unsure_stands_if_no_look_ups_are_offered() -> None:
    unsure = verdicts("unsure", "unsure")
    for tier, looks in (("trivial", look_up), ("full", None)):
        models = answering(unsure, unsure)
        await verify(models, replace(context_with(models, tier=tier), look_up=looks))
        assert len(models.requests) == 1


async def test_the_first_verdicts_stand_if_the_second_question_fails() -> None:
    models = answering(verdicts("confirmed", "unsure"), outage())
    answer = await verify(models)
    assert [each.judgement for each in answer.verdicts] == [Judgement.CONFIRMED, Judgement.UNSURE]
    assert answer.asked_again == AskedAgain(claims=1, decided=0)
