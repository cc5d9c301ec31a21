"""Context fragments without useful code are not shown, in several languages."""

import pytest

from app.domain.review import ContextSnippet
from app.gather.context import is_idle, trimmed, without_idle


def snippet(text: str, *, path: str = "a", line: int = 1) -> ContextSnippet:
    return ContextSnippet(path=path, start_line=line, kind="rest of the file", text=text)


@pytest.mark.parametrize(
    "text",
    [
        "<?php\n\ndeclare(strict_types=1);\n\nnamespace App;\n\nuse PDO;",
        'package feed\n\nimport (\n\t"context"\n\tlog "example.org/log"\n)',
        "package shop;\n\nimport java.util.List;\nimport static java.lang.Math.max;",
        'import { useState } from "react";\nimport type {\n  Order,\n} from "./order";',
        "const path = require('path');\n'use strict';",
        "using Shop.Imports;\n\nnamespace Web;",
        "use std::sync::{Arc, Mutex};",
        "require 'json'\nrequire_relative \"team\"",
        "from a import b\nimport c",
        "  }\n});\n",
        "  end\nend",
    ],
)
def test_idle_fragments(text: str) -> None:
    assert is_idle(snippet(text))


@pytest.mark.parametrize(
    "text",
    [
        "LIMIT = 5",
        "user = load()",
        "important = 3",
        "return None",
        "}\nreturn value;",
        "useEffect(() => load(), []);",
        "packages.clear()",
        "pub struct Marker;",
        "package_size := 4",
        "modulo(3)",
    ],
)
def test_useful_fragments(text: str) -> None:
    assert not is_idle(snippet(text))


def test_idle_lines_at_the_start_are_removed() -> None:
    assert trimmed(snippet("package feed\n\nconst limit = 4", line=3)) == snippet("const limit = 4", line=5)


def test_a_class_line_is_shown_only_with_other_code_of_its_file() -> None:
    lone, head = snippet("class Alone(Base):"), snippet("final class Rounding {", path="b")
    member = snippet("    int cents() { return 1; }", path="b", line=9)
    assert without_idle([lone, head, member]) == [head, member]


def test_a_record_is_not_idle() -> None:
    record = snippet("public record Event(long id, String actor) {}")
    assert without_idle([record]) == [record]
