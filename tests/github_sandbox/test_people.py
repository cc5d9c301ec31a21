"""Permissions of users, what GitHub claims about them, and how an App is registered.

https://docs.github.com/en/rest/collaborators/collaborators#get-repository-permissions-for-a-user
https://docs.github.com/en/apps/sharing-github-apps/registering-a-github-app-from-a-manifest
"""

import json

import httpx
import pytest

from tests.github_sandbox.conftest import SandboxHarness, comment


@pytest.mark.parametrize(
    ("role", "permission"),
    [
        ("admin", "admin"),
        ("maintain", "write"),
        ("write", "write"),
        ("triage", "read"),
        ("read", "read"),
        ("none", "none"),
    ],
)
async def test_roles_map_to_four_permissions(world: SandboxHarness, role: str, permission: str) -> None:
    world.repository.set_role("carol", role)
    said = (await world.request("GET", "/collaborators/carol/permission")).json()
    assert (said["permission"], said["role_name"]) == (permission, role)


async def test_an_unknown_user_is_not_found(world: SandboxHarness) -> None:
    assert (await world.request("GET", "/collaborators/nobody/permission")).status_code == 404


async def test_author_association_is_wrong_for_members(world: SandboxHarness) -> None:
    """https://github.com/cockroachdb/cockroach/issues/172585"""
    world.repository.set_role("carol", "admin")
    said = world.pull.comment("carol", "/rereview")
    told = (await world.request("GET", f"/issues/comments/{said.id}")).json()
    assert told["author_association"] == "CONTRIBUTOR"
    world.repository.associations["mallory"] = "MEMBER"
    said = world.pull.comment("mallory", "/rereview")
    told = (await world.request("GET", f"/issues/comments/{said.id}")).json()
    assert (told["author_association"], world.repository.role("mallory")) == ("MEMBER", "read")


async def test_a_fork_is_recognized_by_its_head_repository(world: SandboxHarness) -> None:
    pull = world.repository.open_pull({"x.py": "x\n"}, fork="mallory", author="mallory")
    told = (await world.request("GET", f"/pulls/{pull.number}")).json()
    assert (told["head"]["repo"]["full_name"], told["head"]["repo"]["fork"]) == ("mallory/payments", True)
    assert told["head"]["label"] == f"mallory:{pull.head_ref}"
    assert (
        await world.request("POST", f"/pulls/{pull.number}/reviews", world.review(comment("x.py", 1)))
    ).is_success


MANIFEST = {
    "name": "Quorum",
    "url": "https://example.test",
    "hook_attributes": {"url": "https://example.test/webhooks/github"},
    "redirect_url": "http://127.0.0.1:8000/setup",
    "default_permissions": {"checks": "write"},
    "default_events": ["pull_request"],
}


async def register(world: SandboxHarness, manifest: object) -> httpx.Response:
    async with httpx.AsyncClient(transport=world.sandbox.transport()) as browser:
        form = {"manifest": json.dumps(manifest)}
        return await browser.post("https://github.com/settings/apps/new?state=abc", data=form)


async def test_a_manifest_becomes_an_app_once(world: SandboxHarness) -> None:
    page = await register(world, MANIFEST)
    assert page.status_code == 302
    back = httpx.URL(page.headers["location"])
    assert (back.copy_with(query=None), back.params["state"]) == ("http://127.0.0.1:8000/setup", "abc")
    path = f"/app-manifests/{back.params['code']}/conversions"
    made = await world.http.post(path)
    assert (made.status_code, made.json()["permissions"]) == (201, {"checks": "write"})
    assert made.json()["pem"].startswith("-----BEGIN RSA PRIVATE KEY-----")
    assert (await world.http.post(path)).status_code == 404


async def test_a_manifest_code_expires_after_an_hour(world: SandboxHarness) -> None:
    code = httpx.URL((await register(world, MANIFEST)).headers["location"]).params["code"]
    world.clock.now += 3600
    assert (await world.http.post(f"/app-manifests/{code}/conversions")).status_code == 404


@pytest.mark.parametrize("missing", ["url", "hook_attributes", "redirect_url"])
async def test_an_incomplete_manifest_is_rejected(world: SandboxHarness, missing: str) -> None:
    manifest = {key: value for key, value in MANIFEST.items() if key != missing}
    assert (await register(world, manifest)).status_code == 422


async def test_posts_wait_until_a_test_takes_them(world: SandboxHarness) -> None:
    world.pull.comment("bob", "people's words are not waiting")
    await world.request("POST", "/pulls/1/reviews", world.review(comment()))
    summary = (await world.request("POST", "/issues/1/comments", {"body": "first"})).json()
    await world.request("PATCH", f"/issues/comments/{summary['id']}", {"body": "second"})
    run = (await world.request("POST", "/check-runs", {"name": "n", "head_sha": world.pull.head_sha})).json()
    await world.request("POST", f"/issues/comments/{summary['id']}/reactions", {"content": "eyes"})
    assert [item.kind for item in world.sandbox.unread()] == [
        "review",
        "issue_comment",
        "check_run",
        "reaction",
    ]
    taken = world.pull.take("issue_comment")
    assert (taken.body, taken.edited) == ("second", True)
    assert world.pull.take("check_run").id == run["id"]
    assert [item.kind for item in world.pull.take_all()] == ["review", "reaction"]
    assert world.pull.unread() == []
    with pytest.raises(LookupError, match="posted no review"):
        world.pull.take("review")
