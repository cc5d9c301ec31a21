"""Values of GraphQL answers: connections with their limits, errors of a field, and what is looked up late.

https://docs.github.com/en/graphql/guides/using-pagination-in-the-graphql-api
"""

import base64
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from github_sandbox.errors import ApiError
from github_sandbox.rendering import node_id
from github_sandbox.state import Account, Json

if TYPE_CHECKING:
    from graphql import GraphQLResolveInfo

    from github_sandbox.repository import Repository

CONNECTION_MAX = 100


class QueryError(Exception):
    """An error of one field; `type` is GitHub's word for it."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.type = kind


def refused() -> QueryError:
    """What an App hears that lacks a permission."""
    return QueryError("FORBIDDEN", "Resource not accessible by integration")


def connection(name: str, items: Sequence[Any], view: Callable[[Any], Json]) -> Callable[..., Json]:
    """A connection; GitHub wants `first` or `last`, of 1 to 100, for more than its count.

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
    """A count alone needs no bounds."""
    from graphql import FieldNode

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
    """A field without arguments that is looked up only when it is asked for."""

    def resolve(_info: object, **_given: object) -> object:
        return look_up()

    return resolve


def account_view(repo: "Repository", account: Account) -> Json:
    """`Actor`; the login of a bot has no `[bot]` here, other than in REST."""
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
    """The REST error of a verb, in GraphQL's words."""
    kind = {404: "NOT_FOUND", 403: "FORBIDDEN"}.get(error.status, "UNPROCESSABLE")
    return QueryError(kind, error.message)
