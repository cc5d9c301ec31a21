"""The same reads without GraphQL, for servers and proxies that do not let it through: more calls, same nodes. Reads only.

What only GraphQL tells is missing: whether a thread is resolved, and the ids with which it could be.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from app.domain.pull_request import PullRequestRef
from app.github.client import RepositoryClient
from app.github.contents import fetch_file

Node = dict[str, Any]
PER_PAGE = 100
MAX_PAGES = 30

_Lister = Callable[[int], Awaitable[list[Node]]]


async def fetch_pull_node(client: RepositoryClient, ref: PullRequestRef, base_paths: Sequence[str]) -> Node:
    """The pull request, the base branch's files and Quorum's own words, shaped as the `Snapshot` query shapes them."""
    asked = client.rest.pulls.async_get(client.owner, client.repo, ref.number)
    pull: Node = dict(await client.fetch(asked, to=f"read {ref}"))
    contents, threads, comments = await asyncio.gather(
        asyncio.gather(*(fetch_file(client, path, commit=pull["base"]["sha"]) for path in base_paths)),
        fetch_connection(client, ref, "reviewThreads"),
        fetch_connection(client, ref, "comments"),
    )
    files = {f"p{index}": _file_node(content) for index, content in enumerate(contents)}
    head_repository = pull["head"].get("repo")
    return {
        "title": pull["title"],
        "body": pull.get("body") or "",
        "state": pull["state"].upper(),
        "isDraft": bool(pull.get("draft")),
        "changedFiles": pull.get("changed_files", 0),
        "author": _author(pull.get("user")),
        "labels": {"nodes": [{"name": label["name"]} for label in pull.get("labels", ())]},
        "baseRefName": pull["base"]["ref"],
        "baseRefOid": pull["base"]["sha"],
        "headRefName": pull["head"]["ref"],
        "headRefOid": pull["head"]["sha"],
        "headRepository": {"nameWithOwner": head_repository["full_name"]} if head_repository else None,
        "baseRef": {"target": {"oid": pull["base"]["sha"], **files}},
        "reviewThreads": threads,
        "comments": comments,
    }


async def fetch_connection(client: RepositoryClient, ref: PullRequestRef, connection: str) -> Node:
    """All nodes of `reviewThreads`, `comments` or `reviews`, as one page."""
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


async def _list(client: RepositoryClient, asked: Awaitable[Any], ref: PullRequestRef) -> list[Node]:
    return [dict(row) for row in await client.fetch(asked, to=f"read the comments of {ref}")]


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


def _author(user: Node | None) -> Node | None:
    return {"login": user["login"], "__typename": user.get("type", "User")} if user else None


def _comment(row: Node, own_login: str) -> Node:
    author = _author(row.get("user"))
    return {
        "id": row.get("node_id", ""),
        "fullDatabaseId": str(row["id"]),
        "body": row.get("body") or "",
        "viewerDidAuthor": author is not None and author["login"].lower() == own_login.lower(),
        "author": author,
        "reactionGroups": [],
    }


def _threads(rows: list[Node], own_login: str) -> list[Node]:
    """Review comments by the comment that they answer."""
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
