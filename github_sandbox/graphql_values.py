"""GraphQL values: connections with their limits, errors of a field, fields that are resolved late, and code.

https://docs.github.com/en/graphql/guides/using-pagination-in-the-graphql-api
"""

import base64
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from graphql import FieldNode, GraphQLResolveInfo

from github_sandbox.errors import ApiError
from github_sandbox.model import RepositoryState
from github_sandbox.state import Account, Json, node_id, timestamp
from github_sandbox.tokens import Actor

CONNECTION_MAX = 100


class QueryError(Exception):
    """An error of one field; `type` is GitHub's name for it."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.type = kind


def refused() -> QueryError:
    """Return the error for an App that lacks a permission."""
    return QueryError("FORBIDDEN", "Resource not accessible by integration")


def connection(name: str, items: Sequence[Any], view: Callable[[Any], Json]) -> Callable[..., Json]:
    """Build a connection; GitHub requires `first` or `last`, 1 to 100, for anything but the count.

    https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api#node-limit
    """

    def resolve(info: "GraphQLResolveInfo[Any]", **arguments: Any) -> Json:  # noqa: ANN401 - what a query gives
        first: int | None = arguments.get("first")
        last: int | None = arguments.get("last")
        size = last if first is None else first
        if size is None and not _asks_for_rows(info):
            size = first = 0
        if size is None:
            raise QueryError(
                "MISSING_PAGINATION_BOUNDARIES",
                f"You must provide a `first` or `last` value to properly paginate the `{name}` connection.",
            )
        if not 0 <= size <= CONNECTION_MAX:
            raise QueryError(
                "EXCESSIVE_PAGINATION",
                f"Requesting {size} records on the `{name}` connection exceeds the `first` limit of 100 records.",
            )
        start, stop = _bounds(len(items), first, last, arguments)
        return {
            "totalCount": len(items),
            "nodes": [view(item) for item in items[start:stop]],
            "pageInfo": _page_info(start, stop, len(items)),
        }

    return resolve


def _asks_for_rows(info: "GraphQLResolveInfo[Any]") -> bool:
    """Whether the query asks for more than the count, which needs no limit."""
    parts = [
        part for node in info.field_nodes if node.selection_set for part in node.selection_set.selections
    ]
    return any(not isinstance(part, FieldNode) or part.name.value != "totalCount" for part in parts)


def _bounds(total: int, first: int | None, last: int | None, arguments: Json) -> tuple[int, int]:
    low = _index(arguments["after"]) + 1 if arguments.get("after") else 0
    high = _index(arguments["before"]) if arguments.get("before") else total
    if first is not None:
        return low, min(high, low + first)
    return max(low, high - (last or 0)), high


def _cursor(index: int) -> str:
    return base64.b64encode(f"cursor:{index}".encode()).decode()


def _index(cursor: str) -> int:
    try:
        return int(base64.b64decode(cursor).decode().removeprefix("cursor:"))
    except ValueError as error:
        raise QueryError(
            "INVALID_CURSOR_ARGUMENTS", f"`{cursor}` does not appear to be a valid cursor."
        ) from error


def _page_info(start: int, stop: int, total: int) -> Json:
    has_rows = start < stop
    return {
        "hasNextPage": stop < total,
        "hasPreviousPage": start > 0,
        "startCursor": _cursor(start) if has_rows else None,
        "endCursor": _cursor(stop - 1) if has_rows else None,
    }


def later(look_up: Callable[[], object]) -> Callable[..., object]:
    """Build a field without arguments that is resolved only on request."""

    def resolve(_info: object, **_given: object) -> object:
        return look_up()

    return resolve


def account_view(repo: RepositoryState, account: Account) -> Json:
    """Resolve `Actor`; unlike in REST, the login of a bot has no `[bot]`."""
    login = account.login.removesuffix("[bot]")
    html = repo.hub.urls.html
    return {
        "__typename": account.type,
        "id": node_id("U", account.id),
        "login": login,
        "name": login,
        "url": f"{html}/{login}",
        "resourcePath": f"/{login}",
        "avatarUrl": f"{html}/avatars/{account.id}",
    }


def as_query_error(error: ApiError) -> QueryError:
    """Convert a REST error to a GraphQL error."""
    kind = {404: "NOT_FOUND", 403: "FORBIDDEN"}.get(error.status, "UNPROCESSABLE")
    return QueryError(kind, error.message)


TEXT_LIMIT_BYTES = 512_000
_BINARY_PROBE_BYTES = 8_000


class CodeViews:
    """What one actor sees of the code; all of it needs `contents: read`."""

    def __init__(self, actor: Actor) -> None:
        self._actor = actor

    def ref_of(self, repo: RepositoryState, _info: object, **given: str) -> Json | None:
        """Resolve `Repository.ref(qualifiedName:)`."""
        return self.ref(repo, given["qualifiedName"].removeprefix("refs/heads/"))

    def object_of(self, repo: RepositoryState, _info: object, **given: str) -> Json | None:
        """Resolve `Repository.object(expression:)`: a commit, or with `commit:path` a file."""
        self._require(repo)
        name, _, path = (given.get("oid") or given.get("expression") or "").partition(":")
        sha = repo.git.resolve(repo.default_branch if name in ("", "HEAD") else name)
        if sha is None:
            return None
        return self._blob(repo, sha, path) if path else self.commit(repo, sha)

    def _require(self, repo: RepositoryState) -> None:
        if not self._actor.may("contents:read", repo):
            raise refused()

    def ref(self, repo: RepositoryState, branch: str) -> Json | None:
        """Resolve `Ref`; None for a deleted branch."""
        sha = repo.git.resolve(f"refs/heads/{branch}")
        if sha is None:
            return None
        return {
            "__typename": "Ref",
            "id": f"REF_{branch}",
            "name": branch,
            "prefix": "refs/heads/",
            "target": later(lambda: self.commit(repo, sha)),
        }

    def commit(self, repo: RepositoryState, sha: str) -> Json:
        """Resolve `Commit`."""
        commit = repo.git.commit_of(sha)
        return {
            "__typename": "Commit",
            "id": f"C_{sha}",
            "oid": sha,
            "abbreviatedOid": sha[:7],
            "message": commit.message,
            "messageHeadline": commit.message.split("\n", 1)[0],
            "committedDate": timestamp(commit.at),
            "file": partial(self._file, repo, sha),
            "history": partial(self._history, repo, sha),
            "blame": partial(self._blame, repo, sha),
            "tree": {
                "__typename": "Tree",
                "id": f"T_{commit.tree}",
                "oid": commit.tree,
                "abbreviatedOid": commit.tree[:7],
                "entries": later(lambda: [self._entry(repo, sha, path) for path in repo.git.tree(sha)]),
            },
        }

    def _file(self, repo: RepositoryState, sha: str, _info: object, path: str) -> Json | None:
        return self._entry(repo, sha, path)

    def _history(
        self,
        repo: RepositoryState,
        sha: str,
        info: "GraphQLResolveInfo[Any]",
        path: str | None = None,
        **arguments: object,
    ) -> Json:
        """Resolve `Commit.history`: https://docs.github.com/en/graphql/reference/objects#commit"""
        self._require(repo)
        commits = repo.git.history(sha, path)
        return connection("history", commits, lambda each: self.commit(repo, each))(info, **arguments)

    def _blame(self, repo: RepositoryState, sha: str, _info: object, path: str) -> Json:
        """Resolve `Commit.blame`: https://docs.github.com/en/graphql/reference/objects#blame"""
        self._require(repo)
        if path not in repo.git.tree(sha):
            raise QueryError("NOT_FOUND", f"Could not resolve to a file with the path '{path}'.")
        ranges = repo.git.blame(sha, path)
        return {
            "ranges": [
                {"startingLine": start, "endingLine": end, "commit": self.commit(repo, each)}
                for start, end, each in ranges
            ]
        }

    def _entry(self, repo: RepositoryState, sha: str, path: str) -> Json | None:
        self._require(repo)
        entry = repo.git.tree(sha).get(path)
        if entry is None:
            return None
        return {
            "name": path.rsplit("/", 1)[-1],
            "path": path,
            "mode": int(entry.mode, 8),
            "type": entry.kind,
            "oid": entry.sha,
            "size": entry.size or 0,
            "extension": path.rpartition(".")[2],
            "isGenerated": False,
            "object": later(lambda: self._blob(repo, sha, path)),
        }

    def _blob(self, repo: RepositoryState, sha: str, path: str) -> Json | None:
        data = repo.git.file(sha, path)
        if data is None:
            return None
        blob = repo.git.tree(sha)[path].sha
        is_binary = b"\0" in data[:_BINARY_PROBE_BYTES]
        return {
            "__typename": "Blob",
            "id": f"B_{blob}",
            "oid": blob,
            "abbreviatedOid": blob[:7],
            "byteSize": len(data),
            "isBinary": is_binary,
            "isTruncated": len(data) > TEXT_LIMIT_BYTES,
            "text": None if is_binary else data[:TEXT_LIMIT_BYTES].decode("utf-8", "replace"),
        }
