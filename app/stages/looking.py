"""Asks a question that a model may answer with look-ups first: shows it the code it asked for, and asks again.

The second question begins with the bytes of the first, so that the vendor's cache serves it. A model that never stops
asking has to answer after the last round.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from app.domain.lookup import CodeLookup, LookedUp
from app.domain.lookup_answer import LookupAnswer
from app.domain.model_call import Provider
from app.llm.client import Completion
from app.prompting.parsing import parse_lookups
from app.prompting.prompts import fence
from app.stages.asking import Question, StageContext, StageQueue, ask
from app.stages.material import render_snippets

S = TypeVar("S")
T = TypeVar("T")

_OFFERS = {
    1: "Look-ups: one round is offered before you answer.",
    2: "Look-ups: two rounds are offered before you answer.",
}
_LEFT = {0: "No look-ups are left: answer now.", 1: "One more round of look-ups is offered."}


def render_offer(rounds: int) -> str:
    """Render how often the model may look things up; empty if it may not."""
    return _OFFERS.get(rounds, f"Look-ups: {rounds} rounds are offered before you answer.") if rounds else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LookedCompletion(Generic[T]):
    """An answer, and what its models looked at before."""

    completion: Completion[T]
    looked_up: tuple[LookedUp, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reply(Generic[T]):
    """What a model says while it may still look things up: an answer, or what it wants to see instead."""

    answer: T | None
    wanted: tuple[CodeLookup, ...] = ()


async def ask_looking(
    context: StageContext,
    question: Question[T],
    *,
    material: str,
    rounds: int,
    exclude: tuple[Provider, ...] = (),
    parent_id: str | None = None,
    queue: StageQueue | None = None,
    can_split: bool = False,
) -> LookedCompletion[T]:
    """Return the answer to `question` about `material`, after at most `rounds` rounds of look-ups.

    Raises what `ask` raises, in whichever round.
    """
    looked_up: list[LookedUp] = []
    failures: tuple[str, ...] = ()
    look_up = context.look_up
    for left in reversed(range(rounds if look_up else 0)):
        assert look_up is not None
        replied = await ask(
            context,
            _answer_or_lookups(question),
            material=material,
            exclude=exclude,
            parent_id=parent_id,
            queue=queue,
            can_split=can_split,
        )
        failures = tuple(dict.fromkeys((*failures, *replied.failures)))
        if not replied.value.wanted:
            assert replied.value.answer is not None
            return LookedCompletion(
                completion=_completion(replied, replied.value.answer, failures), looked_up=tuple(looked_up)
            )
        found = await look_up(replied.value.wanted)
        by = f"{replied.response.provider}:{replied.response.model}"
        looked_up += [each for answer in found for each in _looked_at(answer, by)]
        shown = render_answers(found, context, left=left)
        question = replace(question, looked_up=f"{question.looked_up}\n{shown}".strip(), prefix_reused=True)
        parent_id = replied.call_id
    answered = await ask(
        context,
        question,
        material=material,
        exclude=exclude,
        parent_id=parent_id,
        queue=queue,
        can_split=can_split,
    )
    failures = tuple(dict.fromkeys((*failures, *answered.failures)))
    return LookedCompletion(
        completion=_completion(answered, answered.value, failures), looked_up=tuple(looked_up)
    )


def _answer_or_lookups(question: Question[T]) -> Question[_Reply[T]]:
    def parse(value: object) -> _Reply[T]:
        wanted = parse_lookups(value)
        return _Reply(answer=None if wanted else question.parse(value), wanted=wanted)

    return Question(
        kind=question.kind,
        prompt_id=question.prompt_id,
        inputs=question.inputs,
        parse=parse,
        images=question.images,
        prefix_reused=question.prefix_reused,
        has_issues=question.has_issues,
        has_checks=question.has_checks,
        looked_up=question.looked_up,
    )


def _completion(found: Completion[S], value: T, failures: tuple[str, ...]) -> Completion[T]:
    return Completion(
        value=value, response=found.response, call_id=found.call_id, route=found.route, failures=failures
    )


def render_answers(answers: Sequence[LookupAnswer], context: StageContext, *, left: int) -> str:
    """Render what the look-ups found in a fence, and how many rounds are left."""
    blocks = [_block(number, each, context) for number, each in enumerate(answers, 1)]
    ending = _LEFT.get(left, f"{left} more rounds of look-ups are offered.")
    return f"{fence('looked_up', chr(10).join(blocks), context.secret)}\n{ending}"


def _block(number: int, answer: LookupAnswer, context: StageContext) -> str:
    lookup = answer.lookup
    parts = {
        "kind": lookup.kind.value,
        "name": lookup.name,
        "path": lookup.path,
        "start_line": lookup.start_line,
        "end_line": lookup.end_line,
    }
    asked = {name: value for name, value in parts.items() if value is not None}
    head = f"# {number} {json.dumps(asked, ensure_ascii=False)}"
    if answer.unavailable:
        return f"{head}\nnot available: {answer.unavailable}"
    shown = [
        render_snippets(answer.snippets, context.redactor) if answer.snippets else "",
        context.redactor.redact("\n".join(answer.history)),
        f"… {answer.note}" if answer.note else "",
    ]
    return "\n".join([head, *filter(None, shown)])


def _looked_at(answer: LookupAnswer, by: str) -> list[LookedUp]:
    """What the model saw: one entry for each run of lines of a file or definition, else one for the look-up."""
    lookup = answer.lookup
    whole = LookedUp(
        by=by,
        kind=lookup.kind,
        path=lookup.path,
        start_line=lookup.start_line,
        end_line=lookup.end_line,
        name=lookup.name,
        unavailable=answer.unavailable,
    )
    if not answer.snippets:
        return [whole]
    return [
        replace(
            whole,
            path=snippet.path,
            start_line=snippet.start_line,
            end_line=snippet.start_line + snippet.text.count("\n"),
        )
        for snippet in answer.snippets
    ]
