"""Renamed and transferred repositories, single sign-on, and the organization's `.github` repository."""

import re

import httpx
import pytest

from app.errors import GitHubForbidden, GitHubRejected
from app.github.app import GitHubApp
from app.github.auth import FILE_PERMISSIONS
from app.github.client import token_client
from app.github.writer import PullRequestWriter
from tests.unit.github.conftest import GitHubHarness


class Redirecting(httpx.AsyncBaseTransport):
    """The sandbox, but a renamed repository's old path is redirected to its id, as GitHub does.

    https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#follow-redirects
    """

    def __init__(self, world: GitHubHarness, *, status: int, host: str = "https://api.github.com") -> None:
        self._world = world
        self._inner = world.github.transport()
        self._status = status
        self._host = host
        self.redirected: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        repository = self._world.repository
        by_id = f"/repositories/{repository.id}"
        if found := re.match(r"/repos/octo/shop(?=/|$)", request.url.path):
            self.redirected.append(request.method)
            location = f"{self._host}{by_id}{request.url.path[found.end() :]}"
            return httpx.Response(
                self._status, headers={"location": location}, json={"message": "Moved Permanently"}
            )
        path = request.url.path.replace(by_id, f"/repos/{repository.full_name}", 1)
        request.url = request.url.copy_with(path=path)
        return await self._inner.handle_async_request(request)


def app_behind(world: GitHubHarness, transport: httpx.AsyncBaseTransport) -> GitHubApp:
    return GitHubApp(
        world.github.app.id, world.github.app.private_key, transport=transport, clock=lambda: world.now
    )


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_review_goes_on_if_its_repository_is_renamed_meanwhile(
    world: GitHubHarness, status: int
) -> None:
    """A POST must stay one: as a GET, a check run would be reported and never created."""
    pull = world.open_pull({"pay.py": "two\n"})
    moved = Redirecting(world, status=status)
    app = app_behind(world, moved)
    installation = world.installation_id
    world.github.rename(world.repository, "store")
    client = app.installation(installation, "octo/shop")  # its token is requested after the rename
    writer = PullRequestWriter(client, world.ref())
    assert await writer.head_sha() == pull.head_sha
    await writer.create_check_run(
        head_sha=pull.head_sha, name="quorum/review", external_id="x", title="t", summary="s"
    )
    assert [run.name for run in world.repository.check_runs.values()] == ["quorum/review"]
    assert set(moved.redirected) == {"GET", "POST"}


async def test_nothing_is_sent_to_another_host(world: GitHubHarness) -> None:
    world.open_pull({"pay.py": "two\n"})
    app = app_behind(world, Redirecting(world, status=307, host="https://elsewhere.example"))
    with pytest.raises(GitHubRejected, match="redirects to another host"):
        await PullRequestWriter(app.installation(world.installation_id, "octo/shop"), world.ref()).head_sha()


@pytest.mark.parametrize("status", [403, 404])
async def test_single_sign_on_is_named(status: int) -> None:
    """https://docs.github.com/en/rest/authentication/authenticating-to-the-rest-api#personal-access-tokens-and-saml-sso"""

    def refuse(request: httpx.Request) -> httpx.Response:
        header = "required; url=https://github.com/orgs/octo/sso?authorization_request=AB"
        message = "Resource protected by organization SAML enforcement. You must grant your Personal Access token access."
        return httpx.Response(status, headers={"x-github-sso": header}, json={"message": message})

    client = token_client("ghp_token", "octo/shop", transport=httpx.MockTransport(refuse))
    with pytest.raises(GitHubForbidden, match="requires SAML single sign-on: authorize this token"):
        await client.fetch(client.rest.repos.async_get("octo", "shop"), to="read the repository")


@pytest.mark.parametrize(("exists", "is_selected"), [(False, False), (True, False), (True, True)])
async def test_the_organizations_defaults_are_asked_for_only_where_the_app_is_installed(
    world: GitHubHarness, *, exists: bool, is_selected: bool
) -> None:
    if exists:
        world.github.create_repository("octo/.github", {"a": "b\n"}, private=True)
    installation = world.github.installation_on("octo/shop")
    assert installation is not None
    world.github.select_repositories(installation, ["octo/shop", *(["octo/.github"] if is_selected else [])])
    assert await world.app.has_installed(installation.id, "octo/.github") is is_selected
    if is_selected:
        await world.app.installation(installation.id, "octo/.github", permissions=FILE_PERMISSIONS).token()
    assert all(request.status != 422 for request in world.github.requests)
