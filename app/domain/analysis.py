"""What goes into the built-in analysers and what comes out. Values only, no I/O."""

from dataclasses import dataclass

from app.domain.finding import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedFile:
    """One changed file with both its texts; `added` holds the new line numbers that the change added.

    `head` is None for a removed file or where the text could not be had, `base` for an added one.
    """

    path: str
    head: bytes | None
    base: bytes | None
    added: frozenset[int]
    previous_path: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UndocumentedSymbol:
    """A new public function or class without documentation."""

    path: str
    line: int
    name: str
    kind: str  # "function", "class", "method", …
    signature: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiChange:
    """A public name that was added, removed or changed."""

    path: str
    symbol: str
    change: str  # one short sentence: "parameter `currency` was removed"
    breaking: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """What the analysers found on the added lines; findings of the base are subtracted."""

    findings: tuple[Finding, ...] = ()
    undocumented: tuple[UndocumentedSymbol, ...] = ()
    api_changes: tuple[ApiChange, ...] = ()
    notes: tuple[str, ...] = ()
