"""Each kind of error response maps to a `GitHubError`, through the real githubkit."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from app.errors import (
    GitHubClockDiffers,
    GitHubError,
    GitHubForbidden,
    GitHubNotFound,
    GitHubRateLimited,
    GitHubRejected,
    GitHubUnavailable,
)
from app.github.client import RepositoryClient, token_client

NOW = 1_800_000_000.0
TOKEN = "ghp_secretsecretsecret"


def client_for(handler: Callable[[httpx.Request], httpx.Response]) -> RepositoryClient:
    return token_client(TOKEN, "octo/shop", transport=httpx.MockTransport(handler), clock=lambda: NOW)


async def failure_of(client: RepositoryClient) -> GitHubError:
    with pytest.raises(GitHubError) as caught:
        await client.fetch(client.rest.pulls.async_get("octo", "shop", 1), to="read octo/shop#1")
    return caught.value


@dataclass(frozen=True, kw_only=True)
class Case:
    status: int
    body: Any = field(default_factory=dict[str, Any])
    headers: dict[str, str] = field(default_factory=dict[str, str])
    error: type[GitHubError]
    retry_after_s: float | None = None


SECONDARY = {"message": "You have exceeded a secondary rate limit. Please wait a few minutes."}
CASES = {
    "401": Case(status=401, body={"message": "Bad credentials"}, error=GitHubForbidden),
    "401 because the clock is ahead": Case(
        status=401,
        body={
            "message": "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"
        },
        error=GitHubClockDiffers,
    ),
    "401 because the clock is behind": Case(
        status=401,
        body={
            "message": "'Expiration time' claim ('exp') must be a numeric value representing the future time at which "
            "the assertion expires"
        },
        error=GitHubClockDiffers,
    ),
    "401 because the JWT lives too long": Case(
        status=401,
        body={"message": "'Expiration time' claim ('exp') is too far in the future"},
        error=GitHubClockDiffers,
    ),
    "403 without a right": Case(
        status=403, body={"message": "Resource not accessible by integration"}, error=GitHubForbidden
    ),
    "404": Case(status=404, body={"message": "Not Found"}, error=GitHubNotFound),
    "410": Case(status=410, error=GitHubNotFound),
    "409": Case(status=409, body={"message": "Git Repository is empty."}, error=GitHubRejected),
    "422": Case(status=422, body={"message": "Unprocessable", "errors": ["x"]}, error=GitHubRejected),
    "500": Case(status=500, error=GitHubUnavailable),
    "502 with a page": Case(status=502, body="<html>", error=GitHubUnavailable),
    "200 that is no JSON": Case(status=200, body="<html>", error=GitHubUnavailable),
    "primary limit": Case(
        status=403,
        body={"message": "API rate limit exceeded for installation."},
        headers={"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(NOW) + 700)},
        error=GitHubRateLimited,
        retry_after_s=700,
    ),
    "primary limit as 429": Case(
        status=429,
        headers={"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(NOW) + 700)},
        error=GitHubRateLimited,
        retry_after_s=700,
    ),
    "primary limit that is over": Case(
        status=403,
        headers={"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(NOW) - 5)},
        error=GitHubRateLimited,
        retry_after_s=1,
    ),
    "secondary limit with retry-after": Case(
        status=403, headers={"retry-after": "17"}, error=GitHubRateLimited, retry_after_s=17
    ),
    "secondary limit as 429 with retry-after": Case(
        status=429, headers={"retry-after": "17"}, error=GitHubRateLimited, retry_after_s=17
    ),
    "retry-after that is no number": Case(
        status=429, headers={"retry-after": "soon"}, error=GitHubUnavailable
    ),
    "secondary limit in words alone": Case(
        status=403,
        body=SECONDARY,
        headers={"x-ratelimit-remaining": "4000"},
        error=GitHubRateLimited,
        retry_after_s=60,
    ),
    "429 with nothing": Case(status=429, error=GitHubRateLimited, retry_after_s=60),
    "abuse as 422": Case(
        status=422,
        body={"message": "Validation Failed", "errors": [{"code": "abuse", "field": "base"}]},
        error=GitHubRateLimited,
        retry_after_s=60,
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
async def test_each_response_maps_to_its_error(case: Case) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if isinstance(case.body, str):
            return httpx.Response(case.status, text=case.body, headers=case.headers)
        return httpx.Response(case.status, json=case.body, headers=case.headers)

    error = await failure_of(client_for(answer))

    assert type(error) is case.error
    if isinstance(error, GitHubRateLimited):
        assert error.retry_after_s == case.retry_after_s
    assert TOKEN not in repr(error)
    assert error.__cause__ is not None


@pytest.mark.parametrize("fault", [httpx.ReadTimeout, httpx.ConnectError, httpx.RemoteProtocolError])
async def test_a_broken_connection_means_that_github_is_unavailable(
    fault: type[httpx.TransportError],
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise fault("gone", request=request)

    assert type(await failure_of(client_for(answer))) is GitHubUnavailable


async def test_a_bug_is_not_reported_as_an_outage() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise ZeroDivisionError

    client = client_for(answer)
    with pytest.raises(ZeroDivisionError):
        await client.fetch(client.rest.pulls.async_get("octo", "shop", 1), to="read octo/shop#1")


async def test_githubs_messages_are_shown_on_one_line_and_truncated() -> None:
    body = {"message": "Unprocessable\nEntity", "errors": ["Line could not be resolved", {"code": "x" * 500}]}

    error = await failure_of(client_for(lambda _: httpx.Response(422, json=body)))

    assert str(error).startswith(
        "GitHub refused to read octo/shop#1: Unprocessable Entity; Line could not be resolved; xxx"
    )
    assert len(str(error)) < 400


async def test_after_a_rate_limit_the_next_request_fails_without_a_call() -> None:
    paths: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        paths.append(request.url.path)
        return httpx.Response(429, headers={"retry-after": "120"})

    client = client_for(answer)
    await failure_of(client)
    second = await failure_of(client)

    assert len(paths) == 1
    assert isinstance(second, GitHubRateLimited)
    assert second.retry_after_s == 120


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        ([{"type": "RATE_LIMITED", "message": "API rate limit exceeded"}], GitHubRateLimited),
        ([{"type": "RATE_LIMIT", "message": "API rate limit exceeded"}], GitHubRateLimited),
        ([{"message": "You have exceeded a secondary rate limit"}], GitHubRateLimited),
        ([{"type": "NOT_FOUND", "message": "Could not resolve"}], GitHubNotFound),
        ([{"type": "FORBIDDEN", "message": "Resource not accessible by integration"}], GitHubForbidden),
        ([{"type": "MAX_NODE_LIMIT_EXCEEDED", "message": "too many"}], GitHubRejected),
        ([{"message": "Something went wrong while executing your query"}], GitHubUnavailable),
    ],
)
async def test_graphql_errors_have_status_200(errors: list[Any], expected: type[GitHubError]) -> None:
    client = client_for(lambda _: httpx.Response(200, json={"data": None, "errors": errors}))

    with pytest.raises(GitHubError) as caught:
        await client.graphql("query { viewer { login } }", {}, to="ask who asks")

    assert type(caught.value) is expected
