"""The changed files' texts and what stands in them, read once. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.domain.diff import Hunk, LineKind
from app.syntax import Definition, definitions, without_long_lines

MIN_NAME = 4  # letters; shorter names are found everywhere
MAX_DEFINITION_LINES = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """The changed files' contents, by path of the head, `bases` too; `defined` is read from the heads once."""

    heads: Mapping[str, str]
    bases: Mapping[str, str]
    defined: Mapping[str, Sequence[Definition]]

    @classmethod
    def of(cls, *, heads: Mapping[str, str], bases: Mapping[str, str]) -> "Texts":
        """The texts with their definitions, without lines that are data."""
        heads = {path: without_long_lines(head) for path, head in heads.items()}
        bases = {path: without_long_lines(base) for path, base in bases.items()}
        defined = {path: definitions(path, head) for path, head in heads.items()}
        return cls(heads=heads, bases=bases, defined=defined)


def changed_lines(hunk: Hunk) -> list[int]:
    """New line numbers of the added lines, and of the lines that removed ones stood before."""
    lines: list[int] = []
    following = hunk.new_start
    for line in hunk.lines:
        if line.new_line is not None:
            following = line.new_line + 1
        if line.kind is LineKind.ADDED and line.new_line is not None:
            lines.append(line.new_line)
        elif line.kind is LineKind.REMOVED:
            lines.append(max(following - 1, 1))
    return lines


def last_name(definition: Definition) -> str:
    """`total` of `Cart.total`."""
    return definition.name.rpartition(".")[2]
