"""The texts of the changed files, and definitions as models see them. Pure.

A short definition is shown whole, a class as its first lines and the members that the change uses."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from app.domain.diff import Hunk, LineKind
from app.domain.review import ContextSnippet
from app.syntax import Definition, definitions, without_long_lines

T = TypeVar("T")

MIN_NAME = 4  # characters; shorter names occur everywhere
MAX_DEFINITION_LINES = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """The texts of the changed files at head and base, both by path at the head, and the definitions at the head."""

    heads: Mapping[str, str]
    bases: Mapping[str, str]
    defined: Mapping[str, Sequence[Definition]]

    @classmethod
    def of(cls, *, heads: Mapping[str, str], bases: Mapping[str, str]) -> "Texts":
        """Parse the definitions, ignoring very long lines."""
        heads = {path: without_long_lines(head) for path, head in heads.items()}
        bases = {path: without_long_lines(base) for path, base in bases.items()}
        defined = {path: definitions(path, head) for path, head in heads.items()}
        return cls(heads=heads, bases=bases, defined=defined)

    def only(self, paths: Collection[str]) -> "Texts":
        """Keep the texts of these files."""

        def kept(values: Mapping[str, T]) -> dict[str, T]:
            return {path: value for path, value in values.items() if path in paths}

        return Texts(heads=kept(self.heads), bases=kept(self.bases), defined=kept(self.defined))


def changed_lines(hunk: Hunk) -> list[int]:
    """Return the new line numbers of added lines, and of the lines after removed ones."""
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
    """Return `total` for `Cart.total`."""
    return definition.name.rpartition(".")[2]


MAX_WHOLE_CLASS_LINES = 14
MAX_HEAD_LINES = 10  # of a longer class: signature, docstring and fields
MAX_MEMBER_LINES = 15
MAX_CONSTANT_LINES = 12  # enough for a table or map

_HOLDERS = frozenset(
    {
        "class",
        "interface",
        "struct",
        "trait",
        "impl",
        "object",
        "protocol",
        "record",
        "module",
        "type",
        "enum",
    }
)
_CONSTRUCTORS = frozenset({"__init__", "constructor", "initialize", "__construct", "new"})
_OPENING, _CLOSING = "([{", ")]}"


def digest(
    path: str, text: str, definition: Definition | None, *, line: int, members: set[str]
) -> list[ContextSnippet]:
    """Return the snippets of one definition; `members` are the names that the change uses.

    Without a definition, show the constant on `line` up to its closing bracket. A method includes the first line of its
    class.
    """
    lines = text.split("\n")
    if definition is None:
        end = _end_of_brackets(lines, line)
        return [_snippet(path, lines, line, end)]
    around = [each for each in definitions(path, text) if _encloses(each, definition)]
    if definition.kind in _HOLDERS:
        inside = [each for each in definitions(path, text) if _encloses(definition, each) and each.callable]
        return list(_of_class(path, lines, definition, inside, members))
    start, end = definition.start_line, definition.end_line
    own = _snippet(path, lines, start, min(end, start + MAX_DEFINITION_LINES - 1))
    heads = [
        _snippet(path, lines, each.start_line, each.start_line) for each in around if each.kind in _HOLDERS
    ]
    return [*heads[-1:], own]


def _of_class(
    path: str, lines: list[str], definition: Definition, inside: list[Definition], members: set[str]
) -> Iterator[ContextSnippet]:
    start, end = definition.start_line, definition.end_line
    if end - start < MAX_WHOLE_CLASS_LINES:
        yield _snippet(path, lines, start, end)
        return
    first = inside[0].start_line - 1 if inside else end
    yield _snippet(path, lines, start, max(start, min(first, start + MAX_HEAD_LINES - 1)))
    for member in inside:
        name = last_name(member)
        if name in members or name in _CONSTRUCTORS or member.kind == "constructor":
            end = min(member.end_line, member.start_line + MAX_MEMBER_LINES - 1)
            yield _snippet(path, lines, member.start_line, end)


def _encloses(outer: Definition, inner: Definition) -> bool:
    return inner != outer and outer.start_line <= inner.start_line and inner.end_line <= outer.end_line


def _snippet(path: str, lines: list[str], start: int, end: int) -> ContextSnippet:
    return ContextSnippet(
        path=path, start_line=start, kind="definition", text="\n".join(lines[start - 1 : end]).rstrip()
    )


def _end_of_brackets(lines: list[str], line: int) -> int:
    depth, end = 0, line
    for end in range(line, min(line + MAX_CONSTANT_LINES, len(lines) + 1)):
        text = lines[end - 1]
        depth += sum(map(text.count, _OPENING)) - sum(map(text.count, _CLOSING))
        if depth <= 0:
            break
    return end
