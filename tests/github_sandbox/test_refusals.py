"""Invalid requests.

https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api
"""

from typing import Any

import httpx
import pytest

from tests.contracts.guard import OpenApiGuard
from tests.github_sandbox.conftest import SandboxHarness, comment


@pytest.fixture
def lax(world: SandboxHarness) -> SandboxHarness:
    transport = OpenApiGuard(raises=False).wrap(world.sandbox.transport())
    world.http = httpx.AsyncClient(transport=transport, base_url="https://api.github.com")
    return world


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff"])
async def test_a_body_that_is_not_a_json_object_is_rejected(world: SandboxHarness, content: bytes) -> None:
    async with httpx.AsyncClient(transport=world.sandbox.transport()) as http:
        headers = {"authorization": f"Bearer {world.token()}"}
        url = "https://api.github.com/repos/acme/payments/issues/1/comments"
        answer = await http.post(url, content=content, headers=headers)
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "path",
    [
        "/pulls/99", "/pulls/1/reviews/99", "/pulls/comments/99", "/issues/comments/99", "/check-runs/99",
        "/contents/nowhere", "/contents/README.md?ref=nowhere", "/commits/nowhere/check-runs",
        f"/git/blobs/{'0' * 40}", "/compare/main...nowhere", "/commits/nowhere",
    ],
)  # fmt: skip
async def test_missing_objects_are_not_found(world: SandboxHarness, path: str) -> None:
    assert (await world.request("GET", path)).status_code == 404


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/pulls/1/reviews", {"body": "b", "event": "LIKE"}),
        ("/pulls/1/reviews", {"body": "b", "event": "COMMENT", "comments": [{"body": "x", "line": 5}]}),
        ("/pulls/1/reviews", {"body": "b", "event": "COMMENT", "comments": [comment(side="MIDDLE")]}),
        ("/pulls/1/reviews", {"body": 5, "event": "COMMENT"}),
        ("/pulls/1/comments", {"path": "pay.py", "line": 5, "body": "no commit"}),
        ("/check-runs", {"name": "no sha"}),
        ("/check-runs", {"head_sha": "0" * 40}),
        ("/issues/1/comments", {"body": "  "}),
        ("/issues/1/reactions", {"content": "applause"}),
    ],
)
async def test_missing_and_invalid_fields_are_rejected(
    lax: SandboxHarness, path: str, body: dict[str, Any]
) -> None:
    assert (await lax.request("POST", path, body)).status_code == 422


async def test_an_invalid_authorization_header_is_rejected(world: SandboxHarness) -> None:
    for header in ("Basic ???", "Digest abc"):
        answer = await world.http.get("/repos/acme/payments/pulls/1", headers={"authorization": header})
        assert answer.status_code == 401


async def test_unrelated_histories_cannot_be_compared(world: SandboxHarness) -> None:
    repo = world.repository
    repo.git.commit({"z": "z"}, ref="refs/heads/orphan", parents=[], message="m", author="a", at=0)
    assert (await world.request("GET", "/compare/main...orphan")).status_code == 404


async def test_submodules_are_marked_as_such(world: SandboxHarness) -> None:
    from github_sandbox import Entry

    world.repository.push({"lib": Entry(b"1" * 40, "160000")})
    async with httpx.AsyncClient(transport=world.sandbox.transport()) as http:
        answer = await http.get("https://api.github.com/repos/acme/payments/contents/lib")
    assert answer.json()["type"] == "submodule"


async def test_an_unknown_role_is_an_error_in_the_test(world: SandboxHarness) -> None:
    with pytest.raises(ValueError, match="is not a role"):
        world.repository.set_role("bob", "boss")


async def test_identical_commits_compare_as_identical(world: SandboxHarness) -> None:
    told = (await world.request("GET", "/compare/main...main")).json()
    assert (told["status"], told["files"], told["commits"]) == ("identical", [], [])
    behind = (await world.request("GET", "/compare/change-1...main")).json()
    assert behind["status"] == "behind"
