"""Parse a small YAML mapping from an untrusted author: no aliases, no duplicate keys, limited size and depth.

Uses the pure Python SafeLoader, because the C loader crashes the process on deep nesting. `off`, `no` and dates stay
text, as in YAML 1.2. Raises only `YamlRejected`.
"""

import re
from collections.abc import Hashable
from typing import Any, cast

import yaml

from app.errors import YamlRejected

MAX_BYTES = 16_384
MAX_DEPTH = 8

_KEPT_TAGS = frozenset(f"tag:yaml.org,2002:{kind}" for kind in ("null", "int", "float"))
_BOOLEAN = re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$")


class _Loader(yaml.SafeLoader):
    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):  # pyright: ignore[reportUnknownMemberType]
            raise YamlRejected("aliases are not allowed")
        event = cast("object", self.peek_event())  # pyright: ignore[reportUnknownMemberType]
        if getattr(event, "tag", None) is not None:
            raise YamlRejected("tags are not allowed")
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise YamlRejected(f"it is nested deeper than {MAX_DEPTH} levels")
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [key.value for key, _ in node.value]
        twice = next((key for key in keys if keys.count(key) > 1), None)
        if twice is not None:
            raise YamlRejected(f"the key {str(twice)[:60]!r} is duplicated")
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag in _KEPT_TAGS]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(  # pyright: ignore[reportUnknownMemberType]
    "tag:yaml.org,2002:bool", _BOOLEAN, list("tTfF")
)


def parse_mapping(raw: bytes) -> tuple[dict[str, Any], dict[str, int]]:
    """Return the mapping and the line number of each key, from 1.

    Raises:
        YamlRejected: the text is not valid; the message is a clause.
    """
    if len(raw) > MAX_BYTES:
        raise YamlRejected(f"it is larger than {MAX_BYTES} bytes")
    try:
        return _parse(raw.decode("utf-8-sig"))
    except YamlRejected:
        raise
    except UnicodeDecodeError as error:
        raise YamlRejected("it is not UTF-8") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise YamlRejected(f"it is not YAML: {error.problem} (line {line})") from error
    except (
        yaml.YAMLError,
        RecursionError,
        ValueError,
    ) as error:  # ValueError: numbers of thousands of digits
        raise YamlRejected("it is not readable YAML") from error


def _parse(text: str) -> tuple[dict[str, Any], dict[str, int]]:
    loader: Any = _Loader(text)
    try:
        node: Any = loader.get_single_node()
        if node is None:
            return {}, {}
        value: Any = loader.construct_document(node)
        if not isinstance(node, yaml.MappingNode):
            raise YamlRejected("it is not a mapping of keys to values")
        lines = {str(key.value): key.start_mark.line + 1 for key, _ in node.value}
        return {str(key): inner for key, inner in value.items()}, lines
    finally:
        loader.dispose()
