"""Read Quorum's own threads, comments and reviews on a pull request, through GraphQL or, if it is unavailable, REST.

"Own" means that GitHub says the credential wrote it (`viewerDidAuthor`): a copied marker does not count. REST takes more
requests, and lacks whether a thread is resolved and the ids to resolve it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from app.domain.publication import MarkerKind, parse_marker
from app.domain.pull_request import PullRequestRef, Reply, Thread
from app.errors import GitHubError, GitHubRateLimited
from app.github import graphql
from app.github.client import RepositoryClient
from app.github.contents import fetch_file
from app.github.pull_node import Node, author_of_rest, child, node_of_rest

_log = logging.getLogger(__name__)


def variables_of(ref: PullRequestRef) -> dict[str, Any]:
    """Return the query variables of a pull request."""
    return {"owner": ref.owner, "name": ref.repo, "number": ref.number}


async def fetch_nodes(
    client: RepositoryClient,
    ref: PullRequestRef,
    *,
    document: str,
    connection: str,
    first: Node | None = None,
) -> list[Node]:
    """Fetch all nodes of a connection of the pull request; `first` is its first page if already known."""
    nodes: list[Node] = []
    page = first or await _fetch_first_page(client, ref, document=document, connection=connection)
    while page["pageInfo"]["hasNextPage"]:
        nodes += page["nodes"]
        after = page["pageInfo"]["endCursor"]
        page = await _fetch_page(client, ref, document=document, connection=connection, after=after)
    return nodes + page["nodes"]


async def complete_threads(client: RepositoryClient, ref: PullRequestRef, threads: Sequence[Node]) -> None:
    """Add the comments of long threads that their first page lacks."""
    for thread in threads:
        page = thread["comments"].get("pageInfo")
        while page and page["hasNextPage"]:
            variables = {"thread": thread["id"], "after": page["endCursor"]}
            data = await client.graphql(graphql.THREAD_COMMENTS, variables, to=f"read a thread of {ref}")
            more = child(data, "node").get("comments")
            if not more:  # the thread was deleted meanwhile
                break
            thread["comments"]["nodes"] += more["nodes"]
            page = more["pageInfo"]


async def _fetch_first_page(
    client: RepositoryClient, ref: PullRequestRef, *, document: str, connection: str
) -> Node:
    try:
        return await _fetch_page(client, ref, document=document, connection=connection, after=None)
    except GitHubRateLimited:
        raise
    except GitHubError as error:
        _log.warning("Continuing without GraphQL: %s", error)
        return await fetch_connection(client, ref, connection)


async def _fetch_page(
    client: RepositoryClient, ref: PullRequestRef, *, document: str, connection: str, after: str | None
) -> Node:
    data = await client.graphql(
        document, variables_of(ref) | {"after": after}, to=f"read the {connection} of {ref}"
    )
    return data["repository"]["pullRequest"][connection]


def is_own(comment: Node, kind: MarkerKind) -> bool:
    """Whether Quorum wrote this comment, with a marker of this kind."""
    marked = parse_marker(comment["body"])
    return bool(comment["viewerDidAuthor"]) and marked is not None and marked[0] is kind


def parse_thread(node: Node) -> Thread | None:
    """Parse a thread that starts with a finding of Quorum; None for other threads."""
    comments: list[Node] = node["comments"]["nodes"]
    marked = parse_marker(comments[0]["body"]) if comments and comments[0]["viewerDidAuthor"] else None
    if marked is None or marked[0] not in (MarkerKind.FINDING, MarkerKind.FILE):
        return None
    first, *answers = comments
    opening = child(node, "opening").get("nodes") or comments
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
        thumbs_up=_reactions(opening[0], "THUMBS_UP"),
        thumbs_down=_reactions(opening[0], "THUMBS_DOWN"),
    )


def _reactions(comment: Node, content: str) -> int:
    groups: list[Node] = comment.get("reactionGroups") or []
    return sum(group["reactors"]["totalCount"] for group in groups if group["content"] == content)


def _parse_reply(comment: Node) -> Reply:
    author = comment["author"] or {"login": "ghost", "__typename": "User"}  # null: the account was deleted
    return Reply(author=author["login"], author_is_bot=author["__typename"] == "Bot", body=comment["body"])


PER_PAGE = 100
MAX_PAGES = 30

_Lister = Callable[[int], Awaitable[list[Node]]]


async def fetch_pull_node(client: RepositoryClient, ref: PullRequestRef, base_paths: Sequence[str]) -> Node:
    """Fetch through REST what the `Snapshot` query returns, in the same shape."""
    request = client.rest.pulls.async_get(client.owner, client.repo, ref.number)
    pull: Node = dict(await client.fetch(request, to=f"read {ref}"))
    contents, threads, comments = await asyncio.gather(
        asyncio.gather(*(fetch_file(client, path, commit=pull["base"]["sha"]) for path in base_paths)),
        fetch_connection(client, ref, "reviewThreads"),
        fetch_connection(client, ref, "comments"),
    )
    files = {f"p{index}": _file_node(content) for index, content in enumerate(contents)}
    node = node_of_rest(pull)
    node["baseRef"]["target"] |= files
    return node | {"reviewThreads": threads, "comments": comments}


async def fetch_connection(client: RepositoryClient, ref: PullRequestRef, connection: str) -> Node:
    """Fetch all nodes of `reviewThreads`, `comments` or `reviews` through REST, as one page."""
    place = (client.owner, client.repo, ref.number)
    listers: dict[str, _Lister] = {
        "reviewThreads": lambda page: _list(
            client, client.rest.pulls.async_list_review_comments(*place, per_page=PER_PAGE, page=page), ref
        ),
        "comments": lambda page: _list(
            client, client.rest.issues.async_list_comments(*place, per_page=PER_PAGE, page=page), ref
        ),
        "reviews": lambda page: _list(
            client, client.rest.pulls.async_list_reviews(*place, per_page=PER_PAGE, page=page), ref
        ),
    }
    rows = await _all(listers[connection])
    own = await client.own_login() if rows else ""
    nodes = _threads(rows, own) if connection == "reviewThreads" else [_comment(row, own) for row in rows]
    return {"pageInfo": {"hasNextPage": False, "endCursor": None}, "nodes": nodes}


async def _list(client: RepositoryClient, request: Awaitable[Any], ref: PullRequestRef) -> list[Node]:
    return [dict(row) for row in await client.fetch(request, to=f"read the comments of {ref}")]


async def _all(lister: _Lister) -> list[Node]:
    rows: list[Node] = []
    for page in range(1, MAX_PAGES + 1):
        found = await lister(page)
        rows += found
        if len(found) < PER_PAGE:
            break
    return rows


def _file_node(content: bytes | None) -> Node | None:
    if content is None:
        return None
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = None
    blob = {"text": text, "byteSize": len(content), "isBinary": text is None, "isTruncated": False}
    return {"object": blob}


def _comment(row: Node, own_login: str) -> Node:
    author = author_of_rest(row.get("user"))
    return {
        "id": row.get("node_id", ""),
        "fullDatabaseId": str(row["id"]),
        "body": row.get("body") or "",
        "viewerDidAuthor": author is not None and author["login"].lower() == own_login.lower(),
        "author": author,
        "reactionGroups": [],
    }


def _threads(rows: list[Node], own_login: str) -> list[Node]:
    """Group review comments into threads."""
    threads: dict[int, Node] = {}
    for row in sorted(rows, key=lambda each: each["id"]):
        root = row.get("in_reply_to_id") or row["id"]
        if root not in threads:
            threads[root] = {
                "id": "",
                "isResolved": False,
                "isOutdated": row.get("line") is None and row.get("subject_type") != "file",
                "path": row["path"],
                "line": row.get("line"),
                "comments": {"nodes": []},
            }
        threads[root]["comments"]["nodes"].append(_comment(row, own_login))
    return list(threads.values())
