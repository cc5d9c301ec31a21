"""Read the issues that a pull request closes or names. An issue that cannot be read never stops a review.

https://docs.github.com/en/issues/tracking-your-work-with-issues/linking-a-pull-request-to-an-issue
"""

import logging
import re

from githubkit.graphql import GraphQLError

from app.domain.pull_request import LinkedIssue, PullRequestRef
from app.errors import GitHubError, GitHubRateLimited
from app.github import graphql
from app.github.client import RepositoryClient
from app.github.pull_node import Node, child

CLOSING = "closingIssuesReferences"
MAX_NAMED = 5
UNREAD_ISSUES = (
    "The issues of this pull request were not read, because the App lacks the permission `issues: read`."
)
_NAMED = re.compile(r"(?<![\w/#&;])#([1-9]\d{0,8})\b")

_log = logging.getLogger(__name__)


def is_refused(error: GraphQLError) -> bool:
    """Whether the error is about issues that the App may not read."""
    return CLOSING in (error.path or ())


def named_numbers(ref: PullRequestRef, text: str) -> list[int]:
    """Return the numbers that a title and a description name as `#N`, in order, without the pull request's own."""
    numbers = dict.fromkeys(map(int, _NAMED.findall(text)))
    return [number for number in numbers if number != ref.number][:MAX_NAMED]


async def read_issues(client: RepositoryClient, ref: PullRequestRef, pull: Node) -> tuple[LinkedIssue, ...]:
    """Return the issues of this repository that the pull request closes, then those that it names."""
    nodes = child(pull, CLOSING).get("nodes") or ()
    closing = [
        _issue(node, closes=True)
        for node in nodes
        if node and child(node, "repository").get("nameWithOwner", "").lower() == ref.repository.lower()
    ]
    known = {each.number for each in closing}
    named = [
        number
        for number in named_numbers(ref, f"{pull['title']}\n{pull['body'] or ''}")
        if number not in known
    ]
    if not named or pull.get(CLOSING) is None:  # None: the App may not read issues, or GraphQL is unavailable
        return tuple(closing)
    return (*closing, *await _fetch(client, ref, named))


async def _fetch(client: RepositoryClient, ref: PullRequestRef, numbers: list[int]) -> list[LinkedIssue]:
    variables = {"owner": ref.owner, "name": ref.repo} | {f"i{n}": number for n, number in enumerate(numbers)}
    try:
        data, _ = await client.graphql_partly(  # a number that is no issue is an error of its own
            graphql.issues(len(numbers)), variables, to=f"read the issues that {ref} names"
        )
    except GitHubRateLimited:
        raise
    except GitHubError as error:
        _log.warning("Continuing without the issues that %s names: %s", ref, error)
        return []
    nodes = [node for node in child(data, "repository").values() if node]
    return [_issue(node, closes=False) for node in nodes]


def _issue(node: Node, *, closes: bool) -> LinkedIssue:
    return LinkedIssue(number=node["number"], title=node["title"], body=node["body"] or "", closes=closes)
