"""Code that others wrote never enters the context: minified files, dependencies, package managers, mail templates."""

from collections.abc import Sequence

import pytest

from app.domain.diff import Side
from app.domain.pull_request import TextMatch
from app.gather.bundled import OwnCode, is_boilerplate, is_bundled
from app.gather.contents import folder_candidates

MAIL = '<!DOCTYPE html>\n<html xmlns:v="urn:schemas-microsoft-com:vml">\n<!--[if (gte mso 9)|(IE)]><table><![endif]-->'


@pytest.mark.parametrize(
    "path",
    [
        "node_modules/left-pad/index.js",
        "packages/web/node_modules/x/y.ts",
        "src/pip/_vendor/requests/models.py",
        "vendor/github.com/pkg/errors/errors.go",
        "third_party/zlib/inflate.c",
        "ios/Pods/AFNetworking/AFURLSessionManager.m",
        ".yarn/releases/yarn-4.1.0.cjs",
        ".yarn/plugins/@yarnpkg/plugin-x.cjs",
        ".pnp.cjs",
        ".pnp.loader.mjs",
        "tools/yarn-1.22.19.js",
        "priv/static/phoenix.min.js",
        "assets/site-min.css",
        "dist/app.bundle.js",
        "static/js/jquery-3.7.1.js",
        "static/js/jquery.js",
        "public/vue-2.6.11.js",
        "gradlew",
        "scripts/get-pip.py",
        "app.js.map",
        "tests/__snapshots__/view.test.ts.snap",
        "app/views/mailers/layout.html.erb",
        "templates/emails/welcome.html",
        "resources/mail/order.blade.css",
    ],
)
def test_others_code_is_known_by_its_path(path: str) -> None:
    assert is_bundled(path)


@pytest.mark.parametrize(
    "path",
    [
        "shop/cart.py",
        "src/vendors.py",
        "app/models/vendor.rb",
        "webpack.prod.js",
        "src/minimum.js",
        "src/admin.js",
        "src/moment.js",
        "src/react/app.tsx",
        "app/mailers/user_mailer.rb",
        "src/email/send.py",
        "lib/emails/render.ts",
        "templates/shop/cart.html",
        "bundle/loader.js",
        "gradlew/build.py",
    ],
)
def test_the_teams_code_is_no_others_code(path: str) -> None:
    assert not is_bundled(path)


@pytest.mark.parametrize(
    ("text", "is_others"),
    [
        (MAIL, True),
        ("<mjml><mj-body></mj-body></mjml>", True),
        ("!function(e){" + "var a=1;" * 500 + "}();\n", True),
        (
            "// js/phoenix/utils.js\nvar closure = (value) => value;\n//# sourceMappingURL=phoenix.mjs.map\n",
            True,
        ),
        ("/******/ (() => {\n/******/ \tvar __webpack_modules__ = ({", True),
        ("var __defProp = Object.defineProperty;\n", True),
        ("(function (global, factory) {\n  typeof exports === 'object'", True),
        ("// see sourceMappingURL= in the docs\n", False),
        ("x = 1\n" * 2_000, False),
        ("<html><body>Total: {{ total }}</body></html>", False),
        ("", False),
        ("one long line " * 20, False),
    ],
)
def test_minified_text_and_pages_for_mail_programs_are_known_by_their_text(
    text: str, is_others: bool
) -> None:
    assert is_boilerplate(text) is is_others


class Tree:
    """A tree in which every file contains the word."""

    def paths(self) -> Sequence[str]:
        return [*(f"node_modules/{number}.js" for number in range(500)), "vendor/a.go", "shop/cart.js"]

    async def grep(self, word: str, *, limit: int) -> list[TextMatch]:
        return [TextMatch(path=path, line=1, text=word) for path in self.paths()][:limit]

    async def blob(self, path: str, side: Side) -> bytes | None:
        del side
        return MAIL.encode() if path == "mail.html" else b"x = 1\n"


async def found(*changed: str) -> set[str]:
    return {match.path for match in await OwnCode(Tree(), changed=changed).grep("x", limit=200)}


async def test_matches_in_others_code_neither_count_nor_take_the_room_of_the_teams() -> None:
    assert await found("shop/pay.js") == {"shop/cart.js"}
    assert await OwnCode(Tree(), changed=()).blob("mail.html", Side.RIGHT) is None
    assert await OwnCode(Tree(), changed=()).blob("cart.py", Side.RIGHT) == b"x = 1\n"


async def test_a_change_of_a_dependency_gets_context_from_the_same_folder() -> None:
    assert await found("vendor/b.go") == {"vendor/a.go", "shop/cart.js"}


def test_dependencies_have_no_guidelines_of_the_team() -> None:
    named = ["AGENTS.md", "CONTRIBUTING.md"]
    candidates = folder_candidates(["web/node_modules/x/y.js", "web/app/cart.js"], named=named)
    assert any(each.startswith("web/app/") for each in candidates)
    assert any(each.startswith("web/") for each in candidates)
    assert not any("node_modules" in each for each in candidates)
