"""What goes into the built-in analysers and what comes out: gather fills it, the stages read it. Values only, no I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.domain.diff import FileDiff
from app.domain.finding import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedFile:
    """One changed file. `added` are the added lines of the head, 1-based; None for a side that is not there.

    Where only a patch is known, `head` is None and `visible` holds the lines of the head that the patch shows.
    """

    path: str
    head: bytes | None
    base: bytes | None
    added: frozenset[int]
    previous_path: str | None = None
    visible: Mapping[int, str] = field(default_factory=dict[int, str])

    @classmethod
    def from_diff(cls, file: FileDiff, *, head: bytes | None, base: bytes | None) -> "ChangedFile":
        """The file as the diff describes it, with whatever contents could be read."""
        lines = [line for hunk in file.hunks for line in hunk.lines]
        return cls(
            path=file.path,
            head=head,
            base=base,
            added=frozenset(file.added_lines()),
            previous_path=file.previous_path,
            visible={line.new_line: line.text for line in lines if line.new_line is not None},
        )

    @classmethod
    def whole(cls, path: str, source: str) -> "ChangedFile":
        """A text of which every line counts as new."""
        lines = range(1, source.count("\n") + 2)
        head = source.encode("utf-8", "surrogatepass")
        return cls(path=path, head=head, base=None, added=frozenset(lines))

    @property
    def is_fragment(self) -> bool:
        """Whether only a part of the file is known."""
        return self.head is None and bool(self.visible)


@dataclass(frozen=True, slots=True, kw_only=True)
class UndocumentedSymbol:
    """A public name without documentation that the change brings or touches at its beginning."""

    path: str
    line: int
    name: str
    kind: str
    signature: str
    existed: bool = False  # before this change too


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiChange:
    """A public name that changed; `breaking` where callers written for the base can fail."""

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
    """What the built-in analysers say of a change; `notes` name what was not checked and why."""

    findings: tuple[Finding, ...] = ()
    undocumented: tuple[UndocumentedSymbol, ...] = ()
    api_changes: tuple[ApiChange, ...] = ()
    notes: tuple[str, ...] = ()
