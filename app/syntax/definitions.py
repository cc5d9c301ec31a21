"""Finds the definitions of a file, with their names, ranges, visibility, and documentation. Never reads a file."""

import re
from dataclasses import dataclass
from functools import lru_cache

from ast_grep_py import SgNode

from app.syntax.languages import DEFINITION_KINDS
from app.syntax.tree import IDENTIFIER_KINDS, end_line, parse, start_line, without_long_lines

_CALLABLES = frozenset({"function", "method", "constructor"})
# Nodes that enclose a definition and belong to it: decorators, `export`, `const`.
_WRAPPERS = frozenset(
    {
        "decorated_definition",
        "export_statement",
        "lexical_declaration",
        "variable_declaration",
        "type_declaration",
        "template_declaration",
    }
)
_FUNCTION_VALUES = frozenset({"arrow_function", "function_expression", "generator_function"})
_BETWEEN_COMMENT_AND_DEFINITION = frozenset({"attribute_item", "decorator", "attribute_list"})
_CONTAINERS = frozenset(
    {"class", "interface", "struct", "trait", "impl", "object", "protocol", "record", "enum"}
)
_TRAILING_COMMENT = re.compile(r"#[^\n]*\s*\Z")
_ELIXIR_DEFINES = frozenset({"def", "defp", "defmacro", "defmodule", "defprotocol", "defimpl"})
_ELIXIR_NAME = re.compile(r"\(?\s*([\w.?!]+)")
_BLOCK_WORD = re.compile(r"[\w.-]+")
MAX_KEY_DEPTH = 2  # `jobs.build` of a workflow names a part, `jobs.build.steps` a line inside it
MAX_NAME_CHARACTERS = 80
# Quorum does not know which names are public in these languages, so their interfaces are not checked.
_WITHOUT_CONVENTIONS = frozenset(
    {"elixir", "haskell", "solidity", "hcl", "nix", "css", "yaml", "json", "html"}
)
_PRIVATE_WORDS = frozenset({"private", "protected", "internal", "fileprivate", "static"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A named piece of code. Lines are 1-based and inclusive, including decorators and `export`.

    `name` is qualified by the enclosing definitions (`Cart.total`); `signature` is everything before the body, with
    whitespace collapsed.
    """

    name: str
    kind: str
    start_line: int
    end_line: int
    public: bool
    documented: bool
    signature: str

    @property
    def callable(self) -> bool:
        """Whether it is a function, a method, or a constructor."""
        return self.kind in _CALLABLES


@lru_cache(maxsize=64)
def definitions_of(language: str, source: str) -> tuple[Definition, ...]:
    """All definitions, outer ones first; empty for a language without definitions."""
    kinds = DEFINITION_KINDS.get(language, {})
    root = parse(language, without_long_lines(source)) if kinds else None
    if root is None:
        return ()
    nodes = root.find_all({"rule": {"any": [{"kind": kind} for kind in kinds]}})
    found = [_definition(language, kinds, node) for node in nodes if _is_definition(node) and _own_name(node)]
    return tuple(sorted(found, key=lambda one: (one.start_line, -one.end_line)))


def _definition(language: str, kinds: dict[str, str], node: SgNode) -> Definition:
    outer = _with_wrappers(node)
    around = [above for above in node.ancestors() if above.kind() in kinds and _is_definition(above)]
    kind = kinds[node.kind()]
    if kind == "function" and around and kinds[around[0].kind()] in _CONTAINERS:
        kind = "method"
    return Definition(
        name=".".join(name for one in [*reversed(around), node] if (name := _own_name(one))),
        kind=kind,
        start_line=start_line(outer),
        end_line=end_line(outer),
        public=_is_public(language, node, outer, around),
        documented=_is_documented(language, node, outer),
        signature=_signature(node),
    )


def _is_definition(node: SgNode) -> bool:
    """`const x = () => …` defines a function, `const x = 1` does not; `struct a b;` only uses one."""
    match node.kind():
        case "variable_declarator":
            value = node.field("value")
            return value is not None and value.kind() in _FUNCTION_VALUES
        case "struct_specifier" | "class_specifier":
            return node.field("body") is not None
        case "function":  # in Haskell's grammar, the arrow of a type has the same name
            return node.field("name") is not None
        case "call":
            return _text_of(node.field("target")) in _ELIXIR_DEFINES
        case "block_mapping_pair" | "pair":
            return sum(above.kind() == node.kind() for above in node.ancestors()) < MAX_KEY_DEPTH
        case _:
            return True


def _own_name(node: SgNode) -> str | None:
    match node.kind():
        case "call":
            return _elixir_name(node)
        case "block":
            return ".".join(_BLOCK_WORD.findall(node.text().partition("{")[0]))
        case "rule_set":
            return " ".join(node.children()[0].text().split())[:MAX_NAME_CHARACTERS]
        case "element":
            return _text_of(node.find(kind="tag_name"))
        case _:
            return _text_of(_name_node(node))


def _text_of(node: SgNode | None) -> str | None:
    return node.text().strip("\"'") if node else None


def _elixir_name(node: SgNode) -> str | None:
    """`Shop` of `defmodule Shop do`, `total` of `def total(x) do` and of `def total(x) when x > 0 do`."""
    arguments = next((child for child in node.children() if child.kind() == "arguments"), None)
    match = _ELIXIR_NAME.match(arguments.text()) if arguments else None
    return match[1] if match else None


def _name_node(node: SgNode) -> SgNode | None:
    return _named_field(node) or node.field("type") or _first_identifier(node)


def _first_identifier(node: SgNode) -> SgNode | None:
    """For Kotlin, whose grammar has no field for the name."""
    return next((child for child in node.children() if child.kind() in IDENTIFIER_KINDS), None)


def _named_field(node: SgNode) -> SgNode | None:
    """The field `name` (a key's, a binding's); C and C++ hide a function's name behind declarators instead."""
    if named := node.field("name") or node.field("key") or node.field("attrpath"):
        return named
    inner = node.field("declarator")
    while inner is not None and (deeper := inner.field("declarator")) is not None:
        inner = deeper
    return inner


def _with_wrappers(node: SgNode) -> SgNode:
    outer = node
    while (above := outer.parent()) is not None and above.kind() in _WRAPPERS:
        outer = above
    return outer


def _is_public(language: str, node: SgNode, outer: SgNode, around: list[SgNode]) -> bool:
    """Whether code outside this file can use this name, by the conventions of the language."""
    names = [_own_name(one) or "" for one in [*around, node]]
    in_function = any(DEFINITION_KINDS[language][one.kind()] == "function" for one in around)
    if in_function or language in _WITHOUT_CONVENTIONS:
        return False
    match language:
        case "python" | "ruby" | "lua" | "bash":
            return not _is_ruby_private(node) and not any(
                name.startswith("_") and not _is_dunder(name) for name in names
            )
        case "go":
            return all(name[:1].isupper() for name in names)
        case "javascript" | "typescript" | "tsx":
            return _is_exported([*around, node]) and not _has_private_word(node, names[-1])
        case "java" | "swift":
            return _words_before_name(node) & {"public", "open"} != set()
        case "csharp":
            return "public" in _words_before_name(node)
        case "rust":
            return any(child.kind() == "visibility_modifier" for child in node.children())
        case _:
            return not _words_before_name(outer) & _PRIVATE_WORDS


def _is_ruby_private(node: SgNode) -> bool:
    """Whether a method is below `private` or in `private def …`; `public` ends the private section."""
    if node.kind() not in {"method", "singleton_method"}:
        return False
    words = (each.text() for each in node.prev_all() if each.kind() == "identifier")
    opened = next((word for word in words if word in {"private", "protected", "public"}), "public")
    outer = node.parent()
    call = outer.parent() if outer is not None and outer.kind() == "argument_list" else None
    named = _text_of(call.field("method")) if call is not None else None
    return opened != "public" or named in {"private", "protected", "private_class_method"}


def _is_dunder(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


def _is_exported(chain: list[SgNode]) -> bool:
    return any(above.kind() == "export_statement" for one in chain for above in one.ancestors())


def _has_private_word(node: SgNode, name: str) -> bool:
    return name.startswith(("#", "_")) or bool(_words_before_name(node) & {"private", "protected"})


def _words_before_name(node: SgNode) -> set[str]:
    named = _name_node(node)
    length = named.range().start.index - node.range().start.index if named else 0
    return set(node.text()[: max(length, 0)].split())


def _is_documented(language: str, node: SgNode, outer: SgNode) -> bool:
    return _has_docstring(node) if language == "python" else _has_comment_above(outer)


def _has_docstring(node: SgNode) -> bool:
    body = node.field("body")
    first = next((child for child in body.children() if child.kind() != "comment"), None) if body else None
    return first is not None and first.text().lstrip("rRuU").startswith(('"', "'"))


def _has_comment_above(outer: SgNode) -> bool:
    line, above = start_line(outer), outer.prev()
    while above is not None and above.kind() in _BETWEEN_COMMENT_AND_DEFINITION:
        line, above = start_line(above), above.prev()
    if above is None and (body := outer.parent()) is not None and start_line(body) == start_line(outer):
        above = body.prev()  # Ruby: the comment precedes the body that begins with the method
    return above is not None and "comment" in above.kind() and end_line(above) >= line - 1


def _signature(node: SgNode) -> str:
    body = node.field("body") or _value_body(node) or _last_body(node)
    length = body.range().start.index - node.range().start.index if body else None
    text = node.text()[:length] if length else node.text().split("\n", 1)[0]
    return " ".join(_TRAILING_COMMENT.sub("", text).split()).rstrip(" :{")


def _value_body(node: SgNode) -> SgNode | None:
    value = node.field("value")
    return value.field("body") if value else None


def _last_body(node: SgNode) -> SgNode | None:
    """For Kotlin, whose grammar has no field for the body."""
    return next((child for child in reversed(node.children()) if child.kind().endswith("_body")), None)
