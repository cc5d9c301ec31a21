"""Where the values at a dangerous call come from, as far as their function shows. Linear in the size of the file.

Follows simple assignments backward through the outermost enclosing function or the module, a few steps far.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum, auto

from ast_grep_py import SgNode

from app.syntax.languages import DEFINITION_KINDS
from app.syntax.tree import IDENTIFIER_KINDS


class ValueOrigin(Enum):
    """Where a value comes from, as far as its function shows, from harmless to dangerous."""

    CONSTANT = auto()  # only literals, or names written as constants
    UNKNOWN = auto()
    INPUT = auto()  # a parameter of the enclosing function, or a request


MAX_STEPS = 3
MAX_VALUE_CHARACTERS = 300  # of an assigned value; what follows on its line counts only if it is a request
_FUNCTION_KINDS = frozenset(
    kind
    for language, kinds in DEFINITION_KINDS.items()
    if language != "elixir"  # its definitions are `call` nodes, which other languages use for calls
    for kind, name in kinds.items()
    if name in {"function", "method", "constructor"}
) | {
    "arrow_function",
    "function_expression",
    "func_literal",
    "lambda",
    "lambda_expression",
    "closure_expression",
    "anonymous_function",
}
_VALUE_NAMES = IDENTIFIER_KINDS - {"type_identifier"}
_PARAMETER_FIELDS = ("parameters", "parameter")
_INLINE_ARGUMENT = re.compile(r"\{([a-z_]\w*)")  # Rust: format!("… {name}")
_CONSTANT_NAME = re.compile(r"[A-Z][A-Z0-9_]+\Z")
# Names of input in web frameworks and command-line programs.
_REQUEST = re.compile(
    r"\b(?:req|request)\.(?:query|params|body|headers|cookies|args|form|values|json|files|GET|POST|get|nextUrl)\b"
    r"|\$_(?:GET|POST|REQUEST|COOKIE|FILES|SERVER)\b|\bparams\[|\bprocess\.argv\b|\bsys\.argv\b|\bos\.Args\b"
    r"|\b(?:getParameter|getHeader|getQueryString|FormValue|PostFormValue|QueryParam|PathValue)\("
    r"|\bURL\.Query\(\)|\bRequest\.(?:Query|Form|QueryString)\b|\binput\(|\blocation\.(?:search|hash|href)\b|\bmux\.Vars\("
    r"|\bdocument\.(?:URL|referrer|cookie)\b"
)
_WORD = re.compile(r"[A-Za-z_$][\w$]*")
_ASSIGNMENT = re.compile(  # matches only the name, because the value may hold further assignments
    r"(?<![\w.$])([\w$]+)(?=[ \t]{0,40}(?::[ \t]{0,40}[\w<>\[\], .]{1,120})?(?::=|=(?![=>])|\+=|\.=)\s{0,40}"
    rf"([^\n]{{1,{MAX_VALUE_CHARACTERS}}}))"
)


class Origins:
    """The origins of values in one file; each function is read once.

    Without parameters, only a request is input: a test's parameters are its fixtures.
    """

    def __init__(self, *, with_parameters: bool = True) -> None:
        self._with_parameters = with_parameters
        self._inputs: dict[SgNode, frozenset[str]] = {}  # by the outermost function or the module

    def of(self, values: Sequence[SgNode], place: SgNode) -> ValueOrigin:
        """The most dangerous origin of the values in the scope where they are used; UNKNOWN if there are none."""
        if not values:
            return ValueOrigin.UNKNOWN
        names = set(_names(values))
        if any(_REQUEST.search(value.text()) for value in values):
            return ValueOrigin.INPUT
        if all(_CONSTANT_NAME.match(name) for name in names):
            return ValueOrigin.CONSTANT
        scope = _scope_of(place)
        if scope not in self._inputs:
            self._inputs[scope] = _input_names(scope, with_parameters=self._with_parameters)
        return ValueOrigin.INPUT if names & self._inputs[scope] else ValueOrigin.UNKNOWN


def _input_names(scope: SgNode, *, with_parameters: bool) -> frozenset[str]:
    """The names that hold a parameter or a request, directly or after a few assignments."""
    is_function = scope.kind() in _FUNCTION_KINDS
    parameters = set(_parameter_names(scope)) if with_parameters and is_function else set[str]()
    body = scope.text()
    requests = _Requests(body)
    found = set(parameters)
    users: dict[str, set[str]] = {}  # name → the names that are assigned a value with it
    for match in _ASSIGNMENT.finditer(body):
        if requests.has_one(match.start(2)):
            found.add(match[1])
        for word in set(_WORD.findall(match[2])):
            users.setdefault(word, set()).add(match[1])
    newest = found
    for _ in range(MAX_STEPS):
        newest = {user for name in newest for user in users.get(name, ())} - found
        found |= newest
    return frozenset(found)


class _Requests:
    """Where a text names a request."""

    def __init__(self, text: str) -> None:
        self._starts = [match.start() for match in _REQUEST.finditer(text)]
        self._line_ends = [match.start() for match in re.finditer(r"\n", text)]
        self._end = len(text)

    def has_one(self, start: int) -> bool:
        """Whether the rest of this line names one."""
        line = bisect_left(self._line_ends, start)
        end = self._line_ends[line] if line < len(self._line_ends) else self._end
        first = bisect_left(self._starts, start)
        return first < len(self._starts) and self._starts[first] < end


def _names(values: Iterable[SgNode]) -> Iterator[str]:
    stack = list(values)
    while stack:
        node = stack.pop()
        if node.kind() in _VALUE_NAMES or node.kind() == "variable_name":
            yield node.text()
        if node.kind() == "macro_invocation":
            yield from _INLINE_ARGUMENT.findall(node.text())
        stack.extend(node.children())


def _scope_of(node: SgNode) -> SgNode:
    """The outermost enclosing function, so that a callback sees the handler's parameters; otherwise the whole file."""
    above = list(reversed(node.ancestors()))
    return next((each for each in above if each.kind() in _FUNCTION_KINDS), above[0] if above else node)


def _parameter_names(function: SgNode) -> Iterator[str]:
    """Parameters of the function and of those inside it, except `self`, `this`, and similar names."""
    stack = [function]
    while stack:
        node = stack.pop()
        if node.kind() in _FUNCTION_KINDS:
            for field in _PARAMETER_FIELDS:
                if (found := node.field(field)) is not None:
                    yield from (
                        name for name in _names([found]) if name not in {"self", "cls", "this", "ctx"}
                    )
        stack.extend(node.children())
