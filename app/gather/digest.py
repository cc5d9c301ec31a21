"""A definition as it is shown to models: a short one whole, a class as its head and the members in question. Pure."""

from collections.abc import Iterator

from app.domain.review import ContextSnippet
from app.gather.texts import MAX_DEFINITION_LINES, last_name
from app.syntax import Definition, definitions

MAX_WHOLE_CLASS_LINES = 14
MAX_HEAD_LINES = 10  # of a longer class: its signature, docstring and fields
MAX_MEMBER_LINES = 15
MAX_CONSTANT_LINES = 12  # a table or a map is worth it: it decides

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
    """The snippets of one definition of the file; `members` are the names that the change uses.

    Without a definition it is a constant on `line`, which is shown to the end of its brackets. A method comes with the
    line that names its class.
    """
    lines = text.split("\n")
    if definition is None:
        end = _end_of_brackets(lines, line)
        return [_snippet(path, lines, line, end)]
    around = [one for one in definitions(path, text) if _holds(one, definition)]
    if definition.kind in _HOLDERS:
        inside = [one for one in definitions(path, text) if _holds(definition, one) and one.callable]
        return list(_of_class(path, lines, definition, inside, members))
    start, end = definition.start_line, definition.end_line
    own = _snippet(path, lines, start, min(end, start + MAX_DEFINITION_LINES - 1))
    heads = [_snippet(path, lines, one.start_line, one.start_line) for one in around if one.kind in _HOLDERS]
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
    for one in inside:
        if last_name(one) in members or last_name(one) in _CONSTRUCTORS or one.kind == "constructor":
            yield _snippet(
                path, lines, one.start_line, min(one.end_line, one.start_line + MAX_MEMBER_LINES - 1)
            )


def _holds(outer: Definition, inner: Definition) -> bool:
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
