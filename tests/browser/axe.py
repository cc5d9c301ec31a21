"""Checks a page with axe-core's accessibility rules. axe-core itself is vendored in tests/data.

Best practices count too. https://github.com/dequelabs/axe-core/blob/develop/doc/rule-descriptions.md
"""

from functools import cache
from pathlib import Path
from typing import Any, cast

from playwright.sync_api import Page

AXE = Path(__file__).parents[1] / "data" / "axe" / "axe.min.js"
TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
RUN = "tags => axe.run(document, {runOnly: {type: 'tag', values: tags}, resultTypes: ['violations']})"


@cache
def _source() -> str:
    return AXE.read_text(encoding="utf-8")


def complaints_of(page: Page) -> list[str]:
    """One line for each violation: the rule, its message, and the first element that breaks it."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(_source())  # the page's own policy forbids a script element
    said = cast("dict[str, Any]", page.evaluate(RUN, TAGS))
    assert said["violations"] is not None
    return [f"{each['id']}: {each['help']}: {each['nodes'][0]['html'][:120]}" for each in said["violations"]]
