"""The history of a file or of some of its lines, as GitHub answers it: date and subject of the last commits, no names.

The fetched head has no history, so this takes one query. https://docs.github.com/en/graphql/reference/objects#commit
"""

import asyncio
import logging
from collections.abc import Iterable

from app.domain.pull_request import PastCommit
from app.errors import GitHubError
from app.github import graphql
from app.github.client import RepositoryClient
from app.github.git_tree import MAX_COMMITS, MAX_SUBJECT_CHARACTERS
from app.github.pull_node import Node, child

MAX_QUERIES = 12  # of one review
TIMEOUT_S = 10.0

_log = logging.getLogger(__name__)


class PastCommits:
    """Queries the history of one head, a limited number of times."""

    def __init__(self, client: RepositoryClient, *, head_sha: str) -> None:
        self._client = client
        self._head_sha = head_sha
        self._left = MAX_QUERIES

    async def read(self, path: str, lines: tuple[int, int] | None) -> list[PastCommit] | None:
        """The last commits that touched the file, or that these lines are from; None if GitHub does not say."""
        if self._left <= 0:
            return None
        self._left -= 1
        try:
            async with asyncio.timeout(TIMEOUT_S):
                nodes = await self._blamed(path, lines) if lines else await self._touching(path)
        except (GitHubError, TimeoutError) as error:
            _log.warning("Cannot read the history of a file: %s", error)
            return None
        return [_past_commit(node) for node in nodes]

    async def _touching(self, path: str) -> list[Node]:
        commit = await self._query(graphql.HISTORY, {"path": path, "first": MAX_COMMITS})
        return [node for node in child(commit, "history").get("nodes") or () if node]

    async def _blamed(self, path: str, lines: tuple[int, int]) -> list[Node]:
        commit = await self._query(graphql.BLAME, {"path": path})
        start, end = lines
        ranges = child(commit, "blame").get("ranges") or ()
        touching = (each for each in ranges if each["startingLine"] <= end and start <= each["endingLine"])
        return _newest_first(each["commit"] for each in touching)[:MAX_COMMITS]

    async def _query(self, document: str, variables: Node) -> Node:
        where = {"owner": self._client.owner, "name": self._client.repo, "head": self._head_sha}
        data = await self._client.graphql(document, where | variables, to="read the history of a file")
        return child(child(data, "repository"), "object")


def _newest_first(commits: Iterable[Node]) -> list[Node]:
    once = {each["oid"]: each for each in commits}
    return sorted(once.values(), key=lambda each: str(each["committedDate"]), reverse=True)


def _past_commit(node: Node) -> PastCommit:
    subject = str(node["messageHeadline"])[:MAX_SUBJECT_CHARACTERS]
    return PastCommit(date=str(node["committedDate"])[:10], subject=subject)
