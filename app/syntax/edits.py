"""Checks that an edit leaves a file that parses, with every statement in the block that it belongs to.

Parses hostile code with Python's own parser, which may exhaust the stack or the memory: call it only in a process that may die.
"""

import ast
import inspect
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

from app.domain.edit import FileEdit
from app.syntax.tree import language_of, syntax_errors

BOM = "\ufeff"
_UNPARSABLE = (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError)


def is_sound(edit: FileEdit) -> bool:
    """Whether the edit adds no syntax error; in Python, also whether the file compiles and keeps its blocks."""
    language = language_of(edit.path)
    if language is None:
        return True
    if not _adds_no_error(language, edit.source, edit.result):
        return False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return language != "python" or _keeps_blocks(edit)


def _adds_no_error(language: str, before: str, after: str) -> bool:
    now = _errors(language, after)
    return now is not None and (not now or now <= (_errors(language, before) or Counter()))


def _errors(language: str, source: str) -> Counter[tuple[str, str]] | None:
    found = syntax_errors(language, source)
    return None if found is None else Counter(found)


@dataclass(frozen=True, slots=True)
class _Statement:
    node: ast.stmt
    depth: int
    block: int  # identifies the list of statements that it is in
    first: int  # index of its first line
    end: int  # index after its last line


def _keeps_blocks(edit: FileEdit) -> bool:
    """Whether the result compiles, its other statements stay in their blocks, and the new ones are those that were meant."""
    result = edit.result
    if "\r" in (edit.source + result).replace("\r\n", "\n"):
        return False  # Python counts lines that git does not
    new_end = edit.start + len(edit.lines)
    after = _statements(result)
    if after is None or (_compiles(edit.source) and not _compiles(result)):
        return False
    before = _statements(edit.source)
    if before is None:
        return True  # the edit repairs the file
    if _outside(before, edit.start, edit.end) != _outside(after, edit.start, new_end):
        return False
    if any(edit.start <= each.first < new_end < each.end for each in after):
        return True  # the last statement goes on below the new lines
    return _is_as_meant(edit.intended, _tops(before, edit.start, edit.end), _tops(after, edit.start, new_end))


def _is_as_meant(intended: Sequence[str], before: Sequence[_Statement], after: Sequence[_Statement]) -> bool:
    """Whether the new statements are those of the replacement read alone, in one block, as deep as the replaced ones."""
    meant = _alone(intended)
    if not meant or not (before or after):
        return True  # part of a statement; or only comments
    if [_dump(each.node) for each in after] != [_dump(node) for node in meant]:
        return False
    return len({each.block for each in after}) == 1 and (not before or before[0].depth == after[0].depth)


def _alone(lines: Sequence[str]) -> list[ast.stmt] | None:
    """The statements of a replacement read alone; None if it is only a part of one."""
    first = next((line for line in lines if line.strip()), "")
    indented = first[:1].isspace()
    try:
        body = ast.parse("\n".join(["if 1:", *lines] if indented else lines)).body
    except _UNPARSABLE:
        return None
    outer = body[0] if len(body) == 1 else None
    if not indented:
        return body
    return outer.body if isinstance(outer, ast.If) else None


def _statements(source: str) -> list[_Statement] | None:
    try:
        return list(_walk(ast.parse(source.removeprefix(BOM)), 0))
    except _UNPARSABLE:
        return None


def _compiles(source: str) -> bool:
    try:
        compile(source.removeprefix(BOM), "<suggestion>", "exec", dont_inherit=True)
    except _UNPARSABLE:
        return False
    return True


def _walk(node: ast.AST, depth: int) -> Iterator[_Statement]:
    for _, value in ast.iter_fields(node):
        if not isinstance(value, list):
            continue
        block = cast("list[object]", value)
        is_elif = _is_elif(node, block)
        for child in block:
            if isinstance(child, ast.stmt):
                marks = [child.lineno, *(each.lineno for each in getattr(child, "decorator_list", ()))]
                own = depth - 1 if is_elif else depth
                yield _Statement(child, own, id(block), min(marks) - 1, child.end_lineno or child.lineno)
                yield from _walk(child, depth if is_elif else depth + 1)
            elif isinstance(child, ast.excepthandler | ast.match_case):
                yield from _walk(child, depth)


def _is_elif(node: ast.AST, block: Sequence[object]) -> bool:
    """Whether a block is written as `elif`, which is no deeper than its `if`."""
    if not isinstance(node, ast.If) or block is not node.orelse or len(node.orelse) != 1:
        return False
    only = node.orelse[0]
    return isinstance(only, ast.If) and only.col_offset == node.col_offset


def _outside(found: Sequence[_Statement], start: int, end: int) -> list[tuple[str, int, int, str]]:
    """Place and depth of the statements before and after the lines; places after them count from their end."""
    return [
        ("before", each.first, each.depth, type(each.node).__name__)
        if each.end <= start
        else ("after", each.first - end, each.depth, type(each.node).__name__)
        for each in found
        if each.end <= start or each.first >= end
    ]


def _tops(found: Sequence[_Statement], start: int, end: int) -> list[_Statement]:
    """The statements that lie within the lines and in no other such statement."""
    within = [each for each in found if each.first >= start and each.end <= end]
    tops: list[_Statement] = []
    for each in within:
        if not tops or each.first >= tops[-1].end or each.block == tops[-1].block:
            tops.append(each)
    return tops


def _dump(node: ast.stmt) -> str:
    """The statement without positions; the indentation of docstrings does not count."""
    for inner in ast.walk(node):
        if (
            isinstance(inner, ast.Expr)
            and isinstance(inner.value, ast.Constant)
            and isinstance(inner.value.value, str)
        ):
            inner.value.value = inspect.cleandoc(inner.value.value)
    return ast.dump(node)
