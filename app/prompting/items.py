"""The items of models' answers as typed values.

Every number is bounded, fields outside the schema are ignored, and an invalid item does not affect the others."""

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, TypeGuard, TypeVar, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from app.domain.finding import AcceptanceStatus, Judgement, Severity
from app.domain.lookup import LookupKind
from app.errors import ModelInvalidOutput

MAX_LINE = 1_000_000_000  # of any file; every database has integers of this size
MAX_DIGITS = 40  # of a number in a string
MAX_PROBLEMS_NAMED = 5  # of an invalid item, in the error and so in the repeated question


class AnswerItem(BaseModel):
    """Ignores unknown fields, because vendors without strict schemas add some."""

    model_config = ConfigDict(extra="ignore", frozen=True)


def _lower(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


def _number(value: object) -> float:
    """The number that a model means, within the range of a database's integer; raises `ValueError` if it is none."""
    number = _as_float(value)
    if math.isnan(number):
        raise ValueError("is not a number")
    return max(-MAX_LINE, min(number, MAX_LINE))


def _as_float(value: object) -> float:
    """Any value as a float; NaN if it is no number."""
    match value:
        case bool():
            return math.nan
        case int():
            return float(max(-MAX_LINE, min(value, MAX_LINE)))
        case float():
            return value
        case str() if len(value) <= MAX_DIGITS:
            with suppress(ValueError):
                return float(value)
            return math.nan
        case _:
            return math.nan


def _line(value: object) -> int:
    """A line number from 1; it is only a hint, because the quote decides the place."""
    return max(1, int(_number(value)))


def _worth(value: object) -> int:
    return max(0, min(10, round(_number(value))))


def _line_or_none(value: object) -> int | None:
    """A line number that narrows a look-up: anything that is no number counts as missing."""
    try:
        return _line(value)
    except ValueError:
        return None


def _stripped(value: object) -> object:
    return value.strip() if isinstance(value, str) else value


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _is_true(value: object) -> bool:
    return value is True


def _text_or_none(value: object) -> str | None:
    """Text that only adds to an answer: anything else counts as missing."""
    return value.strip() or None if isinstance(value, str) else None


class FindingItem(AnswerItem):
    """One of `findings`; the fields of the contract are required, others may be missing or of any type."""

    path: str
    line: Annotated[int, BeforeValidator(_line)]
    quote: str
    severity: Annotated[Severity, BeforeValidator(_lower)]
    rule_id: str
    title: Annotated[str, Field(min_length=1), BeforeValidator(_stripped)]
    explanation: str
    suggestion: str | None
    evidence: Annotated[str, BeforeValidator(_text)] = ""
    pre_existing: Annotated[bool, BeforeValidator(_is_true)] = False
    explains_check: Annotated[str | None, BeforeValidator(_text_or_none)] = None


class VerdictItem(AnswerItem):
    """One of `verdicts`."""

    id: str
    verdict: Annotated[Judgement, BeforeValidator(_lower)]
    evidence: str
    worth: Annotated[int, BeforeValidator(_worth)]
    same_as: Annotated[str | None, BeforeValidator(_text_or_none)] = None
    restated: Annotated[str | None, BeforeValidator(_text_or_none)] = None


class LookupItem(AnswerItem):
    """One of `lookups`; only its kind is required."""

    kind: Annotated[LookupKind, BeforeValidator(_lower)]
    name: Annotated[str | None, BeforeValidator(_text_or_none)] = None
    path: Annotated[str | None, BeforeValidator(_text_or_none)] = None
    start_line: Annotated[int | None, BeforeValidator(_line_or_none)] = None
    end_line: Annotated[int | None, BeforeValidator(_line_or_none)] = None


class PointItem(AnswerItem):
    """One of `acceptance`: a thing that an issue asks for."""

    issue: Annotated[int, BeforeValidator(_line)]
    point: Annotated[str, Field(min_length=1), BeforeValidator(_stripped)]
    status: Annotated[AcceptanceStatus, BeforeValidator(_lower)]
    path: Annotated[str | None, BeforeValidator(_text_or_none)] = None
    line: Annotated[int | None, BeforeValidator(_line_or_none)] = None


class FileItem(AnswerItem):
    """One of `files`: a row of the walkthrough."""

    path: str
    change: str


class EdgeItem(AnswerItem):
    """One of `edges`: an arrow of the walkthrough's diagram."""

    source: str
    target: str
    label: str


class DocumentItem(AnswerItem):
    """One of `documents`, in the requested format."""

    title: str
    content: str


Item = TypeVar("Item", bound=AnswerItem)


@dataclass(frozen=True, slots=True, kw_only=True)
class InvalidItem:
    """An item that does not fit the schema; `reason` never repeats what the model wrote."""

    value: Mapping[str, object]  # its readable fields
    reason: str


def is_object(value: object) -> TypeGuard[Mapping[str, object]]:
    """Whether a part of an answer is a JSON object, whose keys are strings."""
    return isinstance(value, dict)


def read_items(kind: type[Item], values: object, name: str) -> tuple[list[Item], list[InvalidItem]]:
    """The valid items of an array, and the others with the reason.

    Raises:
        ModelInvalidOutput: it is no array, or it has items and none is valid.
    """
    if not isinstance(values, list):
        raise ModelInvalidOutput(f"`{name}` is not an array.")
    items: list[Item] = []
    invalid: list[InvalidItem] = []
    for value in cast("list[object]", values):
        try:
            items.append(kind.model_validate(value))
        except ValidationError as error:
            fields: Mapping[str, object] = value if is_object(value) else {}
            invalid.append(InvalidItem(value=fields, reason=_problems(error)))
    if invalid and not items:
        raise ModelInvalidOutput(f"{name}: {invalid[0].reason}")
    return items, invalid


def _problems(error: ValidationError) -> str:
    problems = error.errors(include_input=False, include_url=False, include_context=False)
    named = [f"{'.'.join(map(str, each['loc'])) or 'item'}: {each['msg']}" for each in problems]
    return "; ".join(named[:MAX_PROBLEMS_NAMED])
