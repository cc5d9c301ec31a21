"""Authentication.

https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/authenticating-as-a-github-app-installation
"""

import base64
import gzip
from typing import Any

import jwt
import pytest

from tests.github_sandbox.conftest import SandboxHarness, comment

OTHER_KEY = "a-shared-secret-of-enough-length-to-sign-with"


def app_jwt(
    world: SandboxHarness, *, algorithm: str = "RS256", key: str | None = None, **changed: Any
) -> str:
    now = int(world.clock())
    claims: dict[str, Any] = {"iss": str(world.sandbox.app.id), "iat": now - 60, "exp": now + 540, **changed}
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(claims, key or world.sandbox.app.private_key, algorithm=algorithm)


@pytest.mark.parametrize("issuer", ["1234567", "Iv23liSandbox0000001"])
async def test_the_app_authenticates_with_its_id_or_its_client_id(world: SandboxHarness, issuer: str) -> None:
    answer = await world.request("GET", "app", token=app_jwt(world, iss=issuer))
    assert answer.json()["slug"] == "quorum"


async def test_a_jwt_valid_for_more_than_ten_minutes_is_rejected(world: SandboxHarness) -> None:
    token = app_jwt(world, exp=int(world.clock()) + 601)
    answer = await world.request("GET", "app", token=token)
    assert (answer.status_code, answer.json()["message"]) == (
        401,
        "'Expiration time' claim ('exp') is too far in the future",
    )


@pytest.mark.parametrize(
    "changed",
    [{"exp_after_now": -1}, {"iat_after_now": 120}, {"iss": "7654321"}, {"iat": None}, {"exp": None}],
)
async def test_a_jwt_with_a_wrong_claim_is_rejected(world: SandboxHarness, changed: dict[str, Any]) -> None:
    now = int(world.clock())
    moved = {
        key.removesuffix("_after_now"): now + value for key, value in changed.items() if "_after_" in key
    }
    token = app_jwt(world, **(moved or changed))
    assert (await world.request("GET", "app", token=token)).status_code == 401


async def test_a_jwt_with_another_algorithm_or_key_is_rejected(world: SandboxHarness) -> None:
    for token in (app_jwt(world, algorithm="HS256", key=OTHER_KEY), app_jwt(world)[:-6] + "AAAAAA"):
        assert (await world.request("GET", "app", token=token)).status_code == 401


async def test_the_apps_endpoints_reject_an_installation_token(world: SandboxHarness) -> None:
    assert (await world.request("GET", "app", token=world.token())).status_code == 401


async def test_the_installations_endpoints_reject_a_jwt(world: SandboxHarness) -> None:
    assert (await world.request("GET", "/pulls/1", token=app_jwt(world))).status_code == 403


async def test_an_installation_token_expires_after_an_hour(world: SandboxHarness) -> None:
    token = world.token()
    world.clock.now += 3599
    assert (await world.request("GET", "/pulls/1", token=token)).status_code == 200
    world.clock.now += 1
    answer = await world.request("GET", "/pulls/1", token=token)
    assert (answer.status_code, answer.json()["message"]) == (401, "Bad credentials")


async def test_an_unknown_token_is_rejected(world: SandboxHarness) -> None:
    assert (await world.request("GET", "/pulls/1", token="ghs_nobody")).status_code == 401


@pytest.mark.parametrize(("choice", "length"), [("enabled", 520), ("disabled", 40)])
async def test_tokens_have_520_characters_or_40(world: SandboxHarness, choice: str, length: int) -> None:
    """https://github.blog/changelog/2026-05-15-github-app-installation-tokens-per-request-override-header/"""
    answer = await world.http.post(
        f"/app/installations/{world.installation_id}/access_tokens",
        headers={"authorization": f"Bearer {app_jwt(world)}", "x-github-stateless-s2s-token": choice},
    )
    token = answer.json()["token"]
    assert token.startswith("ghs_")
    assert len(token) == length
    assert (await world.request("GET", "/pulls/1", token=token)).status_code == 200


async def test_the_expiry_has_no_milliseconds(world: SandboxHarness) -> None:
    path = f"app/installations/{world.installation_id}/access_tokens"
    answer = await world.request("POST", path, token=app_jwt(world))
    assert answer.json()["expires_at"] == "2026-09-21T15:13:20Z"


async def test_a_suspended_installation_gets_no_token_and_its_tokens_fail(world: SandboxHarness) -> None:
    """https://docs.github.com/en/apps/maintaining-github-apps/suspending-a-github-app-installation"""
    token = world.token()
    world.sandbox.suspend(world.sandbox.installations[world.installation_id])
    assert (await world.request("GET", "/pulls/1", token=token)).status_code == 403
    path = f"app/installations/{world.installation_id}/access_tokens"
    assert (await world.request("POST", path, token=app_jwt(world))).status_code == 403
    world.sandbox.unsuspend(world.sandbox.installations[world.installation_id])
    assert (await world.request("GET", "/pulls/1", token=token)).status_code == 200


async def test_an_uninstalled_app_finds_nothing(world: SandboxHarness) -> None:
    token = world.token()
    world.sandbox.uninstall(world.sandbox.installations[world.installation_id])
    assert (await world.request("GET", "/pulls/1", token=token)).status_code == 401
    path = f"app/installations/{world.installation_id}/access_tokens"
    assert (await world.request("POST", path, token=app_jwt(world))).status_code == 404
    assert (await world.request("GET", "/installation", token=app_jwt(world))).status_code == 404


async def test_a_repository_outside_the_installation_is_not_found(world: SandboxHarness) -> None:
    world.sandbox.create_repository("other/secret", {"a": "b"}, install=False)
    world.sandbox.create_repository("acme/second", {"a": "b"})
    narrowed, _ = world.sandbox.tokens.create(world.installation_id, repositories=["payments"])
    assert (await world.request("GET", "repos/other/secret")).status_code == 404
    assert (await world.request("GET", "repos/acme/second")).status_code == 200
    assert (await world.request("GET", "repos/acme/second", token=narrowed)).status_code == 404


async def test_a_token_for_an_unknown_repository_is_rejected(world: SandboxHarness) -> None:
    path = f"app/installations/{world.installation_id}/access_tokens"
    answer = await world.request("POST", path, {"repositories": ["nowhere"]}, token=app_jwt(world))
    assert answer.status_code == 422


async def test_a_token_has_no_more_permissions_than_the_installation(world: SandboxHarness) -> None:
    path = f"app/installations/{world.installation_id}/access_tokens"
    body = {"permissions": {"contents": "write"}}
    assert (await world.request("POST", path, body, token=app_jwt(world))).status_code == 422


HEAD = "HEAD"
EMPTY_SARIF = base64.b64encode(
    gzip.compress(b'{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "x"}}, "results": []}]}')
).decode()
MATRIX = [
    ("GET", "/pulls/1", None, "pull_requests", "read"),
    ("GET", "/contents/README.md", None, "contents", "read"),
    ("GET", "/commits/HEAD/check-runs", None, "checks", "read"),
    ("POST", "/check-runs", {"name": "n", "head_sha": HEAD}, "checks", "write"),
    ("POST", "/issues/1/comments", {"body": "hello"}, "issues", "write"),
    ("POST", "/issues/1/reactions", {"content": "eyes"}, "issues", "write"),
    (
        "POST",
        "/pulls/1/reviews",
        {"body": "x", "event": "COMMENT", "comments": [comment()]},
        "pull_requests",
        "write",
    ),
    (
        "POST",
        "/code-scanning/sarifs",
        {"commit_sha": HEAD, "ref": "refs/heads/main", "sarif": EMPTY_SARIF},
        "security_events",
        "write",
    ),
]


@pytest.mark.parametrize(("method", "path", "body", "area", "level"), MATRIX)
async def test_each_endpoint_requires_its_permission(
    world: SandboxHarness, method: str, path: str, body: dict[str, Any] | None, area: str, level: str
) -> None:
    """https://docs.github.com/en/rest/authentication/permissions-required-for-github-apps"""
    everything = {
        **dict.fromkeys(("contents", "pull_requests", "checks", "issues"), "write"),
        "security_events": "write",
    }
    world.sandbox.accept_permissions(world.sandbox.installations[world.installation_id], everything)
    path = path.replace(HEAD, world.pull.head_sha)
    body = {k: world.pull.head_sha if v == HEAD else v for k, v in body.items()} if body else None
    lacking = {name: value for name, value in everything.items() if name != area}
    refused = await world.request(method, path, body, token=world.token(lacking))
    assert (refused.status_code, refused.json()["message"]) == (403, "Resource not accessible by integration")
    if level == "write":
        read_only = await world.request(method, path, body, token=world.token({**lacking, area: "read"}))
        assert read_only.status_code == 403
    assert (await world.request(method, path, body, token=world.token({**lacking, area: level}))).is_success


async def test_users_may_comment_but_not_create_check_runs(world: SandboxHarness) -> None:
    person = world.sandbox.tokens.create_user_token("carol")
    run = {"name": "n", "head_sha": world.pull.head_sha}
    assert (
        await world.request("POST", "/issues/1/comments", {"body": "hi"}, token=person)
    ).status_code == 201
    assert (await world.request("POST", "/check-runs", run, token=person)).status_code == 403


async def test_anonymous_clients_read_public_code_and_write_nothing(world: SandboxHarness) -> None:
    assert (await world.http.get("/repos/acme/payments/pulls/1")).status_code == 200
    answer = await world.http.post("/repos/acme/payments/issues/1/comments", json={"body": "x"})
    assert answer.status_code == 401


async def test_a_private_repository_is_not_found_by_strangers(world: SandboxHarness) -> None:
    world.sandbox.create_repository("acme/secret", {"a": "b"}, private=True)
    person = world.sandbox.tokens.create_user_token("mallory")
    assert (await world.request("GET", "repos/acme/secret", token=person)).status_code == 404
    assert (await world.http.get("/repos/acme/secret")).status_code == 404
    world.sandbox.repository("acme/secret").set_role("mallory", "read")
    assert (await world.request("GET", "repos/acme/secret", token=person)).status_code == 200
