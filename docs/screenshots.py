"""Makes the pictures of the dashboard in `docs/images/` from the browser tests' sample. Needs Chromium.

Run: `.venv/bin/python -m docs.screenshots` in the checkout.
"""

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from app.sqlite import ensure_sqlite
from app.store.database import Database
from tests.browser import sample
from tests.browser.conftest import ARGUMENTS, build_site, chromium, serve

IMAGES = Path(__file__).parent / "images"


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A page as it is shown in the documentation."""

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
    Picture(name="models", path="/models", height=460),
    Picture(name="phone", path=f"/reviews/{sample.STARRED}", width=390, height=844),
)


def main() -> int:
    """Take every picture; 2 where there is no Chromium."""
    executable = chromium()
    if executable is None:
        sys.stderr.write("There is no Chromium.\n")
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


if __name__ == "__main__":
    sys.exit(main())
