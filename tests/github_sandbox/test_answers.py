"""Every endpoint answers in the shape of GitHub's OpenAPI description; the guarded client of `world` checks it."""

import httpx
import jwt
import pytest

from github_sandbox.asgi import ENDPOINTS
from tests.contracts.guard import find_operation
from tests.contracts.vendoring import NOT_IN_DESCRIPTION, shape
from tests.github_sandbox.conftest import SandboxHarness, comment


def app_jwt(world: SandboxHarness) -> str:
    now = int(world.clock())
    claims = {"iss": str(world.sandbox.app.id), "iat": now - 60, "exp": now + 540}
    return jwt.encode(claims, world.sandbox.app.private_key, algorithm="RS256")


def test_every_endpoint_exists_on_github() -> None:
    served = {(e.method, e.path) for e in ENDPOINTS if shape(e.path) not in NOT_IN_DESCRIPTION}
    unknown = [
        (method, path)
        for method, path in sorted(served)
        if find_operation(
            method, path.replace("{", "").replace("}", "").replace(":int", "").replace(":path", "")
        )
        is None
    ]
    assert unknown == []


@pytest.mark.parametrize(
    "path",
    [
        "", "/installation?", "/pulls", "/pulls?state=all", "/pulls/1", "/pulls/1/files", "/pulls/1/commits", "/pulls/1/reviews",
        "/pulls/1/comments", "/issues/1", "/issues/1/comments", "/issues/1/reactions", "/contents/README.md",
        "/contents/.github", "/compare/main...change-1", "/commits/main", "/commits/change-1/pulls?",
        "/commits/change-1/check-runs", "/commits/change-1/check-suites", "/git/trees/main",
        "/collaborators/alice/permission",
    ],
)  # fmt: skip
async def test_reading_a_repository_returns_githubs_shapes(world: SandboxHarness, path: str) -> None:
    if path.endswith("?"):
        path = path[:-1].replace("change-1", world.pull.head_sha)
    token = app_jwt(world) if path == "/installation" else None
    answer = await (
        world.request("GET", f"/{path}"[1:], token=token)
        if path
        else world.request("GET", "repos/acme/payments")
    )
    assert answer.status_code == 200


async def test_reading_comments_and_checks_returns_githubs_shapes(world: SandboxHarness) -> None:
    run = world.repository.create_check_run({"name": "n", "head_sha": world.pull.head_sha})
    said = world.pull.comment("bob", "hello")
    review = (await world.request("POST", "/pulls/1/reviews", world.review(comment()))).json()
    inline = world.pull.threads[0].root
    world.pull.react("bob", inline, "heart")
    reads = [
        f"/check-runs/{run.id}", f"/check-runs/{run.id}/annotations", f"/issues/comments/{said.id}",
        f"/issues/comments/{said.id}/reactions", f"/pulls/1/reviews/{review['id']}",
        f"/pulls/1/reviews/{review['id']}/comments", f"/pulls/comments/{inline.id}", f"/pulls/comments/{inline.id}/reactions",
        f"/git/blobs/{world.repository.git.tree(world.pull.head_sha)['pay.py'].sha}",
    ]  # fmt: skip
    for path in reads:
        assert (await world.request("GET", path)).status_code == 200, path


async def test_writing_returns_githubs_shapes(world: SandboxHarness) -> None:
    head = world.pull.head_sha
    run = (await world.request("POST", "/check-runs", {"name": "n", "head_sha": head})).json()
    said = (await world.request("POST", "/issues/1/comments", {"body": "hello"})).json()
    review = (await world.request("POST", "/pulls/1/reviews", world.review())).json()
    on_file = {"path": "new.py", "subject_type": "file", "commit_id": head, "body": "all of it"}
    inline = (await world.request("POST", "/pulls/1/comments", on_file)).json()
    replied = await world.request("POST", f"/pulls/1/comments/{inline['id']}/replies", {"body": "and"})
    writes: list[tuple[str, str, object, int]] = [
        ("PATCH", f"/check-runs/{run['id']}", {"conclusion": "success"}, 200),
        ("POST", f"/check-runs/{run['id']}/rerequest", None, 201),
        ("PATCH", f"/issues/comments/{said['id']}", {"body": "hello again"}, 200),
        ("POST", f"/issues/comments/{said['id']}/reactions", {"content": "eyes"}, 201),
        ("POST", f"/issues/comments/{said['id']}/reactions", {"content": "eyes"}, 200),
        ("POST", "/issues/1/reactions", {"content": "+1"}, 201),
        ("PUT", f"/pulls/1/reviews/{review['id']}", {"body": "changed"}, 200),
        ("PATCH", f"/pulls/comments/{inline['id']}", {"body": "changed"}, 200),
        ("POST", f"/pulls/comments/{inline['id']}/reactions", {"content": "rocket"}, 201),
        ("DELETE", f"/pulls/comments/{replied.json()['id']}", None, 204),
        ("DELETE", f"/issues/comments/{said['id']}", None, 204),
    ]
    for method, path, body, status in writes:
        assert (await world.request(method, path, body)).status_code == status, path


async def test_the_apps_endpoints_return_githubs_shapes(world: SandboxHarness) -> None:
    token = app_jwt(world)
    first = world.installation_id
    sandbox = world.sandbox

    async def refuse(_headers: object, _body: object) -> int:
        return 500

    await sandbox.deliver_all(refuse)
    delivery = next(iter(sandbox.hook.log))
    for path in (
        "app",
        "app/installations",
        f"app/installations/{first}",
        "app/hook/config",
        "app/hook/deliveries",
    ):
        assert (await world.request("GET", path, token=token)).status_code == 200, path
    assert (await world.request("GET", f"app/hook/deliveries/{delivery}", token=token)).status_code == 200
    again = await world.request("POST", f"app/hook/deliveries/{delivery}/attempts", token=token)
    assert again.status_code == 202
    made = await world.request(
        "POST", f"app/installations/{first}/access_tokens", {"repositories": ["payments"]}, token=token
    )
    assert made.status_code == 201
    changed = await world.request(
        "PATCH", "app/hook/config", {"url": "https://example.test/hook"}, token=token
    )
    assert changed.json()["url"] == "https://example.test/hook"


async def test_the_installations_endpoints_return_githubs_shapes(world: SandboxHarness) -> None:
    assert (await world.request("GET", "installation/repositories")).json()["total_count"] == 1
    assert (await world.request("GET", "rate_limit")).status_code == 200
    person = world.sandbox.tokens.create_user_token("bob")
    assert (await world.request("GET", "user", token=person)).json()["login"] == "bob"


async def test_a_pull_request_of_a_deleted_fork_has_no_head_repository(world: SandboxHarness) -> None:
    pull = world.repository.open_pull({"x.py": "x\n"}, fork="mallory", author="mallory")
    pull.delete_head_repository()
    answer = await world.request("GET", f"/pulls/{pull.number}")
    assert answer.json()["head"]["repo"] is None


async def test_enterprise_paths_return_the_same_responses(world: SandboxHarness) -> None:
    headers = {"authorization": f"Bearer {world.token()}"}
    below = await world.http.get("/api/v3/repos/acme/payments/pulls/1", headers=headers)
    assert below.json() == (await world.request("GET", "/pulls/1")).json()


async def test_an_unknown_path_is_not_found_and_logged(world: SandboxHarness) -> None:
    async with httpx.AsyncClient(transport=world.sandbox.transport()) as http:
        assert (await http.get("https://api.github.com/nowhere")).status_code == 404
    assert world.sandbox.requests[-1].path == "/nowhere"
