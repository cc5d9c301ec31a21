"""The closed schemas of models' answers in a conversation, and their parsers.

Unlike the stages of a review, these requests share no prompt prefix and therefore no schema.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import cast

from app.errors import ModelInvalidOutput
from app.prompting.answers import closed


class Intent(StrEnum):
    """What a comment to Quorum is about."""

    TECHNICAL_QUESTION = "technical_question"
    PRODUCT_QUESTION = "product_question"
    COMPLAINT = "complaint"
    GENERAL = "general"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelReply:
    """A model's answer; `withdraws` is only set for complaints."""

    answer: str
    withdraws: bool = False
    evidence: str = ""


INTENT_SCHEMA = closed(intent={"type": "string", "enum": [intent.value for intent in Intent]})
ANSWER_SCHEMA = closed(answer={"type": "string"})
COMPLAINT_SCHEMA = closed(
    evidence={"type": "string"}, withdraws={"type": "boolean"}, answer={"type": "string"}
)


def parse_intent(value: object) -> Intent:
    """The intent; raises `ModelInvalidOutput` if it is unknown."""
    intent = _object(value).get("intent")
    if intent not in list(Intent):
        raise ModelInvalidOutput("`intent` is not one of the four.")
    return Intent(cast("str", intent))


def parse_reply(value: object) -> ModelReply:
    """The answer; raises `ModelInvalidOutput` if it is missing or empty."""
    fields = _object(value)
    answer, withdraws = fields.get("answer"), fields.get("withdraws", False)
    evidence = fields.get("evidence", "")
    if not isinstance(answer, str) or not answer.strip():
        raise ModelInvalidOutput("`answer` is empty.")
    if not isinstance(withdraws, bool) or not isinstance(evidence, str):
        raise ModelInvalidOutput("`withdraws` must be a boolean and `evidence` a string.")
    return ModelReply(answer=answer, withdraws=withdraws, evidence=evidence)


def _object(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise ModelInvalidOutput("The answer is not a JSON object.")
    return cast("Mapping[str, object]", value)
