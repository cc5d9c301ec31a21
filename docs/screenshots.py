"""Take the screenshots in `docs/images/`. Needs Chromium.

The dashboard shows the browser tests' sample, the pull request is that of `quorum demo` on the stand-in's page, and `quorum setup` registers with it.

Run: `.venv/bin/python -m docs.screenshots` in the checkout, on a machine with a font for emoji.
"""

import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from app.commands.setup import SetupOptions
from app.store import ensure_sqlite
from app.store.database import Database
from tests.browser import sample
from tests.browser.conftest import ARGUMENTS, build_site, chromium, serve
from tests.browser.registering import registering

IMAGES = Path(__file__).parent / "images"
QUORUM = Path(sys.executable).parent / "quorum"


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A page that the documentation shows."""

    name: str
    path: str
    dark: bool = False
    width: int = 1280
    height: int = 980


PICTURES = (
    Picture(name="overview", path="/"),
    Picture(name="overview-dark", path="/", dark=True),
    Picture(name="review", path=f"/reviews/{sample.STARRED}", height=1_180),
    Picture(name="review-dark", path=f"/reviews/{sample.STARRED}", dark=True, height=1_180),
    Picture(name="models", path="/models", height=800),
    Picture(name="phone", path=f"/reviews/{sample.STARRED}", width=390, height=844),
)


def main() -> int:
    """Take every picture; returns 2 if there is no Chromium."""
    executable = chromium()
    if executable is None:
        sys.stderr.write("Chromium is not installed.\n")
        return 2
    ensure_sqlite()
    with tempfile.TemporaryDirectory(prefix="quorum-") as directory, sync_playwright() as playwright:
        database = Database(f"sqlite:///{directory}/quorum.db")
        sample.fill(database)
        app, _, _ = build_site(database, token=None)
        browser = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        for url in serve(app):
            for picture in PICTURES:
                take(browser, url, picture)
        take_setup(browser, Path(directory) / "setup")
        take_pull_request(browser, Path(directory))
        browser.close()
        database.close()
    return 0


def take(browser: Browser, url: str, picture: Picture) -> None:
    """One picture."""
    context = browser.new_context(
        viewport={"width": picture.width, "height": picture.height},
        color_scheme="dark" if picture.dark else "light",
    )
    page = context.new_page()
    page.goto(url + picture.path, wait_until="networkidle")
    page.screenshot(path=IMAGES / f"{picture.name}.png")
    context.close()


def take_setup(browser: Browser, folder: Path) -> None:
    """The two pages of `quorum setup`: before GitHub, and after it with the ping still to come."""
    folder.mkdir()
    page = browser.new_page(viewport={"width": 760, "height": 300})
    options = SetupOptions(organization="acme", url="https://quorum.example.com")
    with registering(folder, options) as run:
        page.goto(run.page)
        page.screenshot(path=IMAGES / "setup.png")
        page.get_by_role("button").click()
        page.get_by_text("Waiting for GitHub's first ping").wait_for()
        page.screenshot(path=IMAGES / "setup-next.png")
        run.deliver()
        page.get_by_text("The ping has arrived").wait_for()
    page.close()


def take_pull_request(browser: Browser, folder: Path) -> None:
    """The pull request that `quorum demo` has reviewed with its recorded answers, in light and in dark mode."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "COLUMNS": "200", "PYTHONUNBUFFERED": "1"}
    command = [QUORUM, "demo"]
    with subprocess.Popen(command, env=environment, cwd=folder, stdout=subprocess.PIPE, text=True) as demo:  # noqa: S603 - our own program
        assert demo.stdout
        found = (re.search(r"Pull request: (\S+)", line) for line in demo.stdout)
        url = next(match[1] for match in found if match)
        for name, dark in (("pull-request", False), ("pull-request-dark", True)):
            take(browser, "", Picture(name=name, path=url, dark=dark, width=1080, height=1_160))
        demo.terminate()


if __name__ == "__main__":
    sys.exit(main())
