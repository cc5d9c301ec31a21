"""The documentation's site: it builds in strict mode, every page is in its navigation, and it loads nothing from other hosts."""

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote, urlsplit

import pytest

from docs.website import build, public_files
from tests.unit.repository.files import ROOT, read

_LEADS_TO = re.compile(r'(?:href|src)="([^"]+)"')
_LOADED = re.compile(r'<(?:script|img|iframe|source)\b[^>]*\bsrc="([^"]+)"|<link\b[^>]*\bhref="([^"]+)"')
_UNBUILT = re.compile(r"<p>[^<]*\n(?:[-*] |\d+\. |\|)")  # a list or table that became a paragraph


@pytest.fixture(scope="module")
def html(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site. A link to a missing page or heading fails the build."""
    try:
        return build(tmp_path_factory.mktemp("site"))
    except subprocess.CalledProcessError as error:
        pytest.fail(error.stdout)


def named(entries: list[dict[str, Any]]) -> list[str]:
    """The pages of a navigation, in its order."""
    found: list[str] = []
    for entry in entries:
        for value in entry.values():
            found += named(cast("list[dict[str, Any]]", value)) if isinstance(value, list) else [value]
    return found


def pages_of(html: Path) -> list[Path]:
    return sorted(path for path in html.rglob("*.html") if path.name != "404.html")


def test_every_page_is_in_the_navigation_once() -> None:
    navigation = named(tomllib.loads(read("zensical.toml"))["project"]["nav"])
    assert sorted(navigation) == sorted(path for path in public_files() if path.endswith(".md"))


def test_every_page_is_built(html: Path) -> None:
    written = [path for path in public_files() if path.endswith(".md")]
    assert len(pages_of(html)) == len(written) > 30


def test_every_link_of_a_built_page_has_a_target(html: Path) -> None:
    for page in pages_of(html):
        found: list[str] = _LEADS_TO.findall(page.read_text(encoding="utf-8"))
        local = {unquote(urlsplit(link).path) for link in found if not urlsplit(link).scheme}
        assert local
        missing = [path for path in local if path and not (page.parent / path).is_file()]
        assert not missing, page.relative_to(html)


def test_no_page_loads_anything_from_other_hosts(html: Path) -> None:
    for page in pages_of(html):
        loaded = ["".join(found) for found in _LOADED.findall(page.read_text(encoding="utf-8"))]
        assert loaded
        assert not [url for url in loaded if urlsplit(url).netloc], page.relative_to(html)


def test_lists_and_tables_are_rendered(html: Path) -> None:
    for page in pages_of(html):
        assert not _UNBUILT.search(page.read_text(encoding="utf-8")), page.relative_to(html)


def test_every_picture_of_the_dark_mode_has_one_of_the_light_mode_beside_it() -> None:
    pages = "".join(read(path) for path in public_files() if path.endswith(".md"))
    dark = re.findall(
        r'srcset="[\w/]*images/([\w-]+)-dark\.png">\n\s*<img src="[\w/]*images/([\w-]+)\.png" alt="\w', pages
    )
    assert len(dark) >= 4
    assert all(one == other for one, other in dark)


def test_every_picture_is_on_a_page(html: Path) -> None:
    shown = {path.stem for path in (ROOT / "docs" / "images").glob("*.png")}
    linked = "".join(page.read_text(encoding="utf-8") for page in pages_of(html))
    assert {name for name in shown if f"{name}.png" in linked} == shown
