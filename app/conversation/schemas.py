"""What a conversation's questions ask of a model: closed schemas, and the way from their JSON to our values.

Other than a review's answers, which share one schema: what is asked here has no prefix in common with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import cast

from app.errors import ModelInvalidOutput
from app.prompting.answers import closed


class Intent(StrEnum):
    """What somebody wants who speaks to Quorum."""

    TECHNICAL_QUESTION = "technical_question"
    PRODUCT_QUESTION = "product_question"
    COMPLAINT = "complaint"
    GENERAL = "general"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A model's answer; `withdraws` only where a complaint was re-examined."""

    answer: str
    withdraws: bool = False
    evidence: str = ""


INTENT_SCHEMA = closed(intent={"type": "string", "enum": [intent.value for intent in Intent]})
ANSWER_SCHEMA = closed(answer={"type": "string"})
COMPLAINT_SCHEMA = closed(
    evidence={"type": "string"}, withdraws={"type": "boolean"}, answer={"type": "string"}
)


def parse_intent(value: object) -> Intent:
    """The intent; raises `ModelInvalidOutput` for none that is known."""
    said = _object(value).get("intent")
    if said not in list(Intent):
        raise ModelInvalidOutput("`intent` is none of the four.")
    return Intent(cast("str", said))


def parse_said(value: object) -> Said:
    """The answer; raises `ModelInvalidOutput` where it is missing or empty."""
    fields = _object(value)
    answer, withdraws = fields.get("answer"), fields.get("withdraws", False)
    evidence = fields.get("evidence", "")
    if not isinstance(answer, str) or not answer.strip():
        raise ModelInvalidOutput("`answer` is empty.")
    if not isinstance(withdraws, bool) or not isinstance(evidence, str):
        raise ModelInvalidOutput("`withdraws` must be a boolean and `evidence` a text.")
    return Said(answer=answer, withdraws=withdraws, evidence=evidence)


def _object(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise ModelInvalidOutput("The answer is not a JSON object.")
    return cast("Mapping[str, object]", value)
