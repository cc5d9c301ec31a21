"""Facts about the names in a file: new public names without documentation, and changes to its interface.

Python's interfaces are compared by griffe, statically; it never imports the code. Other languages are compared by
signature. Runs in the worker process only. https://mkdocstrings.github.io/griffe/guide/users/checking/
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import griffe

from app.domain.analysis import ApiChange, UndocumentedSymbol
from app.syntax import Definition, definitions, language_of

_BREAKAGES = {
    griffe.BreakageKind.PARAMETER_MOVED: "A parameter moved: calls that pass it by position now set another one.",
    griffe.BreakageKind.PARAMETER_REMOVED: "A parameter was removed, which breaks callers that pass it.",
    griffe.BreakageKind.PARAMETER_CHANGED_KIND: "A parameter can no longer be passed the same way.",
    griffe.BreakageKind.PARAMETER_CHANGED_DEFAULT: "The default of a parameter changed, which changes calls without it.",
    griffe.BreakageKind.PARAMETER_CHANGED_REQUIRED: "A parameter is now required, which breaks callers that omit it.",
    griffe.BreakageKind.PARAMETER_ADDED_REQUIRED: "A new required parameter breaks existing callers.",
    griffe.BreakageKind.RETURN_CHANGED_TYPE: "The return type changed.",
    griffe.BreakageKind.OBJECT_REMOVED: "The name was removed, which breaks its imports and callers.",
    griffe.BreakageKind.OBJECT_CHANGED_KIND: "The name now refers to another kind of object.",
    griffe.BreakageKind.ATTRIBUTE_CHANGED_TYPE: "The type of the value changed.",
    griffe.BreakageKind.ATTRIBUTE_CHANGED_VALUE: "The value changed.",
    griffe.BreakageKind.CLASS_REMOVED_BASE: "A base class was removed, and with it everything inherited from it.",
}
_HARMLESS = frozenset({griffe.BreakageKind.ATTRIBUTE_CHANGED_VALUE})
# A web framework passes arguments by name: https://fastapi.tiangolo.com/tutorial/query-params/
_POSITIONAL = frozenset({griffe.BreakageKind.PARAMETER_MOVED, griffe.BreakageKind.PARAMETER_CHANGED_KIND})
_ROUTE = re.compile(r"\.(?:get|post|put|patch|delete|head|options|route|api_route|websocket)\(")
_RESULT = re.compile(r"\s*(?:->|:)\s*(.+)")
_RESULT_CHANGED = _BREAKAGES[griffe.BreakageKind.RETURN_CHANGED_TYPE]
# Changes to tests and private modules break no callers and need no documentation.
_INTERNAL_PARTS = ("tests/", "test/", "__tests__/", "spec/", "testdata/", "examples/", "migrations/")


def is_internal(path: str) -> bool:
    """Whether the file has no public interface: tests, examples, migrations, private modules."""
    name = path.rpartition("/")[2]
    private = name.startswith("_") and not name.startswith("__")
    is_test = name.startswith(("test_", "conftest")) or any(
        part in name for part in (".test.", ".spec.", "_test.")
    )
    return private or is_test or any(f"/{path}".find(f"/{part}") >= 0 for part in _INTERNAL_PARTS)


def find_undocumented(
    path: str, head: str, added: frozenset[int], base: str | None = None
) -> Iterator[UndocumentedSymbol]:
    """Public names without documentation whose first lines the change adds or touches."""
    known = _public(path, base) if base else {}
    for one in definitions(path, head):
        is_new = any(
            line in added for line in range(one.start_line, min(one.end_line, one.start_line + 2) + 1)
        )
        if is_new and one.public and not one.documented and not _is_exempt(one):
            yield UndocumentedSymbol(
                path=path,
                line=_name_line(head, one),
                name=one.name,
                kind=one.kind,
                signature=one.signature,
                existed=one.name in known,
            )


def find_api_changes(path: str, head: str, base: str) -> list[ApiChange]:
    """Public names that were removed, changed, or added, each once; added names come last."""
    compared = (
        _python_changes(path, head, base) if language_of(path) == "python" else _changes(path, head, base)
    )
    known = {change.name for change in compared}
    return [*_each_once(compared), *(one for one in _added(path, head, base) if one.name not in known)]


def _each_once(changes: Iterable[ApiChange]) -> list[ApiChange]:
    """One row per name with all its changes: a checker has a row for each parameter."""
    rows: dict[str, ApiChange] = {}
    for one in changes:
        rows[one.name] = _joined(rows[one.name], one) if one.name in rows else one
    return list(rows.values())


def _joined(known: ApiChange, other: ApiChange) -> ApiChange:
    detail = known.detail if other.detail in known.detail else f"{known.detail} {other.detail}"
    return replace(known, detail=detail, breaking=known.breaking or other.breaking)


def _python_changes(path: str, head: str, base: str) -> list[ApiChange]:
    try:
        old, new = _module(base), _module(head)
    except (
        SyntaxError,
        ValueError,
    ):  # one side does not parse, or uses newer syntax than this Python, or has a NUL
        return _changes(path, head, base)
    breakages = griffe.find_breaking_changes(old, new)
    found = [
        _python_change(path, head, base, one)
        for one in breakages
        if one.kind not in _HARMLESS and not (one.kind in _POSITIONAL and _is_route(one.obj))
    ]
    # griffe does not compare return types.
    return [*found, *(one for one in _changes(path, head, base) if one.detail == _RESULT_CHANGED)]


def _is_route(function: griffe.Object | griffe.Alias) -> bool:
    return isinstance(function, griffe.Function) and any(
        _ROUTE.search(str(decorator.value)) for decorator in function.decorators
    )


def _module(source: str) -> griffe.Module:
    return griffe.visit("module", filepath=Path("module.py"), code=source)


def _python_change(path: str, head: str, base: str, breakage: griffe.Breakage) -> ApiChange:
    name = breakage.obj.path.removeprefix("module.")
    before, after = (_named(path, source, name) for source in (base, head))
    removed = breakage.kind is griffe.BreakageKind.OBJECT_REMOVED
    return ApiChange(
        path=path,
        line=after.start_line if after else 1,
        name=name,
        change="removed" if removed else "changed",
        detail=_BREAKAGES[breakage.kind],
        breaking=True,
        before=before.signature if before else None,
        after=after.signature if after else None,
    )


def _changes(path: str, head: str, base: str) -> list[ApiChange]:
    """Compare by signature, for code that griffe cannot parse."""
    return [
        change
        for name, before in _public(path, base).items()
        if (change := _change(path, before, _public(path, head).get(name)))
    ]


def _change(path: str, before: Definition, after: Definition | None) -> ApiChange | None:
    if after is not None and (after.signature == before.signature or not after.callable):
        return None
    other_result = after is not None and _has_other_result(before, after)
    detail = _RESULT_CHANGED if other_result else "The signature changed."
    return ApiChange(
        path=path,
        line=after.start_line if after else 1,
        name=before.name,
        change="changed" if after else "removed",
        detail=detail if after else "The name was removed, which breaks its imports and callers.",
        breaking=after is None or other_result,
        before=before.signature,
        after=after.signature if after else None,
    )


def _has_other_result(before: Definition, after: Definition) -> bool:
    """Whether both declare a return type after the parameters, and the types differ."""
    old, new = _result_of(before.signature), _result_of(after.signature)
    return bool(old and new) and old != new


def _result_of(signature: str) -> str:
    depth = 0
    for at, sign in enumerate(signature):
        depth += (sign == "(") - (sign == ")")
        if sign == ")" and depth == 0:
            match = _RESULT.match(signature, at + 1)
            return match[1] if match else ""
    return ""


def _added(path: str, head: str, base: str) -> Iterator[ApiChange]:
    known = _public(path, base)
    for name, one in _public(path, head).items():
        if name not in known:
            yield ApiChange(
                path=path,
                line=one.start_line,
                name=name,
                change="added",
                detail="New public name.",
                breaking=False,
                after=one.signature,
            )


def _public(path: str, source: str) -> dict[str, Definition]:
    return {one.name: one for one in definitions(path, source) if one.public}


def _named(path: str, source: str, name: str) -> Definition | None:
    return next((one for one in definitions(path, source) if one.name == name.partition("(")[0]), None)


def _is_exempt(one: Definition) -> bool:
    """Whether the name explains itself: special methods, constructors, Rust's `impl` blocks, `main`."""
    last = one.name.rpartition(".")[2]
    return (
        last.startswith("__")
        or one.kind in {"impl", "constructor", "module"}
        or last in {"constructor", "main"}
    )


def _name_line(source: str, one: Definition) -> int:
    """The line with the name, below decorators and attributes."""
    last = one.name.rpartition(".")[2]
    lines = source.split("\n")[one.start_line - 1 : one.end_line]
    return next((one.start_line + index for index, line in enumerate(lines) if last in line), one.start_line)
