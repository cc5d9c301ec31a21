"""Look-ups read the tree of the head and nothing else; what they cannot show has a reason."""

import string

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.domain.lookup import CodeLookup, LookupKind, Unavailable
from app.domain.lookup_answer import LookupAnswer
from app.gather.lookups import ANSWER_TOKENS, CHARACTERS_PER_TOKEN, ROUND_TOKENS, Lookups
from app.github.local import GitRangeSource, PatchSource
from tests.unit.github.repositories import Checkout

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
FILES: dict[str, str | bytes | None] = {
    "shop/cart.py": "class Cart:\n    def total(self):\n        return sum(self.prices)\n",
    "shop/order.py": "from shop.cart import Cart\n\nRATE = 0.2\n\n\ndef total(order):\n    return Cart().total() * RATE\n",
    "tests/test_cart.py": "def test_total():\n    assert Cart().total() == 0\n",
    "web/cart.ts": "export class Cart {\n  total(): number {\n    return 1;\n  }\n}\n",
    "long.txt": "".join(f"row {number} {'x' * 60}\n" for number in range(1, 2_001)),
    "wide.py": f"A = '{'x' * 9_000}'\nB = 2\n",
    "logo.bin": bytes(range(256)) * 20,
    "big.lfs": POINTER,
    "huge.txt": "x = 1\n" * 500_000,
}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    made = Checkout(tmp_path_factory.mktemp("looked") / "repository")
    (made.directory / "link").symlink_to("/etc/passwd")
    (made.directory / "linked").symlink_to("shop")
    made.commit(FILES, "Add the shop")
    made.git("update-index", "--add", "--cacheinfo", f"160000,{made.git('rev-parse', 'HEAD')},vendored")
    made.git("commit", "--quiet", "-m", "Vendor a library")
    return made


async def answer(checkout: Checkout, *lookups: CodeLookup, target: str = "HEAD") -> list[LookupAnswer]:
    source = GitRangeSource(checkout.directory, target)
    await source.snapshot([])
    return list(await Lookups(source.tree()).answer(lookups))


def shown(found: LookupAnswer) -> list[str]:
    return [
        f"{snippet.path}:{number}|{text}"
        for snippet in found.snippets
        for number, text in enumerate(snippet.text.split("\n"), snippet.start_line)
    ]


async def test_a_definition_is_found_by_its_owner_by_its_path_or_alone(checkout: Checkout) -> None:
    by_owner, by_path, alone, constant, missing = await answer(
        checkout,
        CodeLookup(kind=LookupKind.DEFINITION, name="Cart.total()", path="shop/cart.py"),
        CodeLookup(kind=LookupKind.DEFINITION, name="total", path="shop/order.py"),
        CodeLookup(kind=LookupKind.DEFINITION, name="Cart"),
        CodeLookup(kind=LookupKind.DEFINITION, name="RATE"),
        CodeLookup(kind=LookupKind.DEFINITION, name="nowhere"),
    )
    assert shown(by_owner) == [
        "shop/cart.py:2|    def total(self):",
        "shop/cart.py:3|        return sum(self.prices)",
    ]
    assert shown(by_path)[0] == "shop/order.py:6|def total(order):"
    assert {snippet.path for snippet in alone.snippets} == {"shop/cart.py", "web/cart.ts"}
    assert shown(constant)[0] == "shop/order.py:3|RATE = 0.2"
    assert missing.unavailable is Unavailable.NOT_FOUND


async def test_references_list_code_before_tests(checkout: Checkout) -> None:
    [found] = await answer(checkout, CodeLookup(kind=LookupKind.REFERENCES, name="Cart", path="shop"))
    assert shown(found) == [
        "shop/cart.py:1|class Cart:",
        "shop/order.py:1|from shop.cart import Cart",
        "shop/order.py:7|    return Cart().total() * RATE",
    ]
    [found] = await answer(checkout, CodeLookup(kind=LookupKind.REFERENCES, name="total"))
    assert shown(found)[-1] == "tests/test_cart.py:2|    assert Cart().total() == 0"


async def test_lines_of_a_file_are_shown_with_their_numbers(checkout: Checkout) -> None:
    lines, past = await answer(
        checkout,
        CodeLookup(kind=LookupKind.FILE, path="./shop/order.py", start_line=7, end_line=6),
        CodeLookup(kind=LookupKind.FILE, path="shop/order.py", start_line=800),
    )
    assert shown(lines) == [
        "shop/order.py:6|def total(order):",
        "shop/order.py:7|    return Cart().total() * RATE",
    ]
    assert past.unavailable is Unavailable.NOT_FOUND


async def test_a_search_is_literal(checkout: Checkout) -> None:
    part, brackets, pattern, empty = await answer(
        checkout,
        CodeLookup(kind=LookupKind.SEARCH, name="self.pri"),
        CodeLookup(kind=LookupKind.SEARCH, name="Cart().total()", path="shop"),
        CodeLookup(kind=LookupKind.SEARCH, name=r"Cart\(\).*total"),
        CodeLookup(kind=LookupKind.SEARCH),
    )
    assert shown(part) == ["shop/cart.py:3|        return sum(self.prices)"]
    assert shown(brackets) == ["shop/order.py:7|    return Cart().total() * RATE"]
    assert pattern.unavailable is Unavailable.PATTERN
    assert empty.unavailable is Unavailable.INCOMPLETE


async def test_the_history_of_lines_has_dates_and_subjects_but_no_names(checkout: Checkout) -> None:
    found, past, missing = await answer(
        checkout,
        CodeLookup(kind=LookupKind.HISTORY, path="shop/cart.py", start_line=1, end_line=2),
        CodeLookup(kind=LookupKind.HISTORY, path="shop/cart.py", start_line=700),
        CodeLookup(kind=LookupKind.HISTORY, path="shop/none.py"),
    )
    assert found.history == past.history == ("2026-01-01 Add the shop",)
    assert missing.unavailable is Unavailable.NO_FILE


async def test_a_long_line_is_named_and_not_shown_as_an_empty_one(checkout: Checkout) -> None:
    [found] = await answer(checkout, CodeLookup(kind=LookupKind.FILE, path="wide.py"))
    assert shown(found) == ["wide.py:1|… a line of 9,006 characters is left out", "wide.py:2|B = 2"]


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("../../etc/passwd", Unavailable.OUTSIDE),
        ("/etc/passwd", Unavailable.OUTSIDE),
        ("shop/../../x", Unavailable.OUTSIDE),
        ("..\\..\\windows", Unavailable.OUTSIDE),
        (".git/config", Unavailable.OUTSIDE),
        ("shop/.GIT/config", Unavailable.OUTSIDE),
        ("shop\0", Unavailable.OUTSIDE),
        (".", Unavailable.OUTSIDE),
        (None, Unavailable.INCOMPLETE),
        ("shop", Unavailable.FOLDER),
        ("vendored", Unavailable.SUBMODULE),
        ("vendored/lib.py", Unavailable.SUBMODULE),
        ("link", Unavailable.LINK),
        ("linked/cart.py", Unavailable.LINK),
        ("logo.bin", Unavailable.BINARY),
        ("big.lfs", Unavailable.LFS),
        ("huge.txt", Unavailable.TOO_LARGE),
        ("nothing.py", Unavailable.NO_FILE),
        ("--output=x", Unavailable.NO_FILE),
        (":(glob)**", Unavailable.NO_FILE),
        ("shop/cart.py\nx", Unavailable.NO_FILE),
        ("x/" * 200, Unavailable.TOO_LONG),
    ],
)
async def test_what_is_no_text_of_the_tree_is_not_available(
    checkout: Checkout, path: str | None, reason: Unavailable
) -> None:
    for kind in (LookupKind.FILE, LookupKind.HISTORY):
        [found] = await answer(checkout, CodeLookup(kind=kind, path=path))
        content_only = reason in (Unavailable.BINARY, Unavailable.LFS, Unavailable.TOO_LARGE)
        if kind is LookupKind.FILE or not content_only:
            assert (found.unavailable, found.snippets) == (reason, ())


async def test_the_index_and_the_work_tree_are_looked_up_too(checkout: Checkout) -> None:
    wanted = (
        CodeLookup(kind=LookupKind.FILE, path="shop/cart.py", start_line=1, end_line=1),
        CodeLookup(kind=LookupKind.SEARCH, name="class Cart:"),
        CodeLookup(kind=LookupKind.FILE, path="link"),
        CodeLookup(kind=LookupKind.FILE, path="vendored/x"),
        CodeLookup(kind=LookupKind.HISTORY, path="shop/cart.py", start_line=1),
    )
    for target in ("--staged", "--working-tree"):
        lines, found, link, inside, history = await answer(checkout, *wanted, target=target)
        assert shown(lines) == shown(found) == ["shop/cart.py:1|class Cart:"]
        assert (link.unavailable, inside.unavailable) == (Unavailable.LINK, Unavailable.SUBMODULE)
        assert history.history == ("2026-01-01 Add the shop",)


async def test_answers_and_rounds_are_limited(checkout: Checkout) -> None:
    whole = CodeLookup(kind=LookupKind.FILE, path="long.txt", start_line=1, end_line=2_000)
    found = await answer(checkout, whole, whole, whole, whole, whole)
    characters = [sum(map(len, shown(each))) - len("long.txt:") * len(shown(each)) for each in found]
    assert max(characters) <= ANSWER_TOKENS * CHARACTERS_PER_TOKEN
    assert sum(characters) <= ROUND_TOKENS * CHARACTERS_PER_TOKEN
    assert found[0].note == "more lines than a look-up shows"
    assert found[-1].unavailable is Unavailable.ROUND_FULL


ODD = st.text(alphabet=string.printable + "\0\u202e\ud800é", max_size=40) | st.sampled_from(
    [
        "HEAD",
        "-e",
        "--help",
        "HEAD:shop/cart.py",
        ":0:link",
        "$(id)",
        "shop/cart.py",
        "Cart",
        "a" * 300,
        "[" * 300,
    ]
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(LookupKind),
    name=st.none() | ODD,
    path=st.none() | ODD,
    start=st.none() | st.integers(1, 10**9),
    end=st.none() | st.integers(1, 10**9),
)
async def test_no_look_up_raises_or_leaves_the_tree(
    checkout: Checkout,
    kind: LookupKind,
    name: str | None,
    path: str | None,
    start: int | None,
    end: int | None,
) -> None:
    lookup = CodeLookup(kind=kind, name=name, path=path, start_line=start, end_line=end)
    [found] = await answer(checkout, lookup)
    assert found.unavailable or found.snippets or found.history
    assert {snippet.path for snippet in found.snippets} <= set(FILES)
    assert "root:" not in "".join(shown(found))


def test_a_patch_has_no_tree() -> None:
    assert PatchSource(b"--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n").tree() is None
