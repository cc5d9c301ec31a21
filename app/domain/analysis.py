"""The input and the results of the built-in analyzers, and security advisories for new packages. Values only, no I/O."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from app.domain.diff import FileDiff
from app.domain.finding import Finding, Severity
from app.domain.review import Omission


class AnalysisScope(StrEnum):
    """Which rules look at a file; models do not read the files of the last two."""

    ALL = "all"
    SECURITY = "security"
    SECRETS = "secrets"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedFile:
    """One changed file. `added` holds the numbers of the head's added lines, from 1; a missing side is None.

    If only a patch is known, `head` is None and `visible` holds the head's lines that the patch shows.
    """

    path: str
    head: bytes | None
    base: bytes | None
    added: frozenset[int]
    previous_path: str | None = None
    visible: Mapping[int, str] = field(default_factory=dict[int, str])
    scope: AnalysisScope = AnalysisScope.ALL

    @classmethod
    def from_diff(
        cls,
        file: FileDiff,
        *,
        head: bytes | None,
        base: bytes | None,
        scope: AnalysisScope = AnalysisScope.ALL,
    ) -> "ChangedFile":
        """Combine the file's diff with the contents that could be read."""
        lines = [line for hunk in file.hunks for line in hunk.lines]
        return cls(
            path=file.path,
            head=head,
            base=base,
            added=frozenset(file.added_lines()),
            previous_path=file.previous_path,
            visible={line.new_line: line.text for line in lines if line.new_line is not None},
            scope=scope,
        )

    @classmethod
    def whole(cls, path: str, source: str) -> "ChangedFile":
        """Treat every line of a text as new."""
        lines = range(1, source.count("\n") + 2)
        head = source.encode("utf-8", "surrogatepass")
        return cls(path=path, head=head, base=None, added=frozenset(lines))

    @property
    def is_fragment(self) -> bool:
        """Whether only part of the file is known."""
        return self.head is None and bool(self.visible)


@dataclass(frozen=True, slots=True, kw_only=True)
class UndocumentedSymbol:
    """A public name without documentation that the change adds or whose first line it touches."""

    path: str
    line: int
    name: str
    kind: str
    signature: str
    existed: bool = False  # before this change


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiChange:
    """A public name that changed; `breaking` if the change can break callers written for the base."""

    path: str
    line: int
    name: str
    change: str  # "removed", "changed" or "added"
    detail: str  # one sentence
    breaking: bool
    before: str | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """What the built-in analyzers report about a change.

    `partly` names the files that they did not read in full, `unparsed` those in which the change leaves a syntax error;
    `notes` say what else was not checked and why.
    """

    findings: tuple[Finding, ...] = ()
    undocumented: tuple[UndocumentedSymbol, ...] = ()
    api_changes: tuple[ApiChange, ...] = ()
    partly: tuple[Omission, ...] = ()
    unparsed: tuple[Omission, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A package version that the head names and the base does not; `version` is None for a range or no version."""

    ecosystem: str  # GitHub's names: pip, npm, go, maven, rubygems, rust, composer
    name: str
    version: str | None
    path: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Advisory:
    """A published vulnerability that affects an added package."""

    package: Package
    id: str  # GHSA-…, CVE-… or PYSEC-…
    severity: Severity
    summary: str
    fixed_version: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvisoryAnswer:
    """The answer of one source; it could not check the packages in `unchecked`."""

    source: str
    advisories: tuple[Advisory, ...] = ()
    unchecked: tuple[Package, ...] = ()


AdvisoryLookup = Callable[[Sequence[Package]], Awaitable[AdvisoryAnswer]]
"""Asks a source of advisories about packages; raises a `QuorumError` if it does not answer."""
