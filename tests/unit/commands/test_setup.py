"""`quorum setup` against the stand-in for GitHub: from the page to `.env`, with the requests of a browser."""

import asyncio
import json
import re
import stat
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.commands.doctor_checks import is_reserved
from app.commands.setup import FINAL_PAGE_S, SetupOptions, register, wait_for_ping
from app.commands.setup_files import merge_env
from app.errors import InputError
from app.github.app import GitHubApp
from app.github.registration import AppRegistration
from app.main import Network
from app.settings import Settings, load_settings
from github_sandbox import GitHubSandbox
from github_sandbox.sandbox import serve


async def no_wait(seconds: float) -> None:
    """Time passes immediately, except while the browser still has to show the final page."""
    if seconds == FINAL_PAGE_S:
        await asyncio.Event().wait()
    await asyncio.sleep(0)


async def arrives(headers: Mapping[str, str], body: bytes) -> int:
    return 200


async def misses(headers: Mapping[str, str], body: bytes) -> int:
    raise ConnectionError


class SetupHarness:
    """A person at a browser, GitHub, and `quorum setup` waiting for both."""

    def __init__(self, folder: Path, github: GitHubSandbox, http: httpx.AsyncClient) -> None:
        self.folder = folder
        self.env = folder / ".env"
        self.github = github
        self.http = http
        self.opened: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.running: asyncio.Task[int] | None = None
        self.transport: httpx.AsyncBaseTransport | None = None  # None: the sandbox's
        self.registered_hook = ""

    async def start(self, **options: Any) -> str:
        """Start `quorum setup` and return the address of its page."""
        settings = Settings.model_validate(
            {"github_api_url": self.github.urls.api, "quorum_data_dir": self.folder / "data"}
        )
        loop = asyncio.get_running_loop()
        self.running = asyncio.create_task(
            register(
                SetupOptions(**options),
                settings,
                env_file=self.env,
                network=Network(github=self.transport or self.github.transport()),
                open_browser=lambda url: loop.call_soon_threadsafe(self.opened.set_result, url),
                sleep=no_wait,
            )
        )
        await asyncio.wait({self.running, self.opened}, return_when=asyncio.FIRST_COMPLETED)
        if self.running.done():
            self.running.result()
        return self.opened.result()

    async def press(self, page: str) -> httpx.Response:
        """Press the button, confirm on GitHub, and follow the redirect back."""
        form = (await self.http.get(page)).text
        action = unescape(_only(r'action="([^"]+)"', form))
        manifest = unescape(_only(r'name="manifest" value="([^"]+)"', form))
        self.registered_hook = json.loads(manifest)["hook_attributes"]["url"]
        redirect = await self.http.post(action, data={"manifest": manifest})
        assert redirect.status_code == 302
        return await self.http.get(redirect.headers["location"], follow_redirects=True)

    async def reload_until_final(self, page: httpx.Response) -> httpx.Response:
        """Reload the page, as a browser does, until it no longer asks for it."""
        while 'http-equiv="refresh"' in page.text:
            page = await self.http.get(page.url)
        return page

    def settings(self) -> Settings:
        return load_settings(env_file=self.env)


def _only(pattern: str, text: str) -> str:
    found = re.findall(pattern, text)
    assert len(found) == 1
    return found[0]


@asynccontextmanager
async def opened(folder: Path) -> AsyncGenerator[SetupHarness]:
    github = GitHubSandbox(folder / "github")
    async with serve(github), httpx.AsyncClient() as http:
        world = SetupHarness(folder, github, http)
        yield world
        if world.running and not world.running.done():
            world.running.cancel()
            await asyncio.gather(world.running, return_exceptions=True)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncGenerator[SetupHarness]:
    async with opened(tmp_path) as world:
        yield world


async def test_one_button_leads_to_credentials_that_work(
    world: SetupHarness, capsys: pytest.CaptureFixture[str]
) -> None:
    world.env.write_text("# mine\nANTHROPIC_API_KEY=sk-mine\n\nGITHUB_CLIENT_ID=old\n")

    page = await world.press(await world.start())
    assert world.running
    assert await world.running == 0

    settings = world.settings()
    app = world.github.app
    assert settings.github_app_id == str(app.id)
    assert settings.private_key() == app.private_key
    assert settings.github_webhook_secret
    assert settings.github_webhook_secret.get_secret_value() == app.webhook_secret
    assert settings.github_client_id == app.client_id
    assert settings.github_app_slug == "quorum"
    assert world.env.read_text().startswith("# mine\nANTHROPIC_API_KEY=sk-mine\n\nGITHUB_CLIENT_ID=Iv23")
    assert "/apps/quorum/installations/new" in page.text
    output = capsys.readouterr().out
    assert "quorum serve --poll" in output
    secrets = (app.webhook_secret, app.client_secret, "PRIVATE KEY")
    assert not [secret for secret in secrets if secret in output + page.text]


async def test_only_the_owner_can_read_the_written_files(world: SetupHarness) -> None:
    world.env.write_text("A=1\n")
    world.env.chmod(0o644)
    await world.press(await world.start())
    path = world.settings().github_app_private_key_path
    assert path
    assert [stat.S_IMODE(file.stat().st_mode) for file in (world.env, path)] == [0o600, 0o600]


async def test_without_a_public_address_the_hook_has_a_reserved_url(world: SetupHarness) -> None:
    await world.press(await world.start())
    assert world.github.app.webhook_url == "https://quorum.invalid/webhooks/github"
    assert ".invalid" not in world.registered_hook


async def test_an_app_is_registered_even_if_github_accepts_no_reserved_top_level_domain(
    world: SetupHarness,
) -> None:
    """Then its hook keeps a name that has no address, and `doctor` is content with it."""
    inner = world.github.transport()

    async def refuse(request: httpx.Request) -> httpx.Response:
        if request.method == "PATCH":
            return httpx.Response(422, json={"message": "Validation Failed"})
        return await inner.handle_async_request(request)

    world.transport = httpx.MockTransport(refuse)
    page = await world.press(await world.start())
    assert "is registered" in page.text
    assert world.github.app.webhook_url == world.registered_hook
    assert is_reserved(world.registered_hook)


async def test_with_a_public_address_setup_waits_for_the_first_ping(
    world: SetupHarness, capsys: pytest.CaptureFixture[str]
) -> None:
    page = await world.start(url="https://quorum.example.com/", organization="octo")
    form = (await world.http.get(page)).text
    assert "/organizations/octo/settings/apps/new?state=" in form
    world.github.ping()
    await world.github.deliver_all(arrives)

    shown = await world.press(page)
    shown = await world.reload_until_final(shown)

    assert world.running
    assert await world.running == 0
    assert world.github.app.webhook_url == "https://quorum.example.com/webhooks/github"
    assert "The ping has arrived" in capsys.readouterr().out
    assert "The ping has arrived" in shown.text
    assert f"{world.github.urls.html}/apps/quorum/installations/new" in shown.text


async def test_a_failed_ping_is_requested_again(world: SetupHarness) -> None:
    world.github.ping()
    await world.github.deliver_all(misses)
    registration = AppRegistration(
        GitHubApp(world.github.app.id, world.github.app.private_key, transport=world.github.transport())
    )

    async def start_serving(_: float) -> None:
        await world.github.deliver_all(arrives)

    assert await wait_for_ping(registration, sleep=start_serving)


async def test_waiting_for_a_ping_ends_after_a_while(world: SetupHarness) -> None:
    registration = AppRegistration(
        GitHubApp(world.github.app.id, world.github.app.private_key, transport=world.github.transport())
    )
    assert not await wait_for_ping(registration, sleep=no_wait)


async def test_a_code_without_the_right_state_is_rejected(world: SetupHarness) -> None:
    page = await world.start()
    for query in ("code=abc", "code=abc&state=", "code=abc&state=guessed", "state=x"):
        assert (await world.http.get(f"{page}registered?{query}")).status_code == 400
    assert not world.env.exists()


async def test_registration_can_be_retried_after_an_unknown_code(world: SetupHarness) -> None:
    page = await world.start()
    form = (await world.http.get(page)).text
    state = urlsplit(unescape(_only(r'action="([^"]+)"', form))).query
    answer = await world.http.get(f"{page}registered?code=unknown&{state}")
    assert answer.status_code == 502
    assert "Try again" in answer.text
    await world.press(page)
    assert world.running
    assert await world.running == 0


async def test_requests_with_another_host_name_are_rejected(world: SetupHarness) -> None:
    page = await world.start()
    answer = await world.http.get(page, headers={"host": "evil.example"})
    assert answer.status_code == 421
    assert "manifest" not in answer.text


async def test_the_api_url_of_the_registration_is_written_to_env(world: SetupHarness) -> None:
    await world.press(await world.start())
    assert world.settings().github_api_url == world.github.urls.api


async def test_the_next_page_redirects_to_the_form_before_registration(world: SetupHarness) -> None:
    page = await world.start()
    answer = await world.http.get(f"{page}next")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


async def test_an_existing_app_is_not_overwritten(world: SetupHarness) -> None:
    world.env.write_text("GITHUB_APP_ID=7\n")
    with pytest.raises(InputError, match="already names an App"):
        await world.start()
    assert world.env.read_text() == "GITHUB_APP_ID=7\n"


async def test_an_address_without_tls_is_rejected(world: SetupHarness) -> None:
    with pytest.raises(InputError, match="--poll"):
        await world.start(url="http://quorum.example.com")


async def test_the_manifest_contains_app_yml(world: SetupHarness) -> None:
    form = (await world.http.get(await world.start(name="Quorum of Octo"))).text
    manifest = json.loads(unescape(_only(r'name="manifest" value="([^"]+)"', form)))
    assert manifest["name"] == "Quorum of Octo"
    assert manifest["public"] is False
    assert manifest["default_permissions"]["pull_requests"] == "write"


NAMES = st.from_regex(r"[A-Z_]{1,8}", fullmatch=True)
VALUES = st.from_regex(r"[a-z0-9]{0,8}", fullmatch=True)


@given(st.dictionaries(NAMES, VALUES), st.dictionaries(NAMES, VALUES), st.lists(st.just("# a comment")))
def test_other_lines_of_env_stay_as_they_are(
    before: dict[str, str], new: dict[str, str], comments: list[str]
) -> None:
    text = "\n".join([*comments, *(f"{name}={value}" for name, value in before.items())])
    lines = merge_env(text, new).splitlines()
    assert [line for line in lines if line.startswith("#")] == comments
    values = dict(line.split("=", 1) for line in lines if "=" in line)
    assert values == before | new
