"""The items of models' answers as typed values. Every number is bounded, and fields outside the schema are ignored."""

import math
from contextlib import suppress
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from app.domain.finding import Judgement, Severity

MAX_LINE = 1_000_000_000  # of any file; every database has integers of this size
MAX_DIGITS = 40  # of a number in a string


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


def _text_or_none(value: object) -> str | None:
    """Text that only adds to an answer: anything else counts as missing."""
    return value.strip() or None if isinstance(value, str) else None


class FindingItem(AnswerItem):
    """One of `findings`; the fields of the contract are required, others may be missing."""

    path: str
    line: Annotated[int, BeforeValidator(_line)]
    quote: str
    severity: Annotated[Severity, BeforeValidator(_lower)]
    rule_id: str
    title: str = Field(min_length=1)
    explanation: str
    suggestion: str | None
    evidence: str = ""
    pre_existing: bool = False


class VerdictItem(AnswerItem):
    """One of `verdicts`."""

    id: str
    verdict: Annotated[Judgement, BeforeValidator(_lower)]
    evidence: str
    worth: Annotated[int, BeforeValidator(_worth)]
    same_as: Annotated[str | None, BeforeValidator(_text_or_none)] = None
    restated: Annotated[str | None, BeforeValidator(_text_or_none)] = None


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


class DocsItem(AnswerItem):
    """What the docs stage requests in addition to findings."""

    summary: str | None = None
    files: list[FileItem] = Field(default_factory=list[FileItem])
    edges: list[EdgeItem] = Field(default_factory=list[EdgeItem])
    documents: list[DocumentItem] = Field(default_factory=list[DocumentItem])
