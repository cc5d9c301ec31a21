"""The pull requests in `evals/cases`, read from folders and committed to temporary repositories for review.

Each folder contains `case.yml`, `base/` (the whole repository before the change) and `head/` (the files that the change adds
or replaces). A review executes no code of a case, and git runs with hardened options as everywhere. Some cases have a
`check.py`, which `quorum eval --fix` runs on the fixed files in a process of its own.
"""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.domain.diff import Side
from app.domain.finding import Severity
from app.domain.pull_request import CodeTree, PullRequest, PullRequestRef, Snapshot, TextMatch
from app.domain.rules import RULES
from app.errors import InputError
from app.github.git_process import Git
from app.github.local import GitRangeSource
from app.github.work_tree import LocalHead

DEFAULT_FOLDER = Path(__file__).resolve().parent.parent.parent / "evals" / "cases"
FIX_CASES = DEFAULT_FOLDER.parent / "fixes"  # only for `quorum eval --fix`
CHECK = "check.py"


class CaseKind(StrEnum):
    """What a case tests."""

    DEFECT = "defect"  # at least one known defect
    CLEAN = "clean"  # no defects
    TRAP = "trap"  # looks wrong but is correct


class StrictModel(BaseModel):
    """Immutable; rejects unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class KnownDefect(StrictModel):
    """A defect that a review should report; lines are those of the head, or of the base with `side: LEFT`."""

    path: str
    lines: tuple[int, int]
    side: Side = Side.RIGHT
    severity: Severity
    cwe: str = Field(pattern=r"^CWE-\d+$")
    rules: tuple[str, ...] = Field(min_length=1)
    what: str = Field(max_length=160)

    @property
    def families(self) -> frozenset[str]:
        """Families of rules that match the defect."""
        by_cwe = (rule.family for rule in RULES.values() if rule.cwe == self.cwe)
        return frozenset((*(RULES[rule].family for rule in self.rules), *by_cwe))


class _CaseFile(StrictModel):
    title: str
    body: str
    language: str
    kind: CaseKind
    topic: str | None = None
    removed: tuple[str, ...] = ()
    why_fine: str | None = None
    findings: tuple[KnownDefect, ...] = ()


class EvaluationCase(StrictModel):
    """A pull request and its known defects."""

    name: str
    folder: Path
    title: str
    body: str
    language: str
    kind: CaseKind
    topic: str | None
    removed: tuple[str, ...]
    why_fine: str | None
    defects: tuple[KnownDefect, ...]

    @property
    def base(self) -> Path:
        """The repository before the change."""
        return self.folder / "base"

    @property
    def head(self) -> Path:
        """The files that the change adds or replaces."""
        return self.folder / "head"

    @property
    def check(self) -> Path | None:
        """The program that says whether a fix is right, if the case has one."""
        path = self.folder / CHECK
        return path if path.is_file() else None


def load_cases(
    folder: Path = DEFAULT_FOLDER, *further: Path, patterns: Sequence[str] = ()
) -> tuple[EvaluationCase, ...]:
    """Load the cases whose names match one of the shell patterns `patterns`, or all cases, sorted by name.

    Raises:
        InputError: a folder contains no cases, a pattern matches none, or a file is invalid.
    """
    folders = {path.parent.name: path.parent for each in (folder, *further) for path in _case_files(each)}
    names = sorted(folders)
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise InputError(f"No case matches {pattern!r}.")
    chosen = [name for name in names if not patterns or any(fnmatchcase(name, each) for each in patterns)]
    return tuple(_load(folders[name]) for name in chosen)


def _case_files(folder: Path) -> list[Path]:
    found = list(folder.glob("*/case.yml"))
    if not found:
        raise InputError(f"{folder} contains no cases. They are in evals/ in Quorum's repository.")
    return found


def _load(folder: Path) -> EvaluationCase:
    path = folder / "case.yml"
    try:
        content = _CaseFile.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, ValidationError) as error:
        raise InputError(f"{path} is not a valid case: {error}") from error
    values = {name: getattr(content, name) for name in _CaseFile.model_fields if name != "findings"}
    return EvaluationCase(name=folder.name, folder=folder, defects=content.findings, **values)


_IDENTITY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "dev"), ("EMAIL", "dev@example.org"), ("DATE", "2026-01-01T00:00:00Z"))
}


class CaseSource:
    """The source of a case: the range of its two commits, with the title and body of its pull request."""

    def __init__(self, case: EvaluationCase, range_source: GitRangeSource) -> None:
        self._case = case
        self._range = range_source

    async def snapshot(self, base_paths: Sequence[str]) -> Snapshot:
        """Return the change, with those of `base_paths` that exist in the base."""
        snapshot = await self._range.snapshot(base_paths)
        return replace(snapshot, pull_request=_pull_request(self._case))

    async def blob(self, path: str, side: Side) -> bytes | None:
        """Return a file at the head (RIGHT) or at the base (LEFT)."""
        return await self._range.blob(path, side)

    async def grep(self, word: str, *, limit: int) -> list[TextMatch]:
        """Return lines of the head that contain this whole word."""
        return await self._range.grep(word, limit=limit)

    def tree(self) -> CodeTree:
        """Return the tree of the head."""
        return self._range.tree()

    def head_files(self) -> LocalHead:
        """Return the files that a fix changes; call after `snapshot`."""
        return LocalHead(self._range)


async def commit_case(case: EvaluationCase, directory: Path) -> CaseSource:
    """Commit the base and the head of a case to a new repository in `directory`."""
    git = Git(directory=directory, environment=_IDENTITY)
    await git.run("init", "--quiet", "--initial-branch=main")
    shutil.copytree(case.base, directory, dirs_exist_ok=True)
    await _commit(git, "base")
    shutil.copytree(case.head, directory, dirs_exist_ok=True)
    for path in case.removed:
        (directory / path).unlink()
    await _commit(git, "head")
    return CaseSource(case, GitRangeSource(directory, "HEAD^..HEAD"))


async def _commit(git: Git, message: str) -> None:
    await git.run("add", "--all", "--force")
    await git.run("commit", "--quiet", "--message", message)


def _pull_request(case: EvaluationCase) -> PullRequest:
    return PullRequest(
        ref=PullRequestRef(owner="evals", repo=case.name, number=1),
        title=case.title,
        body=case.body,
        author="dev",
        author_is_bot=False,
        state="open",
        draft=False,
        labels=(),
        base_ref="main",
        base_sha="HEAD^",
        head_ref="change",
        head_sha="HEAD",
        head_repository=f"evals/{case.name}",
    )
