"""A fix of lines that are not consecutive is a small diff; one of consecutive lines stays a suggestion."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from app.domain.edit import FileEdit
from app.domain.finding import Finding
from app.findings.spread import show_spread_fixes
from app.publish.comments import render_finding_comment
from app.syntax.edits import is_sound
from tests.unit.findings.making import finding, index_of, sources_of
from tests.unit.findings.test_suggestion import checked

CODE = """\
import sys


def total(orders):
    result = 0
    for order in orders:
        if order.paid:
            result += order.sum
    print(result)
    return result
"""
QUOTE = "    result = 0\n    return result"


async def check_edits(edits: Sequence[FileEdit]) -> list[bool]:
    return [is_sound(edit) for edit in edits]


async def shown(
    quote: str, suggestion: str, *, code: str = CODE, path: str = "pay.py", line: int = 5
) -> Finding:
    files = {path: ("", code)}
    said = finding(path=path, quote=quote, suggestion=suggestion, line=line)
    [made] = await show_spread_fixes(
        [said], index_of(files), source_of=sources_of(files), check_edits=check_edits
    )
    return made


def diff_in(text: str) -> str:
    return text.partition("```diff\n")[2].partition("\n```")[0]


DIFF = """\
@@ -5,1 +5,1 @@
-    result = 0
+    result = Money(0)
@@ -10,1 +10,1 @@
-    return result
+    return result.cents"""
MEANT = {
    "a line for each line": (QUOTE, "    result = Money(0)\n    return result.cents"),
    "without indentation": (QUOTE, "result = Money(0)\nreturn result.cents"),
    "an ellipsis in both": (
        "    result = 0\n    ...\n    return result",
        "    result = Money(0)\n    ...\n    return result.cents",
    ),
    "an ellipsis in a comment": (
        "    result = 0\n    # ...\n    return result",
        "    result = Money(0)\n    # ... unchanged ...\n    return result.cents",
    ),
    "an ellipsis in the quote": ("    result = 0\n…\n    return result", "    result = Money(0)\n    return result.cents"),
    "an ellipsis in the suggestion": (QUOTE, "    result = Money(0)\n    # [... as before]\n    return result.cents"),
    "paragraphs": (QUOTE, "    result = Money(0)\n\n    return result.cents"),
    "with the code between": (QUOTE, CODE.partition("sys\n\n\n")[2].partition("\n")[2].replace("= 0", "= Money(0)").replace("return result", "return result.cents")),
    "with marks and numbers": ("5+    result = 0\n10+    return result", "    result = Money(0)\n    return result.cents"),
    "fenced": (f"```python\n{QUOTE}\n```", "```python\n    result = Money(0)\n    return result.cents\n```"),
}  # fmt: skip


@pytest.mark.parametrize(("quote", "suggestion"), MEANT.values(), ids=MEANT.keys())
async def test_a_fix_in_two_places_is_shown_as_a_small_diff(quote: str, suggestion: str) -> None:
    made = await shown(quote, suggestion)
    assert made.suggestion is None
    assert "Possible fix, in 2 places of the file:" in made.explanation
    assert diff_in(made.explanation) == DIFF


async def test_places_may_gain_and_lose_lines() -> None:
    made = await shown(
        "import sys\n        if order.paid:\n            result += order.sum\n    print(result)",
        "import sys\nimport os\n...\n        result += order.sum\n...\n    print(result, os.sep)",
        line=1,
    )
    assert made.explanation.startswith("It adds")  # the quote has one place less than the suggestion
    made = await shown(
        "import sys\n...\n            result += order.sum\n...\n    return result",
        "import sys\nimport os\n...\n            result += order.sum or 0\n...\n    return os.fspath(result)",
        line=1,
    )
    assert "in 3 places" in made.explanation
    assert "@@ -8,1 +9,1 @@\n-            result += order.sum\n" in made.explanation
    assert "@@ -10,1 +11,1 @@" in made.explanation


UNCLEAR = {
    "consecutive lines": ("    print(result)\n    return result", "    return result"),
    "one place": ("    result = 0", "    result = 1"),
    "only one place changes": (QUOTE, "    result = Money(0)\n    return result"),
    "a place that is not there": ("    result = 0\n    return nothing", "    result = 1\n    return 2"),
    "a place that is there twice": ("    result = 0\n    pass", "    result = 1\n    return 2"),
    "too few parts": (QUOTE, "    result = Money(0)"),
    "too many parts": (QUOTE, "    a = 1\n    ...\n    b = 1\n    ...\n    c = 2"),
    "does not parse": (QUOTE, "    result = Money(\n    return result.cents"),
    "from bottom to top": ("    return result\n    result = 0", "    return 1\n    result = 2"),
    "no suggestion": (QUOTE, ""),
    "half a line": ("    result =\n    return result", "    result = 1\n    return result.cents"),
}


@pytest.mark.parametrize(("quote", "suggestion"), UNCLEAR.values(), ids=UNCLEAR.keys())
async def test_what_is_not_clearly_in_several_places_stays_as_its_model_wrote_it(
    quote: str, suggestion: str
) -> None:
    code = f"{CODE}\n\ndef a():\n    pass\n\n\ndef b():\n    pass\n"
    assert (await shown(quote, suggestion, code=code)).suggestion == suggestion


async def test_a_file_that_controls_builds_has_no_diff() -> None:
    quote, suggestion = "a: 1\nc: 3", "a: 2\nc: 4"
    made = await shown(quote, suggestion, code="a: 1\nb: 2\nc: 3\n", path="ci.yml", line=1)
    assert made.suggestion == suggestion


async def test_the_diff_keeps_carriage_returns_and_backticks_out_of_the_way() -> None:
    code = "# Shop\r\n\r\n```js\r\nrun()\r\n```\r\n\r\nText.\r\n"
    made = await shown("# Shop\nText.", "# Shops\n...\nTexts.", code=code, path="README.md", line=1)
    assert "\r" not in made.explanation
    body = render_finding_comment(replace(made, fingerprint="a" * 32), redact=str, may_fix=True)
    assert "-# Shop\n+# Shops\n" in body
    assert "-Text.\n+Texts.\n" in body


async def test_the_comment_has_the_diff_and_offers_fix_but_no_button() -> None:
    made = replace(await shown(*MEANT["paragraphs"]), fingerprint="a" * 32)
    body = render_finding_comment(made, redact=str, may_fix=True)
    assert diff_in(body) == DIFF
    assert "Reply with `/fix`" in body
    assert "suggestion\n" not in body


LOST = {
    "an ellipsis among statements": "    for order in orders:\n        ...\n        result += order.sum",
    "a comment with an ellipsis": "    for order in orders:\n        # ... existing code ...\n        result += 1",
    "an ellipsis at the end": "    for order in orders:\n        result += 1\n        # …",
}


@pytest.mark.parametrize("suggestion", LOST.values(), ids=LOST.keys())
async def test_a_suggestion_that_leaves_out_code_cannot_be_committed(suggestion: str) -> None:
    made = await checked(quote="    for order in orders:\n        if order.paid:", suggestion=suggestion)
    assert made.suggestion is None
    assert "Possible fix:" in made.explanation


async def test_an_ellipsis_that_is_code_can_be_committed() -> None:
    made = await checked(quote="    return result", suggestion="    def paid(self) -> bool:\n        ...")
    assert made.suggestion is not None
    spread = await checked(
        quote="  f(a)", suggestion="  f(\n    ...a,\n  )", path="a.js", code="{\n  f(a)\n}\n"
    )
    assert spread.suggestion is not None
