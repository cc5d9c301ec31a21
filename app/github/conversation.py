"""Quorum's own words on a pull request, read back: threads, comments, reviews. Reads only.

"Own" is what GitHub says the asking credential wrote (`viewerDidAuthor`): a marker that somebody copies counts for nothing.
"""

import logging
from typing import Any

from app.domain.publication import MarkerKind, parse_marker
from app.domain.pull_request import PullRequestRef, Reply, Thread
from app.errors import GitHubError, GitHubRateLimited
from app.github.client import RepositoryClient
from app.github.without_graphql import fetch_connection

_log = logging.getLogger(__name__)

Node = dict[str, Any]


def variables_of(ref: PullRequestRef) -> dict[str, Any]:
    """The variables that name a pull request."""
    return {"owner": ref.owner, "name": ref.repo, "number": ref.number}


def child(node: Node, field: str) -> Node:
    """An object inside another; empty where GitHub says null."""
    return node.get(field) or {}


async def fetch_nodes(
    client: RepositoryClient,
    ref: PullRequestRef,
    *,
    document: str,
    connection: str,
    first: Node | None = None,
) -> list[Node]:
    """All nodes of one of the pull request's connections; `first` is its first page where that is there already."""
    nodes: list[Node] = []
    page = first or await _fetch_first_page(client, ref, document=document, connection=connection)
    while page["pageInfo"]["hasNextPage"]:
        nodes += page["nodes"]
        after = page["pageInfo"]["endCursor"]
        page = await _fetch_page(client, ref, document=document, connection=connection, after=after)
    return nodes + page["nodes"]


async def _fetch_first_page(
    client: RepositoryClient, ref: PullRequestRef, *, document: str, connection: str
) -> Node:
    try:
        return await _fetch_page(client, ref, document=document, connection=connection, after=None)
    except GitHubRateLimited:
        raise
    except GitHubError as error:
        _log.warning("Going on without GraphQL: %s", error)
        return await fetch_connection(client, ref, connection)


async def _fetch_page(
    client: RepositoryClient, ref: PullRequestRef, *, document: str, connection: str, after: str | None
) -> Node:
    data = await client.graphql(
        document, variables_of(ref) | {"after": after}, to=f"read the {connection} of {ref}"
    )
    return data["repository"]["pullRequest"][connection]


def is_own(comment: Node, kind: MarkerKind) -> bool:
    """Whether Quorum wrote this, as that."""
    marked = parse_marker(comment["body"])
    return bool(comment["viewerDidAuthor"]) and marked is not None and marked[0] is kind


def parse_thread(node: Node) -> Thread | None:
    """A thread that begins with a finding of Quorum's; None for everybody else's."""
    comments: list[Node] = node["comments"]["nodes"]
    marked = parse_marker(comments[0]["body"]) if comments and comments[0]["viewerDidAuthor"] else None
    if marked is None or marked[0] not in (MarkerKind.FINDING, MarkerKind.FILE):
        return None
    first, *answers = comments
    return Thread(
        node_id=node["id"],
        comment_id=int(first["fullDatabaseId"]),
        comment_node_id=first["id"],
        fingerprint=marked[1],
        path=node["path"],
        line=node["line"],
        is_resolved=node["isResolved"],
        is_outdated=node["isOutdated"],
        replies=tuple(map(_parse_reply, answers)),
        thumbs_up=_reactions(first, "THUMBS_UP"),
        thumbs_down=_reactions(first, "THUMBS_DOWN"),
    )


def _reactions(comment: Node, content: str) -> int:
    groups: list[Node] = comment.get("reactionGroups") or []
    return sum(group["reactors"]["totalCount"] for group in groups if group["content"] == content)


def _parse_reply(comment: Node) -> Reply:
    author = comment["author"] or {"login": "ghost", "__typename": "User"}  # null: the account is gone
    return Reply(author=author["login"], author_is_bot=author["__typename"] == "Bot", body=comment["body"])
