"""Whatever a model suggests: what GitHub makes of the posted block is the intended code, or nothing can be applied.

Suggestions are applied by `applying`, which knows nothing of the product.
"""

import ast
import textwrap
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.edit import FileEdit
from app.domain.finding import Finding
from app.findings.anchor import anchor
from app.findings.suggestion import check_suggestions
from app.publish.comments import render_finding_comment
from app.syntax.edits import is_sound
from tests.unit.findings.applying import apply, content_of
from tests.unit.findings.making import finding, index_of, sources_of


async def check_edits(edits: Sequence[FileEdit]) -> list[bool]:
    return [is_sound(edit) for edit in edits]


async def posted(path: str, code: str, quote: str, line: int, suggestion: str) -> Finding:
    files = {path: ("", code)}
    index = index_of(files)
    said = anchor(finding(path=path, quote=quote, line=line, suggestion=suggestion, fingerprint="f"), index)
    [checked] = await check_suggestions([said], index, source_of=sources_of(files), check_edits=check_edits)
    return checked.finding


def applied(said: Finding, code: str, *, newline: str = "\n") -> str | None:
    """The file after a click; None if there is nothing to click on."""
    content = content_of(render_finding_comment(said, redact=str))
    if content is None:
        return None
    return apply(code, start_line=said.start_line, end_line=said.end_line, content=content, newline=newline)


# Code of random blocks. A statement is (text, nested statements).
Block = Sequence[tuple[str, "Block"]]
NAMES = st.sampled_from(["total", "order", "paid", "rate", "_x"])
SIMPLE = st.one_of(
    st.builds("{} = {} + 1".format, NAMES, NAMES),
    st.builds("{}({}, {})".format, NAMES, NAMES, NAMES),
    st.builds("{} = [\n{{step}}{},\n{{step}}{},\n]".format, NAMES, NAMES, NAMES),
    st.builds("{} = '''\n  raw {}\n'''".format, NAMES, NAMES),
    st.builds("return {}".format, NAMES),
    st.builds("# {}".format, NAMES).map(lambda text: f"{text}\npass"),
)
HEADERS = st.one_of(
    st.builds("if {}:".format, NAMES),
    st.builds("for {} in {}:".format, NAMES, NAMES),
    st.builds("with {} as {}:".format, NAMES, NAMES),
    st.builds("def {}({}):  # sums".format, NAMES, NAMES),
)
BLOCK: st.SearchStrategy[Block] = st.recursive(
    st.lists(st.tuples(SIMPLE, st.just([])), min_size=1, max_size=3),
    lambda inner: st.lists(
        st.one_of(st.tuples(SIMPLE, st.just([])), st.tuples(HEADERS, inner)), min_size=1, max_size=3
    ),
    max_leaves=6,
)


def written(block: Block, step: str, indent: str = "") -> list[str]:
    lines: list[str] = []
    for text, inner in block:
        is_raw = "'''" in text
        first, *rest = text.replace("{step}", step).split("\n")
        lines += [indent + first, *(line if is_raw else indent + line for line in rest)]
        lines += written(inner, step, indent + step)
    return lines


DAMAGES = ("none", "dedented", "first bare", "a blank too much", "deeper", "other step")
FENCES = ("", "```", "````", "~~~", "``````", "~~~~~~")


def damaged(lines: list[str], how: str, step: str) -> list[str]:
    margin = len(lines[0]) - len(lines[0].lstrip())
    match how:
        case "dedented":
            return textwrap.dedent("\n".join(lines)).split("\n")
        case "first bare":
            return [lines[0].lstrip(), *lines[1:]]
        case "a blank too much":
            return [f" {line}" for line in lines]
        case "deeper":
            return [step + line for line in lines]
        case "other step" if margin == 0 or step == "\t":
            return [line.replace("\t", "    ") for line in lines]
        case _:
            return lines


@st.composite
def suggested(draw: st.DrawFn) -> tuple[str, int, int, str, list[str]]:
    """A file, the lines that are quoted, a suggestion as a model may write it, and the lines that it means."""
    step = draw(st.sampled_from(["    ", "  ", "\t"]))
    outer, old, new = draw(BLOCK), draw(BLOCK), draw(BLOCK)
    depth = draw(st.integers(0, 3))
    indent = step * depth
    head = [f"{step * level}if level_{level}:" for level in range(depth)]
    before, after = written(outer[:1], step, indent), [f"{indent}last = 0"]
    quoted, meant = written(old, step, indent), written(new, step, indent)
    lines = [*head, *before, *quoted, *after]
    how, fence = draw(st.sampled_from(DAMAGES)), draw(st.sampled_from(FENCES))
    text = "\n".join(damaged(meant, how, step))
    if fence:
        text = f"{fence}{draw(st.sampled_from(['', 'python', 'suggestion']))}\n{text}\n{fence}"
    if draw(st.booleans()):
        text = text.replace("\n", "\r\n") + "\r\n"
    newline = draw(st.sampled_from(["\n", "\r\n"]))
    code = newline.join(lines) + (newline if draw(st.booleans()) else "")
    start = len(head) + len(before) + 1
    return code, start, start + len(quoted) - 1, text, [*head, *before, *meant, *after]


@settings(max_examples=40, deadline=None)
@given(suggested())
async def test_a_python_suggestion_does_what_was_meant_or_cannot_be_applied(
    case: tuple[str, int, int, str, list[str]],
) -> None:
    code, start, end, suggestion, meant = case
    quote = "\n".join(code.replace("\r\n", "\n").split("\n")[start - 1 : end])
    said = await posted("pay.py", code, quote, start, suggestion)
    for newline in ("\n", "\r\n"):
        result = applied(said, code, newline=newline)
        if result is not None:
            assert (said.start_line, said.end_line) == (start, end)
            assert ast.dump(ast.parse(result)) == ast.dump(ast.parse("\n".join(meant)))


INSIDE = """\
class Cart:
    def add(self, x):
        y = x + 1
        return y
"""
MARKDOWN = """\
Install it:

```js
const a = 1;
```

Then `run` it.
"""
CASES: dict[str, tuple[str, str, str, str, str | None]] = {
    "a bare first line": (
        "cart.py", INSIDE, "        y = x + 1", "y = x + 2\n        z = y", "        y = x + 2\n        z = y"
    ),
    "a bare first line that opens a block": (
        "cart.py", INSIDE, "        y = x + 1", "if x:\n            y = 2\n        z = 1", "        if x:\n            y = 2\n        z = 1"
    ),
    "a block without any indentation": (
        "cart.py", INSIDE, "        y = x + 1", "if x:\n    y = 2\nz = 1", "        if x:\n            y = 2\n        z = 1"
    ),
    "the same code in a longer fence": (
        "a.md", MARKDOWN, "```js\nconst a = 1;\n```", "````\n```js\nconst b = 2;\n```\n````", "```js\nconst b = 2;\n```"
    ),
    "the same code in tildes": (
        "a.md", MARKDOWN, "```js\nconst a = 1;\n```", "~~~~~~md\n```js\nconst b = 2;\n```\n~~~~~~", "```js\nconst b = 2;\n```"
    ),
    "a fence that is the code": (
        "a.md", MARKDOWN, "```js\nconst a = 1;\n```", "~~~js\nconst b = 2;\n~~~", "~~~js\nconst b = 2;\n~~~"
    ),
    "a longer fence around a line in a code block": (
        "a.md", MARKDOWN, "const a = 1;", "````suggestion\nconst b = 2;\n````", "const b = 2;"
    ),
    "code with a fence in it": (
        "a.py", "a = 1\n", "a = 1", "````\na = \'\'\'\n```js\n```\n\'\'\'\n````", "a = \'\'\'\n```js\n```\n\'\'\'"
    ),
    "a block that goes on below": (
        "cart.py", INSIDE, "    def add(self, x):", "def add(self, x, y):", "    def add(self, x, y):"
    ),
    "nothing but the deletion": ("cart.js", "f();\ng();\n", "f();", "", ""),
    # What cannot be applied:
    "a fence that never ends": ("a.md", MARKDOWN, "```js\nconst a = 1;\n```", "```js\nconst b = 2;", None),
    "a fence in the text": ("a.md", MARKDOWN, "Then `run` it.", "Then run it:\n```", None),
    "a body that is deleted": ("cart.py", INSIDE, "        y = x + 1\n        return y", "", None),
    "a line that swallows the next": ("cart.py", INSIDE, "        y = x + 1", "        y = \\\\", None),
    "a string that swallows the rest": ("cart.py", INSIDE + "d = \'\'\'x\'\'\'\n", "        y = x + 1", "y = \'\'\'", None),
    "a brace too much": ("a.js", "if (a) {\n  b();\n}\n", "  b();", "  c();\n}", None),
    "a brace too few": ("a.go", "package a\n\nfunc f() {\n\tg()\n}\n", "\tg()", "\tif x {\n\tg()", None),
    "a jump out of its loop": (
        "a.py", "for a in b:\n    c(a)\n", "    c(a)", "    d(a)\nbreak", None
    ),
    "text that is not code": ("a.rs", "fn f() {\n    g();\n}\n", "    g();", "    Use `h()` instead.", None),
}  # fmt: skip


@pytest.mark.parametrize(("path", "code", "quote", "suggestion", "lines"), CASES.values(), ids=CASES.keys())
@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize("end", ["\n", ""], ids=["ended", "no newline at end"])
async def test_a_suggestion_is_applied_as_meant_or_not_at_all(
    path: str, code: str, quote: str, suggestion: str, lines: str | None, newline: str, end: str
) -> None:
    code = code.removesuffix("\n") + end
    file = code.replace("\n", newline)
    said = await posted(path, file, quote, 1, suggestion)
    result = applied(said, file, newline=newline)
    if lines is None:
        assert result is None
        assert said.suggestion is None
    else:
        meant = code.replace(quote, lines, 1) if lines else code.replace(quote + "\n", "", 1)
        assert result == meant.replace("\n", newline)


FENCED = st.sampled_from(["```", "````", "`````", "``````", "~~~", "~~~~", "~~~~~~"])
TEXTS = st.lists(
    st.sampled_from(["text", "`x`", "- item", "  - inner", "const a = 1;", ""]), min_size=1, max_size=3
)


@st.composite
def fenced_blocks(draw: st.DrawFn, *, nested: bool = True) -> list[str]:
    fence, info = draw(FENCED), draw(st.sampled_from(["", "js", "md", "sh"]))
    inner = draw(TEXTS)
    if nested and len(fence) > 3 and draw(st.booleans()):
        info, inner = (
            "sh",
            ["```js", *inner, "```"],
        )  # without a language, it would be a fence around the answer
    return [f"{fence}{info}", *inner, fence]


@settings(max_examples=50, deadline=None)
@given(
    old=fenced_blocks(nested=False),
    new=fenced_blocks(),
    wrapper=st.sampled_from(["", "~~~~~~~", "```````"]),
    info=st.sampled_from(["", "suggestion", "markdown"]),
    newline=st.sampled_from(["\n", "\r\n"]),
)
async def test_a_suggestion_for_a_fenced_block_does_what_was_meant_or_cannot_be_applied(
    old: list[str], new: list[str], wrapper: str, info: str, newline: str
) -> None:
    lines = ["# Title", "", *old, "", "The end."]
    suggestion = "\n".join([f"{wrapper}{info}", *new, wrapper] if wrapper else new)
    code = newline.join([*lines, ""])
    said = await posted("guide.md", code, "\n".join(old), 3, suggestion)
    result = applied(said, code, newline=newline)
    if result is not None and (said.start_line, said.end_line) == (3, 2 + len(old)):
        assert result.replace("\r\n", "\n").split("\n") == ["# Title", "", *new, "", "The end.", ""]
