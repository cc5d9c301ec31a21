"""Reads the pull requests of `evals/cases`, each a folder with `case.yml`, `base/` and `head/`.

`base/` is the whole repository before the change, `head/` the files that the change adds or replaces. Nothing of a case
is ever run.
"""

from collections.abc import Sequence
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.domain.diff import Side
from app.domain.finding import Severity
from app.domain.rules import RULES
from app.errors import InputError

DEFAULT_FOLDER = Path(__file__).resolve().parent.parent.parent / "evals" / "cases"


class Kind(StrEnum):
    """What a case is for."""

    DEFECT = "defect"  # at least one seeded defect
    CLEAN = "clean"  # nothing to say
    TRAP = "trap"  # looks bad, is fine


class _Item(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Golden(_Item):
    """A defect that a good reviewer reports; lines are those of the head, or of the base with `side: LEFT`."""

    path: str
    lines: tuple[int, int]
    side: Side = Side.RIGHT
    severity: Severity
    cwe: str = Field(pattern=r"^CWE-\d+$")
    rules: tuple[str, ...] = Field(min_length=1)
    what: str = Field(max_length=160)

    @property
    def families(self) -> frozenset[str]:
        """Families of rules under which the defect may be reported."""
        by_cwe = (rule.family for rule in RULES.values() if rule.cwe == self.cwe)
        return frozenset((*(RULES[rule].family for rule in self.rules), *by_cwe))


class _CaseFile(_Item):
    title: str
    body: str
    language: str
    kind: Kind
    topic: str | None = None
    removed: tuple[str, ...] = ()
    why_fine: str | None = None
    findings: tuple[Golden, ...] = ()


class Case(_Item):
    """One pull request with what is wrong in it."""

    name: str
    folder: Path
    title: str
    body: str
    language: str
    kind: Kind
    topic: str | None
    removed: tuple[str, ...]
    why_fine: str | None
    goldens: tuple[Golden, ...]

    @property
    def base(self) -> Path:
        """The repository before the change."""
        return self.folder / "base"

    @property
    def head(self) -> Path:
        """The files that the change adds or replaces."""
        return self.folder / "head"


def load_cases(folder: Path = DEFAULT_FOLDER, *, wanted: Sequence[str] = ()) -> tuple[Case, ...]:
    """The cases whose names fit one of `wanted` (shell patterns), or all of them, by name.

    Raises:
        InputError: there is no such folder or case, or a file is not a case.
    """
    names = sorted(path.parent.name for path in folder.glob("*/case.yml"))
    if not names:
        raise InputError(f"{folder} holds no cases; they are in evals/cases of Quorum's repository.")
    for pattern in wanted:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise InputError(f"No case is called {pattern!r}.")
    chosen = [name for name in names if not wanted or any(fnmatchcase(name, each) for each in wanted)]
    return tuple(_load(folder / name) for name in chosen)


def _load(folder: Path) -> Case:
    path = folder / "case.yml"
    try:
        said = _CaseFile.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, ValidationError) as error:
        raise InputError(f"{path} is not a case: {error}") from error
    values = {name: getattr(said, name) for name in _CaseFile.model_fields if name != "findings"}
    return Case(name=folder.name, folder=folder, goldens=said.findings, **values)
