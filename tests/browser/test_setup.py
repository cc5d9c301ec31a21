"""Registers and installs the App in a real browser: from the page of `quorum setup` to the stand-in for GitHub and back."""

import re
import stat
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from app.commands.setup import SetupOptions
from app.settings import load_settings
from tests.browser.axe import complaints_of
from tests.browser.registering import registering

pytestmark = pytest.mark.slow

QUORUM = str(Path(sys.executable).parent / "quorum")
PROGRAM_TIMEOUT_S = 900.0  # only bounds a hang
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "COLUMNS": "120", "PYTHONUNBUFFERED": "1"}


def confirm(page: Page) -> None:
    """Press the button; the stand-in registers the App and sends the browser back."""
    page.get_by_role("button", name="Register Quorum on GitHub").click()
    expect(page).to_have_url(re.compile(r"/next$"))


def test_one_button_registers_the_app_and_links_to_its_installation(page: Page, tmp_path: Path) -> None:
    with registering(tmp_path, SetupOptions()) as run:
        page.goto(run.page)
        assert complaints_of(page) == []
        confirm(page)
        assert complaints_of(page) == []
        expect(page.get_by_role("status")).to_contain_text("quorum serve --poll")
        with page.expect_popup() as popup:
            page.get_by_role("link", name="Install it on your repositories").click()
        popup.value.get_by_role("button", name="Install").click()
        expect(popup.value.get_by_role("status")).to_have_text("Installed on: acme")
        assert [each.account.login for each in run.github.installations.values()] == ["acme"]
    assert run.exit_code == 0
    settings = load_settings(env_file=run.env_file)
    assert settings.github_api_url == run.github.urls.api
    assert settings.private_key() == run.github.app.private_key
    key_file = settings.github_app_private_key_path
    assert key_file
    assert [stat.S_IMODE(path.stat().st_mode) for path in (key_file, run.env_file)] == [0o600, 0o600]


def test_the_page_waits_for_the_first_ping_and_shows_it(page: Page, tmp_path: Path) -> None:
    options = SetupOptions(organization="acme", url="https://quorum.example.com")
    with registering(tmp_path, options) as run:
        page.goto(run.page)
        expect(page.get_by_text("for the organization acme")).to_be_visible()
        expect(page.locator("form")).to_have_attribute(
            "action", re.compile(rf"^{run.github.urls.html}/organizations/acme/settings/apps/new\?")
        )
        confirm(page)
        expect(page.get_by_role("status")).to_contain_text("Waiting for GitHub's first ping")
        run.deliver()
        expect(page.get_by_role("status")).to_contain_text("The ping has arrived")
    assert run.exit_code == 0
    assert run.github.app.webhook_url == "https://quorum.example.com/webhooks/github"


def test_the_keyboard_alone_registers_the_app(page: Page, tmp_path: Path) -> None:
    with registering(tmp_path, SetupOptions()) as run:
        page.goto(run.page)
        page.keyboard.press("Tab")
        expect(page.get_by_role("button")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile(r"/next$"))
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Install it")).to_be_focused()
    assert run.exit_code == 0


@contextmanager
def program(folder: Path, *words: str, **variables: str) -> Generator["subprocess.Popen[str]"]:
    """`quorum` in its own folder, as a person starts it; killed after `PROGRAM_TIMEOUT_S`, so that reading its output ends."""
    started = subprocess.Popen(
        [QUORUM, *words],
        cwd=folder,
        env={**ENVIRONMENT, "HOME": str(folder), **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    watchdog = threading.Timer(PROGRAM_TIMEOUT_S, started.kill)
    watchdog.start()
    try:
        yield started
    finally:
        watchdog.cancel()
        started.terminate()
        started.communicate(timeout=PROGRAM_TIMEOUT_S)


def line_with(process: "subprocess.Popen[str]", text: str) -> str:
    """Read the program's output up to the next line that contains the text, and return that line."""
    assert process.stdout
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if text in line:
            return line
    pytest.fail(f"the program ended without printing {text!r}: {''.join(lines)}")


def test_the_steps_of_the_rehearsal_lead_to_a_review(page: Page, tmp_path: Path) -> None:
    with ExitStack() as running:
        github = running.enter_context(program(tmp_path, "demo", "--github"))
        api_url = line_with(github, "GITHUB_API_URL=").partition("=")[2].strip()
        setup = running.enter_context(program(tmp_path, "setup", "--no-browser", GITHUB_API_URL=api_url))
        page.goto(line_with(setup, "Open http").split()[1])
        confirm(page)
        with page.expect_popup() as popup:
            page.get_by_role("link", name="Install it on your repositories").click()
        popup.value.get_by_role("button", name="Install").click()
        assert setup.wait(30) == 0

        running.enter_context(program(tmp_path, "serve", "--poll", "--port", "0"))

        line_with(github, "opens a pull request")
        line_with(github, "The review")
        line_with(github, "SQL query built from untrusted input")
        line_with(github, "quorum/docs")
