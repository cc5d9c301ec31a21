"""Where a value in the code comes from, as far as its function shows it. Never runs or resolves anything."""

import re
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum, auto

from ast_grep_py import SgNode

from app.syntax.languages import DEFINITION_KINDS
from app.syntax.tree import IDENTIFIER_KINDS


class Origin(Enum):
    """From harmless to dangerous."""

    CONSTANT = auto()  # only literals, or names written as constants
    UNKNOWN = auto()
    INPUT = auto()  # a parameter of the function round it, or a request


MAX_STEPS = 4
_FUNCTION_KINDS = frozenset(
    kind
    for language, kinds in DEFINITION_KINDS.items()
    if language != "elixir"  # a definition is a `call` there, which means something else everywhere else
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
# What web frameworks and command lines call their input.
_REQUEST = re.compile(
    r"\b(?:req|request)\.(?:query|params|body|headers|cookies|args|form|values|json|files|GET|POST|get|nextUrl)\b"
    r"|\$_(?:GET|POST|REQUEST|COOKIE|FILES|SERVER)\b|\bparams\[|\bprocess\.argv\b|\bsys\.argv\b|\bos\.Args\b"
    r"|\b(?:getParameter|getHeader|getQueryString|FormValue|PostFormValue|QueryParam|PathValue)\("
    r"|\bURL\.Query\(\)|\bRequest\.(?:Query|Form|QueryString)\b|\binput\(|\blocation\.(?:search|hash|href)\b|\bmux\.Vars\("
    r"|\bdocument\.(?:URL|referrer|cookie)\b"
)


def origin_of(values: Sequence[SgNode], place: SgNode) -> Origin:
    """The worst origin of the values, seen from where they are used; UNKNOWN where there are none."""
    if not values:
        return Origin.UNKNOWN
    names = set(_names(values))
    text = " ".join(value.text() for value in values)
    if _REQUEST.search(text):
        return Origin.INPUT
    if all(_CONSTANT_NAME.match(name) for name in names):
        return Origin.CONSTANT
    return _origin_in(_scope_of(place), names)


def _origin_in(scope: SgNode, names: set[str]) -> Origin:
    """Follow plain assignments backwards through the function or module, a few steps."""
    parameters = set(_parameter_names(scope)) if scope.kind() in _FUNCTION_KINDS else set[str]()
    body = scope.text()
    for _ in range(MAX_STEPS):
        if names & parameters:
            return Origin.INPUT
        sources = [right for name in names for right in _assigned(name, body)]
        if any(_REQUEST.search(right) for right in sources):
            return Origin.INPUT
        found = {word for right in sources for word in re.findall(r"[A-Za-z_$]\w*", right)}
        if found <= names:
            break
        names = names | found
    return Origin.UNKNOWN


def _assigned(name: str, body: str) -> Iterator[str]:
    pattern = rf"(?<![\w.$]){re.escape(name)}\s*(?::\s*[\w<>\[\], .]+)?(?::=|=(?![=>])|\+=|\.=)\s*([^\n]+)"
    for match in re.finditer(pattern, body):
        yield match.group(1)


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
    """Parameters of the function and of those inside it; `self`, `this` and the like are none."""
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
