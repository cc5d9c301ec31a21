"""Quorum's own rules on the syntax tree, for nine languages. Each rule is data with its examples in `rules/<language>.yml`.

A rule may name meta-variables whose origin determines the severity: an injection is likely if a value comes from a parameter or a
request, and harmless if it is a constant. Runs only in the worker process, because a hostile file can hang or crash a parser.
https://ast-grep.github.io/reference/rule.html
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

from ast_grep_py import Config, SgNode

from app.analyzers.hits import Hit, load_rule_file
from app.analyzers.origins import Origins, ValueOrigin
from app.domain.finding import Severity
from app.syntax import language_of, parse

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
_WORD = re.compile(r"\w+")
_PATTERN_WORD = re.compile(r"(?<![\w$])[A-Za-z_]\w*")  # not a meta-variable
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
    mentions: tuple[frozenset[str], ...]

    def may_match(self, words: AbstractSet[str]) -> bool:
        """Whether a file with these words can match; otherwise its tree need not be searched, which costs far more."""
        return any(required <= words for required in self.mentions)


@cache
def load_rules(language: str) -> tuple[PatternRule, ...]:
    """The rules for one of ast-grep's languages; empty for a language without a file."""
    return tuple(_parse_rule(raw) for name in RULE_FILES.get(language, ()) for raw in load_rule_file(name))


def find_pattern_hits(path: str, source: str) -> list[Hit]:
    """Every hit of every rule of the file's language.

    In tests, the rules that are only about production code report what comes from a request: a name must not hide an attack.
    """
    language = language_of(path, source)
    root = parse(language, source) if language and language in RULE_FILES else None
    if root is None or language is None:
        return []
    is_test = _TEST_PATH.search(path) is not None
    words = frozenset(_WORD.findall(source))
    everywhere, requests = Origins(), Origins(with_parameters=False)
    hits: list[Hit] = []
    for rule in (rule for rule in load_rules(language) if rule.may_match(words)):
        if rule.in_tests or not is_test:
            hits += _hits(rule, root, path, everywhere)
        elif rule.input:
            hits += _hits(rule, root, path, requests, only_input=True)
    return hits


def _hits(
    rule: PatternRule, root: SgNode, path: str, origins: Origins, *, only_input: bool = False
) -> Iterator[Hit]:
    for node in root.find_all(cast("Config", rule.config)):
        origin = origins.of(_inputs(rule, node), node)
        if origin is ValueOrigin.INPUT or (origin is ValueOrigin.UNKNOWN and not only_input):
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


def _required_words(rule: Mapping[str, Any]) -> tuple[frozenset[str], ...]:
    """The sets of words of which a matching file has at least one whole set; an empty set if the rule needs no word.

    The words of a pattern stand in the text that it matches, and so do those of the nodes that `has` and `inside` ask for.
    """
    needed: list[tuple[frozenset[str], ...]] = []
    if "pattern" in rule and isinstance(rule["pattern"], str):
        needed.append((frozenset(_PATTERN_WORD.findall(rule["pattern"])),))
    if "any" in rule:
        needed.append(tuple(each for one in rule["any"] for each in _required_words(one)))
    needed += [_required_words(one) for one in rule.get("all", ())]
    needed += [_required_words(rule[relation]) for relation in ("has", "inside") if relation in rule]
    # Any one of them is a sound filter; the most selective one needs a word in each of its sets.
    return max(needed, key=lambda sets: min(map(len, sets)), default=(frozenset[str](),))


def _parse_rule(raw: dict[str, Any]) -> PatternRule:
    from_input = raw.get("severity_from_input")
    mentioned = raw.get("mentions")
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
        mentions=tuple(frozenset([word]) for word in mentioned)
        if mentioned
        else _required_words(raw["rule"]),
    )
