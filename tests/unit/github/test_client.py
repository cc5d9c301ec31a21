"""Tokens have few permissions, are cached and renewed, and are never shown."""

import asyncio

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from inline_snapshot import snapshot

from app.errors import ConfigurationError, GitHubForbidden, GitHubNotFound
from app.github.app import MAX_CLIENTS, GitHubApp
from app.github.client import token_client
from app.github.writer import PullRequestWriter
from github_sandbox import Fault
from tests.unit.github.conftest import GitHubHarness


async def read_pull(world: GitHubHarness) -> str:
    return await world.writer().head_sha()


async def test_one_token_serves_all_requests_for_an_hour(world: GitHubHarness) -> None:
    pull = world.open_pull({"pay.py": "two\n"})
    shas = await asyncio.gather(*(read_pull(world) for _ in range(5)))
    world.now += 3_500
    await read_pull(world)

    assert set(shas) == {pull.head_sha}
    assert world.requests().count(f"POST /app/installations/{world.installation_id}/access_tokens") == 1


async def test_a_token_is_replaced_shortly_before_it_expires(world: GitHubHarness) -> None:
    world.open_pull({"pay.py": "two\n"})
    await read_pull(world)
    world.now += 3_545
    await read_pull(world)

    assert {request.status for request in world.github.requests} == {200, 201}
    assert sum("access_tokens" in request for request in world.requests()) == 2


class Revoking(httpx.AsyncBaseTransport):
    """The sandbox, but it rejects the tokens in `revoked`."""

    def __init__(self, world: GitHubHarness) -> None:
        self._inner = world.transport()
        self.revoked: set[str] = set()
        self.statuses: list[int] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.headers["authorization"].removeprefix("Bearer ") in self.revoked:
            response = httpx.Response(401, json={"message": "Bad credentials"})
        else:
            response = await self._inner.handle_async_request(request)
        self.statuses.append(response.status_code)
        return response


async def test_a_rejected_token_is_renewed_once_and_the_request_repeated(world: GitHubHarness) -> None:
    world.open_pull({"pay.py": "two\n"})
    transport = Revoking(world)
    app = GitHubApp(
        world.github.app.id, world.github.app.private_key, transport=transport, clock=lambda: world.now
    )
    client = app.installation(world.installation_id, "octo/shop")
    transport.revoked.add(await client.token())

    comment_id = await PullRequestWriter(client, world.ref()).create_issue_comment("Once")

    assert transport.statuses == [201, 401, 201, 201]
    assert [c.id for c in world.repository.pulls[1].issue_comments] == [comment_id]


async def test_a_request_fails_if_the_new_token_is_rejected_too(world: GitHubHarness) -> None:
    world.open_pull({"pay.py": "two\n"})
    refused = 0

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal refused
        refused += 1
        if request.url.path.endswith("access_tokens"):
            token = {"token": f"ghs_{refused}", "expires_at": "2027-01-15T09:00:00.123Z"}
            return httpx.Response(201, json=token)
        return httpx.Response(401, json={"message": "Bad credentials"})

    app = GitHubApp(
        1, world.github.app.private_key, transport=httpx.MockTransport(answer), clock=lambda: world.now
    )
    with pytest.raises(GitHubForbidden):
        await app.installation(1, "octo/shop").fetch(
            app.installation(1, "octo/shop").rest.pulls.async_get("octo", "shop", 1), to="read"
        )
    assert refused == 4


async def test_a_token_has_the_review_permissions_for_one_repository(world: GitHubHarness) -> None:
    world.github.create_repository("octo/other", {"a": "b"}, private=True)
    other = world.app.installation(world.installation_id, "octo/shop")
    token = await other.token()
    actor = world.github.tokens.actor(f"Bearer {token}")

    assert actor.repositories == {"octo/shop"}
    assert actor.permissions == snapshot(
        {
            "metadata": "read",
            "contents": "read",
            "pull_requests": "write",
            "issues": "write",
            "checks": "write",
        }
    )
    with pytest.raises(GitHubNotFound):
        await other.fetch(other.rest.repos.async_get("octo", "other"), to="read another repository")


async def test_a_missing_permission_is_reported_with_what_the_owner_must_do(world: GitHubHarness) -> None:
    installation = world.github.installation_on("octo/shop")
    assert installation is not None
    installation.permissions.pop("contents")

    with pytest.raises(GitHubForbidden) as caught:
        await world.client.token()

    assert str(caught.value) == snapshot(
        "The installation does not grant access to octo/shop or a permission that Quorum needs. Its owner must accept the App's permissions."
    )


async def test_a_token_has_only_the_permissions_that_the_installation_grants(world: GitHubHarness) -> None:
    installation = world.github.installation_on("octo/shop")
    assert installation is not None
    installation.permissions |= {"issues": "read"}
    del installation.permissions["checks"]
    client = world.client
    assert await client.token()
    assert client.lacking == {"issues": "write", "checks": "write"}

    world.github.accept_permissions(installation, {"issues": "write", "checks": "write"})
    world.app.forget(installation.id)
    assert await world.client.token()
    assert world.client.lacking == {}


async def test_a_token_for_an_inaccessible_repository_is_forbidden_without_reading_permissions(
    world: GitHubHarness,
) -> None:
    elsewhere = world.app.installation(world.installation_id, "octo/elsewhere")
    with pytest.raises(GitHubForbidden, match="does not grant access to octo/elsewhere"):
        await elsewhere.token()
    assert f"GET /app/installations/{world.installation_id}" not in world.requests()
    assert world.requests()[-1] == "GET /repos/octo/elsewhere"  # is it there under another name?


async def test_tokens_for_a_single_purpose_keep_their_permissions(world: GitHubHarness) -> None:
    installation = world.github.installation_on("octo/shop")
    assert installation is not None
    installation.permissions |= {"contents": "read"}
    resolving = world.client.resolving()
    with pytest.raises(GitHubForbidden, match="accept the App's permissions"):
        await resolving.token()
    assert resolving.lacking == {}


async def test_a_suspended_installation_is_forbidden_and_a_deleted_one_not_found(
    world: GitHubHarness,
) -> None:
    installation = world.github.installation_on("octo/shop")
    assert installation is not None
    client = world.client
    world.github.suspend(installation)
    with pytest.raises(GitHubForbidden, match="suspended"):
        await client.fetch(client.rest.pulls.async_get("octo", "shop", 1), to="read")
    world.github.unsuspend(installation)
    world.github.uninstall(installation)
    with pytest.raises(GitHubNotFound):
        await client.fetch(client.rest.pulls.async_get("octo", "shop", 1), to="read")


async def test_a_failed_token_request_means_that_github_is_unavailable(world: GitHubHarness) -> None:
    from app.errors import GitHubUnavailable

    world.open_pull({"pay.py": "two\n"})
    world.github.faults.inject(Fault.BAD_GATEWAY, path="access_tokens")
    with pytest.raises(GitHubUnavailable):
        await read_pull(world)
    await read_pull(world)


async def test_the_apps_jwt_is_cached_for_minutes(world: GitHubHarness) -> None:
    api = world.app.api
    first = await api.token()
    world.now += 400
    assert await api.token() == first
    world.now += 100
    assert await api.token() != first
    world.now -= 10_000  # the clock was set back: a JWT from the future is refused
    assert world.github.tokens.actor(f"Bearer {await api.token()}").kind == "app"


@pytest.mark.parametrize(
    "key", ["", "nonsense", "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----"]
)
def test_an_invalid_private_key_is_rejected_immediately(key: str) -> None:
    with pytest.raises(ConfigurationError, match="private key is not a PEM file of an RSA key") as caught:
        GitHubApp(1, key)
    assert "AAAA" not in str(caught.value)


def test_other_kinds_of_keys_are_rejected_immediately() -> None:
    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    with pytest.raises(ConfigurationError, match="is not an RSA key"):
        GitHubApp(1, pem.decode())


def test_clients_are_cached_up_to_a_limit(world: GitHubHarness) -> None:
    first = world.app.installation(1, "octo/shop")
    assert world.app.installation(1, "Octo/Shop") is first
    assert world.app.installation(2, "octo/shop") is not first
    for number in range(MAX_CLIENTS):
        world.app.installation(3, f"octo/{number}")
    assert world.app.installation(1, "octo/shop") is not first


def test_a_private_key_on_one_line_is_accepted(world: GitHubHarness) -> None:
    GitHubApp(1, world.github.app.private_key.replace("\n", "\\n"), transport=world.transport())


async def test_no_secret_is_in_any_repr(world: GitHubHarness) -> None:
    world.open_pull({"pay.py": "two\n"})
    client = world.client
    token = await client.token()
    seen = [
        repr(value)
        for thing in (world.app, world.app.api, client)
        for value in (thing, *vars(thing).values())
    ]

    assert not [text for text in seen if token in text or "PRIVATE KEY" in text]


@pytest.mark.parametrize(
    ("api_url", "version"),
    [("https://api.github.com", "2026-03-10"), ("https://github.example.com/api/v3", "2022-11-28")],
)
async def test_a_server_gets_the_older_api_version(api_url: str, version: str) -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"head": {"sha": "1"}})

    client = token_client("t", "o/r", api_url, transport=httpx.MockTransport(answer))
    await client.fetch(client.rest.pulls.async_get("o", "r", 1), to="read")

    assert str(seen[0].url) == f"{api_url}/repos/o/r/pulls/1"
    assert seen[0].headers["X-GitHub-Api-Version"] == version
    assert seen[0].extensions["timeout"]["read"] == 30.0


async def test_a_given_token_is_never_renewed(world: GitHubHarness) -> None:
    client = token_client("ghp_wrong", "octo/shop", transport=world.transport())
    with pytest.raises(GitHubForbidden, match="Bad credentials"):
        await client.fetch(client.rest.pulls.async_get("octo", "shop", 1), to="read octo/shop#1")
    assert len(world.github.requests) == 1


async def test_clients_share_one_transport_that_the_app_closes(world: GitHubHarness) -> None:
    class Counting(httpx.MockTransport):
        closed = 0

        async def aclose(self) -> None:
            self.closed += 1

    transport = Counting(lambda _: httpx.Response(200, json={"head": {"sha": "1"}}))
    app = GitHubApp(1, world.github.app.private_key, transport=transport)
    await app.api.fetch(app.api.rest.pulls.async_get("o", "r", 1), to="read")
    await app.api.fetch(app.api.rest.pulls.async_get("o", "r", 2), to="read")
    assert transport.closed == 0
    await app.aclose()
    assert transport.closed == 1
