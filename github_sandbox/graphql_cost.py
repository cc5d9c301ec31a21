"""What a query costs, as GitHub predicts it: one request for each connection, times the sizes of those around it, by 100.

https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api#predicting-the-point-value-of-a-query
"""

from collections.abc import Mapping
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
)

REQUESTS_PER_POINT = 100
_SIZES = ("first", "last")


def points_of(document: DocumentNode, variables: Mapping[str, Any]) -> int:
    """The points of a valid document; at least one."""
    fragments = {
        each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)
    }
    operations = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    counted = _Count(fragments, variables)
    requests = sum(counted.requests(each.selection_set, 1) for each in operations)
    return max(1, round(requests / REQUESTS_PER_POINT))


class _Count:
    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode], variables: Mapping[str, Any]) -> None:
        self._fragments = fragments
        self._variables = variables

    def requests(self, selected: SelectionSetNode | None, times: int) -> int:
        """How many requests the connections below make, if the node above is read this often."""
        total = 0
        for node in selected.selections if selected else ():
            if isinstance(node, FragmentSpreadNode):
                total += self.requests(self._fragments[node.name.value].selection_set, times)
            elif isinstance(node, FieldNode):
                size = self._size(node)
                total += (times if size else 0) + self.requests(node.selection_set, times * (size or 1))
            else:
                total += self.requests(node.selection_set, times)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownArgumentType] - an inline fragment
        return total

    def _size(self, field: FieldNode) -> int | None:
        """The largest page of a connection; None for other fields."""
        for argument in field.arguments or ():
            if argument.name.value in _SIZES:
                value = argument.value
                if isinstance(value, IntValueNode):
                    return int(value.value)
                if isinstance(value, VariableNode):
                    return int(self._variables[value.name.value])
        return None
