"""The stand-in as an ASGI application: routes, authenticates, counts, injects faults and logs.

The endpoints write the responses.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope
from starlette.types import Send as SendTo

from github_sandbox import (
    graphql_api,
    pages,
    rest_app,
    rest_branches,
    rest_checks,
    rest_code,
    rest_comments,
    rest_git,
    rest_pulls,
)
from github_sandbox.call import Call, Endpoint, answer
from github_sandbox.errors import ApiError, not_found
from github_sandbox.hub import Hub
from github_sandbox.limits import CutConnection, Fault, NoAnswer, raise_fault
from github_sandbox.state import RequestRecord
from github_sandbox.tokens import ANONYMOUS, Actor

ENDPOINTS = (
    *rest_app.ENDPOINTS,
    *rest_pulls.ENDPOINTS,
    *rest_comments.ENDPOINTS,
    *rest_checks.ENDPOINTS,
    *rest_branches.ENDPOINTS,
    *rest_git.ENDPOINTS,
    *rest_code.ENDPOINTS,
    *rest_code.LAST,
)
_DONE_FIRST = (Fault.DONE_THEN_BAD_GATEWAY, Fault.DONE_THEN_NO_ANSWER, Fault.DONE_THEN_CUT)
_Serve = Callable[[Request], Awaitable[Response]]


@dataclass(slots=True)
class _Query:
    """The GraphQL operation of a request, and its points."""

    operation: str | None = None
    points: int = 0


def build_asgi(hub: Hub) -> Starlette:
    """Build all routes: REST at the root and, as on GitHub Enterprise Server, at `/api/v3`; GraphQL; git."""
    graphql = Endpoint("POST", "/graphql", graphql_api.serve, "anyone")
    rest = [_route(hub, endpoint, prefix) for prefix in ("/api/v3", "") for endpoint in ENDPOINTS]
    query = [_route(hub, graphql, ""), _route(hub, graphql, "/api")]
    code = [_route(hub, endpoint, "") for endpoint in (*rest_app.PAGES, *pages.PAGES, *rest_code.GIT)]
    unknown = Route("/{path:path}", _unknown(hub), methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    return Starlette(routes=[*query, *rest, *code, unknown])


def _route(hub: Hub, endpoint: Endpoint, prefix: str) -> Route:
    async def serve(request: Request) -> Response:
        return await _serve(hub, endpoint, request)

    return Route(prefix + endpoint.path, serve, methods=[endpoint.method], name=f"{prefix}{endpoint.path}")


def _unknown(hub: Hub) -> _Serve:
    async def serve(request: Request) -> Response:
        _log(hub, request, 404, ANONYMOUS)
        return answer(not_found().body(), 404)

    return serve


async def _serve(hub: Hub, endpoint: Endpoint, request: Request) -> Response:
    """Respond and log; raises only `NoAnswer`."""
    query = _Query()
    actor = ANONYMOUS
    try:
        if hub.faults.latency_s:
            await asyncio.sleep(hub.faults.latency_s)
        actor = _actor(hub, endpoint, request)
        response = await _answer(hub, endpoint, request, actor, query)
    except ApiError as error:
        response = answer(error.body(), error.status, error.headers)
    except NoAnswer:
        _log(hub, request, 0, actor)
        return await _stay_silent(request)
    except CutConnection:
        _log(hub, request, 0, actor, None)
        return _CutResponse()
    except ClientDisconnect:  # the client disconnected or died before it sent everything: nothing was done
        return Response(status_code=499)
    _log(hub, request, response.status_code, actor, query)
    return response


async def _stay_silent(request: Request) -> Response:
    """In process, raise: the transport turns it into a timeout. On a port, wait for the client to disconnect."""
    if request.headers.get("x-sandbox-in-process"):
        raise NoAnswer
    while (await request.receive())["type"] != "http.disconnect":
        pass
    return Response(status_code=504)


class _CutResponse(Response):
    """Promises a body and sends none, so the server closes the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: SendTo) -> None:
        """Send the headers only."""
        del scope, receive
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"64")]})


def _actor(hub: Hub, endpoint: Endpoint, request: Request) -> Actor:
    if endpoint.needs == "none":
        return ANONYMOUS
    actor = hub.tokens.actor(request.headers.get("authorization"))
    if endpoint.needs == "app" and actor.kind != "app":
        raise ApiError(401, "A JSON web token could not be decoded")
    if endpoint.needs != "app" and actor.kind == "app":
        raise ApiError(403, "You must authenticate with an installation access token.")
    if endpoint.needs == "anyone" and actor.kind == "anonymous":
        raise ApiError(401, "Requires authentication")
    return actor


async def _answer(hub: Hub, endpoint: Endpoint, request: Request, actor: Actor, query: _Query) -> Response:
    fault, retry_after_s = hub.faults.next_for(request.method, request.url.path) or (None, 0)
    if fault is not None and fault not in _DONE_FIRST:
        raise_fault(fault, retry_after_s, now=hub.clock())
    headers = hub.throttle.count(actor.key, creates_content=endpoint.creates_content, points=_points(request))
    body = await request.body()
    call = Call(hub=hub, request=request, actor=actor, raw_body=body, needs=endpoint.needs)
    response = await endpoint.handler(call)
    query.operation, query.points = next(iter(call.operations), None), call.points
    response.headers.update(headers)
    if fault is not None:
        raise_fault(fault, retry_after_s, now=hub.clock())
    return response


def _points(request: Request) -> int:
    """https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#calculating-points-for-the-secondary-rate-limit"""
    return 1 if request.method == "GET" or request.url.path.endswith("/graphql") else 5


def _log(hub: Hub, request: Request, status: int, actor: Actor, query: _Query | None = None) -> None:
    path = request.url.path.removeprefix("/api/v3")
    record = RequestRecord(
        method=request.method,
        path=path,
        status=status,
        query=request.url.query,
        operation=query.operation if query else None,
        points=query.points if query else 0,
        actor=actor.key,
    )
    hub.requests.append(record)


class SandboxTransport(httpx.AsyncBaseTransport):
    """Like `httpx.ASGITransport`, but a request without a response becomes a read timeout immediately."""

    def __init__(self, app: ASGIApp) -> None:
        self._inner = httpx.ASGITransport(app=app)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request."""
        request.headers["x-sandbox-in-process"] = "1"
        try:
            return await self._inner.handle_async_request(request)
        except NoAnswer as error:
            raise httpx.ReadTimeout("the server did not answer", request=request) from error
