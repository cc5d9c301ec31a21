"""Parses source code in every supported language for gather, findings, and the analyzers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.syntax import (
    count_errors,
    definitions,
    enclosing_definition,
    enclosing_symbol,
    identifiers,
    language_of,
    parse,
)
from app.syntax.languages import DEFINITION_KINDS, EXTENSIONS

PYTHON = '''@cached
def total(items,
          rate=1):
    """Adds up."""
    def inner():
        pass
    return sum(items) * rate


class Cart:
    # a comment
    async def pay(self, amount: int) -> bool:
        return self._send(amount)

    def _send(self, amount):
        return True
'''

# Path → source, and name, kind, first line, last line, public, documented of what it defines.
Described = tuple[str, str, int, int, bool, bool]
LANGUAGES: dict[str, tuple[str, list[Described]]] = {
    "a.ts": (
        "/** Pays. */\nexport class A {\n  pay(id: string): void {}\n  private z() {}\n}\nexport const f = async () => 1\nfunction g() {}\n",
        [
            ("A", "class", 2, 5, True, True),
            ("A.pay", "method", 3, 3, True, False),
            ("A.z", "method", 4, 4, False, False),
            ("f", "function", 6, 6, True, False),
            ("g", "function", 7, 7, False, False),
        ],
    ),
    "a.go": (
        "package p\n\n// Pay pays.\nfunc Pay(id string) error { return nil }\n\ntype t struct{}\n",
        [("Pay", "function", 4, 4, True, True), ("t", "type", 6, 6, False, False)],
    ),
    "A.java": (
        "public class A {\n  /** Pays. */\n  @Override\n  public int pay(String id) { return 1; }\n}\n",
        [("A", "class", 1, 5, True, False), ("A.pay", "method", 3, 4, True, True)],
    ),
    "a.rs": (
        "/// A thing.\n#[derive(Debug)]\npub struct S { a: i32 }\nimpl S { fn p(&self) {} }\n",
        [
            ("S", "struct", 3, 3, True, True),
            ("S", "impl", 4, 4, False, False),
            ("S.p", "method", 4, 4, False, False),
        ],
    ),
    "a.rb": (
        "class A\n  # Pays.\n  def pay(id)\n    id\n  end\nend\n",
        [("A", "class", 1, 6, True, False), ("A.pay", "method", 3, 5, True, True)],
    ),
    "a.php": (
        "<?php\n/** Pays. */\nfunction pay($id) { return $id; }\n",
        [("pay", "function", 3, 3, True, True)],
    ),
    "A.cs": (
        "public class A {\n  // Pays.\n  public int Pay(string id) { return 1; }\n}\n",
        [("A", "class", 1, 4, True, False), ("A.Pay", "method", 3, 3, True, True)],
    ),
    "a.c": ("/* Pays. */\nint *pay(int a) { return 0; }\n", [("pay", "function", 2, 2, True, True)]),
    "a.ex": (
        "defmodule Shop do\n  def total(x) when x > 0 do\n    x\n  end\n\n  defp tax(x), do: x\nend\n",
        [
            ("Shop", "function", 1, 7, False, False),
            ("Shop.total", "function", 2, 4, False, False),
            ("Shop.tax", "function", 6, 6, False, False),
        ],
    ),
    "a.hs": (
        "module Shop where\n\ntotal :: Int -> Int\ntotal x = x + 1\n\ndata Cart = Cart Int\n",
        [("total", "function", 4, 4, False, False), ("Cart", "type", 6, 6, False, False)],
    ),
    "a.sol": (
        "contract Shop {\n  function total(uint a) public returns (uint) {\n    return a;\n  }\n}\n",
        [("Shop", "class", 1, 5, False, False), ("Shop.total", "method", 2, 4, False, False)],
    ),
    "a.tf": (
        'resource "aws_s3_bucket" "logs" {\n  bucket = "x"\n}\n',
        [("resource.aws_s3_bucket.logs", "block", 1, 3, False, False)],
    ),
    "a.nix": (
        "{ pkgs }:\n{\n  shell = pkgs.mkShell {\n  };\n}\n",
        [("shell", "binding", 3, 4, False, False)],
    ),
    "a.css": (".a,\n.b {\n  color: red;\n}\n", [(".a, .b", "rule", 1, 4, False, False)]),
    "a.yml": (
        "jobs:\n  build:\n    steps:\n      - run: make\n",
        [("jobs", "key", 1, 4, False, False), ("jobs.build", "key", 2, 4, False, False)],
    ),
    "a.json": (
        '{"a": {\n  "b": {"c": 1}\n}}\n',
        [("a", "key", 1, 3, False, False), ("a.b", "key", 2, 2, False, False)],
    ),
    "a.html": (
        "<div>\n<p>a</p>\n</div>\n",
        [("div", "element", 1, 3, False, False), ("div.p", "element", 2, 2, False, False)],
    ),
    "a.swift": (
        "public class A {\n  public func pay(id: Int) -> Int { return 1 }\n}\n",
        [("A", "class", 1, 3, True, False), ("A.pay", "method", 2, 2, True, False)],
    ),
    "a.scala": (
        "class A {\n  def pay(id: Int): Int = 1\n}\n",
        [("A", "class", 1, 3, True, False), ("A.pay", "method", 2, 2, True, False)],
    ),
    "a.lua": ("function pay(id)\n  return 1\nend\n", [("pay", "function", 1, 3, True, False)]),
    "a.sh": ("pay() {\n  true\n}\n", [("pay", "function", 1, 3, True, False)]),
    "a.cpp": (
        "class A {\n  int pay(int a) { return 0; }\n};\n",
        [("A", "class", 1, 3, True, False), ("A.pay", "method", 2, 2, True, False)],
    ),
    "a.kt": (
        "class A {\n  private fun pay(id: String): Int { return 1 }\n}\n",
        [("A", "class", 1, 3, True, False), ("A.pay", "method", 2, 2, False, False)],
    ),
}


def test_definitions_are_found_in_all_26_languages() -> None:
    tried = {language_of(path) for path in (*LANGUAGES, "a.py")}
    assert tried | {"tsx", "javascript"} >= set(EXTENSIONS.values())
    assert set(DEFINITION_KINDS) == set(EXTENSIONS.values())
    assert len(DEFINITION_KINDS) == 26


def described(path: str, source: str) -> list[Described]:
    return [
        (one.name, one.kind, one.start_line, one.end_line, one.public, one.documented)
        for one in definitions(path, source)
    ]


def test_python_definitions_have_names_ranges_and_documentation() -> None:
    assert described("a.py", PYTHON) == [
        ("total", "function", 1, 7, True, True),
        ("total.inner", "function", 5, 6, False, False),
        ("Cart", "class", 10, 16, True, False),
        ("Cart.pay", "method", 12, 13, True, False),
        ("Cart._send", "method", 15, 16, False, False),
    ]


def test_a_signature_is_one_line_without_the_body() -> None:
    assert [one.signature for one in definitions("a.py", PYTHON)][:4] == [
        "def total(items, rate=1)",
        "def inner()",
        "class Cart",
        "async def pay(self, amount: int) -> bool",
    ]


@pytest.mark.parametrize("path", LANGUAGES)
def test_definitions_are_found_in_each_language(path: str) -> None:
    source, expected = LANGUAGES[path]
    assert described(path, source) == expected


def test_the_symbol_around_a_line_is_the_innermost() -> None:
    assert [enclosing_symbol("a.py", PYTHON, line) for line in (1, 6, 7, 8, 13)] == [
        "total",
        "total.inner",
        "total",
        None,
        "Cart.pay",
    ]


def test_the_definition_around_a_line_has_its_text() -> None:
    assert enclosing_definition("a.py", PYTHON, 16) == (
        15,
        16,
        "    def _send(self, amount):\n        return True",
    )
    assert enclosing_definition("a.py", PYTHON, 9) is None


def test_identifiers_are_listed_once_and_in_order() -> None:
    assert identifiers("a.py", PYTHON, [7, 13]) == ["sum", "items", "rate", "self", "_send", "amount"]
    assert identifiers("a.py", PYTHON, []) == []


@pytest.mark.parametrize(
    ("path", "source", "errors"),
    [("a.py", PYTHON, 0), ("a.js", "f(1);", 0), ("a.unknown", "(((", None), ("README.md", "# a", None)],
)
def test_errors_are_counted_if_the_language_is_known(path: str, source: str, errors: int | None) -> None:
    assert count_errors(path, source) == errors


def test_broken_code_has_errors() -> None:
    assert (count_errors("a.py", "def f(:\n") or 0) > 0


def test_a_text_that_is_too_large_is_not_parsed() -> None:
    assert count_errors("a.py", "x = 1\n" * 200_000) is None
    assert definitions("a.py", "def f(): pass\n" * 100_000) == []


@pytest.mark.parametrize("language", sorted(set(EXTENSIONS.values())))
def test_every_listed_language_can_be_parsed(language: str) -> None:
    root = parse(language, "x")
    assert root is not None
    for kind in DEFINITION_KINDS.get(language, {}):
        root.find_all(kind=kind)


def test_a_language_outside_the_list_never_reaches_the_parser() -> None:
    assert parse("cobol", "x") is None
    assert language_of("a.COBOL") is None
    assert language_of("B.PY") == "python"


@given(st.sampled_from(sorted(EXTENSIONS)), st.text(alphabet=st.characters(), max_size=200))
def test_no_text_raises(extension: str, source: str) -> None:
    path = f"a{extension}"
    for one in definitions(path, source):
        assert 1 <= one.start_line <= one.end_line <= source.count("\n") + 1
    enclosing_symbol(path, source, 1)
    identifiers(path, source, [1, 2])
    count_errors(path, source)


def test_a_minified_line_is_not_parsed() -> None:
    minified = "function a(){" + "function b(){return 1}" * 20_000 + "}\n"
    assert [one.name for one in definitions("a.js", f"{minified}function pay() {{}}\n")] == ["pay"]
    assert identifiers("a.js", minified, [1]) == []


@pytest.mark.parametrize(
    ("path", "source", "language"),
    [
        ("deploy", "#!/usr/bin/env python3\n", "python"),
        ("deploy", "#!/usr/bin/env -S python3.12 -u\n", "python"),
        ("bin/run", "#! /usr/local/bin/node\n", "javascript"),
        ("SConstruct", "", "python"),
        ("site/wscript", "", "python"),
        ("evil.py ", "", "python"),
        ("notes", "#!/usr/bin/awk -f\n", None),
        ("notes", "# python\n", None),
        ("notes.txt", "#!" + "/" * 100_000, None),
    ],
)
def test_code_without_an_extension_is_recognized(path: str, source: str, language: str | None) -> None:
    """Otherwise no analyzer reads it, and without a model nothing would."""
    assert language_of(path, source) == language
