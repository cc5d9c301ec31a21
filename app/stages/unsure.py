"""Accepts the verdict `unsure` only after a look-up, or with the reason why none can help; otherwise asks once more.

The second question begins with the bytes of the first and adds one sentence. Its answer stands, whatever it is; if it
fails, the first one does.
"""

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.domain.finding import Judgement
from app.domain.model_call import Provider
from app.errors import QuorumError
from app.prompting.parsing import ParsedVerdict
from app.stages.asking import Question, StageContext, StageQueue
from app.stages.looking import LookedCompletion, ask_looking

Parsed = tuple[ParsedVerdict, ...]

ASK_AGAIN = (
    "You are unsure of {ids}, and you looked nothing up: fill `lookups` with what decides, or write in `evidence` that no "
    "look-up can help, and why."
)

_NONE_CAN_HELP = re.compile(
    r"\bno look[ -]?ups? (?:can|could|will|would)\b"
    r"|\blook[ -]?ups? (?:can ?not|can't|could not|couldn't|will not|won't|would not|wouldn't)\b",
    re.IGNORECASE,
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedAgain:
    """How many claims a verifier was asked about once more, and how many of them it then decided."""

    claims: int = 0
    decided: int = 0

    def __add__(self, other: "AskedAgain") -> "AskedAgain":
        return AskedAgain(claims=self.claims + other.claims, decided=self.decided + other.decided)


async def ask_to_decide(
    context: StageContext,
    question: Question[Parsed],
    *,
    material: str,
    exclude: tuple[Provider, ...],
    parent_id: str | None,
) -> tuple[LookedCompletion[Parsed], AskedAgain]:
    """Return the verdicts; those that are unsure without a look-up or a reason come from the second question.

    Raises what `ask` raises for the first question.
    """
    queue = StageQueue(deadline_s=context.deadline_s)
    rounds = context.verifier_rounds
    are_offered = (
        rounds and "lookups" in context.prompts.prompt(question.prompt_id).inputs
    )  # not in old recordings
    first = await ask_looking(
        context,
        question,
        material=material,
        rounds=rounds,
        exclude=exclude,
        parent_id=parent_id,
        queue=queue,
    )
    open_ids = [] if first.looked_up or not are_offered else unexplained(first.completion.value)
    if not open_ids:
        return first, AskedAgain()
    try:
        second = await ask_looking(
            context,
            replace(question, looked_up=ASK_AGAIN.format(ids=", ".join(open_ids))),
            material=material,
            rounds=rounds,
            exclude=exclude,
            parent_id=first.completion.call_id,
            queue=queue,
        )
    except QuorumError as error:
        _log.warning("a verifier stays unsure", extra={"error": str(error)})
        return first, AskedAgain(claims=len(open_ids))
    answers = {each.id: each for each in second.completion.value}
    verdicts = tuple(
        answers.get(each.id, each) if each.id in open_ids else each for each in first.completion.value
    )
    decided = sum(answers[each].judgement is not Judgement.UNSURE for each in open_ids if each in answers)
    completion = replace(second.completion, value=verdicts)
    return replace(second, completion=completion), AskedAgain(claims=len(open_ids), decided=decided)


def unexplained(verdicts: Sequence[ParsedVerdict]) -> list[str]:
    """The ids of verdicts `unsure` whose evidence does not say that no look-up can help."""
    return [
        each.id
        for each in verdicts
        if each.judgement is Judgement.UNSURE and not _NONE_CAN_HELP.search(each.evidence)
    ]
