"""How Python code checks a value before it uses it: what the taint pass accepts as making one safe. No I/O."""

import ast
from collections.abc import Sequence

_EXITS = (ast.Return, ast.Raise, ast.Continue, ast.Break)
_EXIT_CALLS = frozenset({"abort", "exit", "sys.exit", "redirect"})


def dotted_name(node: ast.expr) -> str:
    """`a.b.c` for a chain of names, `?.c` where it begins with something else."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=name):
            return f"{dotted_name(value)}.{name}"
        case _:
            return "?"


def is_harmless_type(annotation: ast.expr | None) -> bool:
    """Types whose values cannot hold text: what the framework converts, it also checks."""
    return isinstance(annotation, ast.Name) and annotation.id in {
        "int",
        "float",
        "bool",
        "UUID",
        "date",
        "datetime",
    }


def checked_names(test: ast.expr) -> set[str]:
    """Names that a check compares or hands to a function."""
    return {
        node.id
        for part in ast.walk(test)
        if isinstance(part, ast.Compare | ast.Call)
        for node in ast.walk(part)
        if isinstance(node, ast.Name)
    }


def is_negative(test: ast.expr) -> bool:
    """`not ok(x)`, `x not in allowed`, `x != known`, `".." in x`: true for the values that are refused."""
    match test:
        case ast.UnaryOp(op=ast.Not()):
            return True
        case ast.Compare(ops=[ast.NotIn() | ast.NotEq()]):
            return True
        case ast.Compare(left=ast.Constant(), ops=[ast.In()]):
            return True
        case ast.BoolOp(values=values):
            return any(is_negative(value) for value in values)
        case _:
            return False


def leaves(body: Sequence[ast.stmt]) -> bool:
    """Whether nothing below a branch with this body runs after it."""
    last = body[-1]
    if isinstance(last, ast.Expr) and isinstance(last.value, ast.Call):
        return dotted_name(last.value.func) in _EXIT_CALLS
    return isinstance(last, _EXITS)
