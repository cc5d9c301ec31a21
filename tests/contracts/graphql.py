"""Holds GraphQL documents against GitHub's published schema, by way of the stand-in's part of it.

`test_graphql.py` shows that the part is a part: whatever is valid here is valid for the whole.
"""

from graphql import GraphQLSyntaxError

from github_sandbox.graphql_api import faults_of, parsed


def check_document(text: str) -> list[str]:
    """What is wrong with a document; an empty list for a valid one."""
    try:
        parsed(text)
    except GraphQLSyntaxError as error:
        return [str(error.message)]
    return [error.message for error in faults_of(text)]
