"""Quorum's own rules on the syntax tree, for nine languages. Each rule is data with its examples in `rules/<language>.yml`.

A rule may name meta-variables whose origin determines the severity: an injection is likely if a value comes from a parameter or a
request, and harmless if it is a constant. Runs only in the worker process, because a hostile file can hang or crash a parser.
https://ast-grep.github.io/reference/rule.html
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import cache
from typing import Any, cast

from ast_grep_py import Config, SgNode

from app.analyzers.hits import Hit, load_rule_file
from app.domain.finding import Severity
from app.syntax import language_of, parse
from app.syntax.languages import DEFINITION_KINDS
from app.syntax.tree import IDENTIFIER_KINDS

# A hit on one of these is about its header, not about its whole body.
_BLOCKS = frozenset({"for_statement", "catch_clause", "except_clause", "method_declaration", "if_statement"})
RULE_FILES = {
    "python": ("python",),
    "javascript": ("javascript", "jsx"),
    "typescript": ("javascript",),
    "tsx": ("javascript", "jsx"),
    "go": ("go",),
    "java": ("java",),
    "ruby": ("ruby",),
    "php": ("php",),
    "csharp": ("csharp",),
    "rust": ("rust",),
}
_TEST_PATH = re.compile(
    r"(?:^|/)(?:tests?|__tests__|specs?|testdata|fixtures)/|(?:^|/)(?:test_|conftest)|[._-](?:test|spec)s?\.\w+$|Tests?\.\w+$"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PatternRule:
    """One rule. `input` lists the meta-variables whose origin matters; `good` and `bad` are its tested examples."""

    id: str
    rule_id: str
    severity: Severity
    severity_from_input: Severity | None
    input: tuple[str, ...]
    in_tests: bool
    title: str
    explanation: str
    config: dict[str, Any]
    bad: tuple[str, ...]
    good: tuple[str, ...]


@cache
def load_rules(language: str) -> tuple[PatternRule, ...]:
    """The rules for one of ast-grep's languages; empty for a language without a file."""
    return tuple(_parse_rule(raw) for name in RULE_FILES.get(language, ()) for raw in load_rule_file(name))


def find_pattern_hits(path: str, source: str) -> list[Hit]:
    """Every hit of every rule of the file's language."""
    language = language_of(path)
    root = parse(language, source) if language and language in RULE_FILES else None
    if root is None or language is None:
        return []
    is_test = _TEST_PATH.search(path) is not None
    rules = [rule for rule in load_rules(language) if rule.in_tests or not is_test]
    return [hit for rule in rules for hit in _hits(rule, root, path)]


def _hits(rule: PatternRule, root: SgNode, path: str) -> Iterator[Hit]:
    for node in root.find_all(cast("Config", rule.config)):
        origin = origin_of(_inputs(rule, node), node)
        if origin is not ValueOrigin.CONSTANT:
            yield _hit(rule, node, path, from_input=origin is ValueOrigin.INPUT)


def _inputs(rule: PatternRule, node: SgNode) -> Sequence[SgNode]:
    """The nodes whose origin matters: the named meta-variables, or the whole node for `input: [self]`."""
    nodes: list[SgNode] = []
    for name in rule.input:
        if name == "self":
            nodes.append(node)
        elif (one := node.get_match(name)) is not None:
            nodes.append(one)
        else:
            nodes.extend(node.get_multiple_matches(name))
    return nodes


def _hit(rule: PatternRule, node: SgNode, path: str, *, from_input: bool) -> Hit:
    span = node.range()
    severity = rule.severity_from_input if from_input and rule.severity_from_input else rule.severity
    return Hit(
        path=path,
        start_line=span.start.line + 1,
        end_line=(span.start.line if node.kind() in _BLOCKS else span.end.line) + 1,
        rule_id=rule.rule_id,
        severity=severity,
        title=rule.title,
        explanation=rule.explanation,
        tool="patterns",
    )


def _parse_rule(raw: dict[str, Any]) -> PatternRule:
    from_input = raw.get("severity_from_input")
    return PatternRule(
        id=raw["id"],
        rule_id=raw["rule_id"],
        severity=Severity(raw["severity"]),
        severity_from_input=Severity(from_input) if from_input else None,
        input=tuple(raw.get("input", ())),
        in_tests=raw.get("in_tests", False),
        title=raw["title"],
        explanation=" ".join(raw["explanation"].split()),
        config={key: raw[key] for key in ("rule", "constraints", "utils") if key in raw},
        bad=tuple(raw["bad"]),
        good=tuple(raw["good"]),
    )


class ValueOrigin(Enum):
    """Where a value comes from, as far as its function shows, from harmless to dangerous."""

    CONSTANT = auto()  # only literals, or names written as constants
    UNKNOWN = auto()
    INPUT = auto()  # a parameter of the enclosing function, or a request


MAX_STEPS = 4
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


def origin_of(values: Sequence[SgNode], place: SgNode) -> ValueOrigin:
    """The most dangerous origin of the values in the scope where they are used; UNKNOWN if there are none."""
    if not values:
        return ValueOrigin.UNKNOWN
    names = set(_names(values))
    text = " ".join(value.text() for value in values)
    if _REQUEST.search(text):
        return ValueOrigin.INPUT
    if all(_CONSTANT_NAME.match(name) for name in names):
        return ValueOrigin.CONSTANT
    return _origin_in(_scope_of(place), names)


def _origin_in(scope: SgNode, names: set[str]) -> ValueOrigin:
    """Follow simple assignments backward through the function or module for a few steps."""
    parameters = set(_parameter_names(scope)) if scope.kind() in _FUNCTION_KINDS else set[str]()
    body = scope.text()
    for _ in range(MAX_STEPS):
        if names & parameters:
            return ValueOrigin.INPUT
        sources = [right for name in names for right in _assigned(name, body)]
        if any(_REQUEST.search(right) for right in sources):
            return ValueOrigin.INPUT
        found = {word for right in sources for word in re.findall(r"[A-Za-z_$]\w*", right)}
        if found <= names:
            break
        names = names | found
    return ValueOrigin.UNKNOWN


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
