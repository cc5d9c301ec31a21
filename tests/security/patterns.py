"""All regular expressions of the program, found in its syntax trees, and texts that make ambiguous ones slow."""

import ast
import importlib
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PACKAGES = ("app", "webhooks")
FUNCTIONS = ("match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer")
# Stand-ins for what a function puts into its pattern; all of them are escaped or come from a closed list.
LOCAL = {
    "name": "name",
    "word": "name",
    "kind": "diff",
    "either": "one|two",
    "ends": "\r",
    "characters": "ab",
    "width": 8,
    "_pattern": "a",
    "mention": r"(?<![\w@/-])@quorum(?![\w-])",
}
# Patterns in a table, which have no name of their own.
UNNAMED = {"app/analyzers/manifests.py": ("fullmatch",)}
MAX_LONG_REPEAT = 200  # a repeat of more counts as unbounded
MAX_PUMPS = 10
AnyPattern = re.Pattern[str] | re.Pattern[bytes]
_CALL = re.compile(rf"\b(\w+)\.({'|'.join(FUNCTIONS)})\b")
_CALL_OF_RE = re.compile(rf"\bre\.(compile|{'|'.join(FUNCTIONS)})\(")
# The parser of `re` has no types.
_parser: Any = importlib.import_module("re._parser")
_constants: Any = importlib.import_module("re._constants")


@dataclass(frozen=True, slots=True)
class Found:
    """A pattern, how it is used, and where it is written."""

    place: str
    pattern: AnyPattern
    methods: tuple[str, ...]


@cache
def all_patterns() -> tuple[Found, ...]:
    """Every pattern that a call of `re` compiles, whether it has a name or is inline."""
    return tuple(found for file in files() for found in patterns_of(file))


@cache
def files() -> tuple[str, ...]:
    """The files that call `re`, by their text: a syntax tree of every file would take seconds before the first test."""
    return tuple(sorted(file for file, text in _program().items() if _CALL_OF_RE.search(text)))


@cache
def patterns_of(file: str) -> tuple[Found, ...]:
    """Every pattern of one file."""
    return tuple(_in_file(file))


@cache
def _program() -> dict[str, str]:
    paths = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    return {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in paths}


@cache
def _methods() -> dict[str, set[str]]:
    """The methods that the program calls on each name."""
    methods: dict[str, set[str]] = defaultdict(set)
    for text in _program().values():
        for name, method in _CALL.findall(text):
            methods[name].add(method)
    return methods


def _in_file(file: str) -> Iterator[Found]:
    tree = ast.parse(_program()[file])
    names = _names_of_patterns(tree)
    unnamed = UNNAMED.get(file, ("search",))
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and _is_of_re(call.func):
            assert isinstance(call.func, ast.Attribute)
            method = call.func.attr
            used = sorted(_methods().get(names.get(call, ""), ())) or unnamed
            for pattern in _evaluate(file, call, method):
                yield Found(
                    f"{file}:{call.lineno}", pattern, tuple(used) if method == "compile" else (method,)
                )


def _is_of_re(function: ast.expr) -> bool:
    return (
        isinstance(function, ast.Attribute)
        and isinstance(function.value, ast.Name)
        and function.value.id == "re"
        and function.attr in ("compile", *FUNCTIONS)
    )


def _names_of_patterns(tree: ast.Module) -> dict[ast.expr, str]:
    return {
        node.value: target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _evaluate(file: str, call: ast.Call, method: str) -> Iterator[AnyPattern]:
    """The pattern with the values of its module; a local name stands for what `LOCAL` says, or for all values of a table."""
    module = importlib.import_module(".".join(Path(file).with_suffix("").parts))
    values: dict[str, Any] = {**vars(module), **LOCAL, "re": re, "used": _Used()}
    flags = [keyword.value for keyword in call.keywords if keyword.arg == "flags"]
    position = 1 if method == "compile" else {"sub": 4, "subn": 4, "split": 3}.get(method, 2)
    flags += call.args[position : position + 1]
    number = eval(ast.unparse(flags[0]), values) if flags else 0
    source = ast.unparse(call.args[0])
    for choice in _choices(source, values):
        pattern = eval(source, values | choice)
        yield pattern if isinstance(pattern, re.Pattern) else re.compile(pattern, number)


def _choices(source: str, values: dict[str, Any]) -> list[dict[str, Any]]:
    if source == "pattern":
        return [{"pattern": r"\b\w+\b"}]
    if source.startswith("each.format"):
        return [{"each": values[name]} for name in ("_KEYWORD", "_TYPED", "_SHORTHAND", "_VALUE")]
    return [{}]


class _Used:
    name = "name"


def hostile_texts(pattern: AnyPattern, size: int) -> Iterator[str]:
    """Texts of this size that repeat what each unbounded part of the pattern repeats, and then do not match."""
    source = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    tree = _parser.parse(source, pattern.flags & ~re.UNICODE)
    alphabet = list(dict.fromkeys(_alphabet(tree)))[:MAX_PUMPS]
    seen: set[tuple[str, str]] = set()
    for before, body in [*_repeats(tree, ""), ("", "")]:
        for pump in dict.fromkeys([body, *alphabet, before + body]):
            if pump and (before, pump) not in seen:
                seen.add((before, pump))
                repeated = before + pump * (size // len(pump))
                yield repeated + "\x00"


def _repeats(tree: Any, before: str) -> Iterator[tuple[str, str]]:
    """Each unbounded repeat as the shortest text before it and the shortest text of its body."""
    for code, value in tree:
        name = str(code)
        if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            _, most, body = value
            if most is _constants.MAXREPEAT or most > MAX_LONG_REPEAT:
                yield before, _shortest(body) or "a"
        for inner in _inner(name, value):
            yield from _repeats(inner, before)
        before += _shortest([(code, value)])


def _inner(name: str, value: Any) -> Sequence[Any]:
    if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        return [value[2]]
    if name == "SUBPATTERN":
        return [value[3]]
    if name == "BRANCH":
        return value[1]
    if name in ("ASSERT", "ASSERT_NOT"):
        return [value[1]]
    return [value] if name == "ATOMIC_GROUP" else []


def _shortest(tree: Any) -> str:
    """A short text that the tree matches; assertions count as empty."""
    return "".join(_shortest_of(str(code), value) for code, value in tree)


def _shortest_of(name: str, value: Any) -> str:
    if name == "LITERAL":
        return chr(value)
    if name == "NOT_LITERAL":
        return "a" if value != ord("a") else "b"
    if name == "ANY":
        return "a"
    if name == "IN":
        return _member(value)
    if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        return _shortest(value[2]) * value[0]
    if name == "BRANCH":
        return min((_shortest(branch) for branch in value[1]), key=len)
    inner: Sequence[Any] = _inner(name, value) if name in ("SUBPATTERN", "ATOMIC_GROUP") else []
    return "".join(map(_shortest, inner))


_OF_CATEGORY = {
    "CATEGORY_DIGIT": "1",
    "CATEGORY_WORD": "a",
    "CATEGORY_SPACE": " ",
    "CATEGORY_NOT_DIGIT": "a",
    "CATEGORY_NOT_WORD": "-",
    "CATEGORY_NOT_SPACE": "a",
}
_PROBES = "a1 -_.:/\"'`~@#$<>()[]{}=,;|\\\n\tA"


def _member(items: Any) -> str:
    negated = str(items[0][0]) == "NEGATE"
    if negated:
        source = re.compile(
            f"[{''.join(re.escape(c) for c in _PROBES if not _contains(items[1:], c)) or 'é'}]"
        )
        return next((c for c in _PROBES if source.match(c)), "é")
    code, value = items[0]
    return {"LITERAL": lambda: chr(value), "RANGE": lambda: chr(value[0])}.get(
        str(code), lambda: _OF_CATEGORY.get(str(value), "a")
    )()


def _contains(items: Any, character: str) -> bool:
    for code, value in items:
        name = str(code)
        if name == "LITERAL" and chr(value) == character:
            return True
        if name == "RANGE" and value[0] <= ord(character) <= value[1]:
            return True
        if name == "CATEGORY" and re.match({"CATEGORY_DIGIT": r"\d", "CATEGORY_WORD": r"\w", "CATEGORY_SPACE": r"\s",
            "CATEGORY_NOT_DIGIT": r"\D", "CATEGORY_NOT_WORD": r"\W", "CATEGORY_NOT_SPACE": r"\S"}[str(value)], character):  # fmt: skip
            return True
    return False


def _alphabet(tree: Any) -> Iterator[str]:
    """The characters that the pattern speaks of."""
    for code, value in tree:
        name = str(code)
        if name in ("LITERAL", "NOT_LITERAL"):
            yield chr(value)
        elif name == "IN":
            yield _member(value)
        for inner in _inner(name, value):
            yield from _alphabet(inner)
