"""Checks GraphQL documents against GitHub's published schema, through the stand-in's part of it.

`test_published.py` shows that it is a part: what is valid here is valid for the whole.
"""

from graphql import GraphQLSyntaxError, parse, print_ast
from graphql.language import ast

from github_sandbox.graphql_api import faults_of, parsed

_Fielded = ast.ObjectTypeDefinitionNode | ast.InterfaceTypeDefinitionNode | ast.InputObjectTypeDefinitionNode


def check_document(text: str) -> list[str]:
    """The errors of a document; an empty list for a valid one."""
    try:
        parsed(text)
    except GraphQLSyntaxError as error:
        return [str(error.message)]
    return [error.message for error in faults_of(text)]


def definitions(text: str) -> dict[str, ast.TypeDefinitionNode]:
    """Name to definition of each type of a schema."""
    return {d.name.value: d for d in parse(text).definitions if isinstance(d, ast.TypeDefinitionNode)}


def members(node: ast.TypeDefinitionNode) -> dict[str, tuple[str, dict[str, str]]]:
    """Name to (type, arguments) of fields and values."""
    if isinstance(node, ast.EnumTypeDefinitionNode):
        return {value.name.value: ("", {}) for value in node.values or ()}
    if not isinstance(node, _Fielded):
        return {}
    return {
        field.name.value: (
            print_ast(field.type),
            {a.name.value: print_ast(a.type) for a in getattr(field, "arguments", None) or ()},
        )
        for field in node.fields or ()
    }
