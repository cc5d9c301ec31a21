"""Parse a YAML mapping from an untrusted author: no aliases, no duplicate keys, limited size and depth.

Uses the pure Python SafeLoader, because the C loader crashes the process on deep nesting. `off`, `no`, dates, and
numbers of base 60 stay text, as in YAML 1.2. Raises only `YamlRejected`.
"""

import re
from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, cast

import yaml

from app.errors import YamlRejected


@dataclass(frozen=True, slots=True, kw_only=True)
class YamlLimits:
    """How large and how deep a document may be."""

    max_bytes: int
    max_depth: int


CONFIGURATION = YamlLimits(max_bytes=16_384, max_depth=8)

# PyYAML's scalars without numbers of base 60, which take quadratic time and overflow, and without old words for booleans.
_SCALARS = {
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "bool": (r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    "int": (
        r"[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|0[0-7_]+|0|[1-9][0-9_]*)",
        list("-+0123456789"),
    ),
    "float": (
        r"[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        list("-+0123456789."),
    ),
}


class _Loader(yaml.SafeLoader):
    depth = 0
    max_depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):  # pyright: ignore[reportUnknownMemberType]
            raise YamlRejected("aliases are not allowed")
        event = cast("object", self.peek_event())  # pyright: ignore[reportUnknownMemberType]
        if getattr(event, "tag", None) is not None:
            raise YamlRejected("tags are not allowed")
        self.depth += 1
        if self.depth > self.max_depth:
            raise YamlRejected(f"it is nested deeper than {self.max_depth} levels")
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = Counter(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode))
        twice = next((key for key, count in keys.items() if count > 1), None)
        if twice is not None:
            raise YamlRejected(f"the key {str(twice)[:60]!r} is duplicated")
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {}
for _kind, (_pattern, _first) in _SCALARS.items():
    _Loader.add_implicit_resolver(  # pyright: ignore[reportUnknownMemberType]
        f"tag:yaml.org,2002:{_kind}", re.compile(rf"(?:{_pattern})\Z"), _first
    )


def parse_mapping(raw: bytes, limits: YamlLimits = CONFIGURATION) -> tuple[dict[str, Any], dict[str, int]]:
    """Return the mapping and the line number of each key, from 1.

    Raises:
        YamlRejected: the text is not valid; the message is a clause.
    """
    if len(raw) > limits.max_bytes:
        raise YamlRejected(f"it is larger than {limits.max_bytes} bytes")
    try:
        return _parse(raw.decode("utf-8-sig"), limits)
    except YamlRejected:
        raise
    except UnicodeDecodeError as error:
        raise YamlRejected("it is not UTF-8") from error
    except yaml.MarkedYAMLError as error:
        text = raw.decode("utf-8-sig", "replace")
        line = _line(text, error.problem_mark) if error.problem_mark else 1
        raise YamlRejected(f"it is not YAML: {error.problem} (line {line})") from error
    except (
        yaml.YAMLError,
        RecursionError,
        ArithmeticError,
        ValueError,
    ) as error:
        raise YamlRejected("it is not readable YAML") from error


def _line(text: str, mark: yaml.Mark) -> int:
    """Git's line of a mark; YAML also ends lines at CR, NEL, U+2028, and U+2029."""
    return text.count("\n", 0, mark.index) + 1


def _parse(text: str, limits: YamlLimits) -> tuple[dict[str, Any], dict[str, int]]:
    loader: Any = _Loader(text)
    loader.max_depth = limits.max_depth
    try:
        node: Any = loader.get_single_node()
        if node is None:
            return {}, {}
        value: Any = loader.construct_document(node)
        if not isinstance(node, yaml.MappingNode):
            raise YamlRejected("it is not a mapping of keys to values")
        lines = {str(key.value): _line(text, key.start_mark) for key, _ in node.value}
        return {str(key): inner for key, inner in value.items()}, lines
    finally:
        loader.dispose()
