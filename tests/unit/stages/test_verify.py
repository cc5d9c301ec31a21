"""The verifier gets code and bare claims in one call per chunk, and its verdicts match their findings."""

import json
import re
from collections.abc import Mapping, Sequence

from app.domain.finding import Finding, Judgement, Stage, VerifierVerdict
from app.domain.model_call import Provider
from app.domain.review import ReviewContext
from app.llm.client import ModelRequest, RoutingRequest
from app.stages.material import SecretRedactor
from app.stages.verify import ask_verdicts
from tests.unit.stages.fakes import (
    EMPTY,
    PLAIN,
    FakeModels,
    FakeRedactor,
    added_file,
    context_of,
    context_with,
    finding,
    outage,
    pull_request,
)

CONTEXT = context_of([added_file("a.py", ["x = 1"])], [added_file("b.py", ["y = 2"])])


def claims_in(request: ModelRequest) -> list[dict[str, object]]:
    claims = request.question.partition("<claims-")[2]
    return [json.loads(line) for line in claims.split("\n") if line.startswith("{")]


def confirms_all(task: RoutingRequest, request: ModelRequest) -> object:
    return EMPTY | {
        "verdicts": [
            {"id": claim["id"], "evidence": "a.py:1", "verdict": "confirmed", "worth": 8}
            for claim in claims_in(request)
        ]
    }


async def verify(
    models: FakeModels,
    candidates: list[Finding],
    context: ReviewContext = CONTEXT,
    *,
    redactor: SecretRedactor = PLAIN,
    near: Mapping[str, Sequence[str]] | None = None,
) -> list[VerifierVerdict]:
    answer = await ask_verdicts(
        candidates,
        [Provider.CLAUDE],
        near=near or {},
        change=context,
        context=context_with(models, redactor=redactor),
        parents={Stage.REVIEW: ("call-of-review", "call-on-the-second-chunk")},
    )
    return list(answer.verdicts)


async def test_verdicts_carry_the_fingerprint_and_the_verifier() -> None:
    candidates = [
        finding("a.py", fingerprint="f1"),
        finding("b.py", fingerprint="f2"),
        finding("a.py", fingerprint="f3"),
    ]
    models = FakeModels(confirms_all)
    verdicts = await verify(models, candidates)
    assert {each.id for each in verdicts} == {"f1", "f2", "f3"}
    assert {(each.judgement, each.worth, each.by) for each in verdicts} == {
        (Judgement.CONFIRMED, 8, "gpt:m-1")
    }
    assert len(models.requests) == 2, "one call per chunk"


async def test_the_finder_is_not_asked_and_both_calls_are_linked() -> None:
    models = FakeModels(confirms_all)
    await verify(models, [finding("a.py", fingerprint="f1")])
    [(task, _, scope, parent_id)] = models.requests
    assert (task.kind, task.exclude) == ("verify", (Provider.CLAUDE,))
    assert (scope.stage, parent_id) == ("verify", "call-of-review")


async def test_each_chunks_verification_is_linked_to_the_call_on_that_chunk() -> None:
    models = FakeModels(confirms_all)
    await verify(models, [finding("b.py", fingerprint="f2"), finding("a.py", fingerprint="f1")])
    assert [parent_id for *_, parent_id in models.requests] == ["call-of-review", "call-on-the-second-chunk"]


async def test_the_verifier_gets_only_the_bare_claim() -> None:
    models = FakeModels(confirms_all)
    argued = finding(
        "a.py", fingerprint="f1", explanation="PERSUASION", evidence="PERSUASION", found_by=("claude:m",)
    )
    await verify(models, [argued])
    [(_, request, _, _)] = models.requests
    assert claims_in(request) == [
        {"id": "c1", "path": "a.py", "lines": "1-1", "quote": "x = 1", "claim": "x is wrong"}
    ]
    assert "PERSUASION" not in request.question
    assert "high" not in request.question.split("<claims-")[1]
    assert "claude" not in request.question


async def test_claims_to_compare_are_named_by_their_ids_and_the_answer_by_fingerprints() -> None:
    def says_same(task: RoutingRequest, request: ModelRequest) -> object:
        del task, request
        verdict = {"evidence": "a.py:1", "verdict": "confirmed", "worth": 8}
        first = {"id": "c1", "same_as": None, "restated": " x is 2 "} | verdict
        second = {"id": "c2", "same_as": "c1", "restated": 7} | verdict
        third = {"id": "c3", "same_as": "c9"} | verdict
        return EMPTY | {"verdicts": [first, second, third]}

    models = FakeModels(says_same)
    claims = [finding("a.py", fingerprint=name) for name in ("f1", "f2", "f3")]
    verdicts = await verify(models, claims, near={"f1": ["f2", "gone"], "f2": ["f1"]})
    [(_, request, _, _)] = models.requests
    assert [each.get("compare") for each in claims_in(request)] == [["c2"], ["c1"], None]
    assert [(each.same_as, each.restated) for each in verdicts] == [
        (None, "x is 2"),
        ("f1", None),
        (None, None),
    ]


async def test_the_verifier_gets_the_description_after_the_shared_prefix() -> None:
    models = FakeModels(confirms_all)
    promise = context_of([added_file("a.py", ["x = 1"])], pull=pull_request("Doubles x", "x becomes 2."))
    await verify(models, [finding("a.py", fingerprint="f1")], promise)
    await verify(models, [finding("a.py", fingerprint="f1")], CONTEXT)
    [(_, promised, _, _), (_, other, _, _)] = models.requests
    [description] = [line for line in promised.question.split("\n") if "x becomes 2." in line]
    assert json.loads(description) == {"title": "Doubles x", "body": "x becomes 2."}
    assert re.search(r"<description-\w{16}>\n\{", promised.question)
    assert (promised.system, promised.material) == (other.system, other.material)


async def test_security_claims_are_verified_without_the_description() -> None:
    models = FakeModels(confirms_all)
    await verify(models, [finding("a.py", fingerprint="f1", stage=Stage.SECURITY)])
    [(_, request, _, _)] = models.requests
    assert "Refunds a payment." not in request.question
    assert "<description-" not in request.question


async def test_secrets_in_the_description_do_not_reach_the_verifier() -> None:
    models = FakeModels(confirms_all)
    context = context_of(
        [added_file("a.py", ["x = 1"])],
        pull=pull_request(body=f"-----BEGIN KEY-----\n{'A' * 20}\n-----END-----"),
    )

    redactor = FakeRedactor(f"-----\n{'A' * 20}\n", "[REDACTED]\n\n")  # matches across lines
    await verify(models, [finding("a.py", fingerprint="f1")], context, redactor=redactor)
    [(_, request, _, _)] = models.requests
    assert "AAAA" not in request.question
    assert "[REDACTED]" in request.question


async def test_the_verifier_gets_the_same_material_as_the_stages() -> None:
    models = FakeModels(confirms_all)
    await verify(models, [finding("b.py", fingerprint="f2")])
    [(_, request, _, _)] = models.requests
    assert "=== b.py" in request.material
    assert "=== a.py" not in request.material


async def test_without_candidates_no_model_is_asked() -> None:
    models = FakeModels(confirms_all)
    assert await verify(models, []) == []
    assert models.requests == []


async def test_a_failed_verification_does_not_affect_the_other_chunk() -> None:
    def half(task: RoutingRequest, request: ModelRequest) -> object:
        return confirms_all(task, request) if "=== a.py" in request.material else outage()

    verdicts = await verify(
        FakeModels(half), [finding("a.py", fingerprint="f1"), finding("b.py", fingerprint="f2")]
    )
    assert [each.id for each in verdicts] == ["f1"]


async def test_a_claim_on_a_file_outside_the_chunks_is_still_verified() -> None:
    verdicts = await verify(FakeModels(confirms_all), [finding("gone.lock", fingerprint="f1")])
    assert [each.id for each in verdicts] == ["f1"]


async def test_the_verifier_uses_the_prefix_that_a_stage_sent() -> None:
    models = FakeModels(confirms_all)
    await verify(models, [finding("a.py")])
    ((_, request, _, _),) = models.requests
    assert request.prefix_reused  # without a breakpoint Anthropic's cache is neither written nor read
