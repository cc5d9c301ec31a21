"""The documentation's site in a real browser: no page sends a request to another host, and the search works."""

import re
import subprocess
from collections.abc import Generator
from pathlib import Path

import pytest
from fastapi import FastAPI
from playwright.sync_api import Page, Request, expect
from starlette.staticfiles import StaticFiles

from docs.website import build
from tests.browser.axe import complaints_of
from tests.browser.conftest import serve

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def html(executable: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    del executable  # without a browser, the fixture skips the test before the site is built
    try:
        return build(tmp_path_factory.mktemp("site"))
    except subprocess.CalledProcessError as error:
        pytest.fail(error.stdout)


@pytest.fixture(scope="module")
def url(html: Path) -> Generator[str]:
    app = FastAPI()
    app.mount("/", StaticFiles(directory=html))
    yield from serve(app)


def test_no_page_of_the_documentation_sends_requests_to_other_hosts(page: Page, html: Path, url: str) -> None:
    foreign: list[str] = []

    def record(request: Request) -> None:
        if not request.url.startswith((url, "data:", "blob:")):
            foreign.append(request.url)

    page.on("request", record)
    for path in sorted(html.rglob("*.html")):
        page.goto(f"{url}/{path.relative_to(html)}")
    assert foreign == []


def test_the_documentation_is_searchable_without_other_hosts(page: Page, url: str) -> None:
    page.goto(f"{url}/docs/configuration.html")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Configuration")
    ours = [each for each in complaints_of(page) if each.startswith(("image-alt", "link-name"))]
    assert ours == []  # the colors belong to the theme
    page.keyboard.press("/")
    page.keyboard.type("budget", delay=20)
    expect(page.get_by_role("option").first).to_contain_text(re.compile("budget", re.IGNORECASE))
