"""One request to the stand-in: its actor, repository and body, and the pages of lists."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from starlette.datastructures import URL
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from github_sandbox.errors import ApiError, not_found
from github_sandbox.hub import Hub
from github_sandbox.repository import Pull, Repository
from github_sandbox.state import Account, Json
from github_sandbox.tokens import Actor, require

PER_PAGE = 30
PER_PAGE_MAX = 100


@dataclass
class Call:
    """A request with its actor. Not frozen: its parts are looked up on first use."""

    hub: Hub
    request: Request
    actor: Actor
    raw_body: bytes
    needs: str
    operations: list[str] = field(default_factory=list[str])
    points: int = 0  # of a GraphQL query

    @cached_property
    def body(self) -> Json:
        """The JSON object of the request; 400 for anything else."""
        if not self.raw_body:
            return {}
        try:
            body: Any = json.loads(self.raw_body)
        except ValueError as error:
            raise ApiError(400, "Problems parsing JSON") from error
        if not isinstance(body, dict):
            raise ApiError(400, "Body should be a JSON object")
        return body  # pyright: ignore[reportUnknownVariableType] - an object of JSON

    def text(self, name: str) -> str:
        """A text in the path."""
        return str(self.request.path_params[name])

    def number(self, name: str) -> int:
        """A number in the path."""
        return int(self.request.path_params[name])

    @property
    def query(self) -> Mapping[str, str]:
        """The query parameters."""
        return self.request.query_params

    @property
    def accept(self) -> str:
        """The accepted media type."""
        return self.request.headers.get("accept", "")

    @property
    def account(self) -> Account:
        """The account as which the actor writes."""
        if self.actor.account is None:
            raise ApiError(401, "Requires authentication")
        return self.actor.account

    @cached_property
    def repository(self) -> Repository:
        """The repository of the path, if the actor reaches it and has the permission."""
        repository = self.hub.repository(f"{self.text('owner')}/{self.text('repo')}")
        if not self.actor.covers(repository):
            raise not_found()
        if ":" in self.needs:
            require(self.actor, self.needs, repository)
        if repository.archived and self.needs.endswith(":write"):
            raise ApiError(403, "Repository was archived so is read-only.")
        return repository

    @cached_property
    def pull(self) -> Pull:
        """The pull request of the path."""
        return self.repository.pull(self.number("number"))


Handler = Callable[[Call], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint. `needs` is `app` (JWT), `none`, `anyone` with a token, or a permission such as `checks:write`."""

    method: str
    path: str
    handler: Handler
    needs: str
    creates_content: bool = False


def answer(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a JSON response."""
    return JSONResponse(
        body, status_code=status, headers=headers, media_type="application/json; charset=utf-8"
    )


def paged(call: Call, items: Sequence[Any], *, wrap: Callable[[list[Any]], object] | None = None) -> Response:
    """Return a page of a list with its Link header (https://docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api)."""
    rows, headers = page_of(call, items)
    return answer(wrap(rows) if wrap else rows, headers=headers)


def page_of(call: Call, items: Sequence[Any]) -> tuple[list[Any], dict[str, str]]:
    """The rows of the requested page, and the Link header."""
    size = min(_positive(call, "per_page", PER_PAGE), PER_PAGE_MAX)
    page = _positive(call, "page", 1)
    last = max(1, -(-len(items) // size))
    rows = list(items[(page - 1) * size : page * size])
    targets: dict[str, int] = {}
    if page > 1:
        targets |= {"prev": page - 1, "first": 1}
    if page < last:
        targets |= {"next": page + 1, "last": last}
    links = [f'<{_at_page(call.request.url, number)}>; rel="{rel}"' for rel, number in targets.items()]
    return rows, {"link": ", ".join(links)} if links else {}


def _positive(call: Call, name: str, default: int) -> int:
    value = call.query.get(name, "")
    return int(value) if value.isdigit() and int(value) > 0 else default


def _at_page(url: URL, page: int) -> str:
    return str(url.include_query_params(page=page))
