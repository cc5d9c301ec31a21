"""The claims in `evals/claims`: statements about the changes of cases, each demonstrably true or false.

`NAME.yml` has the claims about the change of the case `NAME`.
"""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Self

import yaml
from pydantic import Field, ValidationError, model_validator

from app.domain.diff import Side
from app.domain.finding import Stage
from app.errors import InputError
from app.evaluation.cases import DEFAULT_FOLDER, EvaluationCase, StrictModel

CLAIMS = DEFAULT_FOLDER.parent / "claims"


class Falseness(StrEnum):
    """In which way a claim is false."""

    MISREAD_GUARD = "misread guard"  # a check that is there is overlooked or read wrongly
    WRONG_API = "wrong API belief"
    IMPOSSIBLE_INPUT = "impossible input"
    HANDLED_BY_CALLER = "handled elsewhere"
    INTENDED = "intended by the description"
    STALE_LINE = "stale line"  # true of the old code only
    FIX_READ_BACKWARDS = "fix read backwards"


class Wording(StrEnum):
    """How a claim is worded."""

    PLAIN = "plain"
    HEDGED = "hedged"  # "consider checking …"
    WRONG_MECHANISM = "wrong mechanism"  # the right symptom
    CUT = "cut in mid-sentence"


class KnownClaim(StrictModel):
    """A claim as a finder would word it; lines are those of the head, or of the base with `side: LEFT`."""

    path: str
    lines: tuple[int, int]
    side: Side = Side.RIGHT
    stage: Stage = Stage.REVIEW
    claim: str = Field(min_length=10, max_length=300)
    is_true: bool
    kind: Falseness | None = None
    wording: Wording = Wording.PLAIN
    because: str = Field(min_length=10)

    @model_validator(mode="after")
    def _check_kind(self) -> Self:
        if self.is_true == (self.kind is not None):
            raise ValueError("a false claim has a kind, and a true one has none")
        return self


class _ClaimsFile(StrictModel):
    claims: tuple[KnownClaim, ...] = Field(min_length=1)


def load_claims(cases: Sequence[EvaluationCase], folder: Path = CLAIMS) -> dict[str, tuple[KnownClaim, ...]]:
    """Return the claims about each case that has any, by the name of the case.

    Raises:
        InputError: none of the cases has claims, or a file is invalid.
    """
    paths = {case.name: folder / f"{case.name}.yml" for case in cases}
    claims = {name: _load(path) for name, path in paths.items() if path.is_file()}
    if not claims:
        raise InputError(f"{folder} contains no claims about these cases.")
    return claims


def _load(path: Path) -> tuple[KnownClaim, ...]:
    try:
        return _ClaimsFile.model_validate(yaml.safe_load(path.read_text(encoding="utf-8"))).claims
    except (yaml.YAMLError, ValidationError) as error:
        raise InputError(f"{path} does not contain valid claims: {error}") from error
