"""Checks GraphQL documents against GitHub's published schema, through the stand-in's part of it.

`test_published.py` shows that it is a part: what is valid here is valid for the whole.
"""

from graphql import GraphQLSyntaxError

from github_sandbox.graphql_api import faults_of, parsed


def check_document(text: str) -> list[str]:
    """The errors of a document; an empty list for a valid one."""
    try:
        parsed(text)
    except GraphQLSyntaxError as error:
        return [str(error.message)]
    return [error.message for error in faults_of(text)]
